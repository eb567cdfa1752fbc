/*
 * limit: does address space give out before the number of threads does?
 *
 * Method       The process limits its own address space to as_mib (RLIMIT_AS), then --tasks tasks each block their thread in
 *              a read for hold_ms. Whoever cannot make a thread any more ends here, in this process.
 * Unit         ns until all have ended; that there is a record at all is the answer, and how the process ended if not.
 * Expectation  Threads with stacks of 8 MiB: dead after as_mib / 8. Runtimes whose threads have small stacks: alive.
 * Falsified by a process of 8 MiB stacks that makes more threads than fit.
 * Known lies   Address space is not memory: the limit stands for a machine (or a container) that does not overcommit.
 */
#include <sys/resource.h>

#include "crowd.h"
#include "fds.h"
#include "timer_wait.h"
#include "workloads.h"

static const struct param limit_params[] = {
    {"as_mib", PARAM_INT, 64, 1048576, "4096", NULL, "address space that the process may have, MiB"},
    {"hold_ms", PARAM_INT, 1, 10000, "300", NULL, "how long each call blocks"},
    {0},
};

struct limited {
    struct limits *all;
    int fd;
    bool done;
};

struct limits {
    struct point *pt;
    struct be_wg wg;
    struct limited *tasks;
    int64_t hold_ns, counted;
    uint64_t n;
};

static void limited_task(void *arg) {
    struct limited *t = arg;
    t->done = timer_wait(t->fd, false, t->all->hold_ns);
    be_wg_done(&t->all->wg);
}

static double limit_batch(void *state, uint64_t n) {
    struct limits *l = state;
    (void)n;
    int64_t start = point_now();
    crowd_go(l->pt, &l->wg, limited_task, l->tasks, sizeof *l->tasks, l->n);
    be_wg_wait(&l->wg);
    for (uint64_t i = 0; i < l->n; i++) l->counted += l->tasks[i].done;
    return (double)(point_now() - start);
}

static int64_t limit_counted(const void *state) {
    return ((const struct limits *)state)->counted;
}

static int64_t limit_parked(const struct point *pt) {
    return pt->tasks;
}

static void limit_run(struct point *pt) {
    rlim_t bytes = (rlim_t)point_int(pt, "as_mib") << 20;
    struct limits l = {.pt = pt, .n = (uint64_t)pt->tasks, .hold_ns = point_int(pt, "hold_ms") * 1000000};
    l.tasks = point_alloc(pt, l.n, sizeof *l.tasks);
    if (!l.tasks || !fds_need(pt, l.n)) return;
    for (uint64_t i = 0; i < l.n; i++)
        l.tasks[i] = (struct limited){&l, pt->status == POINT_OK ? timer_wait_open(pt, false) : -1, false};
    if (setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes})) point_fail(pt, "RLIMIT_AS could not be set");
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {limit_batch, &l, 1, true, l.n, limit_counted};
        point_measure(pt, &plan);
    }
    for (uint64_t i = 0; i < l.n; i++) timer_wait_close(l.tasks[i].fd, false);
    free(l.tasks);
}

const struct workload limit = {
    .name = "limit",
    .doc = "tasks that block their threads in a process of limited address space: does it live?",
    .metric = "total_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 30000,
    .params = limit_params,
    .parked = limit_parked,
    .run = limit_run,
};
