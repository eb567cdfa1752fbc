/*
 * placement: where does a task go on when its blocking call has ended?
 *
 * Method       One task makes short blocking calls (a read of a timerfd that fires hold_us later), with every P bound to a
 *              CPU of its own (--cpus); sched_getcpu() before and after says whether the P is the same. Computing tasks,
 *              one a P, take over the P meanwhile, so that the old one is not merely the only one awake. shuffle=1: the task
 *              sleeps until a due time of its own instead and yields, which lets any P take it: the control.
 * Unit         stayed: calls after which it was on the CPU of before, percent.
 * Expectation  A random choice among n Ps: 100 / n. The old P where it is free, else an idle one, else a global queue: above.
 * Falsified by figures that move with the number of calls.
 * Known lies   Unpinned it says nothing. A thread that lost its P is itself moved by the kernel to a CPU of another P.
 */
#include <sched.h>

#include "crowd.h"
#include "fds.h"
#include "timer_wait.h"
#include "workloads.h"

static const struct param placement_params[] = {
    {"hold_us", PARAM_INT, 1, 1000000, "300", NULL, "length of a call, microseconds"},
    {"shuffle", PARAM_INT, 0, 1, "0", NULL, "1: no blocking call; the task is handed to another P on purpose"},
    {0},
};

enum { CALLS = 50 };

struct placement {
    struct point *pt;
    struct be_wg wg;
    struct hogs hogs;
    int fd;
    int64_t hold_ns, stayed, counted;
    bool shuffle;
};

struct hop {
    struct be_wg wg;
    int cpu;
};

static void hop_task(void *arg) {
    struct hop *h = arg;
    h->cpu = sched_getcpu();
    be_wg_done(&h->wg);
}

static void calling_task(void *arg) {
    struct placement *p = arg;
    p->stayed = 0;
    for (int i = 0; i < CALLS; i++) {
        int before = sched_getcpu(), after;
        if (p->shuffle) {
            struct hop h = {.cpu = -1};
            be_wg_add(&h.wg, 1);
            if (!point_go(p->pt, hop_task, &h)) break;
            burst_iterations(300000, (uint64_t)i); /* keeps this P, so that another must take the hop */
            be_wg_wait(&h.wg);
            after = h.cpu;
        } else {
            if (!timer_wait(p->fd, false, p->hold_ns)) break;
            after = sched_getcpu();
        }
        p->stayed += after == before;
        p->counted++;
    }
    be_wg_done(&p->wg);
}

static double placement_batch(void *state, uint64_t n) {
    struct placement *p = state;
    (void)n;
    atomic_store(&p->hogs.stop, false);
    if (!p->shuffle) hogs_start(p->pt, &p->hogs, p->pt->config.procs - 1);
    crowd_go(p->pt, &p->wg, calling_task, p, 0, 1);
    be_wg_wait(&p->wg);
    if (!p->shuffle) hogs_stop(&p->hogs);
    return 100.0 * (double)p->stayed / CALLS;
}

static int64_t placement_counted(const void *state) {
    return ((const struct placement *)state)->counted;
}

static void placement_run(struct point *pt) {
    struct placement p = {.pt = pt, .hold_ns = point_int(pt, "hold_us") * 1000, .shuffle = point_int(pt, "shuffle") == 1};
    if (pt->config.ncpus == 0) {
        point_not_applicable(pt, "without --cpus a P has no CPU of its own, and a place says nothing");
        return;
    }
    p.fd = timer_wait_open(pt, false);
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {placement_batch, &p, 1, true, CALLS, placement_counted};
        point_measure(pt, &plan);
    }
    timer_wait_close(p.fd, false);
}

const struct workload placement = {
    .name = "placement",
    .doc = "where a task goes on when its blocking call has ended",
    .metric = "stayed", .unit = "%", .better = "higher",
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = placement_params,
    .run = placement_run,
};
