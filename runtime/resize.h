/* resize.h: stopping the world, and the number of Ps. Floor 8. */
#ifndef RT_RESIZE_H
#define RT_RESIZE_H

#include "proc.h"

/* No goroutine runs when it returns; every P is stopped and held by nobody but, if own is given, by its M. own: the
 * caller's P, or NULL from the monitor's thread. One caller at a time. */
void rt_stopworld(struct p *own);
/* Sets the number of Ps with the world stopped and no M holding any but m0's (may be NULL). Gs of Ps that go are moved
 * to the global queue. 0 or -ENOMEM (nothing changed). */
int rt_procresize(int n, struct m *m0);
void rt_startworld(struct m *m0);
#endif
