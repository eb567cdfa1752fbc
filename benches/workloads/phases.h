/*
 * The calls that a request makes to services: phases one after the other, calls of one phase side by side (a
 * task each, the first by the request's own) or, in sequential order, one after the other.
 */
#pragma once

#include "mux.h"

enum { PHASES_MAX = 6, PHASE_CALLS = 8, PHASES_CALLS_MAX = 24 };

struct phases {
    int n, ncalls;
    struct {
        int n;
        uint32_t us[PHASE_CALLS];
    } phase[PHASES_MAX];
    bool sequential;
};

/* "100000/150000+100000": microseconds; calls of a phase joined by +, phases by /. False: it is anything else. */
bool phases_parse(struct phases *p, const char *text);

/* The shortest that a request can take. */
int64_t phases_least_ns(const struct phases *p);

/* A request's calls, so that another task can cancel them. */
struct phases_run {
    const struct phases *phases;
    struct mux *mux;
    struct be_mutex lock;            /* guards the two below */
    bool cancelled;
    mux_ticket tickets[PHASES_CALLS_MAX];
};

void phases_begin(struct phases_run *r, const struct phases *phases, struct mux *mux);
/* Do calls side by side have tasks of their own, of which one at least must have a thread while the rest wait for it? */
bool phases_need_a_task(const struct phases *p);
/* SERVICE_OK when all calls ended so; else the first other outcome. A phase after a failed one is not begun. */
int phases_make(struct phases_run *r);
/* Any task: what is under way ends with -ECANCELED, and nothing further begins. */
void phases_cancel(struct phases_run *r);
