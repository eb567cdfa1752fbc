/*
 * waiters: many tasks at once, each of which waits a few times for a stated time. What does that cost in threads and time?
 *
 * Method       Each of --tasks tasks waits for the times of hold_us one after the other: by the runtime's timer, by a
 *              blocking read of a timerfd, or by a read of it through the poller. The first `files` tasks block whatever
 *              via says. With limit above 0 there are that many connections, and a task needs one for its waits. hogs
 *              computing tasks keep the processors busy meanwhile.
 * Unit         ns from the first task made to the last that has ended. Histogram: from a task's first instruction to its
 *              end, the queue for a connection included. threads: the kernel's count while the tasks wait.
 * Expectation  timer, net: the sum of the waits, on about procs threads. block: procs + tasks threads where hogs keep all
 *              processors busy, fewer where nothing else runs. limit: the sum times tasks / limit.
 * Falsified by a batch shorter than the waits of one task.
 * Known lies   threads is read once, when a quarter of the shortest wait has passed; outside.threads sees all of it. The
 *              waits stand in for services of stated times: nothing is computed.
 */
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "fds.h"
#include "timer_wait.h"
#include "workloads.h"

enum { STEPS_MAX = 8 };

static const char *const waiters_vias[] = {"timer", "block", "net", NULL};

static const struct param waiters_params[] = {
    {"hold_us", PARAM_TEXT, 0, 0, "10000", NULL, "the waits of a task, microseconds joined by +"},
    {"via", PARAM_CHOICE, 0, 0, "timer", waiters_vias,
     "timer: the runtime's sleep; block: a blocking read; net: a read through the poller"},
    {"files", PARAM_INT, 0, 100000, "0", NULL, "how many of the tasks block in any case"},
    {"limit", PARAM_INT, 0, 100000, "0", NULL, "connections that the tasks share; 0: one each"},
    {"hogs", PARAM_INT, 0, 1024, "0", NULL, "computing tasks that run beside"},
    {0},
};

struct waiter {
    struct waiters *all;
    int64_t elapsed_ns;
    int own_fd;
    bool blocks, done;
};

struct waiters {
    struct point *pt;
    struct be_wg wg;
    struct waiter *tasks;
    be_chan *pool;               /* of free connections, by their descriptors; NULL: no limit */
    struct hist *hist;
    _Atomic int64_t queued;
    int64_t hold_ns[STEPS_MAX], counted, threads_peak, queued_peak, limit;
    uint64_t n, files;
    int nsteps;
    enum { VIA_TIMER, VIA_BLOCK, VIA_NET } via;
};

static void waiter_task(void *arg) {
    struct waiter *t = arg;
    struct waiters *w = t->all;
    int64_t start = point_now();
    bool net = w->via == VIA_NET && !t->blocks, ok = true;
    int fd = t->own_fd;
    if (w->pool) {
        atomic_fetch_add(&w->queued, 1);
        be_chan_recv(w->pool, &fd);
        atomic_fetch_sub(&w->queued, 1);
    }
    for (int i = 0; i < w->nsteps; i++) {
        if (fd < 0) be_sleep(w->hold_ns[i]);
        else ok &= timer_wait(fd, net, w->hold_ns[i]);
    }
    if (w->pool) be_chan_send(w->pool, &fd);
    t->elapsed_ns = point_now() - start;
    t->done = ok;
    be_wg_done(&w->wg);
}

static double waiters_batch(void *state, uint64_t n) {
    struct waiters *w = state;
    (void)n;
    for (uint64_t i = 0; i < w->n; i++) w->tasks[i].done = false;
    int64_t start = point_now();
    crowd_go(w->pt, &w->wg, waiter_task, w->tasks, sizeof *w->tasks, w->n);
    be_sleep(w->hold_ns[0] / 4);
    int64_t threads = threads_now(), queued = atomic_load(&w->queued);
    if (threads > w->threads_peak) w->threads_peak = threads;
    if (queued > w->queued_peak) w->queued_peak = queued;
    be_wg_wait(&w->wg);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < w->n; i++) {
        w->counted += w->tasks[i].done;
        if (w->tasks[i].done) hist_record(w->hist, (uint64_t)w->tasks[i].elapsed_ns);
    }
    return (double)elapsed_ns;
}

static int64_t waiters_counted(const void *state) {
    return ((const struct waiters *)state)->counted;
}

