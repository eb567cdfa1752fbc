/*
 * yield: what does it cost to let the next task run, and to come back to a working set that others have evicted?
 *
 * Method       All tasks yield in turn. With ws_kib above 0 each passes over a working set of its own (one write a
 *              cache line) between two yields; the same pass, repeated by one task without yielding, is the
 *              warm cost that stands beside (touch_warm_ns).
 * Unit         ns a yield, over all tasks: elapsed / (tasks x yields); the pass is inside when ws_kib > 0.
 * Expectation  One P: 45 to 160 ns for goroutines, 640 to 930 for threads. beyond_touch_ns (figure minus warm pass)
 *              stays near the direct cost while tasks x ws_kib fits the cache and then grows by refill.
 * Falsified by switches_per_operation well below 1: then nobody else ran in between.
 * Known lies   With several Ps it is the inverse of the throughput. With as many Ps as tasks a yield finds nobody
 *              and measures an empty queue: switches_per_operation tells. sched_yield of a thread alone on its CPU
 *              switches to nobody.
 */
#include <math.h>

#include "crowd.h"
#include "gate.h"
#include "usage.h"
#include "workloads.h"

static const struct param yield_params[] = {
    {"ws_kib", PARAM_INT, 0, 1024, "0", NULL, "working set of each task that it passes over between yields, KiB"},
    {0},
};

struct yielder {
    struct yields *all;
    char *set;
    uint64_t done;
} __attribute__((aligned(64)));

struct yields {
    struct point *pt;
    struct gate gate;
    struct yielder *tasks;
    uint64_t ntasks, rounds, set_bytes;
    int64_t counted;
};

static inline void pass_over(char *set, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += 64) {
        set[at]++;
        __asm__ volatile("" ::: "memory");
    }
}

static void yield_task(void *arg) {
    struct yielder *y = arg;
    gate_wait(&y->all->gate);
    for (uint64_t i = 0; i < y->all->rounds; i++) {
        pass_over(y->set, y->all->set_bytes);
        be_yield();
        y->done++;
    }
    gate_leave(&y->all->gate);
}

static double yield_batch(void *state, uint64_t n) {
    struct yields *w = state;
    w->rounds = n;
    gate_init(&w->gate, w->ntasks);
    for (uint64_t i = 0; i < w->ntasks; i++) gate_go(w->pt, &w->gate, yield_task, &w->tasks[i]);
    int64_t elapsed_ns = gate_run(&w->gate);
    return (double)elapsed_ns / (double)(n * w->ntasks);
}

static int64_t yield_counted(const void *state) {
    const struct yields *w = state;
    int64_t all = 0;
    for (uint64_t i = 0; i < w->ntasks; i++) all += (int64_t)w->tasks[i].done;
    return all;
}

/* The least of several: the cost of a pass with the set in the cache. */
static double warm_pass_ns(char *set, uint64_t bytes) {
    enum { TRIES = 50, PASSES = 20 };
    double best = INFINITY;
    for (int t = 0; t < TRIES; t++) {
        int64_t start = point_now();
        for (int i = 0; i < PASSES; i++) pass_over(set, bytes);
        double each = (double)(point_now() - start) / PASSES;
        if (each < best) best = each;
    }
    return best;
}

static double least(const double *v, int64_t n) {
    double m = v[0];
    for (int64_t i = 1; i < n; i++) m = v[i] < m ? v[i] : m;
    return m;
}

static bool yield_prepare(struct point *pt) {
    if (pt->tasks * point_int(pt, "ws_kib") <= 4 * 1024 * 1024) return true;
    return point_usage(pt, "yield: --tasks times ws_kib is above 4 GiB");
}

static int64_t yield_parked(const struct point *pt) {
    return pt->tasks;
}

static void yield_run(struct point *pt) {
    struct yields w = {.pt = pt, .ntasks = (uint64_t)pt->tasks, .set_bytes = (uint64_t)point_int(pt, "ws_kib") * 1024};
    int64_t cpu_ns = 0, elapsed_ns = 0;
    char *sets = w.set_bytes ? point_alloc(pt, w.ntasks, w.set_bytes) : NULL;
    w.tasks = aligned_alloc(64, w.ntasks * sizeof *w.tasks);
    if (!w.tasks) point_fail(pt, "no memory for %llu tasks", (unsigned long long)w.ntasks);
    for (uint64_t i = 0; pt->status == POINT_OK && i < w.ntasks; i++)
        w.tasks[i] = (struct yielder){&w, sets ? sets + i * w.set_bytes : NULL, 0};
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {yield_batch, &w, 100, false, w.ntasks, yield_counted};
        cpu_ns = -usage_cpu_ns(), elapsed_ns = -point_now();
        point_measure(pt, &plan);
        cpu_ns += usage_cpu_ns(), elapsed_ns += point_now();
    }
    /* On one P each yield is a switch; beside them each task starts, waits at the gate, and goes on, once a batch. */
    if (pt->status == POINT_OK && pt->config.procs == 1 && pt->tasks > 1)
        point_check_switches(pt, pt->operations + 2 * pt->tasks * pt->nsamples);
    if (pt->status == POINT_OK && sets) {
        double warm = warm_pass_ns(sets, w.set_bytes);
        point_metric(pt, "touch_warm_ns", warm, "ns", "lower");
        if (cpu_ns < elapsed_ns + elapsed_ns / 4)
            point_metric(pt, "beyond_touch_ns", least(pt->samples, pt->nsamples) - warm, "ns", "lower");
        else
            point_metric_unavailable(pt, "beyond_touch_ns", "several CPUs passed over sets at once, so a yield's time is not that of a pass");
    }
    free(w.tasks);
    free(sets);
}

const struct workload yield = {
    .name = "yield",
    .doc = "tasks yield to each other, with a working set each: direct cost and cache refill",
    .metric = "yield_ns", .unit = "ns", .better = "lower",
    .tasks = 64, .tasks_min = 1, .tasks_max = 1000000,
    .params = yield_params,
    .prepare = yield_prepare,
    .parked = yield_parked,
    .run = yield_run,
};
