/*
 * sched_switch.h: putting a goroutine into a queue, and switching from one to the next. Floor 6: the inner part of
 * sched.c and life.c, in a header so that a switch is one straight piece of code in each of its callers.
 *
 * A goroutine that parks goes straight to the next one when that stands in the P's own queue: no hop over the thread's
 * g0. What must happen once its stack is no longer in use (release the channel's lock, put it back into a queue, free
 * it) is left in m->post and done by whatever runs next, first thing: rt_finish(). Until then nobody else can see the
 * goroutine as runnable, so nobody resumes a context that is still being saved.
 *
 * Wake-ups (partner: stop_spinning in find.c): whoever makes work visible stores it, passes rt_fence_submit, and reads
 * npidle and nmspinning; an M that gives up spinning decrements nmspinning, passes rt_fence_idle, and reads all
 * queues again. One of the two sees the other.
 */
#ifndef RT_SCHED_SWITCH_H
#define RT_SCHED_SWITCH_H

#include "fence.h"
#include "g.h"
#include "m.h"
#include "runq.h"
#include "sanitize.h"
#include "timer.h"

#define RT_INLINE static inline __attribute__((always_inline))

/* sched.c: the rare ways of rt_put and rt_finish. */
void rt_put_full(struct p *pp, struct g *gp);
void rt_put_ablated(struct p *pp, struct g *gp);
void rt_finish_rare(struct m *mp, enum post_kind kind);

/* The owner's way into its queue. */
RT_INLINE void rt_put(struct p *pp, struct g *gp, bool next)
{
    if (__builtin_expect(rt_ablated(TRINE_GLOBAL_ONLY | TRINE_NO_RUNNEXT), 0)) {
        rt_put_ablated(pp, gp);
        return;
    }
    if (next) gp = rt_runqputnext(pp, gp);
    if (gp && __builtin_expect(!rt_runqputtail(pp, gp), 0)) rt_put_full(pp, gp);
}

/*
 * Work was put into pp's queue: is an idle P to be woken? When it stands in runnext alone, the current goroutine often
 * parks within the next 100 ns and runs it itself (a ping-pong), and a P woken for it finds nothing, at 2 us a wake-up.
 * So such wake-ups are thinned while they prove useless: each one in vain doubles the number of readies let pass,
 * one that found work sets it to 0 (find.c), and sysmon, which sees a runnext that stays, wakes a P and does the same.
 * TRINE_EAGER_WAKE: every time, as Go does. docs/decisions/0003-wake-for-runnext.md has the figures.
 */
static inline void rt_wake_for_ready(struct p *pp)
{
    if (pp->solo) return; /* nobody could be woken */
    if (rt_runqlen(pp) == 0 && !rt_ablated(TRINE_EAGER_WAKE)) {
        if (pp->wake_skipped < at32_load_rlx(&rt_sched.wake_skip)) {
            pp->wake_skipped++; /* and no barrier: whoever idles or not, none is woken */
            return;
        }
    }
    rt_fence_submit(); /* the queue before npidle: partner is stop_spinning in find.c */
    if (at32_load_rlx(&rt_sched.npidle) == 0) return;
    pp->wake_skipped = 0;
    if (!rt_ablated(TRINE_LOCAL_ONLY)) rt_wakep();
}

/* rt_goready (sched.h) by a goroutine that holds pp. */
RT_INLINE void rt_ready(struct p *pp, struct g *gp)
{
    at64_bump(&pp->count.wakes, 1);
    at32_store_rel(&gp->status, Grunnable);
    rt_put(pp, gp, true);
    rt_wake_for_ready(pp);
}

/* What the one that was left wanted done once its stack is no longer in use. */
RT_INLINE void rt_do_post(struct m *mp)
{
    enum post_kind kind = mp->post.kind;
    if (kind == POST_NONE) return;
    mp->post.kind = POST_NONE;
    switch (kind) {
    case POST_UNLOCK:
        rt_unlock(mp->post.arg);
        return;
    case POST_RUNQ: {
        struct p *pp = mp->p;
        rt_put(pp, mp->post.gp, false);
        rt_wake_for_ready(pp);
        return;
    }
    case POST_DEAD:
        rt_gfput(mp->p, mp->post.gp);
        return;
    default:
        rt_finish_rare(mp, kind);
    }
}

