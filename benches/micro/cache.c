/*
 * limit/cache_line: how long does a cache line take from one core to another?
 *
 * Method       Two threads, pinned to the first two CPUs of the affinity mask, pass a turn to and fro in one word.
 * Unit         ns one way (a round trip is two iterations).
 * Expectation  77 to 89 between cores of one socket, 20 to 40 between SMT siblings, more across sockets.
 * Falsified by a figure that does not change when both are pinned to SMT siblings or to two sockets.
 * Known lies   The CPUs are the first two allowed, whatever their distance. A busy neighbour on either CPU shows as
 *              time slices of the kernel: take the least of several repetitions.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "micro.h"

static struct {
    _Atomic int turn;            /* 0: the benchmark's thread, 1: the partner, 2: the partner ends */
} line __attribute__((aligned(128)));

static int partner_cpu;

static bool pin_self(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
}

static void *partner(void *unused) {
    int turn;
    pin_self(partner_cpu);
    while ((turn = atomic_load_explicit(&line.turn, memory_order_acquire)) != 2)
        if (turn == 1) atomic_store_explicit(&line.turn, 0, memory_order_release);
    return unused;
}

static void cache_line(struct gbench *b, int64_t arg) {
    cpu_set_t before;
    pthread_t thread;
    int first = 0;
    (void)arg;
    if (sched_getaffinity(0, sizeof before, &before) || CPU_COUNT(&before) < 2) {
        gbench_skip(b, "it takes two CPUs");
        return;
    }
    while (!CPU_ISSET(first, &before)) first++;
    for (partner_cpu = first + 1; !CPU_ISSET(partner_cpu, &before);) partner_cpu++;
    atomic_store(&line.turn, 0);
    if (!pin_self(first) || pthread_create(&thread, NULL, partner, NULL)) {
        gbench_skip(b, "the two threads could not be placed");
        return;
    }
    while (gbench_more(b, 200))
        for (int i = 0; i < 100; i++) {
            atomic_store_explicit(&line.turn, 1, memory_order_release);
            while (atomic_load_explicit(&line.turn, memory_order_acquire) != 0) {}
        }
    atomic_store(&line.turn, 2);
    pthread_join(thread, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
}

void micro_cache_register(void) {
    gbench_register("limit/cache_line", cache_line, 0, 1);
}
