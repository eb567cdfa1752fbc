/*
 * queue: in which order do tasks run that are made one after the other on one P? It shows the length of a local queue,
 * what happens to those beyond it, and when the global queue is polled, without asking the runtime.
 *
 * Method       On one P (--procs 1) the main task makes --tasks tasks without a break, then waits; each notes its place in
 *              the order. Made first means 0. A local queue of 256 and a slot for the newest hold 257; with one more,
 *              half of the queue (0 to 127) goes to the global queue and runs late. With net=1 one more task waits on a
 *              socket that has become readable before the others were made. With woken=1 the tasks wait on a channel
 *              first, and are woken by as many sends without a break.
 * Unit         first_at: the place at which task 0 ran. Up to 257 tasks: 1 (after the newest). Above: far behind.
 *              tick_gap: tasks run between two from the global queue while local ones still waited, plus one; the local
 *              ones, when all of them went first.
 *              in_order_percent: of the tasks that began to wait one after the other, how many ran in that order.
 *              net_at_percent: how many of the others ran before the one that the network had made ready.
 * Expectation  Goroutines: 1, then above 1 from 258 tasks on; a gap of 61. A single queue: always 0, no gap.
 * Falsified by a first_at above 1 at 257 tasks: then the queue holds less, or was not empty.
 * Known lies   A slice that ends in the middle moves the main task or a task; medians over batches bear some of it. The
 *              order says nothing with more than one P.
 */
#include <math.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crowd.h"
#include "workloads.h"

static const struct param queue_params[] = {
    {"net", PARAM_INT, 0, 1, "0", NULL, "1: one more task, made ready by the network before the others are made"},
    {"woken", PARAM_INT, 0, 1, "0", NULL, "1: the tasks wait on a channel and are woken by as many sends"},
    {0},
};

enum { GAPS_MAX = 4096 };

struct queued {
    struct queue *all;
    int64_t at;                  /* its place in the order; -1: has not run */
    int64_t waited;              /* woken=1: its place in the order of waiting */
};

struct queue {
    struct point *pt;
    struct be_wg wg, net_wg;
    struct queued *tasks;
    int64_t *order;              /* place -> task */
    _Atomic int64_t next;
    int64_t *gaps, *net_at, *ordered; /* GAPS_MAX each */
    be_chan *gate;               /* woken=1: what the tasks wait on */
    _Atomic int64_t waiting;
    uint64_t n, ngaps, nnet, nordered;
    int64_t counted;
    int fds[2];
    bool net;
};

static void queued_task(void *arg) {
    struct queued *t = arg;
    char go;
    if (t->all->gate) {
        t->waited = atomic_fetch_add(&t->all->waiting, 1);
        be_chan_recv(t->all->gate, &go);
    }
    t->at = atomic_fetch_add(&t->all->next, 1);
    be_wg_done(&t->all->wg);
}

static void net_task(void *arg) {
    struct queue *q = arg;
    char byte;
    be_wg_done(&q->net_wg);
    bool got = be_net_read(q->fds[0], &byte, 1) == 1;
    if (got && q->nnet < GAPS_MAX) q->net_at[q->nnet++] = atomic_load(&q->next);
    be_wg_done(&q->wg);
}

/* The task is in its read, and then the byte is there. */
static void start_net(struct queue *q) {
    be_wg_add(&q->net_wg, 1);
    be_wg_add(&q->wg, 1);
    if (!point_go(q->pt, net_task, q)) {
        be_wg_done(&q->net_wg);
        be_wg_done(&q->wg);
        return;
    }
    be_wg_wait(&q->net_wg);
    be_sleep(1000000);
    if (write(q->fds[1], "", 1) != 1) point_fail(q->pt, "a write to a socket failed");
}

/* Displaced tasks are 0, 1, 2 … in that order; what is run between the first two of them is the batch's gap, as long as a
 * task that was not displaced still follows; when none of them ran before the last of those, the gap is at least that long.
 * One gap a batch: a batch that a slice has cut up must not outweigh others. */
static void note_gap(struct queue *q) {
    int64_t first_local = q->n > 1 ? q->order[1] : 0, displaced = 0, last_local = 0, newest = 0, previous = -1;
    if (first_local <= 1) return;
    for (uint64_t i = 1; i < q->n; i++) {
        if (q->order[i] < first_local || q->order[i] < newest) continue; /* the one that overflowed is displaced too */
        newest = q->order[i];
        last_local = (int64_t)i;
    }
    for (int64_t i = 1; i < last_local && displaced < 2; i++) {
        if (q->order[i] != displaced) continue;
        if (displaced == 1 && q->ngaps < GAPS_MAX) q->gaps[q->ngaps++] = i - previous;
        displaced++;
        previous = i;
    }
    if (displaced == 0 && q->ngaps < GAPS_MAX) q->gaps[q->ngaps++] = last_local;
}

