/*
 * find.c: the search for a runnable goroutine, on an M's g0. Floor 6.
 *
 * Go's order: on every 61st schedule the global queue; the P's own ring; the global queue (a batch); the network
 * poller without blocking; the other Ps, four passes in random order; memory for the stacks of a crowd that is being made (Go's
 * idle Ps mark for the collector); then the P is given up, everything is looked at once more, one M sleeps in the network
 * poller until the next timer, and the others park.
 *
 * Racing sides of giving up: an M that stops spinning decrements nmspinning, passes rt_fence_idle and reads every
 * queue; whoever submits work writes a queue, passes rt_fence_submit and reads npidle and nmspinning (sched.c). With
 * both fences one of them sees the other, so no work is left behind with all Ms asleep. The P goes to the idle list
 * before that recheck, so that the submitter finds one to wake.
 */
#include "find.h"
#include "fence.h"
#include "g.h"
#include "m.h"
#include "netpoll.h"
#include "runq.h"
#include "stack.h"
#include "stride.h"
#include "timer.h"

/* ---- helpers ---- */
void rt_injectlist(struct m *mp, struct glist *l)
{
    struct p *pp = mp ? mp->p : NULL;
    if (!l->head) return;
    if (pp && !rt_ablated(TRINE_GLOBAL_ONLY)) rt_runqputbatch(pp, l);
    if (l->head && pp && rt_ablated(TRINE_LOCAL_ONLY)) glist_append(&pp->spill, l);
    if (l->head) rt_globrunqinject(l);
    rt_fence_submit();
    /* one spinner is enough: each that finds work wakes the next */
    if (at32_load_rlx(&rt_sched.npidle)) rt_wakep();
}

static void make_runnable(struct p *pp, struct glist *l)
{
    for (struct g *gp = l->head; gp; gp = gp->schedlink) at32_store_rel(&gp->status, Grunnable);
    if (pp) at64_bump(&pp->count.wakes, l->n);
}

/* As in Go, a sleeper that wakes goes before what stands in the ring: behind P hogs it would wait for them all. */
static void first_to_runnext(struct p *pp, struct glist *l)
{
    struct glist over;
    glist_init(&over);
    rt_runqput(pp, glist_pop(l), true, &over);
    glist_append(&over, l);
    *l = over;
}

/* Due timers of `of`, by mp: their goroutines to mp's P. True if any became runnable. */
static bool run_timers(struct m *mp, struct p *of)
{
    if (!rt_timers_earliest(of)) return false;
    bool any = false;
    int64_t now = rt_nanotime(), next;
    do {
        struct glist l;
        glist_init(&l);
        next = rt_timers_check(of, now, &l);
        if (!l.head) continue;
        make_runnable(mp->p, &l);
        at64_bump(&mp->p->count.timer_wakes, l.n);
        if (of != mp->p) at64_bump(&mp->p->count.timer_steals, l.n);
        rt_trace(mp->p->id, TR_TIMERS, l.n, of->id);
        if (!any && !rt_ablated(TRINE_NO_RUNNEXT | TRINE_GLOBAL_ONLY)) first_to_runnext(mp->p, &l);
        rt_injectlist(mp, &l);
        any = true;
    } while (next && next <= now);
    return any;
}

static void begin_spinning(struct m *mp)
{
    mp->spinning = true;
    at32_add_ar(&rt_sched.nmspinning, 1);
    at64_bump(&mp->p->count.spins, 1);
    rt_trace(mp->p->id, TR_SPIN, 0, 0);
}

/* It found work: the next one may have to be woken, since this one no longer looks. */
static void found_work(struct m *mp)
{
    mp->spinning = false;
    if (mp->woken && at32_load_rlx(&rt_sched.wake_skip)) at32_store_rlx(&rt_sched.wake_skip, 0);
    uint32_t was = at32_add_ar(&rt_sched.nmspinning, -1u);
    rt_assert(was > 0);
    (void)was;
    rt_fence_submit();
    /* Even when no P is idle: an M that did not spin because we did may be about to drop its P without a look of its
     * own, and rt_wakep leaves needspinning for it (model.park: the hand-over of the search). */
    rt_wakep();
}

