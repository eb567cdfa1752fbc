/*
 * life.c: a goroutine's first and last steps, and the loop of each thread's g0. Floor 6, beside sched.c.
 */
#include "find.h"
#include "sched.h"
#include "sched_switch.h"

#include <errno.h>

void (*rt_main_returned)(void);

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
    struct p *pp = rt_getm()->p;
    int cls = stack_bytes ? rt_stackclass(stack_bytes) : rt_sched.stackclass;
    struct g *gp = rt_gfget(pp, cls);
    if (__builtin_expect(!gp, 0)) return -ENOMEM;
    rt_ginit(gp, fn, arg);
    gp->name = name;
    gp->gopc = pc;
    gp->goid = next_goid(pp);
    rt_getg()->unjoined++;
    at64_bump(&pp->count.spawns, 1);
    at32_store_rel(&gp->status, Grunnable);
    if (out) {
        glist_push(out, gp);
        return 0;
    }
    rt_put(pp, gp, true);
    rt_wake_for_ready(pp);
    return 0;
}

/* Where a goroutine ends that simply returns it is one with goroutine_main: a call from there would leave a return address
 * on the processor's own stack of them that nobody takes, and whoever runs next, most often one that waited for this
 * goroutine, would pay for it with a return that is not foreseen (5 ns here). */
__attribute__((noreturn)) RT_INLINE void goexit0(struct g *gp)
{
    struct m *mp = rt_getm();
    struct p *pp = mp->p;
    rt_trace(pp->id, TR_EXIT, gp->goid, 0);
    at64_bump_rel(&pp->count.exits, 1); /* partner: alive in trine_stats.c, which then sees the spawn too */
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
        next = rt_pick(mp, pp, &inherit, false);
    }
    if (next) {
        rt_become(mp, pp, next, inherit);
    } else {
        next = &mp->g0;
        atp_store_rel(&mp->curg, NULL);
        rt_setg(next);
    }
    rt_before_switch(gp, next, true);
    arch_switch(&gp->ctx, &next->ctx);
    __builtin_unreachable();
}

__attribute__((noreturn)) void rt_goexit0(struct g *gp) { goexit0(gp); }

__attribute__((noreturn)) void rt_gozombie(struct g *gp)
{
    struct m *mp = rt_getm();
    at32_store_rel(&mp->dying, 1);
    at32_store_rel(&gp->status, Gdead);
    mp->post = (struct post){POST_ZOMBIE, gp, NULL, NULL};
    mp->lockedg = NULL;
    atp_store_rel(&mp->curg, NULL);
    rt_setg(&mp->g0);
    rt_before_switch(gp, &mp->g0, true);
    arch_switch(&gp->ctx, &mp->g0.ctx);
    __builtin_unreachable();
}

/* The first function of every goroutine: called by rt_arch_entry. */
static void goroutine_main(void)
{
    struct g *gp = rt_getg();
    rt_after_switch(gp);
    rt_finish(rt_getm());
    *rt_getm()->errno_loc = 0;
    rt_leave(gp);
    gp->fn(gp->arg);
    gp = rt_enter("the end of a goroutine");
    if (__builtin_expect(gp->is_main, 0)) rt_main_returned();
    goexit0(gp);
}

/* ---- g0: the thread's own stack ---- */
/* Runs goroutines until the M must end. */
static void m_body(struct m *mp)
{
    for (;;) {
        rt_finish(mp);
        if (at32_load_acq(&mp->dying)) break;
        bool inherit;
        struct g *gp = rt_findg(mp, &inherit);
        if (!gp) break;
        rt_become(mp, mp->p, gp, inherit);
        rt_before_switch(&mp->g0, gp, false);
        arch_switch(&mp->g0.ctx, &gp->ctx);
        rt_after_switch(&mp->g0);
    }
    if (mp->p) rt_handoffp(rt_releasep(mp));
}

void rt_schedinit(void)
{
    rt_mbody = m_body;
    rt_goroutine_main = goroutine_main;
}
