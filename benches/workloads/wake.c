/*
 * wake: how long is it from the moment that should wake a task until the task runs, by cause?
 *
 * Method       One task waits, again and again. cause=timer: it sleeps gap_us; the latency is from the due time.
 *              Otherwise a second task stamps the clock every gap_us and wakes it: chan: by a channel send, then
 *              sleeps itself; net: by a byte through a socket pair in the poller; proc: by a channel send after which
 *              the waker computes for busy_us, so that only another processor can run the woken task at once.
 *              hogs computing tasks may run beside.
 * Unit         ns: median of a batch. Histogram: every wake-up.
 * Expectation  timer 60 to 160 us on an idle machine (the kernel's), proc 5 to 15 us (waking an idle core), chan
 *              below 1 us on the waker's own P; beside hogs: time slices for goroutines, 60 us for threads.
 * Falsified by cause=proc on one processor below busy_us.
 * Known lies   An idle core sleeps: gap_us sets how deeply. The stamp is taken before the send, so its cost is inside.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crowd.h"
#include "workloads.h"

static const char *const wake_causes[] = {"timer", "chan", "net", "proc", NULL};

static const struct param wake_params[] = {
    {"cause", PARAM_CHOICE, 0, 0, "timer", wake_causes, "what wakes the task"},
    {"gap_us", PARAM_INT, 1, 1000000, "1000", NULL, "between two wake-ups, microseconds"},
    {"busy_us", PARAM_INT, 1, 1000000, "200", NULL, "what the waker computes after a wake-up, cause=proc, microseconds"},
    {"hogs", PARAM_INT, 0, 1024, "0", NULL, "computing tasks that run beside"},
    {0},
};

struct wakes {
    struct point *pt;
    struct be_wg wg;
    be_chan *chan;
    int fds[2];
    int64_t *ns;
    struct hist *hist;
    uint64_t n, room, busy_iterations;
    int64_t gap_ns, counted;
    enum { CAUSE_TIMER, CAUSE_CHAN, CAUSE_NET, CAUSE_PROC } cause;
};

static void waking_task(void *arg) {
    struct wakes *w = arg;
    for (uint64_t i = 0; i < w->n; i++) {
        be_sleep(w->gap_ns);
        int64_t stamp = point_now();
        if (w->cause == CAUSE_NET) be_net_write(w->fds[1], &stamp, sizeof stamp);
        else be_chan_send(w->chan, &stamp);
        if (w->cause == CAUSE_PROC) burst_iterations(w->busy_iterations, i);
    }
    be_wg_done(&w->wg);
}

static bool wait_once(struct wakes *w, int64_t *stamp) {
    if (w->cause == CAUSE_TIMER) {
        *stamp = point_now() + w->gap_ns;
        be_sleep(w->gap_ns);
        return true;
    }
    if (w->cause == CAUSE_NET) return be_net_read(w->fds[0], stamp, sizeof *stamp) == sizeof *stamp;
    return be_chan_recv(w->chan, stamp);
}

static void woken_task(void *arg) {
    struct wakes *w = arg;
    int64_t stamp;
    for (uint64_t i = 0; i < w->n; i++) {
        if (!wait_once(w, &stamp)) break;
        w->ns[i] = point_now() - stamp;
        w->counted++;
    }
    be_wg_done(&w->wg);
}

static double wake_batch(void *state, uint64_t n) {
    struct wakes *w = state;
    w->n = n;
    be_wg_add(&w->wg, 1);
    if (!point_go(w->pt, woken_task, w)) {
        be_wg_done(&w->wg);
        return 0;
    }
    if (w->cause == CAUSE_TIMER) be_wg_wait(&w->wg);
    else {
        be_wg_add(&w->wg, 1);
        waking_task(w);
        be_wg_wait(&w->wg);
    }
    crowd_record(w->hist, w->ns, n);
    return crowd_rank(w->ns, n, 0.5);
}

static int64_t wake_counted(const void *state) {
    return ((const struct wakes *)state)->counted;
}

static bool wake_open(struct wakes *w) {
    w->fds[0] = w->fds[1] = -1;
    w->chan = be_chan_make(sizeof(int64_t), 0);
    w->ns = point_alloc(w->pt, w->room, sizeof *w->ns);
    if (w->cause == CAUSE_NET && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->fds)) {
        point_fail(w->pt, "a socket pair could not be made");
        return false;
    }
    if (w->cause == CAUSE_NET && (be_net_open(w->fds[0]) || be_net_open(w->fds[1]))) {
        point_fail(w->pt, "the poller refused a socket");
        return false;
    }
    if (!w->chan) point_fail(w->pt, "no memory for a channel");
    return w->chan && w->ns;
}

static void wake_run(struct point *pt) {
    enum { A_BATCH = 50 };
    const char *cause = point_text(pt, "cause");
    struct hogs hogs = {0};
    struct wakes w = {.pt = pt, .room = A_BATCH, .gap_ns = point_int(pt, "gap_us") * 1000,
                      .hist = point_histogram(pt, "latency", "ns"),
                      .cause = !strcmp(cause, "timer") ? CAUSE_TIMER : !strcmp(cause, "chan") ? CAUSE_CHAN
                               : !strcmp(cause, "net") ? CAUSE_NET : CAUSE_PROC};
    w.busy_iterations = burst_for(burst_calibrate(), (double)point_int(pt, "busy_us") * 1000);
    if (wake_open(&w)) {
        hogs_start(pt, &hogs, point_int(pt, "hogs"));
        struct batch_plan plan = {wake_batch, &w, A_BATCH, true, 1, wake_counted};
        point_measure(pt, &plan);
        hogs_stop(&hogs);
        point_quote_percentiles(pt, "wake", w.hist);
    }
    if (w.fds[0] >= 0) be_net_close(w.fds[0]);
    if (w.fds[1] >= 0) be_net_close(w.fds[1]);
    if (w.chan) be_chan_free(w.chan);
    free(w.ns);
}

static int64_t wake_parked(const struct point *pt) {
    return 1 + point_int(pt, "hogs");   /* a hog that never ends must not keep the waiting task from its thread */
}

const struct workload wake = {
    .name = "wake",
    .doc = "from the moment that should wake a task until it runs, by cause",
    .metric = "wake_p50_ns", .unit = "ns", .better = "lower",
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = wake_params,
    .parked = wake_parked,
    .run = wake_run,
};
