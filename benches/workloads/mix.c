/*
 * mix: what happens to throughput and response when tasks alternate between computing and waiting?
 *
 * Method       Each task repeats a cycle of cycle_us: (100 - io_percent) % of it computes, the rest waits, through a
 *              timer of the runtime, a timerfd in the network poller (wait=fd), or a timerfd read by a blocking
 *              call (wait=block).
 * Unit         cycles a second over all tasks. Histogram: from the moment at which the wait was due to end until the
 *              computation after it has ended: the response that a user of this cycle sees, with its queueing.
 * Expectation  Throughput is bounded by procs / computing share, then by tasks / cycle; the p99 rises where the
 *              first bound is met.
 * Falsified by throughput above either bound by more than the calibration's error.
 * Known lies   A closed loop: tasks that are late start their next wait later, so it does not show what an arrival
 *              stream would suffer (workload latency does). With io_percent 0 nothing waits and there is no histogram.
 */
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "crowd.h"
#include "fds.h"
#include "workloads.h"

static const char *const mix_waits[] = {"timer", "fd", "block", NULL};

static const struct param mix_params[] = {
    {"io_percent", PARAM_INT, 0, 100, "50", NULL, "share of a cycle that waits"},
    {"cycle_us", PARAM_INT, 10, 1000000, "200", NULL, "computing and waiting of one cycle together, microseconds"},
    {"wait", PARAM_CHOICE, 0, 0, "timer", mix_waits,
     "timer: the runtime's sleep; fd: a timerfd in the poller; block: a blocking read of a timerfd"},
    {0},
};

struct mixer {
    struct mix *all;
    int64_t *late_ns;            /* one slot a cycle */
    uint64_t done;
    int fd;
} __attribute__((aligned(64)));

struct mix {
    struct point *pt;
    struct be_wg wg;
    struct mixer *mixers;
    int64_t *late_ns;
    struct hist *hist;
    uint64_t n, rounds, iterations, room;
    int64_t wait_ns;
    enum { WAIT_TIMER, WAIT_FD, WAIT_BLOCK } wait;
};

/* False: it did not wait. */
static bool mix_wait(struct mixer *m) {
    struct mix *w = m->all;
    uint64_t expirations;
    if (w->wait == WAIT_TIMER) {
        be_sleep(w->wait_ns);
        return true;
    }
    struct itimerspec once = {.it_value = {w->wait_ns / 1000000000, w->wait_ns % 1000000000}};
    if (timerfd_settime(m->fd, 0, &once, NULL) < 0) return false;
    ssize_t n = w->wait == WAIT_FD ? be_net_read(m->fd, &expirations, sizeof expirations)
                                   : be_read_blocking(m->fd, &expirations, sizeof expirations);
    return n == (ssize_t)sizeof expirations;
}

static void mix_task(void *arg) {
    struct mixer *m = arg;
    struct mix *w = m->all;
    for (uint64_t i = 0; i < w->rounds; i++) {
        int64_t due = point_now() + w->wait_ns;
        if (w->wait_ns > 0 && !mix_wait(m)) break; /* what is not counted fails the point */
        burst_iterations(w->iterations, i);
        m->late_ns[i] = point_now() - due;
        m->done++;
    }
    be_wg_done(&w->wg);
}

static bool mix_room(struct mix *w, uint64_t rounds) {
    if (rounds > w->room) {
        free(w->late_ns);
        w->late_ns = point_alloc(w->pt, w->n * rounds, sizeof *w->late_ns);
        w->room = w->late_ns ? rounds : 0;
    }
    return w->room > 0;
}

static double mix_batch(void *state, uint64_t n) {
    struct mix *w = state;
    if (!mix_room(w, n)) return 0;
    w->rounds = n;
    for (uint64_t i = 0; i < w->n; i++) w->mixers[i].late_ns = w->late_ns + i * n;
    int64_t start = point_now();
    crowd_go(w->pt, &w->wg, mix_task, w->mixers, sizeof *w->mixers, w->n);
    be_wg_wait(&w->wg);
    int64_t elapsed_ns = point_now() - start;
    if (w->wait_ns > 0 && w->pt->status == POINT_OK) crowd_record(w->hist, w->late_ns, w->n * n);
    return (double)(w->n * n) * 1e9 / (double)elapsed_ns;
}

static int64_t mix_counted(const void *state) {
    const struct mix *w = state;
    int64_t all = 0;
    for (uint64_t i = 0; i < w->n; i++) all += (int64_t)w->mixers[i].done;
    return all;
}

static void mix_open(struct mix *w) {
    if (w->wait != WAIT_TIMER && !fds_need(w->pt, w->n)) return;
    for (uint64_t i = 0; i < w->n; i++) {
        w->mixers[i] = (struct mixer){.all = w, .fd = -1};
        if (w->wait == WAIT_TIMER) continue;
        w->mixers[i].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        if (w->mixers[i].fd < 0) {
            point_fail(w->pt, "timerfd_create failed for task %llu", (unsigned long long)i);
            return;
        }
        if (w->wait == WAIT_FD && be_net_open(w->mixers[i].fd) < 0) {
            point_fail(w->pt, "the timer of task %llu could not be given to the poller", (unsigned long long)i);
            return;
        }
    }
}

static void mix_close(struct mix *w) {
    for (uint64_t i = 0; i < w->n; i++) {
        if (w->mixers[i].fd < 0) continue;
        if (w->wait == WAIT_FD) be_net_close(w->mixers[i].fd);
        else close(w->mixers[i].fd);
    }
    free(w->mixers);
    free(w->late_ns);
}

static void mix_run(struct point *pt) {
    double cycle_ns = (double)point_int(pt, "cycle_us") * 1000, io = (double)point_int(pt, "io_percent") / 100;
    const char *wait = point_text(pt, "wait");
    struct mix w = {.pt = pt, .n = (uint64_t)pt->tasks, .wait_ns = (int64_t)(cycle_ns * io),
                    .iterations = burst_for(burst_calibrate(), cycle_ns * (1 - io)),
                    .wait = !strcmp(wait, "timer") ? WAIT_TIMER : !strcmp(wait, "fd") ? WAIT_FD : WAIT_BLOCK};
    w.mixers = aligned_alloc(64, w.n * sizeof *w.mixers);
    if (!w.mixers) {
        point_fail(pt, "no memory for %llu tasks", (unsigned long long)w.n);
        return;
    }
    for (uint64_t i = 0; i < w.n; i++) w.mixers[i].fd = -1;
    mix_open(&w);
    if (w.wait_ns > 0) w.hist = point_histogram(pt, "latency", "ns");
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {mix_batch, &w, 10, false, w.n, mix_counted};
        point_measure(pt, &plan);
        if (w.hist) point_quote_percentiles(pt, "response", w.hist);
    }
    mix_close(&w);
}

const struct workload mix = {
    .name = "mix",
    .doc = "tasks alternate calibrated computing and waiting: throughput and response by share of I/O",
    .metric = "throughput", .unit = "1/s", .better = "higher",
    .tasks = 16, .tasks_min = 1, .tasks_max = 100000,
    .params = mix_params,
    .run = mix_run,
};
