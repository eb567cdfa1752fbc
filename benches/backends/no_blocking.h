/* What makes a task wait, for backends whose tasks cannot: the workloads that need it are refused by be_refusal, so
 * these only keep their sources compiling. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

struct be_mutex {
    char unused;
};

struct be_sema {
    char unused;
};

typedef struct be_chan be_chan;

static inline void be_yield(void) { abort(); }
static inline void be_sleep(int64_t ns) { (void)ns, abort(); }
static inline be_chan *be_chan_make(size_t elem_bytes, size_t cap) { return (void)elem_bytes, (void)cap, (be_chan *)0; }
static inline void be_chan_free(be_chan *c) { (void)c, abort(); }
static inline void be_chan_send(be_chan *c, const void *elem) { (void)c, (void)elem, abort(); }
static inline bool be_chan_recv(be_chan *c, void *elem) { return (void)c, (void)elem, abort(), false; }
static inline void be_chan_close(be_chan *c) { (void)c, abort(); }
static inline void be_mutex_lock(struct be_mutex *m) { (void)m, abort(); }
static inline void be_mutex_unlock(struct be_mutex *m) { (void)m, abort(); }
static inline void be_sema_acquire(struct be_sema *s) { (void)s, abort(); }
static inline void be_sema_release(struct be_sema *s) { (void)s, abort(); }
static inline ssize_t be_read_blocking(int fd, void *buf, size_t n) { return (void)fd, (void)buf, (void)n, -ENOSYS; }
