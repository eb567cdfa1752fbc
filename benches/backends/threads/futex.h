/*
 * Parking a kernel thread: the futex calls, a one-shot parker, and a lock. Shared by the pthread and pool backends.
 *
 * A parker goes 0 (its owner runs or spins) -> 2 (asleep) -> 1 (woken). Waking one that still spins costs no system
 * call. The waker's last touch of the owner's memory is its exchange; the FUTEX_WAKE behind it uses the address
 * alone, so a parker may stand on a stack that is gone by then: the worst is a spurious wake-up, and every sleep
 * here is a loop.
 *
 * Spinning happens only while there are at most as many live threads as CPUs: otherwise it takes the CPU from the
 * very thread that is waited for.
 */
#pragma once

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef _Atomic uint32_t futex_word;

/* Set before the first task starts, read-only from then on. */
extern int64_t threads_spin_ns;
extern int threads_cpus;
extern bool threads_yield;       /* try one sched_yield before sleeping */
/* Threads that can run, the main task left out. */
extern _Atomic int threads_live;

static inline void futex_wait(futex_word *word, uint32_t while_equal) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_equal, NULL, NULL, 0);
}

static inline void futex_wake(futex_word *word, int n) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static inline void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

static inline int64_t monotonic_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline bool may_spin(void) {
    return threads_spin_ns > 0 && atomic_load_explicit(&threads_live, memory_order_relaxed) <= threads_cpus;
}

struct yield_credit {
    uint32_t skip, backoff;      /* waits until the next try; what a failure sets it to */
};
extern _Thread_local struct yield_credit threads_yield_credit;

struct parker {
    futex_word state;
};

static inline bool parker_woken(struct parker *p) {
    return atomic_load_explicit(&p->state, memory_order_acquire) == 1;
}

static inline bool parker_spin(struct parker *p) {
    int64_t end = monotonic_ns() + threads_spin_ns;
    do {
        for (int i = 0; i < 8; i++) {
            if (parker_woken(p)) return true;
            cpu_relax();
        }
    } while (monotonic_ns() < end);
    return false;
}

/*
 * Where threads share a CPU the peer is often next in line: one sched_yield lets it answer without a sleep and a
 * wake-up (2.5 times cheaper, and a woken thread that preempts its waker costs two more switches a rendezvous).
 * A yield that brings nothing doubles the number of waits before the next try, so that a thread beside CPU hogs
 * pays for it once in a thousand waits.
 */
static inline bool parker_yield(struct parker *p) {
    struct yield_credit *c = &threads_yield_credit;
    if (c->skip > 0) {
        c->skip--;
        return false;
    }
    sched_yield();
    bool woken = parker_woken(p);
    c->backoff = woken ? 0 : c->backoff < 1024 ? 2 * c->backoff + 1 : c->backoff;
    c->skip = c->backoff;
    return woken;
}

static inline void parker_wait(struct parker *p) {
    if (may_spin() ? parker_spin(p) : threads_yield && parker_yield(p)) return;
    uint32_t running = 0;
    if (!atomic_compare_exchange_strong(&p->state, &running, 2)) return;
    while (atomic_load_explicit(&p->state, memory_order_acquire) == 2) futex_wait(&p->state, 2);
}

static inline void parker_wake(struct parker *p) {
    if (atomic_exchange(&p->state, 1) == 2) futex_wake(&p->state, 1);
}

/* 0 free, 1 held, 2 held with (perhaps) a sleeper. */
struct futex_lock {
    futex_word word;
};

static inline void futex_lock_slow(struct futex_lock *l) {
    if (may_spin()) {
        for (int i = 0; i < 100; i++) {
            uint32_t unlocked = 0;
            if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
                atomic_compare_exchange_strong(&l->word, &unlocked, 1))
                return;
            cpu_relax();
        }
    }
    while (atomic_exchange(&l->word, 2) != 0) futex_wait(&l->word, 2);
}

static inline void futex_lock(struct futex_lock *l) {
    uint32_t unlocked = 0;
    if (!atomic_compare_exchange_strong_explicit(&l->word, &unlocked, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        futex_lock_slow(l);
}

static inline void futex_unlock(struct futex_lock *l) {
    if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2) futex_wake(&l->word, 1);
}
