/*
 * sync.h: what mutex.c, rwmutex.c, once.c and wg.c share: the mutex's fast paths. Floor 8; for them alone.
 *
 * The fast path of every operation is one atomic operation on one word; while a single P exists or runs (glock.h) it is
 * a plain one. Behaviour and messages are those of Go's package sync; the deliberate differences stand in wg.c, once.c.
 */
#ifndef RT_SYNC_H
#define RT_SYNC_H

#include "glock.h"
#include "sched.h"

__attribute__((noreturn, cold)) void rt_throw_null(const char *what); /* mutex.c */
#define RT_CHECK_PTR(p, what) (__builtin_expect(!(p), 0) ? rt_throw_null(what) : (void)0)

/* The word of Go's: locked, a waiter was woken (so unlock wakes no other), starving, and the number of waiters. */
enum { MUTEX_LOCKED = 1, MUTEX_WOKEN = 2, MUTEX_STARVING = 4, MUTEX_SHIFT = 3, MUTEX_WAITER = 1 << MUTEX_SHIFT };

void rt_mutex_lock_slow(struct g *gp, trine_mutex *m);                  /* parks G */
void rt_mutex_unlock_slow(struct g *gp, trine_mutex *m, uint32_t word); /* word: after the locked bit was dropped */

/* May a newcomer take it? Waiters do not keep one out; a starving mutex is on its way to one of them. */
static inline bool mutex_is_free(uint32_t word) { return !(word & (MUTEX_LOCKED | MUTEX_STARVING)); }
/* After the locked bit was dropped: nobody waits, or one was woken already and asks again. Not for an unlock too many. */
static inline bool mutex_wakes_nobody(uint32_t dropped)
{
    return dropped == 0 || (dropped & (MUTEX_LOCKED | MUTEX_WOKEN | MUTEX_STARVING)) == MUTEX_WOKEN;
}

/* Between rt_enter and rt_leave. A look first: a compare-and-swap that fails costs as much as one that swaps. */
static inline bool mutex_try(struct g *gp, at_u32 *word)
{
    uint32_t old = at32_load_rlx(word);
    return mutex_is_free(old) && rt_gcas32(gp, word, old, old | MUTEX_LOCKED);
}
static inline void rt_mutex_lock(struct g *gp, trine_mutex *m)
{
    if (__builtin_expect(!mutex_try(gp, AT_U32(&m->state)), 0)) rt_mutex_lock_slow(gp, m);
}
static inline void rt_mutex_unlock(struct g *gp, trine_mutex *m)
{
    uint32_t word = rt_gadd32(gp, AT_U32(&m->state), -(uint32_t)MUTEX_LOCKED);
    if (__builtin_expect(!mutex_wakes_nobody(word), 0)) rt_mutex_unlock_slow(gp, m, word);
}
#endif