static struct g *from_global(struct p *pp, uint32_t max)
{
    if (at32_load_acq(&rt_sched.runqsize) == 0) return NULL;
    rt_lock(&rt_sched.lock);
    struct g *gp = rt_globrunqget(pp, max);
    rt_unlock(&rt_sched.lock);
    return gp;
}

/* What does not leave this P. */
static struct g *from_local(struct p *pp, bool *inherit)
{
    struct g *gp = NULL;
    if (pp->tick % RT_GLOBAL_TICK == 0 && pp->tick != pp->tick_polled && !rt_ablated(TRINE_NO_GLOBAL_TICK)) {
        pp->tick_polled = pp->tick; /* not twice: a preempted goroutine that comes back this way would shut out the local queue */
        gp = from_global(pp, 1);
        if (gp) {
            at64_bump(&pp->count.tick61, 1);
            rt_trace(pp->id, TR_TICK61, 0, 0);
        }
    }
    if (!gp) gp = rt_runqget(pp, inherit);
    if (!gp && pp->spill.head) {
        gp = glist_pop(&pp->spill);
        rt_runqputbatch(pp, &pp->spill);
    }
    if (!gp) gp = from_global(pp, 0);
    return gp;
}

static struct g *from_network(struct m *mp)
{
    if (!rt_netpoll_inited() || !rt_netpoll_any_waiters() || ati64_load_acq(&rt_sched.lastpoll) == 0) return NULL;
    struct glist l;
    glist_init(&l);
    if (rt_netpoll(0, &l) <= 0) return NULL;
    struct p *pp = mp->p;
    at64_bump(&pp->count.netpolls, l.n);
    rt_trace(pp->id, TR_NETPOLL, l.n, 0);
    make_runnable(pp, &l);
    struct g *gp = glist_pop(&l);
    rt_injectlist(mp, &l);
    return gp;
}

/* ---- stealing ---- */
/* The owner of a lone runnext is likely about to run it: is it still there, and nothing switched, after a while? */
static bool runnext_stays(struct p *victim)
{
    void *gp = atp_load_rlx(&victim->runnext);
    if (!gp) return false;
    uint64_t switches = at64_load_rlx(&victim->count.switches);
    int64_t until = rt_nanotime() + RT_RUNNEXT_BACKOFF_NS;
    do {
        at_pause();
        if (atp_load_rlx(&victim->runnext) != gp) return false;
    } while (rt_nanotime() < until);
    return at64_load_rlx(&victim->count.switches) == switches;
}

static struct g *steal_from(struct p *pp, struct p *victim, bool last)
{
    if (rt_idlemask(victim->id)) return NULL;
    uint32_t n;
    bool take_next = last && rt_runqlen(victim) == 0 && runnext_stays(victim);
    void *next = take_next ? atp_load_rlx(&victim->runnext) : NULL;
    struct g *gp = rt_runqsteal(pp, victim, take_next, &n);
    if (!gp) return NULL;
    at64_bump(&pp->count.steals, 1);
    at64_bump(&pp->count.stolen, n);
    if (gp == next) at64_bump(&pp->count.runnext_steals, 1); /* it stands in no ring beside */
    rt_trace(pp->id, TR_STEAL, n, victim->id);
    return gp;
}

/* By who may not spin: timers that are due are everybody's. A spinner may be woken and have no CPU yet but this one, which would
 * poll until it is gone. Where nothing is stolen, who waits for one takes its P (poll_blocking). True if any fired. */
static bool run_others_timers(struct m *mp, struct p *pp)
{
    if (rt_ablated(TRINE_NO_STEAL | TRINE_LOCAL_ONLY | TRINE_GLOBAL_ONLY)) return false;
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *of = rt_sched.allp[i];
        if (of != pp && rt_timermask(of->id) && run_timers(mp, of)) return true;
    }
    return false;
}

