/*
 * The backend of Boost.Fiber, as C sees it: every operation is a call into backend.cpp, one direct call (1 ns) more
 * than a C++ program pays. See backends/backend.h for the contract.
 *
 * The objects of Boost are made in `room` on first use, since their constructors do more than write zeros; they own
 * nothing, so they are never destroyed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct be_wg {
    uint32_t made;               /* 0: no, 1: being made, 2: yes; so in all three */
    int32_t count;               /* guarded by the mutex in room */
    uint64_t room[20];
};

struct be_mutex {
    uint32_t made;
    uint64_t room[8];
};

struct be_sema {
    struct be_wg state;          /* the same parts: a count, a mutex and a condition */
};

typedef struct be_chan be_chan;

bool be_go(void (*fn)(void *), void *arg);
void be_yield(void);
void be_sleep(int64_t ns);
void be_wg_add(struct be_wg *wg, int n);
void be_wg_done(struct be_wg *wg);
void be_wg_wait(struct be_wg *wg);
be_chan *be_chan_make(size_t elem_bytes, size_t cap);
void be_chan_free(be_chan *c);
void be_chan_send(be_chan *c, const void *elem);
bool be_chan_recv(be_chan *c, void *elem);
void be_chan_close(be_chan *c);
void be_mutex_lock(struct be_mutex *m);
void be_mutex_unlock(struct be_mutex *m);
void be_sema_acquire(struct be_sema *s);
void be_sema_release(struct be_sema *s);
ssize_t be_read_blocking(int fd, void *buf, size_t n);
int64_t be_threads_made(void);

/* A fiber that its parent joins, as Boost's own fork and join. */
#define BE_HAS_FORK
struct be_fork {
    uint64_t fiber;
};
bool be_fork(struct be_fork *f, void (*fn)(void *), void *arg);
static inline void be_fork_done(struct be_fork *f) { (void)f; }
void be_join(struct be_fork *f);

#define BE_HAS_SWITCH
bool be_switch_trips(uint64_t n);

/* Boost.Fiber has no I/O: what needs it is refused by name (be_refusal) before it gets here. */
#include "../no_io.h"
