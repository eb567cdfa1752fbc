/*
 * timer.h: the timers of a P: a 4-ary heap under a lock of its own. Floor 4: nothing here readies a goroutine; what
 * a timer wakes is returned in a list.
 *
 * Any P may look into, and run, the heap of any other. A timer has one user at a time (its goroutine, or whoever
 * holds the lock of the structure that it is part of); the heap's own P and thieves race with that user, and every
 * race is settled by the lock of the heap in which the timer stands. There is no lock per timer: arming a sleep costs
 * one locked instruction, and all sleeps that are due together are run under one hold of the lock.
 *
 * A `brief` timer's fire runs under the heap's lock, so once rt_timers_remove has returned, fire neither runs nor
 * will run, and the memory of the timer may go. A fire that takes locks itself is not brief: it runs outside, and
 * rt_timers_sync waits for one that has begun.
 */
#ifndef RT_TIMER_H
#define RT_TIMER_H

#include "proc.h"

/* What a change came to. SOONER: the heap's earliest time moved up, so a blocked poller may have to be woken
 * (rt_wakenetpoller, by the caller's floor). PENDING: the timer was armed before. */
enum { TIMER_SOONER = 1, TIMER_PENDING = 2 };

/* Arms a timer that stands in no heap. `when` is on rt_nanotime's clock; in the past, or below 1: fires at the next
 * check. Flags, or -ENOMEM. */
int rt_timers_add(struct p *pp, struct timer *t, int64_t when);
/* Arms or moves a timer, wherever it stands; to pp's heap if in none. Flags, or -ENOMEM. Moving to a later time only
 * notes it: the slot is put right when it comes to the top. */
int rt_timers_mod(struct p *pp, struct timer *t, int64_t when);
/* Stops lazily: the slot stays until it is cleaned, so the timer's memory must stay too. True: it was pending and
 * will not fire. False: not armed, or fire has begun. */
bool rt_timers_del(struct timer *t);
/* Stops and takes out of the heap at once; O(log n). True as above. */
bool rt_timers_remove(struct timer *t);
/* Waits until no fire of this timer is running. Not with a lock held that the fire function takes. */
void rt_timers_sync(const struct timer *t);

/* Runs what is due in pp's heap at `now`, RT_READY_BATCH at most: a crowd is passed on while it is in the cache, and
 * others get the lock in between. Called by the owner or a thief, from the scheduler. Returns when the next one is due,
 * which is not later than `now` when there are more; 0: there is none. */
int64_t rt_timers_check(struct p *pp, int64_t now, struct glist *ready);

/* Lock-free: no timer of pp fires before this; 0: it has none. */
static inline int64_t rt_timers_earliest(const struct p *pp) { return ati64_load_acq(&pp->timers.earliest); }

/* A bit a P, so that who looks at all of them touches the lines of those alone that have timers: set with the first one,
 * and cleared when the P goes idle without any. */
extern at_u32 rt_timerbits[RT_MAX_PROCS / 32];
static inline bool rt_timermask(uint32_t id) { return (at32_load_rlx(&rt_timerbits[id / 32]) >> (id % 32)) & 1; }
void rt_timers_rest(struct p *pp); /* pp goes idle */

/* World stopped: dst takes the timers of src, which ends. */
void rt_timers_take(struct p *dst, struct p *src);
/* End of a run: forgets all. The memory of every armed timer must still be there. */
void rt_timers_drop(struct p *pp);

/* The timer that is part of a G readies that G: the fire function of a sleep. Brief. */
void rt_timer_wake(struct timer *t, struct glist *ready);
#endif
