/*
 * throw.h: how the runtime ends the program. Floor 1.
 *
 * `fatal error: <message>` on stderr, the goroutine and its state where there is one, exit status 2: Go's words and
 * Go's status. The printing of goroutines stands higher in the house and is handed down at start (rt_throw_dump).
 */
#ifndef RT_THROW_H
#define RT_THROW_H

#include <stddef.h>

__attribute__((noreturn, cold, format(printf, 1, 2))) void rt_throw(const char *fmt, ...);

/* Called once while throwing, before the exit; NULL until the scheduler starts. Must not allocate. */
extern void (*rt_throw_dump)(void);

/* Writes to stderr in one system call per line; neither allocates nor locks: legal in a signal handler. */
__attribute__((format(printf, 1, 2))) void rt_print(const char *fmt, ...);

#ifdef TRINE_DEBUG_CHECKS
#define rt_assert(cond) ((cond) ? (void)0 : rt_throw("invariant broken: %s (%s:%d)", #cond, __FILE__, __LINE__))
#else
#define rt_assert(cond) ((void)0)
#endif
#endif
