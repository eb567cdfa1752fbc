/*
 * mutex: what does a lock cost, alone and when others want it?
 *
 * Method       Each of --tasks tasks locks and unlocks one mutex over and over; inside it adds one to a counter that
 *              only the mutex guards. One task: never contended.
 * Unit         ns a lock and unlock, over all tasks: elapsed / (tasks x rounds).
 * Expectation  Uncontended two atomic operations: 15 ns. Contended on two processors 40 ns and more, by how the
 *              lock chooses between handing over and letting the holder take it again.
 * Falsified by a counter that lost an addition (it is the count of operations).
 * Known lies   Nothing happens between two locks, so whoever holds the lock mostly takes it again: throughput is at
 *              its best and fairness at its worst. On one processor nothing is contended until a slice ends.
 */
#include "gate.h"
#include "workloads.h"

static const struct param mutex_params[] = {{0}};

struct mutexes {
    struct point *pt;
    struct gate gate;
    struct be_mutex lock __attribute__((aligned(64)));
    int64_t counted;             /* guarded by lock */
    uint64_t rounds __attribute__((aligned(64)));
};

static void mutex_task(void *arg) {
    struct mutexes *w = arg;
    uint64_t rounds = w->rounds;
    gate_wait(&w->gate);
    for (uint64_t i = 0; i < rounds; i++) {
        be_mutex_lock(&w->lock);
        w->counted++;
        be_mutex_unlock(&w->lock);
    }
    gate_leave(&w->gate);
}

static double mutex_batch(void *state, uint64_t n) {
    struct mutexes *w = state;
    w->rounds = n;
    gate_init(&w->gate, (uint64_t)w->pt->tasks);
    for (int64_t i = 0; i < w->pt->tasks; i++) gate_go(w->pt, &w->gate, mutex_task, w);
    return (double)gate_run(&w->gate) / (double)((int64_t)n * w->pt->tasks);
}

static int64_t mutex_counted(const void *state) {
    return ((const struct mutexes *)state)->counted;
}

static int64_t mutex_parked(const struct point *pt) {
    return pt->tasks;
}

static void mutex_run(struct point *pt) {
    struct mutexes w = {.pt = pt};
    struct batch_plan plan = {mutex_batch, &w, 100, false, (uint64_t)pt->tasks, mutex_counted};
    point_measure(pt, &plan);
}

const struct workload mutex = {
    .name = "mutex",
    .doc = "tasks lock and unlock one mutex: what a round costs",
    .metric = "lock_ns", .unit = "ns", .better = "lower",
    .tasks = 1, .tasks_min = 1, .tasks_max = 100000,
    .params = mutex_params,
    .parked = mutex_parked,
    .run = mutex_run,
};
