/*
 * Processes beside the one that is measured: services, load generators, clients. They are forked before the
 * runtime starts, while the driver has one thread; they end with the driver, whatever ends it; they never
 * print.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the calling process: timers without slack, and no SIGPIPE. child_start does it in the child. */
void child_settle(void);

/* Starts a child that runs fn(arg) and exits; its pid, or -errno. */
pid_t child_start(void (*fn)(void *arg), void *arg);

/* Ends a child of child_start, and only that; pid <= 0 is nothing. */
void child_stop(pid_t pid);

/* Zeroed memory that children forked later share; NULL when there is none. */
void *child_shared(size_t bytes);

/* For children: now on CLOCK_MONOTONIC, and a nap that a driver's clock does not matter to. */
int64_t child_now_ns(void);
void child_nap_ns(int64_t ns);
