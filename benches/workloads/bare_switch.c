/*
 * switch: what does exchanging one context for another cost, without any scheduler?
 *
 * Method       Two contexts switch to and fro by the backend's own primitive: libtrine's switch, Boost's fcontext,
 *              and for backend bare a swap written inline for this loop, which nothing general can beat.
 * Unit         ns a switch, one way: elapsed / (2 x round trips).
 * Expectation  2.0 for the inline swap and for libtrine, 4.3 for fcontext.
 * Falsified by a count of the other side that differs from the round trips, or a figure below one indirect jump.
 * Known lies   Both stacks stay in L1 and every jump is predicted: a scheduler that picks among thousands pays for
 *              both (workload yield). Nothing is live across the switch in this loop, so nothing is spilled.
 */
#include "point.h"
#include "workloads.h"

static const struct param switch_params[] = {{0}};

#ifdef BE_HAS_SWITCH
struct switches {
    struct point *pt;
    int64_t counted;
};

static double switch_batch(void *state, uint64_t n) {
    struct switches *w = state;
    int64_t start = point_now();
    if (be_switch_trips(n)) w->counted += 2 * (int64_t)n;
    return (double)(point_now() - start) / (double)(2 * n);
}

static int64_t switch_counted(const void *state) {
    return ((const struct switches *)state)->counted;
}

static void switch_run(struct point *pt) {
    struct switches w = {.pt = pt};
    struct batch_plan plan = {switch_batch, &w, 1000, false, 2, switch_counted};
    point_measure(pt, &plan);
}
#define LACKS NULL
#else
#define switch_run NULL
#define LACKS "no context switch of its own to show"
#endif

const struct workload bare_switch = {
    .name = "switch",
    .doc = "the bare context switch, without a scheduler",
    .metric = "bare_switch_ns", .unit = "ns", .better = "lower",
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = switch_params,
    .lacks = LACKS,
    .run = switch_run,
};
