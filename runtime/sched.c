/*
 * sched.c: parking and readying. Floor 6. The switch itself is in sched_switch.h, the birth and death of goroutines
 * and the loop of g0 in life.c, the search for the next goroutine when the P's own queue has none in find.c.
 *
 * The slow way, on g0: no local work, every 61st schedule with a non-empty global queue, a timer that is due, the
 * world to be stopped, a goroutine locked to a thread.
 */
#include "sched.h"
#include "find.h"
#include "sched_switch.h"

/* ---- queues ---- */
static void to_global(struct p *pp, struct glist *l)
{
    at64_bump(&pp->count.global_puts, l->n);
    rt_lock(&rt_sched.lock);
    rt_globrunqputlist(l);
    rt_unlock(&rt_sched.lock);
}

/* The ring was full, or an ablation keeps gp from its usual place. */
void rt_put_rare(struct p *pp, struct g *gp, struct glist *over)
{
    if (rt_ablated(TRINE_GLOBAL_ONLY)) glist_push(over, gp);
    else if (gp) rt_runqput(pp, gp, false, over);
    if (!over->head) return;
    if (rt_ablated(TRINE_LOCAL_ONLY) && !rt_ablated(TRINE_GLOBAL_ONLY)) glist_append(&pp->spill, over);
    else to_global(pp, over);
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
        if (mp->p) at64_bump(&mp->p->count.global_puts, 1);
        at_fence_light();
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

static inline __attribute__((always_inline)) void switch_away(struct m *mp, struct g *gp, bool join)
{
    struct p *pp = mp->p;
    bool inherit;
    struct g *next = rt_pick(mp, pp, &inherit, join);
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

/* ---- parking ---- */
static inline void set_waiting(struct g *gp, enum waitreason why)
{
    gp->wait = (uint16_t)why; /* little-endian: the reason, and no stamp */
    at64_bump(&gp->m->p->count.parks, 1);
    rt_trace(gp->m->p->id, TR_PARK, gp->goid, why);
    at32_store_rel(&gp->status, Gwaiting);
}

void rt_goparkunlock(struct lock *l, enum waitreason why)
{
    struct g *gp = rt_getg();
    struct m *mp = gp->m;
    set_waiting(gp, why);
    mp->post.kind = POST_UNLOCK;
    mp->post.arg = l;
    switch_away(mp, gp, why == WR_WAITGROUP);
}

void rt_gopark(bool (*unlockf)(struct g *, void *), void *arg, enum waitreason why)
{
    struct g *gp = rt_getg();
    struct m *mp = gp->m;
    set_waiting(gp, why);
    mp->post = (struct post){unlockf ? POST_UNLOCKF : POST_NONE, gp, unlockf, arg};
    switch_away(mp, gp, false);
}

void rt_goready(struct g *gp)
{
    struct p *pp = rt_getg()->m->p;
    at64_bump(&pp->count.wakes, 1);
    at32_store_rel(&gp->status, Grunnable);
    rt_put(pp, gp, true);
    rt_wake_for_ready(pp);
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

void rt_gosched(struct g *gp)
{
    struct m *mp = gp->m;
    struct p *pp = mp->p;
    if (__builtin_expect(rt_ablated(TRINE_YIELD_GLOBAL | TRINE_GLOBAL_ONLY), 0)) {
        at64_bump(&pp->count.yields, 1);
        rt_trace(pp->id, TR_YIELD, gp->goid, 0);
        at32_store_rel(&gp->status, Grunnable);
        mp->post = (struct post){POST_GLOBRUNQ, gp, NULL, NULL};
        switch_away(mp, gp, false);
        return;
    }
    bool inherit;
    struct g *next = rt_pick(mp, pp, &inherit, false);
    if (!next && !at32_load_rlx(&pp->attn) && !mp->nextg && !mp->lockedg && at32_load_rlx(&rt_sched.runqsize) == 0 &&
        !pp->spill.head && !(rt_timers_earliest(pp) && rt_nanotime() >= rt_timers_earliest(pp))) {
        /* nobody else wants this P: go on, and let sysmon see that the slice was offered */
        at32_store_rlx(&pp->schedtick, at32_load_rlx(&pp->schedtick) + 1);
        return;
    }
    at64_bump(&pp->count.yields, 1);
    rt_trace(pp->id, TR_YIELD, gp->goid, 0);
    rt_gcheckstack(gp);
    at32_store_rel(&gp->status, Grunnable);
    mp->post.kind = POST_RUNQ;
    mp->post.gp = gp;
    if (next) {
        rt_become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    rt_leave_for(mp, gp, next);
}

/* To g0, with `kind` to be done for gp there. */
static void to_g0(struct g *gp, enum post_kind kind)
{
    struct m *mp = gp->m;
    mp->post = (struct post){kind, gp, NULL, NULL};
    atp_store_rel(&mp->curg, NULL);
    rt_setg(&mp->g0);
    rt_leave_for(mp, gp, &mp->g0);
}

void rt_gopreempt(struct g *gp)
{
    struct p *pp = gp->m->p;
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
    if (gp->inrt != 1 || elsewhere) {
        const char *where = at32_load_rlx(&gp->status) == Gsyscall ? "between trine_syscall_enter and trine_syscall_exit"
                                                                   : "in a signal handler";
        rt_throw("%s called %s", what, where);
    }
    if (at32_load_rlx(&gp->preempt) == PREEMPT_ZOMBIE) rt_gozombie(gp);
    rt_gopreempt(gp);
}
