/*
 * m.c: threads and the Ps that they hold. Floor 5.
 *
 * Owns: the list of idle Ms, under sched.lock; what an M's park note means (a P for it stands in nextp, or dying is set).
 */
#include "m.h"
#include "netpoll.h"
#include "runq.h"
#include "timer.h"

/* ---- the end of everything ---- */
void rt_checkdead(void)
{
    struct sched *s = &rt_sched;
    if (!at32_load_rlx(&s->running) || at32_load_rlx(&s->ending)) return;
    if (at32_load_acq(&s->carries)) return; /* what sysmon has in hand may be work; it comes here after that */
    if (at32_load_rlx(&s->gcwaiting)) return; /* all Ms rest because the world stops; rt_startworld wakes one to look again */
    int32_t busy = s->mcount - s->nmidle - s->nmidlelocked;
    if (busy > 1) return;
    at_fence_sc(); /* what the caller took back (a timer, a wait for a descriptor) before lastpoll: partner is poll_blocking */
    bool polls = busy == 1 && ati64_load_acq(&s->lastpoll) == 0; /* the one that does not sleep waits in the poller */
    if (busy > 0 && !polls) return;
    if (polls && rt_netpoll_any_waiters()) return;
    int64_t alive = 0;
    for (int i = 0; i < rt_pmade(); i++) {
        if (ati64_load_rlx(&s->allp[i]->timers.earliest)) return; /* an M waits for it, or is about to */
        alive += (int64_t)(at64_load_rlx(&s->allp[i]->count.spawns) - at64_load_rlx(&s->allp[i]->count.exits));
    }
    if (s->runq.n) return;
    if (polls) { /* what it waits for was stopped or closed: let it look again, park, and come here itself */
        rt_netpoll_break();
        return;
    }
    rt_unlock(&s->lock); /* the report takes it */
    if (alive - s->goroutines_base <= 0) rt_throw("no goroutines (main called trine_exit) - deadlock!");
    rt_throw("all goroutines are asleep - deadlock!");
}

/* ---- start and stop ---- */
/* Wants sched.lock. */
static struct m *mget(void)
{
    struct m *mp = rt_sched.midle;
    if (!mp) return NULL;
    rt_sched.midle = mp->schedlink;
    mp->schedlink = NULL;
    rt_sched.nmidle--;
    return mp;
}

static void mput(struct m *mp)
{
    mp->schedlink = rt_sched.midle;
    rt_sched.midle = mp;
    rt_sched.nmidle++;
    rt_checkdead();
}

static bool is_async(const struct g *gp) { return gp->async != 0; }

/*
 * A goroutine whose thread stands in the preemption handler, out of the queues; NULL: none. pp is nobody's. Its ring goes
 * behind the global queue first: were only the global queue asked, those who come back to it at each slice would pass
 * the P among themselves, and the one in the ring that owns the lock they wait for would never run. Wants sched.lock.
 */
static struct g *take_async(struct p *pp)
{
    struct glist ring;
    glist_init(&ring);
    rt_runqdrain(pp, &ring);
    rt_globrunqputlist(&ring);
    return rt_globrunqextract(is_async);
}

void rt_startm(struct p *pp, bool spinning)
{
    rt_lock(&rt_sched.lock);
    if (!pp) pp = rt_pidleget();
    if (!pp) {
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
        rt_unlock(&rt_sched.lock);
        return;
    }
    struct m *mp = mget();
    if (mp) {
        mp->spinning = spinning;
        mp->nextp = pp;
        rt_unlock(&rt_sched.lock);
        at64_add_rlx(&rt_sched.mwakes, 1);
        rt_notewakeup(&mp->park);
        return;
    }
    if (rt_making_begin()) {
        rt_unlock(&rt_sched.lock);
        rt_newm(pp, spinning);
        rt_making_end();
        return;
    }
    /* No idle M, and some thread stands in the preemption handler. If its goroutine waits in a queue, that thread itself
     * can carry the P; the maker brings a spare for the next time. */
    struct g *gp = take_async(pp);
    if (gp) {
        mp = gp->lockedm;
        mp->nextp = pp;
        rt_unlock(&rt_sched.lock);
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
        rt_notewakeup(&mp->park);
    } else {
        rt_pidleput(pp); /* the new M takes it from there */
        rt_unlock(&rt_sched.lock);
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
    }
    rt_ask_maker();
}

/* Sleeps until there is a P; on g0. */
static bool park_for_p(struct m *mp)
{
    rt_notesleep(&mp->park);
    rt_noteclear(&mp->park);
    struct p *pp = mp->nextp;
    mp->nextp = NULL;
    if (pp) rt_acquirep(mp, pp);
    mp->woken = mp->spinning;
    return !at32_load_acq(&mp->dying);
}

bool rt_stopm(struct m *mp)
{
    rt_lock(&rt_sched.lock);
    if (at32_load_rlx(&mp->dying) || at32_load_rlx(&rt_sched.ending) || !at32_load_rlx(&rt_sched.running)) {
        rt_unlock(&rt_sched.lock);
        return false;
    }
    mput(mp);
    rt_unlock(&rt_sched.lock);
    return park_for_p(mp);
}

