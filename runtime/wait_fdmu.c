/*
 * wait_fdmu.c: who uses a descriptor. Floor 7.
 *
 * One word a descriptor (polldesc.mu), changed by CAS alone:
 *   bit 0 open, 1 closed, 2 a reader is inside, 3 a writer is inside,
 *   4-23 users (readers, writers, others), 24-43 goroutines that wait to read, 44-63 that wait to write.
 * It makes two things sure. There is one reader and one writer at a time, so that each direction has one goroutine
 * parked at most (netpoll.h). And the number is not closed, hence not reused, while a read is between its look-up
 * and its system call: trine_close forbids new users and the last one to leave closes.
 *
 * Who waits for a direction sleeps on a semaphore in the polldesc; the one who leaves takes one off the word's count
 * and releases the semaphore once, so a release may come before the sleep.
 */
#include "wait.h"

#include <errno.h>
#include <fcntl.h>

#define REF (1ull << 4)
#define FIELD ((1ull << 20) - 1)
#define REFS (FIELD << 4)

static const uint64_t lock_bit[2] = {1u << 2, 1u << 3};
static const uint64_t wait_one[2] = {1ull << 24, 1ull << 44};

static uint64_t waiters(uint64_t mu, enum pd_dir dir) { return mu / wait_one[dir] & FIELD; }
static struct pd_sema *sema_of(struct polldesc *pd, enum pd_dir dir)
{
    return dir == PD_READ ? &pd->rsema : &pd->wsema;
}

static void sema_acquire(struct polldesc *pd, enum pd_dir dir)
{
    struct pd_sema *s = sema_of(pd, dir);
    rt_lock(&pd->lock);
    if (s->count > 0) {
        s->count--;
        rt_unlock(&pd->lock);
        return;
    }
    glist_push(&s->q, rt_getg());
    rt_goparkunlock(&pd->lock, WR_IO);
}

static void sema_release(struct polldesc *pd, enum pd_dir dir, uint64_t n)
{
    struct pd_sema *s = sema_of(pd, dir);
    struct glist wake = {0};
    rt_lock(&pd->lock);
    for (; n > 0; n--) {
        struct g *gp = glist_pop(&s->q);
        if (gp) glist_push(&wake, gp);
        else s->count++;
    }
    rt_unlock(&pd->lock);
    if (!glist_empty(&wake)) rt_readylist(&wake);
}

/* Files that share an inode pass for each other: eventfds and timers, whose close is short, and a terminal opened again. */
static bool is_being_closed(struct polldesc *pd)
{
    rt_lock(&pd->lock);
    struct file_id closing = pd->closing_id;
    rt_unlock(&pd->lock);
    return rt_file_is(pd->fd, &closing);
}

/* Open but not registered, or not open at all? Told apart, since the two mistakes need different remedies. A file that an
 * earlier run registered is registered again, and the result is 0: unless its number went to another, or the program
 * made it blocking (for then it uses it otherwise, and a read here would block the thread). Until close(2) has freed the
 * number it is still the file that is being closed: who closes comes again, since soon it is nobody's or another file's. */
static __attribute__((noinline, cold)) int unregistered(struct polldesc *pd, int fd, bool closing)
{
    if (pd && at32_load_acq(&pd->nclosing) && is_being_closed(pd)) return closing ? -EAGAIN : -EBADF; /* partner: finish */
    int saved = errno, fl = fcntl(fd, F_GETFL), err = fl < 0 || rt_netpoll_owns(fd) ? -EBADF : -EPERM;
    if (!closing && err == -EPERM && pd && (fl & O_NONBLOCK) && rt_netpoll_kept(pd)) err = rt_fd_open(fd);
    errno = saved;
    return err;
}

static int look_up(int fd, struct polldesc **out)
{
    struct polldesc *pd = *out = rt_polldesc(fd);
    return pd && (at64_load_acq(&pd->mu) & PD_OPEN) ? 0 : unregistered(pd, fd, false);
}

