/*
 * calibrate/wake: what the kernel charges for handing over between two threads by futex: the wake of one and
 * the sleep of the other, on one CPU and across two. It is the limit for every runtime that lets the kernel
 * switch. The two threads share one turn word; each hand-over is one FUTEX_WAKE and one FUTEX_WAIT.
 */
#include "base/child.h"
#include "base/json.h"
#include "calibrate/calibrate.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BATCHES = 9, BATCH_ROUNDS = 2000, QUICK_ROUNDS = 500 };

struct link {
    _Atomic uint32_t turn; /* 0: the caller's, 1: the partner's; written with release by whoever hands over */
    int cpu, rounds;
};

static void hand_over(struct link *l, uint32_t to) {
    atomic_store(&l->turn, to);
    syscall(SYS_futex, &l->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await(struct link *l, uint32_t mine) {
    while (atomic_load(&l->turn) != mine)
        syscall(SYS_futex, &l->turn, FUTEX_WAIT_PRIVATE, 1 - mine, NULL, NULL, 0);
}

static int pin_self(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *partner(void *arg) {
    struct link *l = arg;
    pin_self(l->cpu);
    for (int i = 0; i < l->rounds; i++) {
        await(l, 1);
        hand_over(l, 0);
    }
    return NULL;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ns one way; 0, or -errno when a thread could not be had. */
static int measure(int own, int other, int rounds, double *median, double *least) {
    double ns[BATCHES];
    struct link l = {.cpu = other, .rounds = BATCHES * rounds};
    pthread_t thread;
    int err = pin_self(own);
    if (!err) err = pthread_create(&thread, NULL, partner, &l);
    if (err) return -err;
    for (int b = 0; b < BATCHES; b++) {
        int64_t start = monotonic_ns();
        for (int i = 0; i < rounds; i++) {
            hand_over(&l, 1);
            await(&l, 0);
        }
        ns[b] = (double)(monotonic_ns() - start) / (2.0 * rounds);
    }
    pthread_join(thread, NULL);
    qsort(ns, BATCHES, sizeof *ns, by_value);
    *median = ns[BATCHES / 2];
    *least = ns[0];
    return 0;
}

static void add(json_t *limits, const char *name, int own, int other, int rounds, const char *method) {
    double median, least;
    int err = own < 0 || other < 0 ? -ENODEV : measure(own, other, rounds, &median, &least);
    json_object_set_new(
        limits, name,
        err ? json_unavailable(err == -ENODEV ? "it takes two CPUs" : "no thread: %s", strerror(-err))
            : calibrate_limit(median, least, "ns", method));
}

void calibrate_wakes(json_t *limits, bool quick) {
    cpu_set_t before;
    int first = -1, second = -1, rounds = quick ? QUICK_ROUNDS : BATCH_ROUNDS;
    if (sched_getaffinity(0, sizeof before, &before) != 0) CPU_ZERO(&before);
    for (int i = 0; i < CPU_SETSIZE && second < 0; i++) {
        if (!CPU_ISSET((size_t)i, &before)) continue;
        if (first < 0)
            first = i;
        else
            second = i;
    }
    add(limits, "futex_wake_same_cpu", first, first, rounds,
        "a turn handed to a sleeping thread of the same CPU");
    add(limits, "futex_wake_other_cpu", first, second, rounds,
        "a turn handed to a sleeping thread of another CPU");
    sched_setaffinity(0, sizeof before, &before);
}
