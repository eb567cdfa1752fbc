/*
 * netpoll.c: epoll, the table of descriptors, and the break. Floor 4; netpoll.h has the contract.
 *
 * Owns the epoll descriptor and the eventfd, which belong to a run: between two there is nothing that a fork could share
 * or a program that closes every number could close. And the table: chunks of 1,024 polldescs, each reached by two
 * loads, made under table_lock and never freed.
 *
 * The break: `woken` is 1 from the moment somebody decided to write to the eventfd until a blocking poll has read it,
 * so that at most one write is pending. A poll that does not block leaves the eventfd alone: it is level-triggered,
 * and the break is meant for one that blocks. Both sides of the race:
 *   breaker: publish the reason (a timer); fence; read woken, 1: leave it to the poller
 *   poller:  read the eventfd; woken = 0; fence; look for timers
 * One of the two sees the other's store, so a break is never lost.
 */
#include "netpoll.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* Linux 5.11; the number is the same on all architectures */
#endif

#define CHUNK 1024
#define CHUNKS 16384 /* times CHUNK: 2^24 descriptors; fs.nr_open is 2^20 by default */
#define BREAK_TAG UINT64_MAX

static struct lock init_lock, table_lock;
static at_u32 inited;
static int epfd = -1, evfd = -1;
static at_i32 nwaiters;
static at_u32 woken;
static at_u64 nbreaks;
static at_u32 no_pwait2;     /* the kernel has no epoll_pwait2 */
static at_ptr table[CHUNKS]; /* struct polldesc[CHUNK]; partner of the release in make: rt_polldesc */
static int chunks_used;      /* table_lock: none is used from here on */

/* ---- start ---- */
static int make_descriptors(void)
{
    int err = rt_os_fail(OS_EPOLL_CREATE), ep = -1, ev = -1;
    if (err == 0 && (ep = epoll_create1(EPOLL_CLOEXEC)) < 0) err = errno;
    if (err == 0) err = rt_os_fail(OS_EVENTFD);
    if (err == 0 && (ev = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) err = errno;
    if (err == 0) err = rt_os_fail(OS_EPOLL_CTL);
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = BREAK_TAG};
    if (err == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) < 0) err = errno;
    if (err) {
        if (ep >= 0) close(ep);
        if (ev >= 0) close(ev);
        return -err;
    }
    epfd = ep;
    evfd = ev;
    return 0;
}

int rt_netpoll_init(void)
{
    if (rt_netpoll_inited()) return 0;
    int saved = errno, err = 0;
    rt_lock(&init_lock);
    if (!rt_netpoll_inited()) {
        err = make_descriptors();
        if (err == 0) at32_store_rel(&inited, 1); /* partner: rt_netpoll_inited */
    }
    rt_unlock(&init_lock);
    errno = saved;
    return err;
}

bool rt_netpoll_inited(void) { return at32_load_acq(&inited) != 0; }
bool rt_netpoll_any_waiters(void) { return ati32_load_acq(&nwaiters) > 0; }
void rt_netpoll_waiter(int delta) { ati32_add_ar(&nwaiters, delta); }
bool rt_netpoll_owns(int fd) { return rt_netpoll_inited() && (fd == epfd || fd == evfd); }

/* ---- the table ---- */
struct polldesc *rt_polldesc(int fd)
{
    if (fd < 0 || fd >= CHUNK * CHUNKS) return NULL;
    struct polldesc *chunk = atp_load_acq(&table[fd / CHUNK]);
    return chunk ? &chunk[fd % CHUNK] : NULL;
}

struct polldesc *rt_polldesc_make(int fd)
{
    struct polldesc *pd = rt_polldesc(fd);
    if (pd || fd < 0 || fd >= CHUNK * CHUNKS) return pd;
    rt_lock(&table_lock);
    struct polldesc *chunk = atp_load_rlx(&table[fd / CHUNK]);
    if (!chunk && (chunk = rt_sysalloc(CHUNK * sizeof *chunk)) != NULL) {
        for (int i = 0; i < CHUNK; i++) chunk[i].fd = fd / CHUNK * CHUNK + i;
        atp_store_rel(&table[fd / CHUNK], chunk);
        if (chunks_used <= fd / CHUNK) chunks_used = fd / CHUNK + 1;
    }
    rt_unlock(&table_lock);
    return rt_polldesc(fd);
}

void rt_polldesc_info(struct polldesc *pd, uint32_t set, uint32_t clear)
{
    for (;;) {
        uint32_t old = at32_load_rlx(&pd->info), new = (old & ~clear) | set;
        /* total order: whoever sets a bit looks for the waiter next, and whoever is about to wait looks for the bit */
        if (old == new || at32_cas_sc(&pd->info, old, new)) return;
    }
}

/* Also asked of a number that another goroutine closes at that instant: either answer is right. TSan takes a descriptor for
 * memory, so it is asked by the form that it does not know. */
