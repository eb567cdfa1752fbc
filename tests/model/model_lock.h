/*
 * model_lock.h: the runtime's lock for the explorer: included before anything else (-include), in the place of lock.h.
 *
 * Same contract: mutual exclusion, and what was done under the lock is seen under it next. The real one polls
 * for an unbounded time, which would only multiply the executions.
 */
#ifndef RT_LOCK_H
#define RT_LOCK_H

#include "atomic.h"
#include "explore.h"

struct lock { at_u32 held; };

static inline void rt_lock(struct lock *l) { model_lock(l); }
static inline void rt_unlock(struct lock *l) { model_unlock(l); }
#endif
