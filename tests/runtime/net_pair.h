/*
 * net_pair.h: two connected descriptors, and goroutines that use them: for the tests of descriptors.
 */
#ifndef TEST_NET_PAIR_H
#define TEST_NET_PAIR_H

#include "goroutines.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG (2u << 20) /* bytes: more than any pipe or socket takes at once */

static trine_wg wg; /* of the goroutines below */
static const int64_t ms = 1000000;

enum kind { PIPE, SOCKETPAIR, TCP, KINDS };

/* A connection of this machine with itself. */
static inline int tcp_pair(int fd[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int r, at_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r = bind(at_fd, (struct sockaddr *)&at, len) | listen(at_fd, 1) | getsockname(at_fd, (struct sockaddr *)&at, &len);
    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r |= connect(fd[0], (struct sockaddr *)&at, len);
    fd[1] = accept4(at_fd, NULL, NULL, SOCK_CLOEXEC);
    return r | close(at_fd);
}

/* fd[1] writes to fd[0]; both are given to the poller. */
static inline void make_pair(enum kind kind, int fd[2])
{
    int r = kind == PIPE ? pipe(fd) : kind == TCP ? tcp_pair(fd) : socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    CHECK(r == 0);
    CHECK(trine_open_fd(fd[0]) == 0 && trine_open_fd(fd[1]) == 0);
}

static inline void close_pair(int fd[2])
{
    CHECK(trine_close(fd[0]) == 0);
    CHECK(trine_close(fd[1]) == 0);
}

static inline void later_writer(void *arg)
{
    trine_sleep(ms);
    CHECK(trine_write(*(int *)arg, "x", 1) == 1);
}

static atomic_int n_ebadf;
static inline void blocked_reader(void *arg)
{
    char c;
    if (trine_read(*(int *)arg, &c, 1) == -EBADF) atomic_fetch_add(&n_ebadf, 1);
    trine_wg_done(&wg);
}

static inline void blocked_writer(void *arg)
{
    static char buf[BIG];
    ssize_t n = trine_write(*(int *)arg, buf, BIG);
    if (n == -EBADF || (n > 0 && n < (ssize_t)BIG)) atomic_fetch_add(&n_ebadf, 1);
    trine_wg_done(&wg);
}
#endif
