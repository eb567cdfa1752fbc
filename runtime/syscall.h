/* syscall.h: taking the P of a goroutine in a blocking call. Floor 7. */
#ifndef RT_SYSCALL_H
#define RT_SYSCALL_H

#include "proc.h"

/* The bracket of a call that may block the thread, for code inside of the runtime. No runtime lock may be held, and after exit
 * m and p must be read afresh; it does not return when the run is over. Blocks G. errno is kept. */
void rt_syscall_enter(struct g *gp);
void rt_syscall_exit(struct g *gp);

/* Takes pp from mp if its goroutine gp is in a blocking call at this instant. The P is then the caller's: no M has it,
 * and it stands in no list. From sysmon and stop-the-world, with sched.lock or without. */
bool rt_retakep(struct p *pp, struct m *mp, struct g *gp);
#endif
