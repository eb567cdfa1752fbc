/* Descriptors: room for many of them, and the threads that the kernel sees. */
#pragma once

#include "point.h"

/* Raises the soft limit to hold n more descriptors; fails the point with the limit when that cannot be. */
bool fds_need(struct point *pt, uint64_t n);

/* Threads of this process now, by /proc/self/status; 0 where that cannot be read. */
int64_t threads_now(void);
