/*
 * wait_io.c: read, write, accept and connect that park the goroutine, not the thread. Floor 7.
 *
 * Each tries its system call first and parks only on EAGAIN. One try is saved where it is known to be vain: when the
 * last read of a TCP socket was short, nothing is left, and the next edge will tell of more. Two things break that
 * rule, and PD_HANGUP marks both: an end of stream that came with the data, and urgent data, which a read stops at.
 * It is TCP's rule alone. A read of a UNIX stream stops between messages that carry descriptors or come from different
 * writers, a pipe's between packets (O_DIRECT, which the writing end chooses): no edge tells of what is left there.
 *
 * errno: the system calls stand in functions of their own, which are not inlined, turn errno into a result on the
 * thread they ran on, and put the goroutine's errno back.
 */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SYS_CALL __attribute__((noinline)) static
#define CONNECT_RETRY_MIN_NS 50000ll   /* 50 us: an accept of a busy server */
#define CONNECT_RETRY_MAX_NS 10000000ll /* 10 ms */

SYS_CALL ssize_t sys_read(const struct polldesc *pd, void *buf, size_t n)
{
    int saved = errno;
    ssize_t r;
    do r = pd->sock ? recv(pd->fd, buf, n, 0) : read(pd->fd, buf, n); /* a socket's own call skips the layers of files */
    while (r < 0 && errno == EINTR);
    if (r < 0) r = -errno;
    errno = saved;
    return r;
}

/* A socket whose peer is gone gives -EPIPE; for a pipe the program's own choice about SIGPIPE holds. */
SYS_CALL ssize_t sys_write(const struct polldesc *pd, const void *buf, size_t n)
{
    int saved = errno;
    ssize_t r;
    do r = pd->sock ? send(pd->fd, buf, n, MSG_NOSIGNAL) : write(pd->fd, buf, n);
    while (r < 0 && errno == EINTR);
    if (r < 0) r = -errno;
    errno = saved;
    return r;
}

SYS_CALL int sys_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    int saved = errno, r;
    do r = accept4(fd, addr, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (r < 0 && (errno == EINTR || errno == ECONNABORTED)); /* it went away while queued: take the next */
    if (r < 0) r = -errno;
    errno = saved;
    return r;
}

SYS_CALL int sys_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    int saved = errno, r = connect(fd, addr, len) < 0 ? -errno : 0;
    errno = saved;
    return r == -EINTR || r == -EALREADY ? -EINPROGRESS : r;
}

/* 0: connected; -EINPROGRESS: woken without reason; else why it failed. */
SYS_CALL int sys_connected(int fd)
{
    int saved = errno, err = 0;
    socklen_t len = sizeof err;
    struct sockaddr_storage peer;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) err = errno;
    if (err == EALREADY || err == EINTR) err = EINPROGRESS;
    len = sizeof peer;
    if (err == 0 && getpeername(fd, (struct sockaddr *)&peer, &len) < 0) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        err = errno == ENOTCONN ? EINPROGRESS : errno;
        /* closed: a reader was told the error in our place */
        if (err == EINPROGRESS && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP)) err = ECONNREFUSED;
    }
    errno = saved;
    return -err;
}

ssize_t trine_read(int fd, void *buf, size_t n)
{
    struct g *gp = rt_enter("trine_read");
    struct polldesc *pd;
    uint32_t seq;
    ssize_t r = rt_fd_lock(fd, PD_READ, &pd, &seq);
    if (r < 0) goto out;
    for (;;) {
        r = n > PTRDIFF_MAX ? -EINVAL : rt_fd_check(pd, PD_READ, seq);
        if (r < 0 || n == 0) break;
        if (!pd->drained) {
            rt_fd_clear(pd, PD_READ); /* what is there is read now; what comes later is a new event */
            r = sys_read(pd, buf, n);
            if (r != -EAGAIN) {
                pd->drained = r > 0 && (size_t)r < n && pd->tcp && !(at32_load_sc(&pd->info) & PD_HANGUP);
                break;
            }
        }
        pd->drained = false;
        r = rt_fd_wait(pd, PD_READ, seq);
        if (r < 0) break;
    }
    rt_fd_unlock(pd, PD_READ);
out:
    rt_leave(gp);
    return r;
}

