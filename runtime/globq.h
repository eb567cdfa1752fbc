/*
 * globq.h: the queue that all Ps share, first in, first out. Floor 4; whoever calls holds the lock of the queue's owner
 * (sched.lock). Nothing here readies a goroutine.
 */
#ifndef RT_GLOBQ_H
#define RT_GLOBQ_H

#include "proc.h"

void rt_globq_put(struct globq *q, struct g *const *gs, uint32_t n);
/* Takes the oldest, at most n, into out[]; how many. None of them is touched. */
uint32_t rt_globq_get(struct globq *q, struct g **out, uint32_t n);
/* Takes out the oldest that `want` says yes to; NULL: there is none. O(length). */
struct g *rt_globq_extract(struct globq *q, bool (*want)(const struct g *));
/* End of a run: forgets all that stands in it. */
void rt_globq_reset(struct globq *q);
#endif
