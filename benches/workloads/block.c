/*
 * block: how many kernel threads do blocked reads cost, and how fast do all of them come back?
 *
 * Method       --tasks tasks each read an empty pipe, by a blocking call (via=block) or through the network poller
 *              (via=net). When all have been blocked for settle_ms the main task writes a byte to every pipe.
 * Unit         ns from the first write until the last task has ended. Histogram: from each pipe's write to its
 *              task's next instruction. threads: the kernel's count while all are blocked.
 * Expectation  via=block: procs + tasks threads, 1,000 woken in 8 ms; via=net: about procs threads, 2 ms. Thread a
 *              task: tasks threads, 24 ms.
 * Falsified by a thread count below tasks with via=block: then the calls did not block.
 * Known lies   The first batch makes the threads and later ones reuse them: threads_made is of the measured batches,
 *              threads_made_total of all. The writes themselves (0.5 us each) are inside the figure.
 */
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "fds.h"
#include "workloads.h"

static const char *const block_vias[] = {"block", "net", NULL};

static const struct param block_params[] = {
    {"via", PARAM_CHOICE, 0, 0, "block", block_vias, "block: a blocking read; net: a read through the poller"},
    {"settle_ms", PARAM_INT, 1, 10000, "5", NULL, "how long all must have been blocked before the writes"},
    {0},
};

struct reader {
    struct blockers *all;
    int fds[2];
    bool woken;
    int64_t written_at, woken_at;
};

struct blockers {
    struct point *pt;
    struct be_wg entered, left;
    struct reader *readers;
    struct hist *hist;
    uint64_t n;
    int64_t settle_ns, counted, threads_peak;
    bool net;
};

static void reader_task(void *arg) {
    struct reader *r = arg;
    char byte;
    be_wg_done(&r->all->entered);
    ssize_t got = r->all->net ? be_net_read(r->fds[0], &byte, 1) : be_read_blocking(r->fds[0], &byte, 1);
    r->woken_at = point_now();
    r->woken = got == 1;
    be_wg_done(&r->all->left);
}

static void release_all(struct blockers *b, uint64_t made) {
    for (uint64_t i = 0; i < made; i++) {
        b->readers[i].written_at = point_now();
        if (write(b->readers[i].fds[1], "", 1) != 1) point_fail(b->pt, "a write to a pipe failed");
    }
}

static double block_batch(void *state, uint64_t n) {
    struct blockers *b = state;
    uint64_t made = 0;
    (void)n;
    for (uint64_t i = 0; i < b->n; i++) b->readers[i].woken = false;
    for (; made < b->n; made++) {
        be_wg_add(&b->entered, 1);
        be_wg_add(&b->left, 1);
        if (point_go(b->pt, reader_task, &b->readers[made])) continue;
        be_wg_add(&b->entered, -1);
        be_wg_add(&b->left, -1);
        break;
    }
    be_wg_wait(&b->entered);
    be_sleep(b->settle_ns);
    int64_t threads = threads_now();
    if (threads > b->threads_peak) b->threads_peak = threads;
    int64_t start = point_now();
    release_all(b, made);
    be_wg_wait(&b->left);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < made; i++) {
        int64_t late = b->readers[i].woken_at - b->readers[i].written_at;
        b->counted += b->readers[i].woken;
        if (b->readers[i].woken) hist_record(b->hist, late > 0 ? (uint64_t)late : 0);
    }
    return (double)elapsed_ns;
}

static int64_t block_counted(const void *state) {
    return ((const struct blockers *)state)->counted;
}

static void block_open(struct blockers *b) {
    for (uint64_t i = 0; i < b->n; i++) b->readers[i] = (struct reader){.all = b, .fds = {-1, -1}};
    if (!fds_need(b->pt, 2 * b->n)) return;
    for (uint64_t i = 0; i < b->n && b->pt->status == POINT_OK; i++) {
        if (pipe(b->readers[i].fds) < 0) point_fail(b->pt, "pipe %llu could not be made", (unsigned long long)i);
        else if (b->net && be_net_open(b->readers[i].fds[0])) point_fail(b->pt, "the poller refused a pipe");
    }
}

static void block_close(struct blockers *b) {
    for (uint64_t i = 0; i < b->n; i++) {
        if (b->readers[i].fds[0] < 0) continue;
        if (b->net) be_net_close(b->readers[i].fds[0]);
        else close(b->readers[i].fds[0]);
        close(b->readers[i].fds[1]);
    }
    free(b->readers);
}

static int64_t block_parked(const struct point *pt) {
    return pt->tasks;
}

static void block_run(struct point *pt) {
    struct blockers b = {.pt = pt, .n = (uint64_t)pt->tasks, .settle_ns = point_int(pt, "settle_ms") * 1000000,
                         .net = !strcmp(point_text(pt, "via"), "net"), .hist = point_histogram(pt, "latency", "ns")};
    b.readers = point_alloc(pt, b.n, sizeof *b.readers);
    if (!b.readers) return;
    block_open(&b);
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {block_batch, &b, 1, true, b.n, block_counted};
        point_measure(pt, &plan);
        point_quote_percentiles(pt, "wake", b.hist);
        if (b.threads_peak > 0) point_metric(pt, "threads", (double)b.threads_peak, "threads", "lower");
        else point_metric_unavailable(pt, "threads", "/proc/self/status could not be read");
        point_metric(pt, "threads_made_total", (double)be_threads_made(), "threads", "lower");
    }
    block_close(&b);
}

const struct workload block = {
    .name = "block",
    .doc = "many tasks in blocking reads: kernel threads needed, and time until all are woken",
    .metric = "all_woken_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 1, .tasks_max = 100000,
    .params = block_params,
    .parked = block_parked,
    .run = block_run,
};
