/*
 * wait_open.c: giving a descriptor to the poller, and closing it. Floor 7.
 *
 * A program may also close a registered number behind our back and get it again for another file. trine_open_fd finds
 * that out (the kernel no longer knows the registration) and starts afresh, after sending away whoever still waits.
 */
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#define CLOSE_RETRY_MIN_NS 50000ll    /* 50 us: close(2) frees the number first of all */
#define CLOSE_RETRY_MAX_NS 10000000ll /* 10 ms: a terminal that was opened again passes for the one that drains, for seconds */

struct fd_closer { struct g *gp; int err; bool done; };

static int socket_option(int fd, int name) /* -1: not a socket */
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* pd.tcp asks for type and family as well: a raw socket may have TCP's number, and so has one of netlink's protocols. */
static void classify(struct polldesc *pd)
{
    int protocol = socket_option(pd->fd, SO_PROTOCOL), family;
    pd->sock = protocol >= 0;
    pd->tcp = protocol == IPPROTO_TCP && socket_option(pd->fd, SO_TYPE) == SOCK_STREAM &&
              ((family = socket_option(pd->fd, SO_DOMAIN)) == AF_INET || family == AF_INET6);
}

static int make_nonblocking(int fd, int fl)
{
    return fl & O_NONBLOCK || fcntl(fd, F_SETFL, fl | O_NONBLOCK) == 0 ? 0 : -errno;
}

/* pd->lock held. Waiters of a descriptor that is gone are taken out and appended. */
static int open_locked(struct polldesc *pd, int fl, struct glist *ready)
{
    uint64_t mu = at64_load_acq(&pd->mu);
    if (mu & PD_CLOSED) return -EBADF; /* its close is not over */
    if (mu & PD_OPEN) {
        if (rt_netpoll_rearm(pd)) return make_nonblocking(pd->fd, fl); /* the program may have changed it */
        rt_polldesc_info(pd, PD_CLOSING, 0); /* for whoever is about to park; rt_netpoll_open takes it back behind the new seq */
        struct g *r = rt_netpoll_unblock(&pd->rg, false), *w = rt_netpoll_unblock(&pd->wg, false);
        if (r) glist_push(ready, r);
        if (w) glist_push(ready, w);
    }
    rt_timers_del(&pd->timer);
    classify(pd);
    int err = rt_netpoll_open(pd);
    if (err == 0 && (err = make_nonblocking(pd->fd, fl)) < 0) rt_netpoll_close(pd);
    if (err == 0) at64_or_ar(&pd->mu, PD_OPEN);
    else at64_and_ar(&pd->mu, ~(uint64_t)PD_OPEN);
    return err;
}

__attribute__((noinline)) int rt_fd_open(int fd) /* not inlined: errno is this thread's, and nothing here parks */
{
    int saved = errno, err = 0, fl = fcntl(fd, F_GETFL);
    struct glist ready = {0};
    if (fl < 0 || rt_netpoll_owns(fd)) err = -EBADF;
    struct polldesc *pd = err ? NULL : rt_polldesc_make(fd);
    if (pd) {
        rt_lock(&pd->lock);
        err = open_locked(pd, fl, &ready);
        rt_unlock(&pd->lock);
    } else if (!err) {
        err = -ENOMEM;
    }
    if (!glist_empty(&ready)) rt_readylist(&ready);
    errno = saved;
    return err;
}

int trine_open_fd(int fd)
{
    struct g *gp = rt_enter("trine_open_fd");
    int err = rt_fd_open(fd);
    rt_leave(gp);
    return err;
}

/* ---- close ---- */
__attribute__((noinline)) int rt_fd_close_raw(int fd)
{
    int saved = errno, err = close(fd) < 0 && errno != EINTR ? -errno : 0; /* EINTR: Linux has closed it */
    errno = saved;
    return err;
}

/* Nobody uses pd any more. The number goes last: from then pd may serve somebody else. close(2) frees it first of all, and
 * may then block for long (SO_LINGER, a terminal's output), so it is a blocking call like any other. */
static int finish(struct polldesc *pd)
{
    struct g *gp = rt_getg();
    rt_lock(&pd->lock);
    pd->closer = NULL;
    rt_netpoll_close(pd);
    rt_file_id(pd->fd, &pd->closing_id);
    at32_add_ar(&pd->nclosing, 1);
    at64_store_rel(&pd->mu, 0);
    rt_unlock(&pd->lock);
    rt_syscall_enter(gp);
    int err = rt_fd_close_raw(pd->fd);
    at32_add_ar(&pd->nclosing, -1u); /* here: when the run is over, exit does not return */
    rt_syscall_exit(gp);
    return err;
}

void rt_fd_finish(struct polldesc *pd)
{
    struct fd_closer *c = pd->closer; /* set before the closer dropped its reference */
    c->err = finish(pd);
    c->done = true;
    rt_goready(c->gp);
}

static bool close_commit(struct g *gp, void *arg)
{
    (void)gp;
    return !rt_fd_drop(arg); /* false: the others left first, so the closer itself finishes */
}

static int close_registered(struct g *gp, struct polldesc *pd)
{
    struct fd_closer closer = {gp, 0, false};
    struct glist ready = {0};
    rt_lock(&pd->lock);
    pd->closer = &closer;
    rt_polldesc_info(pd, PD_CLOSING, 0); /* before the waiters are looked for */
    struct g *r = rt_netpoll_unblock(&pd->rg, false), *w = rt_netpoll_unblock(&pd->wg, false);
    if (r) glist_push(&ready, r);
    if (w) glist_push(&ready, w);
    pd->read_deadline_ns = pd->write_deadline_ns = 0; /* a fire that waits for the lock arms no other one */
    rt_timers_del(&pd->timer);
    rt_unlock(&pd->lock);
    if (rt_fd_sole(pd)) return finish(pd);
    if (!glist_empty(&ready)) rt_readylist(&ready);
    rt_gopark(close_commit, pd, WR_IO);
    return closer.done ? closer.err : finish(pd);
}

static int close_unregistered(struct g *gp, int fd)
{
    rt_syscall_enter(gp);
    int err = rt_fd_close_raw(fd);
    rt_syscall_exit(gp);
    return err;
}

int trine_close(int fd)
{
    struct g *gp = rt_enter("trine_close");
    struct polldesc *pd;
    int err;
    for (int64_t ns = CLOSE_RETRY_MIN_NS; (err = rt_fd_shut(fd, &pd)) == -EAGAIN; ns = ns < CLOSE_RETRY_MAX_NS ? 2 * ns : ns)
        rt_sleep_until(gp, rt_deadline(rt_nanotime(), ns));
    if (err == 0) err = close_registered(gp, pd);
    else if (err == -EPERM) err = close_unregistered(gp, fd); /* never given to the poller */
    rt_leave(gp);
    return err;
}