/* Everything, or what went before the error, whose report is then left for the next call. */
static ssize_t write_all(struct polldesc *pd, uint32_t seq, const char *buf, size_t n)
{
    size_t done = 0;
    ssize_t r = -pd->write_err;
    pd->write_err = 0;
    while (r == 0) {
        r = rt_fd_check(pd, PD_WRITE, seq);
        if (r < 0) break;
        rt_fd_clear(pd, PD_WRITE);
        r = sys_write(pd, buf + done, n - done);
        if (r > 0) done += (size_t)r;
        if (r >= 0 && (done == n || r == 0)) break;
        r = r == -EAGAIN ? rt_fd_wait(pd, PD_WRITE, seq) : r < 0 ? r : 0;
    }
    if (r < 0 && done == 0) return r;
    if (r < 0 && r != -EBADF && r != -ETIMEDOUT) pd->write_err = (int)-r; /* those two come again by themselves */
    return (ssize_t)done;
}

ssize_t trine_write(int fd, const void *buf, size_t n)
{
    struct g *gp = rt_enter("trine_write");
    struct polldesc *pd;
    uint32_t seq;
    ssize_t r = rt_fd_lock(fd, PD_WRITE, &pd, &seq);
    if (r == 0) {
        r = n > PTRDIFF_MAX ? -EINVAL : write_all(pd, seq, buf, n);
        rt_fd_unlock(pd, PD_WRITE);
    }
    rt_leave(gp);
    return r;
}

int trine_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct g *gp = rt_enter("trine_accept");
    struct polldesc *pd;
    uint32_t seq;
    int r = rt_fd_lock(fd, PD_READ, &pd, &seq);
    if (r < 0) goto out;
    for (;;) {
        r = rt_fd_check(pd, PD_READ, seq);
        if (r < 0) break;
        rt_fd_clear(pd, PD_READ);
        r = sys_accept(fd, addr, len);
        if (r != -EAGAIN) break;
        r = rt_fd_wait(pd, PD_READ, seq);
        if (r < 0) break;
    }
    rt_fd_unlock(pd, PD_READ);
    int err = r >= 0 ? rt_fd_open(r) : 0;
    if (err < 0) {
        rt_fd_close_raw(r);
        r = err;
    }
out:
    rt_leave(gp);
    return r;
}

/* The queue of a UNIX listener is full: no event tells when it no longer is, so ask again, ever more seldom. Of other families
 * EAGAIN says that no port is left, which is an answer. */
static int connect_retry(struct g *gp, struct polldesc *pd, uint32_t seq, const struct sockaddr *addr, socklen_t len)
{
    int r = -EAGAIN;
    for (int64_t ns = CONNECT_RETRY_MIN_NS; r == -EAGAIN; ns = ns < CONNECT_RETRY_MAX_NS ? 2 * ns : ns) {
        rt_sleep_until(gp, rt_deadline(rt_nanotime(), ns));
        r = rt_fd_check(pd, PD_WRITE, seq);
        if (r == 0) r = sys_connect(pd->fd, addr, len);
    }
    return r;
}

static int connect_locked(struct g *gp, struct polldesc *pd, uint32_t seq, const struct sockaddr *addr, socklen_t len)
{
    int r = rt_fd_check(pd, PD_WRITE, seq);
    if (r == 0) r = sys_connect(pd->fd, addr, len);
    if (r == -EAGAIN && addr->sa_family == AF_UNIX) r = connect_retry(gp, pd, seq, addr, len);
    while (r == -EINPROGRESS) {
        r = rt_fd_wait(pd, PD_WRITE, seq);
        if (r == 0) r = sys_connected(pd->fd);
    }
    if (r < 0) return r;
    rt_lock(&pd->lock); /* an unconnected socket reported a hang-up: that is over */
    r = rt_netpoll_retag(pd);
    rt_unlock(&pd->lock);
    return r;
}

int trine_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct g *gp = rt_enter("trine_connect");
    struct polldesc *pd;
    uint32_t seq;
    int r = rt_fd_open(fd);
    if (r == 0) r = rt_fd_lock(fd, PD_WRITE, &pd, &seq);
    if (r == 0) {
        r = connect_locked(gp, pd, seq, addr, len);
        rt_fd_unlock(pd, PD_WRITE);
    }
    rt_leave(gp);
    return r;
}
