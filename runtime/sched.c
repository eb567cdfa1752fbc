/*
 * sched.c: parking and readying. Floor 6. The switch itself is in sched_switch.h, the birth and death of goroutines
 * and the loop of g0 in life.c, the search for the next goroutine when the P's own queue has none in find.c.
 *
 * The slow way, on g0: no local work, every 61st schedule with a non-empty global queue, a timer that is due, the
 * world to be stopped, a goroutine locked to a thread.
 */
#include "sched.h"
#include "find.h"
#include "glock.h"
#include "sched_switch.h"

/* ---- queues ---- */
static void put_over(struct p *pp, struct g *const *over, uint32_t n)
{
    if (rt_ablated(TRINE_LOCAL_ONLY) && !rt_ablated(TRINE_GLOBAL_ONLY)) {
        for (uint32_t i = 0; i < n; i++) glist_push(&pp->spill, over[i]);
        return;
    }
    rt_lock(&rt_sched.lock);
    rt_globrunqputmany(over, n);
    rt_unlock(&rt_sched.lock);
}

__attribute__((cold)) void rt_put_full(struct p *pp, struct g *gp)
{
    while (!rt_runqputtail(pp, gp)) {
        if (!rt_runqoverflow(pp, gp)) continue;
        rt_trace(pp->id, TR_OVERFLOW, RT_RUNQ_OVER, 0);
        put_over(pp, pp->over, RT_RUNQ_OVER);
        return;
    }
}

/* An ablation keeps gp from its usual place. */
__attribute__((cold)) void rt_put_ablated(struct p *pp, struct g *gp)
{
    if (rt_ablated(TRINE_GLOBAL_ONLY)) put_over(pp, &gp, 1);
    else if (!rt_runqputtail(pp, gp)) rt_put_full(pp, gp);
}

void rt_finish_rare(struct m *mp, enum post_kind kind)
{
    struct post po = mp->post;
    struct g *gp = po.gp;
    switch (kind) {
    case POST_UNLOCKF:
        if (po.unlockf(gp, po.arg)) return;
        at32_store_rel(&gp->status, Grunnable); /* it must not park after all */
        rt_put(mp->p, gp, true);
        return;
    case POST_GLOBRUNQ: {
        rt_lock(&rt_sched.lock);
        rt_globrunqput(gp);
        rt_unlock(&rt_sched.lock);
        rt_fence_submit();
        if (at32_load_rlx(&rt_sched.npidle)) rt_wakep();
        return;
    }
    case POST_ZOMBIE:
        at32_store_rel(&gp->preempt, 0); /* its stack may go now: partner is the end of a later run */
        return;
    default:
        return;
    }
}