/* First thing after every switch, on the stack that was switched to. */
RT_INLINE void rt_finish(struct m *mp)
{
    rt_do_post(mp);
#ifdef TRINE_DEBUG_CHECKS
    if (rt_locks_held()) rt_throw("parked with a lock of the runtime's held");
#endif
}

RT_INLINE void rt_before_switch(struct g *from, struct g *to, bool dead)
{
    (void)from, (void)to, (void)dead;
#ifdef RT_TSAN
    void *fiber = to->tsan_fiber; /* before the release: the last that this goroutine reads of `to` */
    RT_TSAN_RELEASE(to);
    __tsan_switch_to_fiber(fiber, 1);
    RT_TSAN_ACQUIRE(to);
#endif
#ifdef RT_ASAN
    __sanitizer_start_switch_fiber(dead ? NULL : &from->asan_fake, (void *)to->stack_lo, to->stack_bytes);
#endif
}

RT_INLINE void rt_after_switch(struct g *self)
{
    (void)self;
#ifdef RT_ASAN
    __sanitizer_finish_switch_fiber(self->asan_fake, NULL, NULL);
#endif
}

/* Makes `to` the running goroutine of mp. */
RT_INLINE void rt_become(struct m *mp, struct p *pp, struct g *to, bool inherit)
{
    at64_bump(&pp->count.switches, 1);
    rt_trace(pp->id, TR_START, to->goid, inherit);
    if (!inherit) at32_bump(&pp->schedtick, 1);
    atp_store_rel(&mp->curg, to);
    to->m = mp;
    at32_store_rlx(&to->preempt, 0);
    at32_store_rel(&to->status, Grunning); /* partner: rt_preemptone and the dumps */
    rt_setg(to);
}

/* Leaves `from`, which is not freed, for the next local goroutine or g0, and returns when it is resumed. */
RT_INLINE void rt_leave_for(struct m *mp, struct g *from, struct g *to)
{
    from->errno_saved = *mp->errno_loc;
    rt_before_switch(from, to, false);
    arch_switch(&from->ctx, &to->ctx);
    rt_after_switch(from);
    mp = rt_getm(); /* perhaps another thread's */
    *mp->errno_loc = from->errno_saved;
    rt_finish(mp);
}

/*
 * Join order. A goroutine that waits for what it made (on a wait group, or receiving: a receive for each goroutine made)
 * most often waits for the last of them, so its P then takes the newest of its ring, not the oldest: recursion runs depth
 * first on a few hot stacks (fib(30): 48,000 stacks were made with the oldest first), and thieves, at the other end, take
 * the largest parts. Nobody starves: when the oldest has waited for a slice, sysmon says so (fifo_due) and the next join
 * takes it. TRINE_FIFO_JOIN: never, as in Go.
 */
static inline struct g *rt_take_for_join(struct p *pp)
{
    if (rt_ablated(TRINE_FIFO_JOIN) || atp_load_rlx(&pp->runnext)) return NULL;
    if (__builtin_expect(at32_load_rlx(&pp->fifo_due), 0)) {
        at32_store_rlx(&pp->fifo_due, 0);
        return NULL;
    }
    return rt_runqgetnewest(pp);
}

/* The next goroutine from the P's own queue, when nothing asks for the scheduler. NULL: go to g0. */
RT_INLINE struct g *rt_pick(struct m *mp, struct p *pp, bool *inherit, bool join)
{
    if (__builtin_expect(at32_load_rlx(&pp->attn) || mp->lockedg, 0)) return NULL;
    uint32_t tick = ++pp->tick;
    if (__builtin_expect(tick % RT_GLOBAL_TICK == 0, 0) && at32_load_rlx(&rt_sched.runqsize)) return NULL;
    if (__builtin_expect(tick % RT_TIMER_TICK == 0, 0)) {
        int64_t when = rt_timers_earliest(pp);
        if (when && rt_nanotime() >= when) return NULL;
    }
    struct g *gp = join ? rt_take_for_join(pp) : NULL;
    *inherit = false;
    if (!gp) gp = rt_runqget(pp, inherit);
    if (__builtin_expect(gp && gp->lockedm, 0)) {
        mp->nextg = gp;
        return NULL;
    }
    return gp;
}
#endif