static bool usable(uint64_t mu) { return (mu & (PD_OPEN | PD_CLOSED)) == PD_OPEN; }

static void too_many(int fd) { rt_throw("too many concurrent operations on descriptor %d (max 1048575)", fd); }

/* The turn that was given to a goroutine of an earlier descriptor is the next one's; who closes sends all away himself. */
static void pass_on(struct polldesc *pd, enum pd_dir dir)
{
    for (;;) {
        uint64_t old = at64_load_rlx(&pd->mu);
        if (!usable(old) || (old & lock_bit[dir]) || !waiters(old, dir)) return;
        if (!at64_cas_ar(&pd->mu, old, old - wait_one[dir])) continue;
        sema_release(pd, dir, 1);
        return;
    }
}

int rt_fd_lock(int fd, enum pd_dir dir, struct polldesc **out, uint32_t *seq)
{
    int err = look_up(fd, out);
    if (err) return err;
    struct polldesc *pd = *out;
    *seq = at32_load_acq(&pd->seq);
    bool slept = false;
    for (;;) {
        uint64_t old = at64_load_rlx(&pd->mu);
        if (!usable(old) || at32_load_acq(&pd->seq) != *seq) {
            if (slept) pass_on(pd, dir);
            return -EBADF;
        }
        bool busy = (old & lock_bit[dir]) != 0;
        uint64_t new = busy ? old + wait_one[dir] : (old | lock_bit[dir]) + REF;
        if (busy ? waiters(old, dir) == FIELD : (old & REFS) == REFS) too_many(fd);
        if (!at64_cas_ar(&pd->mu, old, new)) continue;
        if (!busy) return 0;
        sema_acquire(pd, dir);
        slept = true;
    }
}

void rt_fd_unlock(struct polldesc *pd, enum pd_dir dir)
{
    uint64_t old, new;
    do {
        old = at64_load_rlx(&pd->mu);
        new = (old & ~lock_bit[dir]) - REF;
        if (waiters(old, dir)) new -= wait_one[dir];
    } while (!at64_cas_ar(&pd->mu, old, new));
    if (waiters(old, dir)) sema_release(pd, dir, 1);
    if ((new & (PD_CLOSED | REFS)) == PD_CLOSED) rt_fd_finish(pd);
}

int rt_fd_ref(int fd, struct polldesc **out)
{
    int err = look_up(fd, out);
    if (err) return err;
    struct polldesc *pd = *out;
    for (;;) {
        uint64_t old = at64_load_rlx(&pd->mu);
        if (!usable(old)) return -EBADF;
        if ((old & REFS) == REFS) too_many(fd);
        if (at64_cas_ar(&pd->mu, old, old + REF)) return 0;
    }
}

void rt_fd_unref(struct polldesc *pd)
{
    uint64_t old = at64_add_ar(&pd->mu, -REF);
    if ((old & PD_CLOSED) && (old & REFS) == REF) rt_fd_finish(pd);
}

int rt_fd_shut(int fd, struct polldesc **out)
{
    struct polldesc *pd = *out = rt_polldesc(fd);
    if (!pd || !(at64_load_acq(&pd->mu) & PD_OPEN)) return unregistered(pd, fd, true);
    uint64_t old, new;
    do {
        old = at64_load_rlx(&pd->mu);
        if (!usable(old)) return -EBADF;
        new = ((old | PD_CLOSED) + REF) & (wait_one[PD_READ] - 1); /* the waiters are sent away below */
    } while (!at64_cas_ar(&pd->mu, old, new));
    for (int dir = PD_READ; dir <= PD_WRITE; dir++) {
        if (waiters(old, dir)) sema_release(pd, dir, waiters(old, dir));
    }
    return 0;
}

bool rt_fd_sole(const struct polldesc *pd) { return (at64_load_acq(&pd->mu) & REFS) == REF; }
bool rt_fd_drop(struct polldesc *pd) { return (at64_add_ar(&pd->mu, -REF) & REFS) == REF; }
