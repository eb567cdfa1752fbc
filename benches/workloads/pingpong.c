/*
 * pingpong: what does it cost to hand control and a value from one task to another?
 *
 * Method       Pairs of tasks pass an element of `bytes` to and fro over two channels of capacity `cap`. All tasks
 *              wait at a gate; the clock runs from its opening until the last pair has made its round trips.
 * Unit         ns a one-way transfer (a round trip is two), over all pairs: elapsed / (2 x pairs x round trips).
 * Expectation  Goroutines: one switch a transfer, 100 to 250 ns on one P. Threads: one futex wake and one wait,
 *              1 us on one CPU, 5 us across two.
 * Falsified by the runtime's counts: with one P and no buffer switches_per_operation must be about 1. A figure at the
 *              level of the bare futex layer for goroutines would mean that the kernel is in the path.
 * Known lies   With several Ps the pairs run side by side, so the figure is the inverse of the throughput, not the
 *              latency of one transfer. A buffer lets a task run on, so cap above 0 measures fewer switches than
 *              transfers. The threads' spinning (rt.spin_ns) hides the kernel switch when two CPUs are free.
 *              Layers futex and pipe have no channel: they are the bare hand-off that the channel is judged by; backend
 *              pthread reports it beside its channel's figure, from the same run (bare_futex_ns).
 */
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "gate.h"
#include "workloads.h"

static const char *const layers[] = {"chan", "futex", "pipe", NULL};

static const struct param pingpong_params[] = {
    {"pairs", PARAM_INT, 0, 1000000, "0", NULL, "pairs of tasks; 0: half of --tasks"},
    {"bytes", PARAM_INT, 1, 4096, "8", NULL, "size of an element"},
    {"cap", PARAM_INT, 0, 65536, "0", NULL, "capacity of each channel; 0: a rendezvous"},
    {"layer", PARAM_CHOICE, 0, 0, "chan", layers,
     "what carries the hand-off: chan; futex or pipe: the kernel's own, only on a thread a task"},
    {0},
};

