/* sysmon.h: the monitor. Floor 8. */
#ifndef RT_SYSMON_H
#define RT_SYSMON_H

#include <stdbool.h>
#include <stdint.h>

/* Watches until the run is to end (sched.ending). On the thread that called trine_run, which holds no P. */
void rt_sysmon(void);
/* Handed down at start: called in every round, for reports. True: the monitor must not sleep for good. */
extern bool (*rt_sysmon_report)(int64_t now);
/* Since when nothing ran, when the monitor sleeps or slept for good because all was idle; 0: something ran since. */
extern int64_t rt_sysmon_idle_since;
#endif