/* A descriptor for each connection, or for each task that is not on the runtime's timer. */
static void waiters_open(struct waiters *w) {
    uint64_t timer_alone = w->files < w->n ? w->files : w->n, own = w->via == VIA_TIMER ? timer_alone : w->n;
    uint64_t pooled = w->via == VIA_TIMER ? 0 : (uint64_t)w->limit;
    if (!fds_need(w->pt, w->limit ? pooled : own)) return;
    if (w->limit) w->pool = be_chan_make(sizeof(int), (size_t)w->limit);
    for (uint64_t i = 0; i < w->n; i++) {
        struct waiter *t = &w->tasks[i];
        *t = (struct waiter){.all = w, .own_fd = -1, .blocks = i < w->files};
        if (w->limit || (w->via == VIA_TIMER && !t->blocks) || w->pt->status != POINT_OK) continue;
        t->own_fd = timer_wait_open(w->pt, w->via == VIA_NET && !t->blocks);
    }
    for (int64_t i = 0; i < w->limit && w->pt->status == POINT_OK; i++) {
        int fd = w->via == VIA_TIMER ? -1 : timer_wait_open(w->pt, w->via == VIA_NET);
        be_chan_send(w->pool, &fd);
    }
}

static void waiters_close(struct waiters *w) {
    for (uint64_t i = 0; i < w->n; i++)
        if (w->tasks[i].all) timer_wait_close(w->tasks[i].own_fd, w->via == VIA_NET && !w->tasks[i].blocks);
    if (w->pool) {
        int fd;
        be_chan_close(w->pool);
        while (be_chan_recv(w->pool, &fd)) timer_wait_close(fd, w->via == VIA_NET);
        be_chan_free(w->pool);
    }
    free(w->tasks);
}

/* "10000+20000": microseconds. */
static bool parse_holds(const char *text, int64_t *out, int *n) {
    char word[32];
    for (*n = 0; *text && *n < STEPS_MAX; ++*n) {
        size_t length = strcspn(text, "+");
        int64_t us;
        if (length >= sizeof word) return false;
        memcpy(word, text, length);
        word[length] = '\0';
        if (!parse_int(word, &us) || us < 1 || us > 60000000) return false;
        out[*n] = us * 1000;
        text += length + (text[length] == '+');
    }
    return *n > 0 && !*text;
}

static bool waiters_prepare(struct point *pt) {
    int64_t ns[STEPS_MAX];
    int n;
    if (!parse_holds(point_text(pt, "hold_us"), ns, &n))
        return point_usage(pt, "waiters: hold_us: expected up to %d times of 1 to 60000000, joined by +", STEPS_MAX);
    if (point_int(pt, "files") > 0 && point_int(pt, "limit") > 0)
        return point_usage(pt, "waiters: files and limit cannot be had together");
    return true;
}

static int64_t waiters_parked(const struct point *pt) {
    return pt->tasks + point_int(pt, "hogs"); /* a hog that never ends keeps its thread from the others */
}

static void waiters_run(struct point *pt) {
    const char *via = point_text(pt, "via");
    struct waiters w = {.pt = pt, .n = (uint64_t)pt->tasks, .files = (uint64_t)point_int(pt, "files"),
                        .limit = point_int(pt, "limit"), .hist = point_histogram(pt, "latency", "ns"),
                        .via = !strcmp(via, "timer") ? VIA_TIMER : !strcmp(via, "block") ? VIA_BLOCK : VIA_NET};
    parse_holds(point_text(pt, "hold_us"), w.hold_ns, &w.nsteps);
    w.tasks = point_alloc(pt, w.n, sizeof *w.tasks);
    if (!w.tasks) return;
    waiters_open(&w);
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {waiters_batch, &w, 1, true, w.n, waiters_counted};
        struct hogs hogs = {0};
        hogs_start(pt, &hogs, point_int(pt, "hogs"));
        point_measure(pt, &plan);
        hogs_stop(&hogs);
        point_quote_percentiles(pt, "wait", w.hist);
        point_metric(pt, "threads", (double)w.threads_peak, "threads", "lower");
        point_metric(pt, "queued", (double)w.queued_peak, "tasks", "lower");
    }
    waiters_close(&w);
}

const struct workload waiters = {
    .name = "waiters",
    .doc = "many tasks that wait for stated times, with or without a limit: time and threads",
    .metric = "total_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 1000000,
    .params = waiters_params,
    .prepare = waiters_prepare,
    .parked = waiters_parked,
    .run = waiters_run,
};
