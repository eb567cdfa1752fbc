/* sysmon.h: the monitor. Floor 8. */
#ifndef RT_SYSMON_H
#define RT_SYSMON_H

/* Watches until the run is to end (sched.ending). On the thread that called trine_run, which holds no P. */
void rt_sysmon(void);
#endif