bool rt_file_id(int fd, struct file_id *id)
{
    struct stat st;
    int saved = errno;
    bool open = fstatat(fd, "", &st, AT_EMPTY_PATH) == 0;
    errno = saved;
    *id = open ? (struct file_id){st.st_dev, st.st_ino} : (struct file_id){0, 0};
    return open;
}

bool rt_file_is(int fd, const struct file_id *id)
{
    struct file_id now;
    return rt_file_id(fd, &now) && now.dev == id->dev && now.ino == id->ino;
}

/* ---- registration ---- */
static int control(int op, struct polldesc *pd)
{
    struct epoll_event e = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
        .data.u64 = (uint64_t)at32_load_rlx(&pd->tag) << 32 | (uint32_t)pd->fd,
    };
    int saved = errno, err = op == EPOLL_CTL_DEL ? 0 : rt_os_fail(OS_EPOLL_CTL);
    if (err == 0 && epoll_ctl(epfd, op, pd->fd, &e) < 0) err = errno;
    errno = saved;
    return -err;
}

static void next_tag(struct polldesc *pd) { at32_store_rel(&pd->tag, at32_load_rlx(&pd->tag) + 1); } /* partner: deliver */

static void next_seq(struct polldesc *pd)
{
    uint32_t seq = at32_load_rlx(&pd->seq) + 1;
    at32_store_rel(&pd->seq, seq ? seq : 1); /* partner: rt_fd_lock and rt_fd_check */
    next_tag(pd);
}

int rt_netpoll_open(struct polldesc *pd)
{
    next_seq(pd); /* from here an event of whatever had this number before is dropped */
    atp_cas_sc(&pd->rg, PD_READY, NULL);
    atp_cas_sc(&pd->wg, PD_READY, NULL);
    rt_polldesc_info(pd, 0, ~0u);
    at32_store_rlx(&pd->kept, 0);
    pd->drained = false;
    pd->write_err = 0;
    pd->read_deadline_ns = pd->write_deadline_ns = 0;
    int err = control(EPOLL_CTL_ADD, pd); /* reports at once what is ready already */
    if (err == -EEXIST) err = control(EPOLL_CTL_MOD, pd);
    return err;
}

int rt_netpoll_retag(struct polldesc *pd)
{
    next_tag(pd);
    rt_polldesc_info(pd, 0, PD_HANGUP);
    return control(EPOLL_CTL_MOD, pd);
}

bool rt_netpoll_rearm(struct polldesc *pd) { return control(EPOLL_CTL_MOD, pd) == 0; }

void rt_netpoll_close(struct polldesc *pd)
{
    next_seq(pd);
    control(EPOLL_CTL_DEL, pd);
}

/* ---- events ---- */
struct g *rt_netpoll_unblock(at_ptr *word, bool ioready)
{
    for (;;) {
        void *old = atp_load_sc(word); /* after the reason (info) was set; partner: block in wait_poll.c */
        if (old == PD_READY || (old == NULL && !ioready)) return NULL;
        if (atp_cas_sc(word, old, ioready ? PD_READY : NULL)) return old == PD_WAIT ? NULL : old;
    }
}

static int deliver(const struct epoll_event *e, struct glist *out)
{
    struct polldesc *pd = rt_polldesc((int)(uint32_t)e->data.u64);
    if (!pd || at32_load_acq(&pd->tag) != (uint32_t)(e->data.u64 >> 32)) return 0; /* an earlier descriptor's */
    int n = 0;
    struct g *gp;
    if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) {
        rt_polldesc_info(pd, PD_HANGUP, 0); /* before the reader is woken, which asks for it */
    }
    if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) {
        gp = rt_netpoll_unblock(&pd->rg, true);
        n += gp != NULL;
        if (gp) glist_push(out, gp);
    }
    if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        gp = rt_netpoll_unblock(&pd->wg, true);
        n += gp != NULL;
        if (gp) glist_push(out, gp);
    }
    return n;
}

/* Nanosecond waits where the kernel has them: a 100 us sleep by epoll_wait takes a millisecond. It may end a wait late by a
 * thousandth of it, whatever the thread's slack (select_estimate_accuracy), so it is asked for that much less. */
static int wait_events(struct epoll_event *ev, int max, int64_t delay_ns)
{
    if (delay_ns > 0 && !at32_load_rlx(&no_pwait2)) {
        int64_t less = delay_ns - delay_ns / 1001;
        struct timespec ts = {less / 1000000000, less % 1000000000};
        int n = (int)syscall(SYS_epoll_pwait2, epfd, ev, max, &ts, NULL, 0);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n; /* EPERM: an old sandbox that filters it */
        at32_store_rlx(&no_pwait2, 1);
    }
    int64_t ms = delay_ns <= 0 ? delay_ns : (delay_ns - 1) / 1000000 + 1; /* rounded up: never early */
    if (ms > 1000000000) ms = 1000000000;
    return epoll_wait(epfd, ev, max, ms < 0 ? -1 : (int)ms);
}