/* *again: something else was found that makes another search worth while (timers ran, or the world is to stop). */
static struct g *steal(struct m *mp, struct p *pp, bool *again)
{
    if (rt_ablated(TRINE_NO_STEAL | TRINE_LOCAL_ONLY | TRINE_GLOBAL_ONLY)) return NULL;
    uint32_t n = (uint32_t)rt_nprocs();
    int passes = rt_ablated(TRINE_NO_SPIN) ? 1 : RT_STEAL_PASSES;
    for (int pass = 0; pass < passes; pass++) {
        bool last = pass == passes - 1;
        uint32_t at = rt_fastrand(mp) % n, stride = rt_stride(rt_fastrand(mp));
        for (uint32_t i = 0; i < n; i++, at = (at + stride) % n) {
            struct p *victim = rt_sched.allp[at];
            *again = at32_load_rlx(&rt_sched.gcwaiting) || (last && victim != pp && rt_timermask(at) && run_timers(mp, victim));
            if (*again) return NULL;
            struct g *gp = victim == pp ? NULL : steal_from(pp, victim, last);
            if (gp) return gp;
        }
    }
    return NULL;
}

/* ---- giving up ---- */
/* mp's P, for the world is to stop. False: the M must end. */
static bool stop_for_world(struct m *mp)
{
    if (mp->spinning) {
        mp->spinning = false;
        at32_add_ar(&rt_sched.nmspinning, -1u);
    }
    struct p *pp = rt_releasep(mp);
    rt_lock(&rt_sched.lock);
    at32_store_rel(&pp->status, Pgcstop);
    if (--rt_sched.stopwait == 0) rt_notewakeup(&rt_sched.stopnote);
    rt_unlock(&rt_sched.lock);
    return rt_stopm(mp);
}

/* Without a P: is there work in any queue? While wake-ups for a lone runnext are thinned (sched_switch.h), one is no reason to
 * look again either: its owner is likely about to run it, and sysmon sees one that stays. Else an M that was woken in
 * vain would look at two goroutines in their ping-pong again and again, and each look takes a line from them. */
static bool any_work(void)
{
    if (at32_load_acq(&rt_sched.runqsize)) return true;
    if (rt_ablated(TRINE_NO_STEAL | TRINE_LOCAL_ONLY)) return false;
    bool ring_alone = at32_load_rlx(&rt_sched.wake_skip) && !rt_ablated(TRINE_EAGER_WAKE);
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *of = rt_sched.allp[i];
        if (rt_idlemask((uint32_t)i)) continue;
        if (ring_alone ? rt_runqlen(of) > 0 : !rt_runqempty(of)) return true;
    }
    return false;
}

/* The earliest timer of all Ps, and whose it is (who wants to know); 0: none. */
static int64_t next_timer(struct p **whose)
{
    int64_t min = 0;
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *pp = rt_sched.allp[i];
        int64_t when = rt_timermask((uint32_t)i) ? rt_timers_earliest(pp) : 0;
        if (when == 0 || (min && when >= min)) continue;
        min = when;
        if (whose) *whose = pp;
    }
    return min;
}

/* A P again, if one is idle: that one if it is, else any. */
static bool take_idle_p(struct m *mp, struct p *that)
{
    rt_lock(&rt_sched.lock);
    struct p *pp = rt_pidleget_prefer(that);
    rt_unlock(&rt_sched.lock);
    if (pp) rt_acquirep(mp, pp);
    return pp != NULL;
}

/* The same as a spinner. */
static bool take_idle_p_spinning(struct m *mp)
{
    rt_lock(&rt_sched.lock);
    struct p *pp = rt_pidleget_spinning();
    rt_unlock(&rt_sched.lock);
    if (!pp) return false;
    rt_acquirep(mp, pp);
    begin_spinning(mp);
    return true;
}

