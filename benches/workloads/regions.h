/*
 * regions: hardware counters of three stretches of a stolen task's way, one group a thread (perf_group.h).
 *
 *   steal_loop   what the thief's thread executed from the end of its last stolen task to the first instruction of the
 *                next: its search, and the switch
 *   after_steal  the first pass over the payload behind a steal
 *   after_local  the same behind a local pop: the control
 *
 * A visit reads its own thread's group; the main task alone adds to the regions, and only what ran where it should.
 */
#pragma once

#include "base/perf_group.h"

struct point;

struct regions {
    struct perf_choice wanted[PERF_GROUP_EVENTS];
    char named[PERF_GROUP_EVENTS][PERF_NAME_BYTES];  /* of events asked for by the user */
    size_t nwanted;
    struct perf_group own;     /* of the main task's thread: says what can be had */
    struct perf_region steal_loop, after_steal, after_local;
};

/* One visit's readings: written by the visited task, read by the main task once the visit is over. */
struct region_visit {
    const struct regions *regions;
    int64_t round;
    bool counted, searched;    /* start and end were read; this thread also ended the round before */
    struct perf_reading searched_from, start, end;
};

/* events: the user's own, joined by '+', or "" for cycles, lines from another core, misses of the last level and
 * instructions. True when at least one event can be had here. */
bool regions_open(struct regions *r, const char *events);
void regions_close(struct regions *r);

/* Called by the visited task around its first pass. */
void regions_enter(struct region_visit *v);
void regions_leave(struct region_visit *v);

void regions_add(struct regions *r, const struct region_visit *v, bool stolen);

/* Metrics "<region>_<event>" for a stretch, "steal_extra_<event>" (behind a steal less behind a local pop), and
 * counters_running_percent; or why there are none. */
void regions_report(const struct regions *r, struct point *pt);
