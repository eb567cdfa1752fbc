/*
 * chanbuf: what does a value cost on its way through a buffered channel that several producers and consumers share?
 *
 * Method       Half of --tasks send, the other half receive, on one channel of capacity `cap`. All wait at a gate; the
 *              clock runs until the last has left. Every receiver takes as many values as a sender sends.
 * Unit         ns a value: elapsed / (senders x values of each).
 * Expectation  One to one on two processors 30 to 70 ns for goroutines, 240 for threads; four to four 100 and 390.
 * Falsified by a lost value (the sum of what was received is checked), or a figure above pingpong's with the same
 *              capacity 0: then the buffer saves no switch.
 * Known lies   The inverse of the throughput, not a latency: a value may stand in the buffer for cap x figure.
 */
#include <stdlib.h>

#include "gate.h"
#include "workloads.h"

static const struct param chanbuf_params[] = {
    {"cap", PARAM_INT, 0, 65536, "128", NULL, "capacity of the channel; 0: a rendezvous"},
    {0},
};

struct chanbuf_end {
    struct chanbufs *all;
    uint64_t sum, done;
} __attribute__((aligned(64)));

struct chanbufs {
    struct point *pt;
    struct gate gate;
    be_chan *chan;
    struct chanbuf_end *ends;    /* senders, then as many receivers */
    uint64_t nsenders, values;
    int64_t counted;
    bool lost;
};

static void chanbuf_send(void *arg) {
    struct chanbuf_end *e = arg;
    gate_wait(&e->all->gate);
    for (uint64_t i = 0; i < e->all->values; i++) be_chan_send(e->all->chan, &i);
    gate_leave(&e->all->gate);
}

static void chanbuf_recv(void *arg) {
    struct chanbuf_end *e = arg;
    uint64_t value, sum = 0, got = 0;
    gate_wait(&e->all->gate);
    for (uint64_t i = 0; i < e->all->values; i++) {
        got += be_chan_recv(e->all->chan, &value);
        sum += value;
    }
    e->sum = sum;
    e->done = got;
    gate_leave(&e->all->gate);
}

static double chanbuf_batch(void *state, uint64_t n) {
    struct chanbufs *w = state;
    uint64_t sum = 0;
    w->values = n;
    gate_init(&w->gate, 2 * w->nsenders);
    for (uint64_t i = 0; i < w->nsenders; i++) {
        w->ends[w->nsenders + i].sum = w->ends[w->nsenders + i].done = 0;
        gate_go(w->pt, &w->gate, chanbuf_recv, &w->ends[w->nsenders + i]);
        gate_go(w->pt, &w->gate, chanbuf_send, &w->ends[i]);
    }
    int64_t elapsed_ns = gate_run(&w->gate);
    for (uint64_t i = 0; i < w->nsenders; i++) {
        sum += w->ends[w->nsenders + i].sum;
        w->counted += (int64_t)w->ends[w->nsenders + i].done;
    }
    w->lost |= sum != w->nsenders * (n * (n - 1) / 2);
    return (double)elapsed_ns / (double)(n * w->nsenders);
}

static int64_t chanbuf_counted(const void *state) {
    return ((const struct chanbufs *)state)->counted;
}

static bool chanbuf_prepare(struct point *pt) {
    return pt->tasks % 2 == 0 || point_usage(pt, "chanbuf: --tasks must be even: half send, half receive");
}

static int64_t chanbuf_parked(const struct point *pt) {
    return pt->tasks;
}

static void chanbuf_run(struct point *pt) {
    struct chanbufs w = {.pt = pt, .nsenders = (uint64_t)pt->tasks / 2};
    w.chan = be_chan_make(sizeof(uint64_t), (size_t)point_int(pt, "cap"));
    w.ends = aligned_alloc(64, (size_t)pt->tasks * sizeof *w.ends);
    if (!w.chan || !w.ends) {
        point_fail(pt, "no memory for a channel and %lld tasks", (long long)pt->tasks);
    } else {
        for (int64_t i = 0; i < pt->tasks; i++) w.ends[i] = (struct chanbuf_end){.all = &w};
        struct batch_plan plan = {chanbuf_batch, &w, 100, false, w.nsenders, chanbuf_counted};
        point_measure(pt, &plan);
        point_check(pt, "sum", !w.lost, 1, !w.lost);
        if (w.lost) point_fail(pt, "the values received do not add up to those sent");
    }
    free(w.ends);
    if (w.chan) be_chan_free(w.chan);
}

const struct workload chanbuf = {
    .name = "chanbuf",
    .doc = "senders and receivers share one buffered channel: what a value costs",
    .metric = "value_ns", .unit = "ns", .better = "lower",
    .tasks = 2, .tasks_min = 2, .tasks_max = 100000,
    .params = chanbuf_params,
    .prepare = chanbuf_prepare,
    .parked = chanbuf_parked,
    .run = chanbuf_run,
};
