/* Measures the clock: overhead, granularity, drift and the offset between CPUs.
 *
 * The offset is found as NTP does it. The caller, on the reference CPU, stamps t0 and raises a flag; the
 * helper, on the other, stamps t1 as soon as it sees that; the caller stamps t2 when it sees the answer. t1
 * belongs between t0 and t2 on the caller's scale, so the offset is t1 - (t0+t2)/2 to within (t2-t0)/2. The
 * round with the shortest trip is the one that counts: scheduling can only lengthen trips. */
#include "clock_quality.h"

#include "clock.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#define OVERHEAD_BATCHES 50
#define OVERHEAD_BATCH   1000
#define STEPS            20000
#define DRIFT_BRACKETS   64
#define OFFSET_ROUNDS    2000
#define OFFSET_LIMIT_NS  UINT64_C(200000000)

static double measure_overhead(void) {
    double best = INFINITY;

    for (int b = 0; b < OVERHEAD_BATCHES; b++) {
        uint64_t start = mclock_now_ns(), end = start;

        for (int i = 0; i < OVERHEAD_BATCH; i++) end = mclock_now_ns();
        best = fmin(best, (double)(end - start) / OVERHEAD_BATCH);
    }
    return best;
}

/* With a counter, a step between readings is far longer than a tick, so the tick itself is the granularity
 * unless the differences of the steps show that the counter moves in larger units. */
static double measure_granularity(bool *monotonic) {
    uint64_t last = 0, gcd = 0;
    bool counter = mclock_scale.source == MCLOCK_COUNTER;

    for (int i = 0; i < STEPS; i++) {
        uint64_t now = counter ? mclock_ticks() : mclock_now_ns();

        if (i > 0 && now < last) *monotonic = false;
        if (i > 0 && now > last) {
            uint64_t a = gcd, b = now - last;

            while (b != 0) {
                uint64_t r = a % b;

                a = b;
                b = r;
            }
            gcd = a;
        }
        last = now;
    }
    return (double)gcd * mclock_tick_ns();
}

struct pair {
    uint64_t ours, raw, width;
};

static struct pair tight_pair(void) {
    struct pair best = {.width = UINT64_MAX};

    for (int i = 0; i < DRIFT_BRACKETS; i++) {
        uint64_t before = mclock_now_ns();
        uint64_t raw = mclock_posix_ns(CLOCK_MONOTONIC_RAW);
        uint64_t width = mclock_now_ns() - before;

        if (width < best.width) best = (struct pair){before + width / 2, raw, width};
    }
    return best;
}

static void measure_drift(struct mclock_quality *q, int64_t over_ns) {
    struct pair a = tight_pair(), b;
    struct timespec nap = {over_ns / 1000000000, over_ns % 1000000000};

    while (nanosleep(&nap, &nap) != 0 && errno == EINTR) continue;
    b = tight_pair();

    double raw = (double)(b.raw - a.raw), ours = (double)(b.ours - a.ours);

    q->drift_ppm = (ours - raw) / raw * 1e6;
    q->drift_bound_ppm = (double)(a.width + b.width) / 2 / raw * 1e6;
}

struct echo {
    _Atomic int
        turn; /* release by whoever hands over, acquire by the other: 0 caller's, 1 helper's, 2 stop */
    _Alignas(64) uint64_t seen; /* written by the helper in its turn */
    int cpu;
    int error;
};

static int pin_self(int cpu) {
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *echo_main(void *arg) {
    struct echo *e = arg;

    e->error = pin_self(e->cpu);
    for (;;) {
        int turn = atomic_load_explicit(&e->turn, memory_order_acquire);

        if (turn == 2) return NULL;
        if (turn != 1) continue;
        e->seen = mclock_now_ns();
        atomic_store_explicit(&e->turn, 0, memory_order_release);
    }
}

/* The caller is pinned to the reference CPU. */
static int offset_of(int cpu, double *offset, double *bound) {
    struct echo e = {.cpu = cpu};
    uint64_t start = mclock_now_ns();
    pthread_t helper;
    int err = pthread_create(&helper, NULL, echo_main, &e);

    if (err != 0) return -err;
    *bound = INFINITY;
    for (int i = 0; i < OFFSET_ROUNDS && mclock_now_ns() - start < OFFSET_LIMIT_NS; i++) {
        uint64_t t0 = mclock_now_ns(), t2;

        atomic_store_explicit(&e.turn, 1, memory_order_release);
        while (atomic_load_explicit(&e.turn, memory_order_acquire) != 0) continue;
        t2 = mclock_now_ns();

        double half = (double)(int64_t)(t2 - t0) / 2;

        if (half < *bound) {
            *bound = half;
            *offset = (double)(int64_t)(e.seen - t0) - half;
        }
    }
    atomic_store_explicit(&e.turn, 2, memory_order_release);
    pthread_join(helper, NULL);
    return -e.error;
}

static int measure_offsets(struct mclock_quality *q) {
    cpu_set_t before;
    int first = -1, err = pthread_getaffinity_np(pthread_self(), sizeof before, &before);

    if (err != 0) return -err;
    for (int cpu = 0; cpu < CPU_SETSIZE && err == 0; cpu++) {
        double offset = 0, bound = 0;

        if (!CPU_ISSET((size_t)cpu, &before)) continue;
        if (first < 0) {
            first = cpu;
            err = -pin_self(cpu);
        } else {
            err = offset_of(cpu, &offset, &bound);
        }
        if (err != 0) break;
        q->ncpus++;
        if (fabs(offset) >= fabs(q->offset_ns)) {
            q->offset_ns = offset;
            q->offset_bound_ns = bound;
        }
        if (fabs(offset) > bound) q->monotonic = false;
    }
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    return err;
}

int mclock_measure(struct mclock_quality *q, int64_t drift_over_ns) {
    if (drift_over_ns <= 0) return -EINVAL;
    *q = (struct mclock_quality){.monotonic = true};
    q->overhead_ns = measure_overhead();
    q->granularity_ns = measure_granularity(&q->monotonic);
    measure_drift(q, drift_over_ns);
    return measure_offsets(q);
}