static void wake_all(struct queue *q) {
    char go = 0;
    do be_sleep(1000000);
    while (atomic_load(&q->waiting) < (int64_t)q->n);
    for (uint64_t i = 0; i < q->n; i++) be_chan_send(q->gate, &go);
}

/* Pairs of neighbours in the order of waiting that ran in that order; q->order is free for it by now. */
static void note_order(struct queue *q) {
    int64_t pairs = 0;
    for (uint64_t i = 0; i < q->n; i++) q->order[q->tasks[i].waited] = q->tasks[i].at;
    for (uint64_t i = 1; i < q->n; i++) pairs += q->order[i] > q->order[i - 1];
    if (q->nordered < GAPS_MAX) q->ordered[q->nordered++] = pairs;
}

static double queue_batch(void *state, uint64_t n) {
    struct queue *q = state;
    (void)n;
    atomic_store(&q->next, 0);
    atomic_store(&q->waiting, 0);
    for (uint64_t i = 0; i < q->n; i++) q->tasks[i] = (struct queued){q, -1, 0};
    if (q->net) start_net(q);
    if (crowd_go(q->pt, &q->wg, queued_task, q->tasks, sizeof *q->tasks, q->n) && q->gate) wake_all(q);
    be_wg_wait(&q->wg);
    for (uint64_t i = 0; i < q->n; i++) {
        if (q->tasks[i].at < 0) continue;
        q->order[q->tasks[i].at] = (int64_t)i;
        q->counted++;
    }
    if (q->pt->measuring && q->gate) note_order(q);
    else if (q->pt->measuring) note_gap(q);
    else q->nnet = 0;
    return (double)q->tasks[0].at;
}

static int64_t queue_counted(const void *state) {
    return ((const struct queue *)state)->counted;
}

static void quote_gaps(struct queue *q) {
    if (q->ngaps) point_metric(q->pt, "tick_gap", crowd_rank(q->gaps, q->ngaps, 0.5), "tasks", "lower");
    else
        point_metric_unavailable(q->pt, "tick_gap",
                                 "fewer than two tasks came from a global queue before the local one was empty");
    if (q->nnet) point_metric(q->pt, "net_at_percent", 100 * crowd_rank(q->net_at, q->nnet, 0.5) / (double)q->n, "%", "lower");
    else point_metric_unavailable(q->pt, "net_at_percent", "net=0");
    if (q->nordered)
        point_metric(q->pt, "in_order_percent", 100 * crowd_rank(q->ordered, q->nordered, 0.5) / (double)(q->n - 1), "%",
                     "higher");
    else point_metric_unavailable(q->pt, "in_order_percent", "woken=0");
}

static bool queue_open(struct queue *q) {
    if (!q->net) return true;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, q->fds) || be_net_open(q->fds[0])) {
        point_fail(q->pt, "a socket pair could not be made");
        return false;
    }
    return true;
}

static void queue_run(struct point *pt) {
    struct queue q = {.pt = pt, .n = (uint64_t)pt->tasks, .net = point_int(pt, "net") == 1, .fds = {-1, -1}};
    q.tasks = point_alloc(pt, q.n, sizeof *q.tasks);
    q.order = point_alloc(pt, q.n, sizeof *q.order);
    q.gaps = point_alloc(pt, GAPS_MAX, sizeof *q.gaps);
    q.net_at = point_alloc(pt, GAPS_MAX, sizeof *q.net_at);
    q.ordered = point_alloc(pt, GAPS_MAX, sizeof *q.ordered);
    if (point_int(pt, "woken") == 1 && q.n > 1) q.gate = be_chan_make(1, 0);
    if (q.tasks && q.order && q.gaps && q.net_at && q.ordered && queue_open(&q)) {
        struct batch_plan plan = {queue_batch, &q, 1, true, q.n, queue_counted};
        point_measure(pt, &plan);
        if (pt->status == POINT_OK) quote_gaps(&q);
    }
    if (q.fds[0] >= 0) {
        be_net_close(q.fds[0]);
        close(q.fds[1]);
    }
    if (q.gate) be_chan_free(q.gate);
    free(q.ordered);
    free(q.net_at);
    free(q.gaps);
    free(q.order);
    free(q.tasks);
}

static int64_t queue_parked(const struct point *pt) {
    return point_int(pt, "woken") ? pt->tasks : 0;
}

const struct workload queue = {
    .name = "queue",
    .doc = "the order in which tasks of one P run: length of its queue, overflow, polls of the global queue",
    .metric = "first_at", .unit = "place", .better = "lower",
    .tasks = 258, .tasks_min = 1, .tasks_max = 100000,
    .params = queue_params,
    .parked = queue_parked,
    .run = queue_run,
};
