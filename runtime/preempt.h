/* preempt.h: time slices. Floor 7; see preempt.c. */
#ifndef RT_PREEMPT_H
#define RT_PREEMPT_H

#include "proc.h"

int rt_preempt_init(void); /* each run: installs the handlers where the program has set others; 0 or -errno */
/* Asks pp's goroutine to give way: the flag, and, if asked for, a signal for code that calls nothing of
 * the runtime. Wants sched.lock
 * (which keeps the M from ending meanwhile). */
void rt_preemptone(struct p *pp, bool signal);
/* Ms whose handler dropped its P since the last call: requeues their goroutines and hands off the Ps. How many. From
 * sysmon, or whoever stops the world, without sched.lock. */
int rt_preempt_collect(void);
/* mp stands in the handler and its run is over: lets it go on without a P. Wants sched.lock. */
void rt_preempt_release(struct m *mp);
#endif
