/*
 * find.h: where the next goroutine comes from when the P's own queue is not enough. Floor 6, beside sched.c, which
 * alone calls it.
 */
#ifndef RT_FIND_H
#define RT_FIND_H

#include "proc.h"

/* On g0. A goroutine to run on mp, which has a P then; parks mp while there is none. NULL: mp must end. *inherit: it
 * came from runnext and shares the slice of the one before. */
struct g *rt_findg(struct m *mp, bool *inherit);
/* Ready Gs (their state is set) to mp's P as far as they fit, else to the global queue; wakes Ps for them. mp NULL, or
 * without a P: all to the global queue. */
void rt_injectlist(struct m *mp, struct glist *l);
#endif
