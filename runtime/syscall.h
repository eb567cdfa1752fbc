/* syscall.h: taking the P of a goroutine in a blocking call. Floor 7. */
#ifndef RT_SYSCALL_H
#define RT_SYSCALL_H

#include "proc.h"

/* Takes pp from mp if its goroutine gp is in a blocking call at this instant. The P is then the caller's: no M has it,
 * and it stands in no list. From sysmon and stop-the-world, with sched.lock or without. */
bool rt_retakep(struct p *pp, struct m *mp, struct g *gp);
#endif
