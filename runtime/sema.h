/*
 * sema.h: the semaphore that mutexes and readers-writer locks sleep on, with its queue inside. Floor 7.
 *
 * Go keeps a 32-bit count in the user's structure and finds the sleepers in a global table hashed by address. Here
 * the structure has room for its own queue: no table, no tree, no lock shared by strangers, and first come first served.
 * A release with somebody waiting never raises the count: the permit goes to the longest waiter, directly, so nobody
 * barges in between, and the woken one returns without a look at the structure (which may then be freed).
 * The lock costs one locked instruction (glock.h: or none), which is what a compare-and-swap on the count would cost as well.
 *
 * Invariant, under the lock: count > 0 only while nobody waits; nwait is the length of the queue.
 */
#ifndef RT_SEMA_H
#define RT_SEMA_H

#include "sched.h"

/* Both are called between rt_enter and rt_leave. */
/* Takes a permit, or parks until one is handed over. lifo: ahead of all others (who has waited before). */
void rt_semacquire(trine_sema *s, struct g *gp, bool lifo, enum waitreason why);
/* Gives a permit. handoff: the waiter that gets it also gets the rest of this time slice. */
void rt_semrelease(trine_sema *s, struct g *gp, bool handoff);
#endif
