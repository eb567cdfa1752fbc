/*
 * lock.h: the runtime's own lock. Floor 2.
 *
 * One byte's worth of state, taken by one locked instruction and released by a plain store: a futex mutex needs a
 * second locked instruction to learn of sleepers (7.5 ns here, paid on every channel operation). Sections are a few
 * tens of instructions and never block, so a waiter polls, seldom (lock.c); when the holder was descheduled by the
 * kernel it gives the core away (sched_yield, then short sleeps) instead of sleeping on an address. Held only inside
 * the runtime, where the preemption handler never stops a thread, so the holder always runs on.
 * Rejected: ticket and queue locks (a descheduled waiter stops all behind it); futex (above).
 */
#ifndef RT_LOCK_H
#define RT_LOCK_H

#include "atomic.h"
#include "param.h"

struct lock { at_u32 held; };

/* Debug builds count the locks that a thread holds, since whoever parks with one would hang all who want it (sched_switch.h). */
#ifdef TRINE_DEBUG_CHECKS
enum { RT_LOCKS_COUNTED = 1 };
void rt_lock_counted(int by); /* not inlined: after a switch the count is another thread's, at another address */
int rt_locks_held(void);
#else
enum { RT_LOCKS_COUNTED = 0 };
static inline void rt_lock_counted(int by) { (void)by; }
#endif

/* first, last: pauses between two looks, doubled from the one to the other. */
void rt_lock_slow(struct lock *l, int first, int last);

static inline void rt_lock_pausing(struct lock *l, int first, int last)
{
    /* acquire: partner is the release of rt_unlock */
    if (__builtin_expect(!at32_cas_acq(&l->held, 0, 1), 0)) rt_lock_slow(l, first, last);
    rt_lock_counted(1);
}
static inline void rt_lock(struct lock *l) { rt_lock_pausing(l, RT_LOCK_PAUSES_FIRST, RT_LOCK_PAUSES_LAST); }
static inline bool rt_trylock(struct lock *l)
{
    if (at32_load_rlx(&l->held) != 0 || !at32_cas_acq(&l->held, 0, 1)) return false;
    rt_lock_counted(1);
    return true;
}
/* By who knows that nobody contends, nor will before others have seen it held (bias.h). */
static inline void rt_lock_plainly(struct lock *l)
{
    at32_store_rlx(&l->held, 1);
    rt_lock_counted(1);
}
static inline void rt_unlock(struct lock *l)
{
    rt_lock_counted(-1);
    at32_store_rel(&l->held, 0);
}
#endif