bool rt_stoplockedm(struct m *mp)
{
    if (mp->p) rt_handoffp(rt_releasep(mp));
    rt_lock(&rt_sched.lock);
    rt_sched.nmidlelocked++;
    rt_checkdead();
    rt_unlock(&rt_sched.lock);
    return park_for_p(mp);
}

void rt_startlockedm(struct m *mp, struct g *gp)
{
    struct m *to = gp->lockedm;
    struct p *pp = rt_releasep(mp);
    if (!gp->async) { /* it counts as running from here, else we, parking next, would see a deadlock */
        rt_lock(&rt_sched.lock);
        rt_sched.nmidlelocked--;
        rt_unlock(&rt_sched.lock);
    }
    to->nextp = pp;
    rt_notewakeup(&to->park);
}

/* The world is to stop and pp is not running: it has stopped. */
static bool stopped_instead(struct p *pp)
{
    struct sched *s = &rt_sched;
    if (!at32_load_rlx(&s->gcwaiting)) return false;
    rt_lock(&s->lock);
    bool stop = at32_load_rlx(&s->gcwaiting);
    if (stop) {
        at32_store_rel(&pp->status, Pgcstop);
        if (--s->stopwait == 0) rt_notewakeup(&s->stopnote);
    }
    rt_unlock(&s->lock);
    return stop;
}

/* Wants sched.lock. Would nobody wait for the network and the timers, were the P in hand idle too? As in Go. */
static bool is_last_to_poll(void)
{
    const struct sched *s = &rt_sched;
    if (at32_load_rlx(&s->npidle) + 1 != (uint32_t)rt_nprocs() || ati64_load_acq(&s->lastpoll) == 0) return false;
    if (rt_netpoll_any_waiters()) return true;
    for (int i = 0; i < rt_nprocs(); i++)
        if (rt_timermask((uint32_t)i)) return true;
    return false;
}

void rt_handoffp(struct p *pp)
{
    struct sched *s = &rt_sched;
    at64_add_rlx(&s->handoffs, 1);
    rt_trace(pp->id, TR_HANDOFF, 0, 0);
    /* first: work would have it started again, by a thread that only stops it (or, preempted, not even that) */
    if (stopped_instead(pp)) return;
    if (!rt_runqempty(pp) || pp->spill.head || at32_load_acq(&s->runqsize)) {
        rt_startm(pp, false);
        return;
    }
    /* no work of its own, but if nobody looks for any, this P must: the one who would look may be us */
    if (at32_load_acq(&s->nmspinning) + at32_load_acq(&s->npidle) == 0 && at32_cas_ar(&s->nmspinning, 0, 1)) {
        at32_store_rel(&s->needspinning, 0);
        rt_startm(pp, true);
        return;
    }
    if (stopped_instead(pp)) return;
    rt_lock(&s->lock);
    bool work = s->runq.n > 0 || is_last_to_poll();
    int64_t when = ati64_load_rlx(&pp->timers.earliest);
    if (!work) rt_pidleput(pp);
    rt_unlock(&s->lock);
    if (work) rt_startm(pp, false);
    else if (when) rt_wakenetpoller(when);
}

/* ---- waking ---- */
void rt_wakep(void)
{
    struct sched *s = &rt_sched;
    /* one spinner at a time is woken; it wakes the next when it finds work. A stale 0 is settled by the CAS; a stale
     * 1 means a spinner that stops now and, after its fence, rechecks every queue, ours too. */
    if (at32_load_rlx(&s->nmspinning) != 0 || !at32_cas_ar(&s->nmspinning, 0, 1)) return;
    rt_lock(&s->lock);
    struct p *pp = rt_pidleget_spinning();
    if (!pp) at32_add_ar(&s->nmspinning, -1u); /* under the lock: who starts the world finds no spinner that is none */
    rt_unlock(&s->lock);
    if (pp) rt_startm(pp, true);
}

/* Somebody sleeps in the poller: broken when it would sleep past `when`. */
static bool poller_told(int64_t when)
{
    struct sched *s = &rt_sched;
    at_fence_sc(); /* the timer before lastpoll, and nmspinning in rt_wakep: partners are poll_blocking and rt_fence_idle */
    if (ati64_load_acq(&s->lastpoll) != 0) return false;
    int64_t until = ati64_load_acq(&s->polluntil); /* 0: for good */
    if (until == 0 || until > when) rt_netpoll_break();
    return true;
}

void rt_wakenetpoller(int64_t when)
{
    if (!poller_told(when) && at32_load_rlx(&rt_sched.npidle)) rt_wakep(); /* an idle P must come to do it */
}

void rt_wakenetpoller_parked(struct m *mp, int64_t when)
{
    if (poller_told(when)) return;
    struct p *pp = mp->p;
    bool work = rt_curg(mp) || mp->nextg || !rt_runqempty(pp) || pp->spill.head || at32_load_acq(&rt_sched.runqsize);
    mp->owes_wait = !work;
    if (work && at32_load_rlx(&rt_sched.npidle)) rt_wakep();
}
