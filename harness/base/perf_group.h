/*
 * perf_group: up to four counters of the calling thread that go onto the PMU together, so that their figures
 * belong to the same instructions; and regions, which add up what lies between two readings. A group belongs to
 * the thread that opened it; a region belongs to whoever adds to it, and is not locked.
 *
 * Multiplexed counts are never shown raw: a region sums counts and both times, and scales the sums. A stretch
 * in which the group was not on the PMU at all, or in which a counter went backwards, is left out and counted.
 */
#ifndef TRINE_BASE_PERF_GROUP_H
#define TRINE_BASE_PERF_GROUP_H

#include "base/perf_event.h"

enum { PERF_GROUP_EVENTS = 4, PERF_NAME_BYTES = 64, PERF_WHY_BYTES = 160 };

/* What is wanted, best first, ended by NULL: an exact event, then the generic one that stands in for it. */
struct perf_choice {
    const char *names[4];
};

struct perf_event {
    char name[PERF_NAME_BYTES];        /* of the choice that was opened; the last one tried when none was */
    char unavailable[PERF_WHY_BYTES];  /* "" when fd is open */
    int fd;                            /* -1: not open */
    size_t place;                      /* in what read() of the group gives */
};

struct perf_group {
    const struct pmu_seam *seam;
    struct perf_event e[PERF_GROUP_EVENTS];
    size_t n, nopen;
    int leader_fd; /* -1: no event could be had */
};

/* Counting starts here. user_only leaves the kernel out, the calls that read the group with it. True when at
 * least one event is open; each of the others says why it is not. */
bool perf_group_open(struct perf_group *g, const struct pmu_seam *seam, const struct perf_choice *wanted,
                     size_t n, bool user_only);
void perf_group_close(struct perf_group *g);

struct perf_reading {
    uint64_t raw[PERF_GROUP_EVENTS]; /* by event of the group; 0 where it is not open */
    uint64_t enabled_ns, running_ns;
};
/* False with *why when the kernel gave nothing usable. */
bool perf_group_read(const struct perf_group *g, struct perf_reading *out, const char **why);

struct perf_region {
    uint64_t raw[PERF_GROUP_EVENTS], enabled_ns, running_ns;
    uint64_t stretches, lost; /* added; left out */
};
void perf_region_add(struct perf_region *r, const struct perf_reading *from, const struct perf_reading *to);
/* The scaled mean of one event over the stretches, in out->value; false with *why when there is none. */
bool perf_region_mean(const struct perf_region *r, size_t event, struct pmu_value *out, const char **why);

#endif
