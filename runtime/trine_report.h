/*
 * trine_report.h: what the monitor's rounds do beside scheduling: dumps, schedtrace, $TRINE_DEBUG, the number of Ps. Floor 9,
 * within module trine.
 */
#ifndef RT_TRINE_REPORT_H
#define RT_TRINE_REPORT_H

#include "proc.h"

/* trine_debug.c. Both at the start of each run; the first one does what lasts for the process. */
void rt_debug_init(void);  /* hands the reports down to throw and the monitor; SIGQUIT; $TRINE_DEBUG */
void rt_check_handlers(void); /* says once when a handler of the program's lacks SA_ONSTACK */

/* trine_procs.c. follow: nobody set the number of Ps, so it follows affinity and quota; a run begins. */
void rt_procs_follow(bool follow);
void rt_procs_look(int64_t now); /* at each round of the monitor */

/* trine_dump.c */
void rt_dump_goroutines(int64_t now);  /* every goroutine, RT_DUMP_MAX at most, the current one first */
void rt_age_reset(void);               /* a run begins */
void rt_age_waiters(int64_t now);      /* stamps those found waiting; from the monitor, a few at each call */

/* trine_trace.c: $TRINE_TRACE. Around each run, on its thread. */
void rt_trace_env_start(void);
void rt_trace_env_stop(void);

/* trine_schedtrace.c. Not with sched.lock held. */
void rt_schedtrace(int64_t now, bool detail, bool goroutines);
/* Until when the line's clock runs: 0 ms is the start of the first run. */
void rt_schedtrace_epoch(int64_t now);
#endif