struct pair {
    be_chan *ping, *pong;
    struct bare_link link;
    struct pingpong *all;
    uint64_t received;           /* by the two tasks of the pair, each its own word below */
    uint64_t answered __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct pingpong {
    struct point *pt;
    struct gate gate;
    struct pair *pairs;
    uint64_t npairs, rounds, elem_bytes;
    int64_t counted;
    enum { LAYER_CHAN, LAYER_FUTEX, LAYER_PIPE } layer;
};

static void ping_chan(struct pair *p, uint64_t rounds) {
    char elem[4096] = {0};
    for (uint64_t i = 0; i < rounds; i++) {
        be_chan_send(p->ping, elem);
        p->received += be_chan_recv(p->pong, elem);
    }
}

static void pong_chan(struct pair *p, uint64_t rounds) {
    char elem[4096];
    for (uint64_t i = 0; i < rounds; i++) {
        p->answered += be_chan_recv(p->ping, elem);
        be_chan_send(p->pong, elem);
    }
}

static void ping_task(void *arg) {
    struct pair *p = arg;
    gate_wait(&p->all->gate);
    if (p->all->layer == LAYER_CHAN) ping_chan(p, p->all->rounds);
    else if (p->all->layer == LAYER_FUTEX) p->received += bare_futex_run(&p->link, 0, p->all->rounds);
    else p->received += bare_pipe_run(&p->link, 0, p->all->rounds);
    gate_leave(&p->all->gate);
}

static void pong_task(void *arg) {
    struct pair *p = arg;
    gate_wait(&p->all->gate);
    if (p->all->layer == LAYER_CHAN) pong_chan(p, p->all->rounds);
    else if (p->all->layer == LAYER_FUTEX) p->answered += bare_futex_run(&p->link, 1, p->all->rounds);
    else p->answered += bare_pipe_run(&p->link, 1, p->all->rounds);
    gate_leave(&p->all->gate);
}

static double pingpong_batch(void *state, uint64_t n) {
    struct pingpong *w = state;
    w->rounds = n;
    gate_init(&w->gate, w->npairs * 2);
    for (uint64_t i = 0; i < w->npairs; i++) {
        w->pairs[i].received = w->pairs[i].answered = 0;
        /* With half a pair made, the other half would wait for ever: a failure here ends the process. */
        gate_go(w->pt, &w->gate, pong_task, &w->pairs[i]);
        gate_go(w->pt, &w->gate, ping_task, &w->pairs[i]);
    }
    int64_t elapsed_ns = gate_run(&w->gate);
    for (uint64_t i = 0; i < w->npairs; i++) w->counted += (int64_t)(w->pairs[i].received + w->pairs[i].answered);
    return (double)elapsed_ns / (double)(2 * n * w->npairs);
}

static int64_t pingpong_counted(const void *state) {
    return ((const struct pingpong *)state)->counted;
}

static bool pingpong_make(struct pingpong *w, size_t cap) {
    for (uint64_t i = 0; i < w->npairs; i++) {
        struct pair *p = &w->pairs[i];
        *p = (struct pair){.all = w};
        if (w->layer != LAYER_CHAN) {
            if (!bare_open(&p->link, w->layer == LAYER_PIPE)) return false;
            continue;
        }
        p->ping = be_chan_make(w->elem_bytes, cap);
        p->pong = be_chan_make(w->elem_bytes, cap);
        if (!p->ping || !p->pong) return false;
    }
    return true;
}

static void pingpong_free(struct pingpong *w) {
    for (uint64_t i = 0; i < w->npairs; i++) {
        struct pair *p = &w->pairs[i];
        if (w->layer != LAYER_CHAN) bare_close(&p->link);
        if (p->ping) be_chan_free(p->ping);
        if (p->pong) be_chan_free(p->pong);
    }
    free(w->pairs);
}

/* The bare futex hand-off of the same tasks in the same run: what the thread channel is judged by. */
static void pingpong_bare(struct pingpong *w) {
    enum { BATCHES = 5 };
    double ns[BATCHES];
    int64_t counted = w->counted;
    for (uint64_t i = 0; i < w->npairs; i++) bare_open(&w->pairs[i].link, false);
    w->layer = LAYER_FUTEX;
    for (int b = 0; b < BATCHES; b++) ns[b] = pingpong_batch(w, 2000);
    w->layer = LAYER_CHAN;
    w->counted = counted;
    for (int i = 1; i < BATCHES; i++)
        for (int j = i; j > 0 && ns[j] < ns[j - 1]; j--) {
            double swap = ns[j];
            ns[j] = ns[j - 1];
            ns[j - 1] = swap;
        }
    point_metric(w->pt, "bare_futex_ns", ns[BATCHES / 2], "ns", "lower");
}

static bool pingpong_prepare(struct point *pt) {
    int64_t pairs = point_int(pt, "pairs");
    if (pairs > 0 && pt->options.tasks && pt->options.tasks != 2 * pairs)
        return point_usage(pt, "pingpong: --tasks must be twice the parameter pairs; give one of the two");
    if (pairs == 0 && pt->tasks % 2) return point_usage(pt, "pingpong: --tasks must be even: two a pair");
    if (pairs > 0) pt->tasks = 2 * pairs;
    return true;
}

static int64_t pingpong_parked(const struct point *pt) {
    return pt->tasks;
}

/* A rendezvous on one P is a switch a transfer, beside what starting costs each task a batch. Threads that are bound to one
 * CPU cannot hand over without the kernel switching: at least once a transfer. */
static void check_switches(const struct pingpong *w) {
    struct point *pt = w->pt;
    if (w->layer == LAYER_CHAN) {
        if (pt->config.procs == 1 && point_int(pt, "cap") == 0)
            point_check_switches(pt, pt->operations + 2 * pt->tasks * pt->nsamples);
    } else if (pt->config.ncpus == 1) {
        double got = point_kernel_switches_per_operation(pt);
        point_check(pt, "kernel_switches_per_operation", got >= 0.99, 1, got);
    }
}

static void pingpong_run(struct point *pt) {
    const char *layer = point_text(pt, "layer");
    struct pingpong w = {.pt = pt, .npairs = (uint64_t)pt->tasks / 2, .elem_bytes = (uint64_t)point_int(pt, "bytes"),
                         .layer = !strcmp(layer, "chan") ? LAYER_CHAN
                                  : !strcmp(layer, "futex") ? LAYER_FUTEX : LAYER_PIPE};
    if (w.layer != LAYER_CHAN && strcmp(be_name, "pthread")) {
        point_not_applicable(pt, "layer=%s blocks kernel threads: only backend pthread has one a task", layer);
        return;
    }
    w.pairs = aligned_alloc(64, w.npairs * sizeof *w.pairs);
    if (!w.pairs) {
        point_fail(pt, "no memory for %llu pairs", (unsigned long long)w.npairs);
        return;
    }
    memset(w.pairs, 0, w.npairs * sizeof *w.pairs);
    if (pingpong_make(&w, (size_t)point_int(pt, "cap"))) {
        struct batch_plan plan = {pingpong_batch, &w, 100, false, 2 * w.npairs, pingpong_counted};
        point_measure(pt, &plan);
        if (pt->status == POINT_OK) check_switches(&w);
        if (pt->status == POINT_OK && !strcmp(be_name, "pthread") && w.layer == LAYER_CHAN) pingpong_bare(&w);
    } else {
        point_fail(pt, "channels or pipes for %llu pairs could not be made", (unsigned long long)w.npairs);
    }
    pingpong_free(&w);
}

const struct workload pingpong = {
    .name = "pingpong",
    .doc = "two tasks a pair pass a value to and fro: what a hand-off costs",
    .metric = "switch_ns", .unit = "ns", .better = "lower",
    .tasks = 2, .tasks_min = 2, .tasks_max = 2000000,
    .params = pingpong_params,
    .prepare = pingpong_prepare,
    .parked = pingpong_parked,
    .run = pingpong_run,
};