static void take_break(void)
{
    uint64_t n;
    if (read(evfd, &n, sizeof n) != sizeof n) return; /* another blocking poll was faster */
    at32_store_rlx(&woken, 0);
    at_fence_sc(); /* before the caller looks for timers; partner: rt_netpoll_break */
}

/* Waits for the rest too, if there is one: any interrupt that comes by within its slack ends the wait early. A caller that
 * took a P for that would wake the monitor, find nothing due and come back. */
static int wait_out(struct epoll_event *ev, int max, int64_t delay_ns)
{
    int64_t begun = delay_ns > 0 ? rt_nanotime() : 0, left = delay_ns;
    int got = wait_events(ev, max, left);
    while (got == 0 && delay_ns > 0 && (left = delay_ns - (rt_nanotime() - begun)) > 0) got = wait_events(ev, max, left);
    return got;
}

int rt_netpoll(int64_t delay_ns, struct glist *out)
{
    if (!rt_netpoll_inited()) return 0;
    struct epoll_event ev[RT_NETPOLL_EVENTS];
    int saved = errno, got, readied = 0;
    for (;;) {
        int err = rt_os_fail(OS_EPOLL_WAIT);
        got = err ? -1 : wait_out(ev, RT_NETPOLL_EVENTS, delay_ns);
        if (got < 0 && !err) err = errno;
        if (got >= 0) break;
        if (err != EINTR) rt_throw("netpoll: epoll_wait on descriptor %d failed with errno %d", epfd, err);
        if (delay_ns > 0) got = 0; /* the caller computes afresh how long to sleep */
        if (delay_ns > 0) break;
    }
    for (int i = 0; i < got; i++) {
        if (ev[i].data.u64 != BREAK_TAG) readied += deliver(&ev[i], out);
        else if (delay_ns != 0) take_break();
    }
    errno = saved;
    return readied;
}

uint64_t rt_netpoll_breaks(void) { return at64_load_rlx(&nbreaks); }

void rt_netpoll_break(void)
{
    if (!rt_netpoll_inited()) return;
    at_fence_sc(); /* after the reason was published; partner: take_break */
    if (at32_load_rlx(&woken) || !at32_cas_sc(&woken, 0, 1)) return;
    at64_add_rlx(&nbreaks, 1);
    int saved = errno;
    uint64_t one = 1;
    while (write(evfd, &one, sizeof one) < 0) {
        if (errno == EAGAIN) break; /* the counter is full: it is readable */
        if (errno != EINTR) rt_throw("netpoll: write to the eventfd %d failed with errno %d", evfd, errno);
    }
    errno = saved;
}

/* ---- end of a run ---- */
/* The file itself: all that is left to tell it by once the poller is gone. */
static void keep(struct polldesc *pd)
{
    bool same = rt_netpoll_rearm(pd) && rt_file_id(pd->fd, &pd->kept_id); /* else the program has closed it itself */
    at32_store_rel(&pd->kept, same); /* partner: rt_netpoll_kept */
}

bool rt_netpoll_kept(struct polldesc *pd) { return at32_load_acq(&pd->kept) && rt_file_is(pd->fd, &pd->kept_id); }

static void reset_one(struct polldesc *pd)
{
    uint64_t mu = at64_load_rlx(&pd->mu);
    if (mu & PD_CLOSED) close(pd->fd); /* its closer was still waiting for the last user */
    else if (mu & PD_OPEN) keep(pd);
    at64_store_rlx(&pd->mu, 0);
    atp_store_rlx(&pd->rg, NULL);
    atp_store_rlx(&pd->wg, NULL);
    rt_polldesc_info(pd, 0, PD_CLOSING | PD_READ_EXPIRED | PD_WRITE_EXPIRED);
    pd->rsema = pd->wsema = (struct pd_sema){0};
    pd->closer = NULL;
    atp_store_rlx(&pd->timer.ts, NULL);
    at32_store_rlx(&pd->lock.held, 0);
}

static void each_used(void (*fn)(struct polldesc *))
{
    for (int c = 0; c < chunks_used; c++) {
        struct polldesc *chunk = atp_load_acq(&table[c]);
        for (int i = 0; chunk && i < CHUNK; i++) fn(&chunk[i]);
    }
}

static void reset_used(struct polldesc *pd)
{
    if (at64_load_rlx(&pd->mu)) reset_one(pd);
}

static void forget_closers(struct polldesc *pd) { at32_store_rlx(&pd->nclosing, 0); }
void rt_netpoll_forget_closers(void) { each_used(forget_closers); }

void rt_netpoll_reset(void)
{
    int saved = errno;
    each_used(reset_used);
    ati32_store_rlx(&nwaiters, 0);
    at32_store_rlx(&woken, 0);
    if (at32_xchg_ar(&inited, 0)) {
        close(epfd);
        close(evfd);
    }
    errno = saved;
}
