/*
 * skynet: a tree of tasks, ten children each, whose leaves send their numbers up through channels that sum them.
 *
 * Method       --tasks leaves (a power of ten). A node makes an unbuffered channel, starts ten children on it, adds
 *              what they send and sends the sum to its parent.
 * Unit         ns a leaf: elapsed / leaves (there are leaves / 9 nodes more).
 * Expectation  1,000,000 leaves on two processors: Go 0.9 to 1.1 us a leaf, tokio 0.8 us.
 * Falsified by a wrong sum: it must be leaves x (leaves - 1) / 2; a batch with a wrong sum counts no operation.
 * Known lies   Creation, channels and memory are mixed, which is why it is quoted so often and explains so little.
 *              How many tasks live at once is the scheduler's choice: depth first keeps few, breadth first all.
 */
#include "point.h"
#include "workloads.h"

static const struct param skynet_params[] = {{0}};

enum { CHILDREN = 10 };

struct skynet_node {
    be_chan *up;
    int64_t first, leaves;
    _Atomic bool *failed;
};

static void skynet_task(void *arg);

static int64_t skynet_sum(const struct skynet_node *n) {
    struct skynet_node children[CHILDREN];
    int64_t sum = 0, value;
    int made = 0;
    be_chan *c = be_chan_make(sizeof value, 0);
    if (!c) *n->failed = true;
    for (; c && made < CHILDREN; made++) {
        int64_t each = n->leaves / CHILDREN;
        children[made] = (struct skynet_node){c, n->first + made * each, each, n->failed};
        if (!be_go(skynet_task, &children[made])) {
            *n->failed = true;
            break;
        }
    }
    for (int i = 0; i < made; i++)
        if (be_chan_recv(c, &value)) sum += value;
    if (c) be_chan_free(c);
    return sum;
}

/* The parent may leave as soon as it has the value, so the node is read before. */
static void skynet_task(void *arg) {
    const struct skynet_node *n = arg;
    be_chan *up = n->up;
    int64_t value = n->leaves == 1 ? n->first : skynet_sum(n);
    be_chan_send(up, &value);
}

struct skynets {
    struct point *pt;
    int64_t leaves, counted;
};

static double skynet_batch(void *state, uint64_t n) {
    struct skynets *w = state;
    _Atomic bool failed = false;
    int64_t start = point_now();
    for (uint64_t i = 0; i < n && !failed; i++) {
        struct skynet_node root = {NULL, 0, w->leaves, &failed};
        if (skynet_sum(&root) == w->leaves * (w->leaves - 1) / 2) w->counted += w->leaves;
    }
    if (failed) point_fail(w->pt, "a task or a channel could not be made: raise the limits or lower --tasks");
    return (double)(point_now() - start) / (double)((int64_t)n * w->leaves);
}

static int64_t skynet_counted(const void *state) {
    return ((const struct skynets *)state)->counted;
}

static bool skynet_prepare(struct point *pt) {
    int64_t power = CHILDREN;
    while (power < pt->tasks) power *= CHILDREN;
    return power == pt->tasks || point_usage(pt, "skynet: --tasks must be a power of ten: the leaves of a tree");
}

static int64_t skynet_parked(const struct point *pt) {
    return pt->tasks + pt->tasks / 9;
}

static void skynet_run(struct point *pt) {
    struct skynets w = {.pt = pt, .leaves = pt->tasks};
    struct batch_plan plan = {skynet_batch, &w, 1, false, (uint64_t)pt->tasks, skynet_counted};
    point_measure(pt, &plan);
}

const struct workload skynet = {
    .name = "skynet",
    .doc = "a tree of tasks, ten a node, sums its leaves through channels",
    .metric = "leaf_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 10, .tasks_max = 1000000,
    .params = skynet_params,
    .prepare = skynet_prepare,
    .parked = skynet_parked,
    .run = skynet_run,
};