/* From gp to next, or to g0 when there is none. */
RT_INLINE void switch_to(struct m *mp, struct p *pp, struct g *gp, struct g *next, bool inherit)
{
    rt_gcheckstack(gp);
    if (next) {
        rt_become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    rt_leave_for(mp, gp, next);
}

RT_INLINE void switch_away(struct m *mp, struct g *gp, bool join)
{
    struct p *pp = mp->p;
    bool inherit = false;
    struct g *next = rt_pick(mp, pp, &inherit, join);
    switch_to(mp, pp, gp, next, inherit);
}

/* ---- parking ---- */
static inline void set_waiting(struct g *gp, enum waitreason why)
{
    gp->wait = (uint16_t)why; /* little-endian: the reason, and no stamp */
    struct p *pp = rt_getm()->p;
    at64_bump(&pp->count.parks, 1);
    rt_trace(pp->id, TR_PARK, gp->goid, why);
    at32_store_rel(&gp->status, Gwaiting);
}

/* Does gp, which parks, wait for what it made? A wait group stands for all of that, a channel for one of it. */
static inline bool is_join(struct g *gp, enum waitreason why)
{
    if (why == WR_WAITGROUP) {
        gp->unjoined = 0;
        return true;
    }
    if (why != WR_CHAN_RECEIVE || gp->unjoined == 0) return false;
    gp->unjoined--;
    return true;
}

void rt_goparkunlock(struct lock *l, enum waitreason why)
{
    struct g *gp = rt_getg();
    struct m *mp = rt_getm();
    set_waiting(gp, why);
    if (rt_solo(mp->p)) { /* who takes the lock now can ready gp, but not run it before this thread has left it */
        rt_unlock(l);
    } else {
        mp->post.kind = POST_UNLOCK;
        mp->post.arg = l;
    }
    switch_away(mp, gp, is_join(gp, why));
}

void rt_gopark(bool (*unlockf)(struct g *, void *), void *arg, enum waitreason why)
{
    struct g *gp = rt_getg();
    struct m *mp = rt_getm();
    set_waiting(gp, why);
    mp->post = (struct post){unlockf ? POST_UNLOCKF : POST_NONE, gp, unlockf, arg};
    switch_away(mp, gp, false);
}

void rt_goready(struct g *gp)
{
    rt_ready(rt_getm()->p, gp);
}

void rt_readylist(struct glist *l)
{
    struct g *self = rt_getg();
    struct p *pp = self ? self->m->p : NULL;
    uint32_t n = l->n;
    if (!n) return;
    for (struct g *gp = l->head; gp; gp = gp->schedlink) at32_store_rel(&gp->status, Grunnable);
    if (pp) at64_bump(&pp->count.wakes, n);
    rt_injectlist(self ? self->m : NULL, l);
}

/* ---- yielding ---- */
static void count_yield(struct p *pp, struct g *gp)
{
    at64_bump(&pp->count.yields, 1);
    rt_trace(pp->id, TR_YIELD, gp->goid, 0);
    at32_store_rel(&gp->status, Grunnable);
}

/* As Go does it: to the tail of the global queue. */
static __attribute__((cold, noinline)) void yield_global(struct m *mp, struct g *gp)
{
    count_yield(mp->p, gp);
    mp->post = (struct post){POST_GLOBRUNQ, gp, NULL, NULL};
    switch_away(mp, gp, false);
}

/* Nothing stands in pp's own queue. Does anything else ask for the scheduler? */
static __attribute__((noinline)) bool nobody_waits(const struct m *mp, struct p *pp)
{
    if (at32_load_rlx(&pp->attn) || mp->nextg || mp->lockedg) return false;
    if (at32_load_rlx(&rt_sched.runqsize) || pp->spill.head) return false;
    int64_t when = rt_timers_earliest(pp);
    return !when || rt_nanotime() < when;
}

/*
 * The yield of most loops, in one straight piece: a single P, somebody in its ring, nothing in runnext, and nothing that
 * asks for the scheduler. Only this thread takes from the ring, so gp stands there before its stack is left and the one
 * to come has nothing to finish. NULL: go the general way; every eighth does, to look at the timers.
 */
RT_INLINE struct g *rotate(struct m *mp, struct p *pp, struct g *gp)
{
    uintptr_t other = (uintptr_t)atp_load_rlx(&pp->runnext) | (uintptr_t)mp->lockedg | at32_load_rlx(&pp->attn) |
                      at32_load_rlx(&rt_sched.runqsize) | at32_load_rlx(&rt_trace_on);
    uint32_t tick = pp->tick + 1;
    if (!pp->rotates || other || tick % RT_TIMER_TICK == 0) return NULL;
    struct g *next = rt_runqrotate(pp, gp);
    if (!next) return NULL;
    pp->tick = tick;
    return next;
}

RT_INLINE void yield(struct g *gp)
{
    struct m *mp = rt_getm();
    struct p *pp = mp->p;
    struct g *other = rotate(mp, pp, gp);
    if (__builtin_expect(other != NULL, 1)) {
        at64_bump(&pp->count.yields, 1);
        at32_store_rel(&gp->status, Grunnable);
        switch_to(mp, pp, gp, other, false);
        return;
    }
    if (__builtin_expect(rt_ablated(TRINE_YIELD_GLOBAL | TRINE_GLOBAL_ONLY), 0)) {
        yield_global(mp, gp);
        return;
    }
    bool inherit = false;
    struct g *next = rt_pick(mp, pp, &inherit, false);
    if (__builtin_expect(!next, 0) && nobody_waits(mp, pp)) {
        /* go on, and let sysmon see that the slice was offered */
        at32_bump(&pp->schedtick, 1);
        return;
    }
    count_yield(pp, gp);
    if (rt_solo(pp)) { /* only this thread takes from the queue: gp may stand there before its stack is left */
        if (__builtin_expect(!rt_runqputtail(pp, gp), 0)) rt_put_full(pp, gp);
    } else {
        mp->post.kind = POST_RUNQ;
        mp->post.gp = gp;
    }
    switch_to(mp, pp, gp, next, inherit);
}

void rt_gosched(struct g *gp) { yield(gp); }

/* Public, and here, so that a yield is one piece of code. */
void trine_yield(void)
{
    struct g *gp = rt_enter("trine_yield");
    yield(gp);
    rt_leave(gp);
}

/* ---- giving way because it was asked for ---- */
/* To g0, with `kind` to be done for gp there. */
static void to_g0(struct g *gp, enum post_kind kind)
{
    struct m *mp = rt_getm();
    mp->post = (struct post){kind, gp, NULL, NULL};
    atp_store_rel(&mp->curg, NULL);
    rt_setg(&mp->g0);
    rt_leave_for(mp, gp, &mp->g0);
}

void rt_gopreempt(struct g *gp)
{
    struct p *pp = rt_getm()->p;
    at64_bump(&pp->count.preemptions, 1);
    rt_trace(pp->id, TR_PREEMPT, gp->goid, 0);
    at32_store_rel(&gp->status, Grunnable);
    to_g0(gp, rt_ablated(TRINE_LOCAL_ONLY) ? POST_RUNQ : POST_GLOBRUNQ);
}

void rt_gosched_nop(struct g *gp)
{
    at32_store_rel(&gp->status, Grunnable);
    to_g0(gp, POST_GLOBRUNQ);
}

__attribute__((cold)) void rt_enter_slow(struct g *gp, const char *what, bool elsewhere)
{
    if (elsewhere && !rt_onaltstack() && rt_granover(gp, arch_sp())) rt_gstackoverflow(gp);
    if (gp->inrt != 1 || elsewhere) {
        const char *where = at32_load_rlx(&gp->status) == Gsyscall ? "between trine_syscall_enter and trine_syscall_exit"
                                                                   : "in a signal handler";
        rt_throw("%s called %s", what, where);
    }
    if (at32_load_rlx(&gp->preempt) == PREEMPT_ZOMBIE) rt_gozombie(gp);
    rt_gopreempt(gp);
}
