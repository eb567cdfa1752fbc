/*
 * sched.c: parking, readying, switching. Floor 6. Finding the next goroutine when the P's own queue has none is in
 * find.c.
 *
 * A goroutine that parks goes straight to the next one when that stands in the P's own queue: no hop over the thread's
 * g0. What must happen once its stack is no longer in use (release the channel's lock, put it back into a queue, free
 * it) is left in m->post and done by whatever runs next, first thing: finish(). Until then nobody else can see the
 * goroutine as runnable, so nobody resumes a context that is still being saved.
 *
 * The slow way, on g0: no local work, every 61st schedule with a non-empty global queue, a timer that is due, the
 * world to be stopped, a goroutine locked to a thread.
 *
 * Wake-ups (partner: stop_spinning in find.c): whoever makes work visible stores it, passes the light fence, and reads
 * npidle and nmspinning; an M that gives up spinning decrements nmspinning, passes the heavy fence, and reads all
 * queues again. One of the two sees the other.
 */
#include "sched.h"
#include "find.h"
#include "g.h"
#include "runq.h"
#include "sanitize.h"
#include "timer.h"

#include <errno.h>

void (*rt_main_returned)(void);

/* ---- queues ---- */
static void to_global(struct p *pp, struct glist *l)
{
    at64_bump(&pp->count.global_puts, l->n);
    rt_lock(&rt_sched.lock);
    rt_globrunqputlist(l);
    rt_unlock(&rt_sched.lock);
}

/* The ring was full, or an ablation keeps gp from its usual place. */
static __attribute__((noinline)) void put_rare(struct p *pp, struct g *gp, struct glist *over)
{
    if (rt_ablated(TRINE_GLOBAL_ONLY)) glist_push(over, gp);
    else if (gp) rt_runqput(pp, gp, false, over);
    if (!over->head) return;
    if (rt_ablated(TRINE_LOCAL_ONLY) && !rt_ablated(TRINE_GLOBAL_ONLY)) glist_append(&pp->spill, over);
    else to_global(pp, over);
}

/* The owner's way into its queue. */
static inline __attribute__((always_inline)) void put(struct p *pp, struct g *gp, bool next)
{
    struct glist over;
    glist_init(&over);
    if (__builtin_expect(rt_ablated(TRINE_GLOBAL_ONLY | TRINE_NO_RUNNEXT), 0)) put_rare(pp, gp, &over);
    else if (__builtin_expect(!rt_runqput(pp, gp, next, &over), 0)) put_rare(pp, NULL, &over);
}

/*
 * Work was put into pp's queue: is an idle P to be woken? When it stands in runnext alone, the current goroutine often
 * parks within the next 100 ns and runs it itself (a ping-pong), and a P woken for it finds nothing, at 2 us a wake-up.
 * So such wake-ups are thinned while they prove useless: each one in vain doubles the number of readies let pass,
 * one that found work sets it to 0 (find.c), and sysmon, which sees a runnext that stays, wakes a P and does the same.
 * TRINE_EAGER_WAKE: every time, as Go does. docs/decisions/0002-wake-for-runnext.md has the figures.
 */
static inline void wake_for_ready(struct p *pp)
{
    at_fence_light(); /* the queue before npidle: partner is the heavy fence in stop_spinning */
    if (pp->solo || at32_load_rlx(&rt_sched.npidle) == 0) return;
    if (rt_runqlen(pp) == 0 && !rt_ablated(TRINE_EAGER_WAKE)) {
        if (pp->wake_skipped < at32_load_rlx(&rt_sched.wake_skip)) {
            pp->wake_skipped++;
            return;
        }
        pp->wake_skipped = 0;
    }
    if (!rt_ablated(TRINE_LOCAL_ONLY)) rt_wakep();
}

