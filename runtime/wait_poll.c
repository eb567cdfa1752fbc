/*
 * wait_poll.c: parking until a descriptor is ready, its deadline passes or it is closed. Floor 7.
 *
 * The two racing sides. The parking one: word = PD_WAIT; look at info; park, where the unlockf turns PD_WAIT into the
 * goroutine. The other: set the reason (info, under the lock), or none for an event; look at the word and take the
 * waiter out of it. Both steps of both sides are in the total order, so either the first sees the reason or the
 * second sees the waiter. An event leaves PD_READY, which the unlockf's CAS from PD_WAIT then misses: no park.
 *
 * A deadline is one timer a descriptor, armed for the sooner of the two. Its fire asks the clock which have passed,
 * so that a fire that comes late, for a deadline that was moved or for an earlier descriptor, expires nothing that
 * is not due: no sequence number is needed.
 */
#include "wait.h"

#include <errno.h>

static at_ptr *word_of(struct polldesc *pd, enum pd_dir dir) { return dir == PD_READ ? &pd->rg : &pd->wg; }

int rt_fd_check(struct polldesc *pd, enum pd_dir dir, uint32_t seq)
{
    uint32_t info = at32_load_sc(&pd->info), expired = dir == PD_READ ? PD_READ_EXPIRED : PD_WRITE_EXPIRED;
    if (__builtin_expect((info & PD_CLOSING) || at32_load_acq(&pd->seq) != seq, 0)) return -EBADF;
    return __builtin_expect((info & expired) != 0, 0) ? -ETIMEDOUT : 0;
}

void rt_fd_clear(struct polldesc *pd, enum pd_dir dir)
{
    at_ptr *word = word_of(pd, dir);
    if (atp_load_rlx(word) == PD_READY) atp_cas_sc(word, PD_READY, NULL);
}

/* On the stack of the goroutine that parks. */
struct fd_park { at_ptr *word; bool parked; };

static bool commit(struct g *gp, void *arg)
{
    struct fd_park *park = arg;
    park->parked = true;
    rt_netpoll_waiter(1); /* before it can be seen: whoever finds nobody waiting may call a deadlock */
    if (atp_cas_sc(park->word, PD_WAIT, gp)) return true; /* gp may run from here */
    park->parked = false;
    rt_netpoll_waiter(-1);
    return false;
}

/* True: an event came. False: woken for another reason, which rt_fd_check tells. */
static bool block(struct polldesc *pd, enum pd_dir dir, uint32_t seq)
{
    at_ptr *word = word_of(pd, dir);
    while (!atp_cas_sc(word, NULL, PD_WAIT)) {
        if (atp_cas_sc(word, PD_READY, NULL)) return true;
        void *v = atp_load_acq(word);
        if (v != NULL && v != PD_READY) rt_throw("two goroutines wait for descriptor %d", pd->fd);
    }
    struct fd_park park = {word, false};
    if (rt_fd_check(pd, dir, seq) == 0) rt_gopark(commit, &park, WR_IO);
    if (park.parked) rt_netpoll_waiter(-1); /* only here: until it runs it counts as waiting, never as lost */
    return atp_xchg_ar(word, NULL) == PD_READY;
}

int rt_fd_wait(struct polldesc *pd, enum pd_dir dir, uint32_t seq)
{
    for (;;) {
        int err = rt_fd_check(pd, dir, seq);
        if (err) return err;
        if (block(pd, dir, seq)) return 0;
    }
}

/* ---- deadlines ---- */
static void expire(struct polldesc *pd, struct glist *ready)
{
    int64_t now = rt_nanotime();
    bool r = pd->read_deadline_ns != 0 && pd->read_deadline_ns <= now;
    bool w = pd->write_deadline_ns != 0 && pd->write_deadline_ns <= now;
    uint32_t set = (r ? PD_READ_EXPIRED : 0) | (w ? PD_WRITE_EXPIRED : 0);
    rt_polldesc_info(pd, set, (PD_READ_EXPIRED | PD_WRITE_EXPIRED) & ~set);
    struct g *gp = r ? rt_netpoll_unblock(&pd->rg, false) : NULL;
    if (gp) glist_push(ready, gp);
    gp = w ? rt_netpoll_unblock(&pd->wg, false) : NULL;
    if (gp) glist_push(ready, gp);
}

/* The next deadline that has not passed; 0: none. */
static int64_t next_deadline(const struct polldesc *pd)
{
    uint32_t info = at32_load_rlx(&pd->info);
    int64_t r = info & PD_READ_EXPIRED ? 0 : pd->read_deadline_ns, w = info & PD_WRITE_EXPIRED ? 0 : pd->write_deadline_ns;
    if (r == 0 || (w != 0 && w < r)) return w;
    return r;
}

static int rearm(struct polldesc *pd) /* TIMER_ flags or -ENOMEM; pd->lock held */
{
    int64_t next = next_deadline(pd);
    if (next != 0) return rt_timers_mod(rt_getm()->p, &pd->timer, next);
    rt_timers_del(&pd->timer);
    return 0;
}

static void deadline_fire(struct timer *t, struct glist *ready)
{
    struct polldesc *pd = t->arg;
    rt_lock(&pd->lock);
    expire(pd, ready);
    if (rearm(pd) < 0) rt_throw("out of memory: timer heap");
    rt_unlock(&pd->lock);
}

int rt_fd_deadlines(struct polldesc *pd, int64_t read_ns, int64_t write_ns)
{
    struct glist ready = {0};
    int64_t next = 0;
    int r = -EBADF;
    rt_lock(&pd->lock);
    if (!(at32_load_rlx(&pd->info) & PD_CLOSING)) { /* behind a close nobody would take the timer back */
        if (!pd->timer.fire) pd->timer = (struct timer){.fire = deadline_fire, .arg = pd};
        pd->read_deadline_ns = read_ns;
        pd->write_deadline_ns = write_ns;
        expire(pd, &ready);
        r = rearm(pd);
        next = next_deadline(pd);
    }
    rt_unlock(&pd->lock);
    if (r > 0 && r & TIMER_SOONER) rt_wakenetpoller(next);
    if (!glist_empty(&ready)) rt_readylist(&ready);
    return r < 0 ? r : 0;
}

int trine_fd_deadline(int fd, int64_t read_deadline_ns, int64_t write_deadline_ns)
{
    struct g *gp = rt_enter("trine_fd_deadline");
    struct polldesc *pd;
    int err = rt_fd_ref(fd, &pd);
    if (err == 0) {
        err = rt_fd_deadlines(pd, read_deadline_ns, write_deadline_ns);
        rt_fd_unref(pd);
    }
    rt_leave(gp);
    return err;
}
