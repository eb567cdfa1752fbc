/*
 * glock.h: locks and words that only goroutines touch: plain operations while a single P exists, or runs. Floor 4.
 *
 * A locked instruction costs 2 to 7.5 ns by host, up to half of an operation. While one P exists nobody else can be
 * between the load and the store of such an operation, nor between lock and unlock: a section neither parks nor is
 * interrupted (the preemption handler waits for rt_leave), a thread without a P is outside of the runtime, and the
 * number of Ps changes only while the world is stopped, when no section is open. So p.solo, set under
 * stop-the-world, is asked and the locked instruction left out. While several exist and one of them runs, it has the bias
 * (bias.h): load and store stand in a window of it, and a lock says that it is held, since a P may be woken before it
 * is released. Not for anything that sysmon, a timer's fire function or the network poller touches.
 *
 * Called between rt_enter and rt_leave, by a goroutine that holds a P. TSan is shown every operation.
 */
#ifndef RT_GLOCK_H
#define RT_GLOCK_H

#include "proc.h"

static inline bool rt_solo(const struct p *pp)
{
#ifdef RT_TSAN
    (void)pp;
    return false;
#else
    return pp->solo;
#endif
}
static inline bool rt_gsolo(const struct g *gp) { return rt_solo(gp->m->p); }

/* True: until rt_plain_end nobody else touches what goroutines share. */
static inline bool rt_plain_begin(struct p *pp) { return rt_solo(pp) || rt_bias_open(&pp->bias); }
static inline void rt_plain_end(struct p *pp) { rt_bias_close(&pp->bias); } /* solo: a 0 over a 0 */

static inline void rt_glock(const struct g *gp, struct lock *l)
{
    struct p *pp = gp->m->p;
    if (rt_solo(pp)) {
        rt_lock_counted(1); /* released as if it were held */
        return;
    }
    if (rt_bias_open(&pp->bias)) {
        rt_assert(at32_load_rlx(&l->held) == 0);
        rt_lock_plainly(l);
        rt_bias_close(&pp->bias);
        return;
    }
    rt_lock_pausing(l, RT_GLOCK_PAUSES_FIRST, RT_GLOCK_PAUSES_LAST);
}
/* Without asking: releasing what solo left out stores a 0 over a 0. */
static inline void rt_gunlock(struct lock *l) { rt_unlock(l); }

/* Each returns the new value, or whether it swapped; acquire and release. */
static inline uint32_t rt_gadd32(const struct g *gp, at_u32 *a, uint32_t delta)
{
    struct p *pp = gp->m->p;
    if (!rt_plain_begin(pp)) return at32_add_ar(a, delta) + delta;
    uint32_t x = at32_load_rlx(a) + delta;
    at32_store_rlx(a, x);
    rt_plain_end(pp);
    return x;
}
static inline uint64_t rt_gadd64(const struct g *gp, at_u64 *a, uint64_t delta)
{
    struct p *pp = gp->m->p;
    if (!rt_plain_begin(pp)) return at64_add_ar(a, delta) + delta;
    uint64_t x = at64_load_rlx(a) + delta;
    at64_store_rlx(a, x);
    rt_plain_end(pp);
    return x;
}
static inline bool rt_gcas32(const struct g *gp, at_u32 *a, uint32_t old, uint32_t new)
{
    struct p *pp = gp->m->p;
    if (!rt_plain_begin(pp)) return at32_cas_ar(a, old, new);
    bool same = at32_load_rlx(a) == old;
    if (same) at32_store_rlx(a, new);
    rt_plain_end(pp);
    return same;
}
static inline bool rt_gcas64(const struct g *gp, at_u64 *a, uint64_t old, uint64_t new)
{
    struct p *pp = gp->m->p;
    if (!rt_plain_begin(pp)) return at64_cas_ar(a, old, new);
    bool same = at64_load_rlx(a) == old;
    if (same) at64_store_rlx(a, new);
    rt_plain_end(pp);
    return same;
}
#endif
