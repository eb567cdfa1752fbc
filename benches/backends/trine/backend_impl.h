/* The trine backend: goroutines of libtrine, by its public interface alone. See backends/backend.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <trine.h>

#define be_wg    trine_wg
#define be_mutex trine_mutex
#define be_sema  trine_sema
typedef trine_chan be_chan;

static inline bool be_go(void (*fn)(void *), void *arg) { return trine_go(fn, arg) == 0; }
static inline void be_yield(void) { trine_yield(); }
static inline void be_sleep(int64_t ns) { trine_sleep(ns); }

static inline void be_wg_add(trine_wg *wg, int n) { trine_wg_add(wg, n); }
static inline void be_wg_done(trine_wg *wg) { trine_wg_done(wg); }
static inline void be_wg_wait(trine_wg *wg) { trine_wg_wait(wg); }

static inline be_chan *be_chan_make(size_t elem_bytes, size_t cap) { return trine_chan_make(elem_bytes, cap); }
static inline void be_chan_free(be_chan *c) { trine_chan_free(c); }
static inline void be_chan_send(be_chan *c, const void *elem) { trine_chan_send(c, elem); }
static inline bool be_chan_recv(be_chan *c, void *elem) { return trine_chan_recv(c, elem); }
static inline void be_chan_close(be_chan *c) { trine_chan_close(c); }

static inline void be_mutex_lock(trine_mutex *m) { trine_mutex_lock(m); }
static inline void be_mutex_unlock(trine_mutex *m) { trine_mutex_unlock(m); }
static inline void be_sema_acquire(trine_sema *s) { trine_sema_acquire(s); }
static inline void be_sema_release(trine_sema *s) { trine_sema_release(s); }

/* errno must not be read after trine_syscall_exit, which may move the goroutine to another thread: see backend.c. */
ssize_t be_read_blocking(int fd, void *buf, size_t n);

static inline void be_block_enter(void) { trine_syscall_enter(); }
static inline void be_block_exit(void) { trine_syscall_exit(); }

static inline int be_net_open(int fd) { return trine_open_fd(fd); }
static inline ssize_t be_net_read(int fd, void *buf, size_t n) { return trine_read(fd, buf, n); }
static inline ssize_t be_net_write(int fd, const void *buf, size_t n) { return trine_write(fd, buf, n); }
static inline int be_net_accept(int fd) { return trine_accept(fd, NULL, NULL); }
static inline int be_net_connect(int fd, const struct sockaddr *addr, socklen_t len) {
    return trine_connect(fd, addr, len);
}
static inline int be_net_close(int fd) { return trine_close(fd); }

int64_t be_threads_made(void);

#define BE_HAS_SELECT
typedef trine_case be_case;
#define BE_CASE_RECV(channel, element) ((be_case){.chan = (channel), .op = TRINE_RECV, .elem = (element)})
static inline int be_select(be_case *cases, int n) { return trine_select(cases, n); }

#define BE_HAS_SMALL
static inline bool be_go_small(void (*fn)(void *), void *arg) {
    static const trine_go_opts small = {.stack_bytes = 2048};
    return trine_go_with(&small, fn, arg) == 0;
}

#define BE_HAS_SWITCH
bool be_switch_trips(uint64_t n);        /* switch.c */
