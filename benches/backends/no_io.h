/* Blocking calls and the poller's operations for backends that have none: their workloads are refused by be_refusal,
 * so these only keep the sources that mention them compiling. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

static inline void be_block_enter(void) {}
static inline void be_block_exit(void) {}
static inline int be_net_open(int fd) { return (void)fd, -ENOSYS; }
static inline ssize_t be_net_read(int fd, void *buf, size_t n) { return (void)fd, (void)buf, (void)n, -ENOSYS; }
static inline ssize_t be_net_write(int fd, const void *buf, size_t n) { return (void)fd, (void)buf, (void)n, -ENOSYS; }
static inline int be_net_accept(int fd) { return (void)fd, -ENOSYS; }
static inline int be_net_connect(int fd, const struct sockaddr *addr, socklen_t len) {
    return (void)fd, (void)addr, (void)len, -ENOSYS;
}
static inline int be_net_close(int fd) { return (void)fd, -ENOSYS; }
