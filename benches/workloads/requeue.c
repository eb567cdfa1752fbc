/*
 * requeue: where does a preempted task go?
 *
 * Method       On one P (--procs 1) a hog is made, then --tasks short tasks. The hog reads, between pieces of its
 *              computing, how many of the short ones have run: the first time that the count has moved, it was preempted
 *              and has come back, and the difference is how many went before it.
 * Unit         tasks that ran while the hog was off the P.
 * Expectation  Behind the local queue: all of them. In the global queue, which every 61st schedule looks at first: at most 61.
 *              A kernel's threads: all of them, or those that its slice lets through.
 * Falsified by 0: then the hog was not preempted within hog_ms.
 * Known lies   The newest short task runs before the hog and is left out. A single hog: nothing competes for the global queue.
 */
#include <stdatomic.h>

#include "crowd.h"
#include "workloads.h"

static const struct param requeue_params[] = {
    {"hog_ms", PARAM_INT, 1, 60000, "100", NULL, "longest calibrated work of the hog, milliseconds"},
    {0},
};

struct requeue {
    struct point *pt;
    struct be_wg wg;
    _Atomic int64_t ran;
    int64_t jump, counted;
    uint64_t n, pieces, iterations;
};

static void requeue_hog(void *arg) {
    struct requeue *r = arg;
    int64_t before = atomic_load(&r->ran);
    for (uint64_t i = 0; i < r->pieces && r->jump == 0; i++) {
        burst_iterations(r->iterations, i);
        r->jump = atomic_load(&r->ran) - before;
    }
    be_wg_done(&r->wg);
}

static void short_task(void *arg) {
    struct requeue *r = arg;
    atomic_fetch_add(&r->ran, 1);
    be_wg_done(&r->wg);
}

static double requeue_batch(void *state, uint64_t n) {
    struct requeue *r = state;
    (void)n;
    atomic_store(&r->ran, 0);
    r->jump = 0;
    if (crowd_go(r->pt, &r->wg, requeue_hog, r, 0, 1)) crowd_go(r->pt, &r->wg, short_task, r, 0, r->n);
    be_wg_wait(&r->wg);
    r->counted += atomic_load(&r->ran);
    return (double)r->jump;
}

static int64_t requeue_counted(const void *state) {
    return ((const struct requeue *)state)->counted;
}

static void requeue_run(struct point *pt) {
    enum { PIECE_NS = 5000 };
    double per_ns = burst_calibrate();
    struct requeue r = {.pt = pt, .n = (uint64_t)pt->tasks, .iterations = burst_for(per_ns, PIECE_NS),
                        .pieces = (uint64_t)point_int(pt, "hog_ms") * 1000000 / PIECE_NS};
    struct batch_plan plan = {requeue_batch, &r, 1, true, r.n, requeue_counted};
    point_measure(pt, &plan);
}

const struct workload requeue = {
    .name = "requeue",
    .doc = "a preempted hog before short tasks: how many of them run until it is back",
    .metric = "ran_meanwhile", .unit = "tasks", .better = "lower",
    .tasks = 250, .tasks_min = 1, .tasks_max = 100000,
    .params = requeue_params,
    .run = requeue_run,
};
