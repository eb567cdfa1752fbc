/*
 * progress: do computing tasks go on while others sit in blocking system calls?
 *
 * Method       `blocked` tasks each read a timerfd, by a call that blocks its thread, for hold_ms; then --tasks tasks each
 *              compute for work_us. The clock runs from the first that is made until the last computing one has ended.
 * Unit         ns. ideal_ns beside it: tasks x work_us / procs.
 * Expectation  Near ideal_ns where a blocked thread hands its P on; hold_ms where it does not (rt.ablate=no_handoff) and
 *              there are as many blocked tasks as Ps; a pool with fewer threads than blocked tasks: hold_ms too.
 * Falsified by a figure above hold_ms with hand-off.
 * Known lies   The blocked tasks are made first and are inside the figure (microseconds, and the time until a monitor takes
 *              their Ps away).
 */
#include "crowd.h"
#include "fds.h"
#include "timer_wait.h"
#include "workloads.h"

static const struct param progress_params[] = {
    {"blocked", PARAM_INT, 0, 10000, "10", NULL, "tasks in blocking calls"},
    {"hold_ms", PARAM_INT, 1, 10000, "200", NULL, "how long their calls last"},
    {"work_us", PARAM_INT, 1, 1000000, "200", NULL, "calibrated work of a computing task, microseconds"},
    {0},
};

struct blocked_call {
    struct progress *all;
    int fd;
};

struct progress {
    struct point *pt;
    struct be_wg computing, blocked;
    struct blocked_call *calls;
    uint64_t n, ncalls, iterations;
    int64_t hold_ns, counted;
};

struct compute {
    struct progress *all;
    bool done;
};

static void call_task(void *arg) {
    struct blocked_call *c = arg;
    if (!timer_wait(c->fd, false, c->all->hold_ns)) point_fail(c->all->pt, "a blocking read of a timerfd failed");
    be_wg_done(&c->all->blocked);
}

static void compute_task(void *arg) {
    struct compute *c = arg;
    burst_iterations(c->all->iterations, 1);
    c->done = true;
    be_wg_done(&c->all->computing);
}

static double progress_batch(void *state, uint64_t n) {
    struct progress *p = state;
    struct compute *tasks = point_alloc(p->pt, p->n, sizeof *tasks);
    (void)n;
    if (!tasks) return 0;
    for (uint64_t i = 0; i < p->n; i++) tasks[i].all = p;
    int64_t start = point_now();
    crowd_go(p->pt, &p->blocked, call_task, p->calls, sizeof *p->calls, p->ncalls);
    be_yield();
    crowd_go(p->pt, &p->computing, compute_task, tasks, sizeof *tasks, p->n);
    be_wg_wait(&p->computing);
    int64_t elapsed_ns = point_now() - start;
    be_wg_wait(&p->blocked);
    for (uint64_t i = 0; i < p->n; i++) p->counted += tasks[i].done;
    free(tasks);
    return (double)elapsed_ns;
}

static int64_t progress_counted(const void *state) {
    return ((const struct progress *)state)->counted;
}

static void progress_run(struct point *pt) {
    double work_ns = (double)point_int(pt, "work_us") * 1000;
    struct progress p = {.pt = pt, .n = (uint64_t)pt->tasks, .ncalls = (uint64_t)point_int(pt, "blocked"),
                         .hold_ns = point_int(pt, "hold_ms") * 1000000,
                         .iterations = burst_for(burst_calibrate(), work_ns)};
    p.calls = point_alloc(pt, p.ncalls + 1, sizeof *p.calls);
    if (!p.calls || !fds_need(pt, p.ncalls)) return;
    for (uint64_t i = 0; i < p.ncalls; i++)
        p.calls[i] = (struct blocked_call){&p, pt->status == POINT_OK ? timer_wait_open(pt, false) : -1};
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {progress_batch, &p, 1, true, p.n, progress_counted};
        point_measure(pt, &plan);
        point_metric(pt, "ideal_ns", work_ns * (double)p.n / pt->config.procs, "ns", "lower");
    }
    for (uint64_t i = 0; i < p.ncalls; i++) timer_wait_close(p.calls[i].fd, false);
    free(p.calls);
}

const struct workload progress = {
    .name = "progress",
    .doc = "computing tasks beside others in blocking calls: do they go on?",
    .metric = "computed_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 1, .tasks_max = 100000,
    .params = progress_params,
    .run = progress_run,
};
