/*
 * Wait group, mutex, semaphore, sleep, yield and descriptors for kernel threads. Shared by pthread and pool.
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/socket.h>

#include "futex.h"

/* The low 31 bits count; the top bit says that somebody may sleep, and stays set. */
struct be_wg {
    futex_word word;
};
enum { WG_COUNT = 0x7fffffff };
static const uint32_t wg_sleepers = 0x80000000u;

static inline void be_wg_add(struct be_wg *wg, int n) { atomic_fetch_add(&wg->word, (uint32_t)n); }

static inline void be_wg_done(struct be_wg *wg) {
    uint32_t before = atomic_fetch_sub(&wg->word, 1);
    if ((before & WG_COUNT) == 1 && (before & wg_sleepers)) futex_wake(&wg->word, INT_MAX);
}

static inline void be_wg_wait(struct be_wg *wg) {
    uint32_t seen;
    while ((seen = atomic_load(&wg->word)) & WG_COUNT) {
        if (!(seen & wg_sleepers) && !atomic_compare_exchange_strong(&wg->word, &seen, seen | wg_sleepers)) continue;
        futex_wait(&wg->word, seen | wg_sleepers);
    }
}

struct be_mutex {
    struct futex_lock lock;
};
static inline void be_mutex_lock(struct be_mutex *m) { futex_lock(&m->lock); }
static inline void be_mutex_unlock(struct be_mutex *m) { futex_unlock(&m->lock); }

struct be_sema {
    futex_word count;
    _Atomic uint32_t sleepers;
};

static inline void be_sema_acquire(struct be_sema *s) {
    for (;;) {
        uint32_t count = atomic_load(&s->count);
        while (count > 0)
            if (atomic_compare_exchange_weak(&s->count, &count, count - 1)) return;
        atomic_fetch_add(&s->sleepers, 1);
        futex_wait(&s->count, 0);
        atomic_fetch_sub(&s->sleepers, 1);
    }
}

static inline void be_sema_release(struct be_sema *s) {
    atomic_fetch_add(&s->count, 1);
    if (atomic_load(&s->sleepers) > 0) futex_wake(&s->count, 1);
}

static inline void be_yield(void) { sched_yield(); }

static inline void be_sleep(int64_t ns) {
    struct timespec left = {ns / 1000000000, ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {}
}

static inline ssize_t be_read_blocking(int fd, void *buf, size_t n) {
    ssize_t got;
    do got = read(fd, buf, n);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* A thread may block as it likes. */
static inline void be_block_enter(void) {}
static inline void be_block_exit(void) {}

/* The kernel does the parking here: the descriptor must block. */
static inline int be_net_open(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return -errno;
    return 0;
}

static inline ssize_t be_net_read(int fd, void *buf, size_t n) { return be_read_blocking(fd, buf, n); }

static inline ssize_t be_net_write(int fd, const void *buf, size_t n) {
    size_t done = 0;
    while (done < n) {
        ssize_t put = write(fd, (const char *)buf + done, n - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return done ? (ssize_t)done : -errno;
        done += (size_t)put;
    }
    return (ssize_t)done;
}

static inline int be_net_accept(int fd) {
    int got;
    do got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static inline int be_net_connect(int fd, const struct sockaddr *addr, socklen_t len) {
    return connect(fd, addr, len) < 0 ? -errno : 0;
}

static inline int be_net_close(int fd) { return close(fd) < 0 ? -errno : 0; }
