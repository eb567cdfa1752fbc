/* Cache latencies: see cache_latency.h.
 *
 * A level is a block that fits into it and not into the one above: a half of L1, a half of L2, four times L2
 * where L3 is larger than that. Memory is four times L3, within bounds. Every figure includes the TLB's
 * share, as it does for any program: from the size of L2 on the random order misses it more and more.
 *
 * Remote: a helper on another CPU writes every line of a block of half of L1 and hands the turn over; the
 * caller chases it once. Chasing it again costs L1, which is the control. */
#include "cache_latency.h"

#include "chase.h"
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PASSES = 15, REMOTE_ROUNDS = 101, PASS_LEAST_LOADS = 20000 };
#define REMOTE_LIMIT_NS UINT64_C(300000000)
#define MOST_BYTES      ((size_t)128 << 20)

static size_t sysfs_cache_bytes(int level) {
    for (int i = 0; i < 8; i++) {
        char path[96], type[16] = "";
        unsigned long kib = 0;
        int at = 0;

        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        FILE *f = fopen(path, "re");
        if (f == NULL) return 0;
        if (fscanf(f, "%d", &at) != 1) at = 0;
        fclose(f);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if ((f = fopen(path, "re")) != NULL) {
            if (fscanf(f, "%15s", type) != 1) type[0] = '\0';
            fclose(f);
        }
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if ((f = fopen(path, "re")) != NULL) {
            if (fscanf(f, "%luK", &kib) != 1) kib = 0;
            fclose(f);
        }
        if (at == level && type[0] != 'I') return (size_t)kib << 10;
    }
    return 0;
}

static size_t cache_bytes(int level, int name) {
    size_t shown = sysfs_cache_bytes(level);
    long told = sysconf(name);

    if (shown != 0) return shown;
    return told > 0 ? (size_t)told : 0;
}

void cache_sizes_get(struct cache_sizes *s) {
    *s = (struct cache_sizes){cache_bytes(1, _SC_LEVEL1_DCACHE_SIZE), cache_bytes(2, _SC_LEVEL2_CACHE_SIZE),
                              cache_bytes(3, _SC_LEVEL3_CACHE_SIZE)};
    if (s->l1_bytes == 0) s->l1_bytes = 32 << 10; /* the least that any processor in use has */
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void conclude(struct load_latency *out, double *ns, size_t n, size_t bytes) {
    qsort(ns, n, sizeof *ns, compare);
    *out = (struct load_latency){.least_ns = ns[0], .median_ns = ns[n / 2], .bytes = bytes};
}

static int measure_level(struct load_latency *out, size_t bytes) {
    struct chase c;
    double ns[PASSES];
    int err = chase_init(&c, bytes, bytes);

    if (err != 0) return err;
    size_t loads = c.n < PASS_LEAST_LOADS ? PASS_LEAST_LOADS : c.n > 200000 ? 200000 : c.n;
    struct chase_line *at = chase_follow(c.lines, loads);
    for (int i = 0; i < PASSES; i++) {
        uint64_t start = mclock_now_ns();

        at = chase_follow(at, loads);
        ns[i] = (double)(mclock_now_ns() - start) / (double)loads;
    }
    chase_free(&c);
    conclude(out, ns, PASSES, bytes);
    return 0;
}

struct writer {
    struct chase *chase;
    _Atomic int
        turn; /* release by whoever hands over, acquire by the other: 0 caller's, 1 writer's, 2 stop */
    int cpu;
    int error; /* read after the join */
};

static int pin_self(int cpu) {
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *writer_main(void *arg) {
    struct writer *w = arg;

    w->error = pin_self(w->cpu);
    for (;;) {
        int turn = atomic_load_explicit(&w->turn, memory_order_acquire);

        if (turn == 2) return NULL;
        if (turn != 1) continue;
        chase_dirty(w->chase);
        atomic_store_explicit(&w->turn, 0, memory_order_release);
    }
}

/* The caller is pinned to own_cpu. */
static int remote_rounds(struct writer *w, struct load_latency *out) {
    double ns[REMOTE_ROUNDS];
    uint64_t start = mclock_now_ns();
    pthread_t helper;
    size_t n = 0;
    int err = pthread_create(&helper, NULL, writer_main, w);

    if (err != 0) return -err;
    while (n < REMOTE_ROUNDS && mclock_now_ns() - start < REMOTE_LIMIT_NS) {
        atomic_store_explicit(&w->turn, 1, memory_order_release);
        while (atomic_load_explicit(&w->turn, memory_order_acquire) != 0) continue;
        ns[n++] = (double)chase_pass_ns(w->chase) / (double)w->chase->n;
    }
    atomic_store_explicit(&w->turn, 2, memory_order_release);
    pthread_join(helper, NULL);
    if (n > 0) conclude(out, ns, n, w->chase->n * CHASE_LINE_BYTES);
    return -w->error;
}

/* The first two CPUs that may be used. */
static bool two_cpus(const cpu_set_t *set, int *a, int *b) {
    *a = *b = -1;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET((size_t)i, set)) continue;
        if (*a >= 0) {
            *b = i;
            return true;
        }
        *a = i;
    }
    return false;
}

static int measure_remote(struct cache_latency *out, const struct cache_sizes *sizes) {
    struct chase c;
    cpu_set_t before;
    int err = -ENODEV;

    if (sched_getaffinity(0, sizeof before, &before) != 0) return -errno;
    if (out->remote_cpu < 0 && !two_cpus(&before, &out->own_cpu, &out->remote_cpu)) return -ENODEV;
    if (chase_init(&c, sizes->l1_bytes / 2, 1) != 0) return -ENOMEM;
    struct writer w = {.chase = &c, .cpu = out->remote_cpu};
    err = -pin_self(out->own_cpu);
    if (err == 0) err = remote_rounds(&w, &out->remote);
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    chase_free(&c);
    return err;
}

int cache_latency_remote(struct cache_latency *out, const struct cache_sizes *sizes, int own_cpu,
                         int remote_cpu) {
    uint64_t start = mclock_now_ns();

    *out = (struct cache_latency){.own_cpu = own_cpu, .remote_cpu = remote_cpu};
    int err = measure_level(&out->l1, sizes->l1_bytes / 2);

    if (err == 0) err = measure_remote(out, sizes);
    out->took_ms = (double)(mclock_now_ns() - start) / 1e6;
    return err;
}

int cache_latency_measure(struct cache_latency *out, const struct cache_sizes *sizes, size_t most_bytes) {
    uint64_t start = mclock_now_ns();
    size_t most = most_bytes ? most_bytes : MOST_BYTES;
    size_t last = sizes->l3_bytes ? sizes->l3_bytes : sizes->l2_bytes ? sizes->l2_bytes : sizes->l1_bytes;
    int err;

    *out = (struct cache_latency){.own_cpu = -1, .remote_cpu = -1};
    err = measure_level(&out->l1, sizes->l1_bytes / 2);
    if (err == 0 && sizes->l2_bytes) err = measure_level(&out->l2, sizes->l2_bytes / 2);
    if (err == 0 && sizes->l2_bytes && sizes->l3_bytes > 4 * sizes->l2_bytes)
        err = measure_level(&out->l3, 4 * sizes->l2_bytes);
    if (err == 0 && 2 * last <= most) err = measure_level(&out->memory, 4 * last < most ? 4 * last : most);
    if (err == 0) err = measure_remote(out, sizes);
    out->took_ms = (double)(mclock_now_ns() - start) / 1e6;
    return err;
}