/* ---- switching ---- */
static __attribute__((noinline)) void finish_rare(struct m *mp, enum post_kind kind)
{
    struct post po = mp->post;
    struct g *gp = po.gp;
    switch (kind) {
    case POST_UNLOCKF:
        if (po.unlockf(gp, po.arg)) return;
        at32_store_rel(&gp->status, Grunnable); /* it must not park after all */
        put(mp->p, gp, true);
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

/* First thing after every switch, on the stack that was switched to. */
static inline __attribute__((always_inline)) void finish(struct m *mp)
{
    enum post_kind kind = mp->post.kind;
    mp->post.kind = POST_NONE;
    switch (kind) {
    case POST_NONE:
        return;
    case POST_UNLOCK:
        rt_unlock(mp->post.arg);
        return;
    case POST_RUNQ: {
        struct p *pp = mp->p;
        put(pp, mp->post.gp, false);
        wake_for_ready(pp);
        return;
    }
    case POST_DEAD:
        rt_gfput(mp->p, mp->post.gp);
        return;
    default:
        finish_rare(mp, kind);
    }
}

static inline __attribute__((always_inline)) void before_switch(struct g *from, struct g *to, bool dead)
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

static inline __attribute__((always_inline)) void after_switch(struct g *self)
{
    (void)self;
#ifdef RT_ASAN
    __sanitizer_finish_switch_fiber(self->asan_fake, NULL, NULL);
#endif
}

/* Makes `to` the running goroutine of mp. */
static inline __attribute__((always_inline)) void become(struct m *mp, struct p *pp, struct g *to, bool inherit)
{
    at64_bump(&pp->count.switches, 1);
    if (!inherit) at32_store_rlx(&pp->schedtick, at32_load_rlx(&pp->schedtick) + 1);
    atp_store_rel(&mp->curg, to);
    to->m = mp;
    at32_store_rlx(&to->preempt, 0);
    at32_store_rel(&to->status, Grunning); /* partner: rt_preemptone and the dumps */
    rt_setg(to);
}

/* Leaves `from`, which is not freed, for the next local goroutine or g0, and returns when it is resumed. */
static inline __attribute__((always_inline)) void leave_for(struct m *mp, struct g *from, struct g *to)
{
    from->errno_saved = *mp->errno_loc;
    before_switch(from, to, false);
    arch_switch(&from->ctx, &to->ctx);
    after_switch(from);
    mp = from->m; /* perhaps another thread's */
    *mp->errno_loc = from->errno_saved;
    finish(mp);
}

/*
 * Join order. A goroutine that waits on a wait group most often waits for what it spawned last, so its P then takes the
 * newest of its ring, not the oldest: fork-join recursion runs depth first on a few hot stacks (fib(30): 48,000 stacks
 * were made with the oldest first), and thieves, at the other end, take the largest parts. Nobody starves: when the
 * oldest has waited for a slice, sysmon says so (fifo_due) and the next join takes it. TRINE_FIFO_JOIN: never, as in Go.
 */
static inline struct g *take_for_join(struct p *pp)
{
    if (rt_ablated(TRINE_FIFO_JOIN) || atp_load_rlx(&pp->runnext)) return NULL;
    if (__builtin_expect(at32_load_rlx(&pp->fifo_due), 0)) {
        at32_store_rlx(&pp->fifo_due, 0);
        return NULL;
    }
    return rt_runqgetnewest(pp);
}

/* The next goroutine from the P's own queue, when nothing asks for the scheduler. NULL: go to g0. */
static inline __attribute__((always_inline)) struct g *pick(struct m *mp, struct p *pp, bool *inherit, bool join)
{
    if (__builtin_expect(at32_load_rlx(&pp->attn) || mp->lockedg, 0)) return NULL;
    uint32_t tick = ++pp->tick;
    if (__builtin_expect(tick % RT_GLOBAL_TICK == 0, 0) && at32_load_rlx(&rt_sched.runqsize)) return NULL;
    if (__builtin_expect(tick % RT_TIMER_TICK == 0, 0)) {
        int64_t when = rt_timers_earliest(pp);
        if (when && rt_nanotime() >= when) return NULL;
    }
    struct g *gp = join ? take_for_join(pp) : NULL;
    *inherit = false;
    if (!gp) gp = rt_runqget(pp, inherit);
    if (__builtin_expect(gp && gp->lockedm, 0)) {
        mp->nextg = gp;
        return NULL;
    }
    return gp;
}

static inline __attribute__((always_inline)) void switch_away(struct m *mp, struct g *gp, bool join)
{
    struct p *pp = mp->p;
    bool inherit;
    struct g *next = pick(mp, pp, &inherit, join);
    rt_gcheckstack(gp);
    if (next) {
        become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    leave_for(mp, gp, next);
}

/* ---- parking ---- */
static inline void set_waiting(struct g *gp, enum waitreason why)
{
    gp->waitreason = (uint8_t)why;
    at64_bump(&gp->m->p->count.parks, 1);
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
    put(pp, gp, true);
    wake_for_ready(pp);
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
        at32_store_rel(&gp->status, Grunnable);
        mp->post = (struct post){POST_GLOBRUNQ, gp, NULL, NULL};
        switch_away(mp, gp, false);
        return;
    }
    bool inherit;
    struct g *next = pick(mp, pp, &inherit, false);
    if (!next && !at32_load_rlx(&pp->attn) && !mp->nextg && !mp->lockedg && at32_load_rlx(&rt_sched.runqsize) == 0 &&
        !pp->spill.head && !(rt_timers_earliest(pp) && rt_nanotime() >= rt_timers_earliest(pp))) {
        /* nobody else wants this P: go on, and let sysmon see that the slice was offered */
        at32_store_rlx(&pp->schedtick, at32_load_rlx(&pp->schedtick) + 1);
        return;
    }
    at64_bump(&pp->count.yields, 1);
    rt_gcheckstack(gp);
    at32_store_rel(&gp->status, Grunnable);
    mp->post.kind = POST_RUNQ;
    mp->post.gp = gp;
    if (next) {
        become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    leave_for(mp, gp, next);
}

/* To g0, with `kind` to be done for gp there. */
static void to_g0(struct g *gp, enum post_kind kind)
{
    struct m *mp = gp->m;
    mp->post = (struct post){kind, gp, NULL, NULL};
    atp_store_rel(&mp->curg, NULL);
    rt_setg(&mp->g0);
    leave_for(mp, gp, &mp->g0);
}

void rt_gopreempt(struct g *gp)
{
    struct p *pp = gp->m->p;
    at64_bump(&pp->count.preemptions, 1);
    at32_store_rel(&gp->status, Grunnable);
    to_g0(gp, rt_ablated(TRINE_LOCAL_ONLY) ? POST_RUNQ : POST_GLOBRUNQ);
}

void rt_gosched_nop(struct g *gp)
{
    at32_store_rel(&gp->status, Grunnable);
    to_g0(gp, POST_GLOBRUNQ);
}

/* ---- birth and death ---- */
static uint64_t next_goid(struct p *pp)
{
    if (pp->goidnext == pp->goidend) {
        pp->goidnext = at64_add_rlx(&rt_sched.goidgen, RT_GOID_BATCH) + 1;
        pp->goidend = pp->goidnext + RT_GOID_BATCH;
    }
    return pp->goidnext++;
}

int rt_newproc(trine_fn fn, void *arg, const char *name, size_t stack_bytes, void *pc, struct glist *out)
{
    struct p *pp = rt_getg()->m->p;
    int cls = stack_bytes ? rt_stackclass(stack_bytes) : rt_sched.stackclass;
    struct g *gp = rt_gfget(pp, cls);
    if (__builtin_expect(!gp, 0)) return -ENOMEM;
    rt_ginit(gp, fn, arg);
    gp->name = name;
    gp->gopc = pc;
    gp->goid = next_goid(pp);
    at64_bump(&pp->count.spawns, 1);
    at32_store_rel(&gp->status, Grunnable);
    if (out) {
        glist_push(out, gp);
        return 0;
    }
    put(pp, gp, true);
    wake_for_ready(pp);
    return 0;
}

__attribute__((noreturn)) void rt_goexit0(struct g *gp)
{
    struct m *mp = gp->m;
    struct p *pp = mp->p;
    at64_bump(&pp->count.exits, 1);
    rt_gcheckstack(gp);
    at32_store_rel(&gp->status, Gdead);
    gp->m = NULL;
    mp->post.kind = POST_DEAD;
    mp->post.gp = gp;
    bool inherit;
    struct g *next = NULL;
    if (__builtin_expect(gp->is_main | (mp->lockedg != NULL), 0)) {
        if (mp->lockedg) { /* a thread whose goroutine ends while locked to it ends too: its state is not to be trusted */
            mp->lockedg = NULL;
            gp->lockedm = NULL;
            gp->lockedcount = 0;
            at32_store_rel(&mp->dying, 1);
        }
    } else {
        next = pick(mp, pp, &inherit, false);
    }
    if (next) {
        become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    before_switch(gp, next, true);
    arch_switch(&gp->ctx, &next->ctx);
    __builtin_unreachable();
}

__attribute__((noreturn)) void rt_gozombie(struct g *gp)
{
    struct m *mp = gp->m;
    at32_store_rel(&mp->dying, 1);
    at32_store_rel(&gp->status, Gdead);
    mp->post = (struct post){POST_ZOMBIE, gp, NULL, NULL};
    mp->lockedg = NULL;
    atp_store_rel(&mp->curg, NULL);
    rt_setg(&mp->g0);
    before_switch(gp, &mp->g0, true);
    arch_switch(&gp->ctx, &mp->g0.ctx);
    __builtin_unreachable();
}

/* The first function of every goroutine: called by rt_arch_entry. */
static void goroutine_main(void)
{
    struct g *gp = rt_getg();
    after_switch(gp);
    finish(gp->m);
    *gp->m->errno_loc = 0;
    rt_leave(gp);
    gp->fn(gp->arg);
    gp = rt_enter("the end of a goroutine");
    if (__builtin_expect(gp->is_main, 0)) rt_main_returned();
    rt_goexit0(gp);
}

/* ---- g0: the thread's own stack ---- */
/* Runs goroutines until the M must end. */
static void m_body(struct m *mp)
{
    for (;;) {
        finish(mp);
        if (at32_load_acq(&mp->dying)) break;
        bool inherit;
        struct g *gp = rt_findg(mp, &inherit);
        if (!gp) break;
        become(mp, mp->p, gp, inherit);
        before_switch(&mp->g0, gp, false);
        arch_switch(&mp->g0.ctx, &gp->ctx);
        after_switch(&mp->g0);
    }
    if (mp->p) rt_handoffp(rt_releasep(mp));
}

void rt_schedinit(void)
{
    rt_mbody = m_body;
    rt_goroutine_main = goroutine_main;
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