/* Puts the P away. False: there is something to look at again, and the P is still held. */
static bool give_up_p(struct m *mp)
{
    struct sched *s = &rt_sched;
    rt_lock(&s->lock);
    bool stay = at32_load_rlx(&s->gcwaiting) || s->runq.n;
    if (!stay && !mp->spinning && at32_load_rlx(&s->needspinning)) {
        /* a last spinner found work but no P: this one is about to be free, so it looks again in its place */
        at32_store_rlx(&s->needspinning, 0);
        rt_unlock(&s->lock);
        begin_spinning(mp);
        return false;
    }
    if (!stay) rt_pidleput(rt_releasep(mp));
    rt_unlock(&s->lock);
    return !stay;
}

/* Whoever finds nothing waits in the poller for these: nobody else does. */
static bool will_wait(void)
{
    return ati64_load_rlx(&rt_sched.lastpoll) != 0 && (rt_netpoll_any_waiters() || next_timer(NULL));
}

/* After the P is gone: the last spinner's recheck. True: it has a P again. */
static bool stop_spinning(struct m *mp)
{
    if (mp->woken && !will_wait()) { /* woken in vain: let more readies of a lone runnext pass next time */
        uint32_t skip = at32_load_rlx(&rt_sched.wake_skip);
        at32_store_rlx(&rt_sched.wake_skip, skip * 2 + 1 > RT_WAKE_SKIP_MAX ? RT_WAKE_SKIP_MAX : skip * 2 + 1);
    }
    mp->woken = false;
    mp->spinning = false;
    at32_add_ar(&rt_sched.nmspinning, -1u);
    if (rt_nprocs() == 1) return false; /* all other submitters go through the global queue's lock, which give_up_p held */
    at64_add_rlx(&rt_sched.idle_fences, 1);
    rt_fence_idle(); /* nmspinning before the queues: partner is every submitter */
    return any_work() && take_idle_p_spinning(mp);
}

/* One M sleeps for all of them in the poller until the next timer. A goroutine, or NULL; mp may have a P then. */
static struct g *poll_blocking(struct m *mp)
{
    struct sched *s = &rt_sched;
    at_fence_sc(); /* lastpoll == 0 before what it waits for is read: partner is rt_checkdead, which breaks a vain wait */
    struct p *whose = NULL;
    int64_t until = next_timer(&whose);
    ati64_store_sc(&s->polluntil, until);
    int64_t delay = rt_netpoll_any_waiters() ? -1 : 0;
    if (until) {
        delay = until - rt_nanotime();
        if (delay < 0) delay = 0;
    }
    struct glist l;
    glist_init(&l);
    int n = at32_load_acq(&s->ending) ? 0 : rt_netpoll(delay, &l);
    ati64_store_rel(&s->polluntil, 0);
    ati64_store_rel(&s->lastpoll, rt_nanotime());
    mp->owes_wait = true;
    bool have = take_idle_p(mp, n > 0 ? NULL : whose); /* from another its timer would be stolen, and a thief wakes the next */
    if (n > 0) make_runnable(mp->p, &l);
    if (!have) {
        if (n > 0) at64_add_rlx(&s->netpolls_outside, (uint64_t)n);
        rt_injectlist(NULL, &l);
        return NULL;
    }
    if (n > 0) {
        at64_bump(&mp->p->count.netpolls, (uint64_t)n);
        rt_trace(mp->p->id, TR_NETPOLL, (uint64_t)n, 0);
    }
    struct g *gp = glist_pop(&l);
    rt_injectlist(mp, &l);
    return gp;
}

/* No work and no P: waits in the poller, or parks. NULL with mp->p: search again. *end: the M must end. */
static struct g *wait_for_work(struct m *mp, bool *end)
{
    struct sched *s = &rt_sched;
    mp->owes_wait = false;
    int64_t until = next_timer(NULL);
    if ((until || rt_netpoll_any_waiters()) && ati64_load_rlx(&s->lastpoll) != 0 && ati64_xchg_ar(&s->lastpoll, 0) != 0) {
        struct g *gp = poll_blocking(mp);
        if (gp || mp->p) return gp;
    } else if (until) {
        int64_t sleeps = ati64_load_acq(&s->polluntil);
        if (sleeps == 0 || sleeps > until) rt_netpoll_break();
    }
    *end = !rt_stopm(mp);
    return NULL;
}

