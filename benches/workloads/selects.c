/*
 * select: what does it cost to wait on many channels at once?
 *
 * Method       One task sends to one of `channels` unbuffered channels, drawn at random; another waits for any of
 *              them by select. So nearly every select parks on all of them and is taken off all of them again.
 * Unit         ns a value: elapsed / values.
 * Expectation  It grows with the channels: each costs a lock, a waiter put in and taken out, twice.
 * Falsified by a lost value (their sum is checked), or a figure that does not grow with channels.
 * Known lies   All channels are idle but one, the worst case for select and not what programs that poll do. Go
 *              compiles a select of fixed size: its driver has 4 and 64 channels and no other number.
 */
#include "gate.h"
#include "random.h"
#include "workloads.h"

enum { CHANNELS_MAX = 64 };

static const char *const selects_channels[] = {"4", "64", NULL};

static const struct param selects_params[] = {
    {"channels", PARAM_CHOICE, 0, 0, "4", selects_channels, "how many channels the receiver selects over"},
    {0},
};

#ifdef BE_HAS_SELECT
struct selecting {
    struct point *pt;
    struct gate gate;
    be_chan *chans[CHANNELS_MAX];
    int nchans;
    struct rng rng;
    uint64_t values, sum;
    int64_t counted;
    bool lost;
};

static void select_send(void *arg) {
    struct selecting *w = arg;
    gate_wait(&w->gate);
    for (uint64_t i = 0; i < w->values; i++) be_chan_send(w->chans[rng_next(&w->rng) % (uint64_t)w->nchans], &i);
    gate_leave(&w->gate);
}

static void select_recv(void *arg) {
    struct selecting *w = arg;
    be_case cases[CHANNELS_MAX];
    uint64_t value = 0;
    for (int i = 0; i < w->nchans; i++) cases[i] = BE_CASE_RECV(w->chans[i], &value);
    gate_wait(&w->gate);
    for (uint64_t i = 0; i < w->values; i++) {
        w->counted += be_select(cases, w->nchans) >= 0;
        w->sum += value;
    }
    gate_leave(&w->gate);
}

static double select_batch(void *state, uint64_t n) {
    struct selecting *w = state;
    w->values = n;
    w->sum = 0;
    gate_init(&w->gate, 2);
    gate_go(w->pt, &w->gate, select_recv, w);
    gate_go(w->pt, &w->gate, select_send, w);
    int64_t elapsed_ns = gate_run(&w->gate);
    w->lost |= w->sum != n * (n - 1) / 2;
    return (double)elapsed_ns / (double)n;
}

static int64_t select_counted(const void *state) {
    return ((const struct selecting *)state)->counted;
}

static void selects_run(struct point *pt) {
    struct selecting w = {.pt = pt, .rng = {pt->config.seed}, .nchans = atoi(point_text(pt, "channels"))};
    for (int i = 0; i < w.nchans; i++)
        if (!(w.chans[i] = be_chan_make(sizeof(uint64_t), 0))) point_fail(pt, "no memory for a channel");
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {select_batch, &w, 100, false, 1, select_counted};
        point_measure(pt, &plan);
        point_check(pt, "sum", !w.lost, 1, !w.lost);
        if (w.lost) point_fail(pt, "the values received do not add up to those sent");
    }
    for (int i = 0; i < w.nchans; i++)
        if (w.chans[i]) be_chan_free(w.chans[i]);
}
#define LACKS NULL
#else
#define selects_run NULL
#define LACKS "no select over channels"
#endif

static int64_t selects_parked(const struct point *pt) {
    (void)pt;
    return 2;
}

const struct workload selects = {
    .name = "select",
    .doc = "one task selects over many channels, another sends to one of them at random",
    .metric = "value_ns", .unit = "ns", .better = "lower",
    .tasks = 2, .tasks_min = 2, .tasks_max = 2,
    .params = selects_params,
    .lacks = LACKS,
    .parked = selects_parked,
    .run = selects_run,
};