/* This M goes on to run something, and was the one to wait for timers: somebody else must. Those that are not near the monitor
 * sees in time, at the latest when its present sleep is over (sysmon.c). */
static void leave_wait(void)
{
    const struct sched *s = &rt_sched;
    if (at32_load_rlx(&s->npidle) == 0 || ati64_load_acq(&s->lastpoll) == 0) return;
    int64_t until = next_timer(NULL);
    if (!until || until - rt_nanotime() >= RT_SYSMON_MAX_NS) return;
    rt_fence_submit(); /* lastpoll before nmspinning: partner is stop_spinning, after which somebody parks beside a poller */
    rt_wakep();
}

/* At most half as many Ms look for work as Ps are busy; true: mp is one of them. */
static bool may_spin(struct m *mp)
{
    uint32_t busy = (uint32_t)rt_nprocs() - at32_load_rlx(&rt_sched.npidle);
    if (!mp->spinning && 2 * at32_load_rlx(&rt_sched.nmspinning) >= busy) return false;
    if (!mp->spinning) begin_spinning(mp);
    return true;
}

/* Nothing to run: memory for the next stacks, if a crowd is being made. Go's idle workers look for other work every 100 us;
 * a chunk takes no longer, and once there is work somebody else may be woken for it. True: look again. */
static bool commit_ahead(struct m *mp)
{
    if (rt_ablated(TRINE_NO_SPIN)) return false;
    int n = 0;
    while (n < RT_AHEAD_CHUNK && !at32_load_rlx(&rt_sched.gcwaiting) && rt_stackahead()) {
        n++;
        if (mp->spinning && any_work()) found_work(mp);
    }
    return n > 0;
}

/* A runnable goroutine, or NULL: mp must end. */
static struct g *find(struct m *mp, bool *inherit)
{
    struct sched *s = &rt_sched;
    for (;;) {
        struct p *pp = mp->p;
        *inherit = false;
        if (at32_load_acq(&s->gcwaiting)) {
            if (!stop_for_world(mp)) return NULL;
            continue;
        }
        at32_store_rlx(&pp->attn, 0);
        run_timers(mp, pp);
        struct g *gp = from_local(pp, inherit);
        if (gp) return gp;
        if (!pp->solo) { /* with a single P there is nobody to steal from, and the poller is asked below, by one call */
            bool again = false;
            gp = from_network(mp);
            if (!gp && may_spin(mp)) gp = steal(mp, pp, &again);
            else if (!gp) again = run_others_timers(mp, pp);
            if (gp) return gp;
            if (again || commit_ahead(mp)) continue;
        }
        if (!give_up_p(mp)) continue;
        if (mp->spinning && stop_spinning(mp)) continue;
        bool end = false;
        gp = wait_for_work(mp, &end);
        if (gp) return gp;
        if (end) return NULL;
    }
}

struct g *rt_findg(struct m *mp, bool *inherit)
{
    for (;;) {
        *inherit = false;
        if (mp->lockedg) {
            if (!rt_stoplockedm(mp)) return NULL;
            return mp->lockedg; /* whoever gave the P did so because it is runnable */
        }
        if (!mp->p && !rt_stopm(mp)) return NULL;
        struct g *gp = mp->nextg;
        mp->nextg = NULL;
        if (!gp) gp = find(mp, inherit);
        if (!gp) return NULL;
        if (mp->spinning) found_work(mp);
        else if (mp->owes_wait) leave_wait();
        mp->woken = mp->owes_wait = false;
        if (!gp->lockedm) return gp;
        rt_startlockedm(mp, gp);
    }
}
