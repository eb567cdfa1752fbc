/*
 * quota: a cpu cgroup of its own with a quota, for one process and what it starts. Made below the group that this
 * process is in, under v1 or v2; removed again, also what a killed trine has left behind.
 */
#ifndef TRINE_HARNESS_QUOTA_H
#define TRINE_HARNESS_QUOTA_H

#include "probe/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct quota {
    struct cgroup_cpu group; /* the new one: cgroup_throttled_ns reads it */
};

/* cpus: of processor time a period. False with why where the kernel does not permit it. */
bool quota_open(struct quota *q, const struct probe_root *r, double cpus, int64_t period_us, char *why, size_t bytes);
/* Puts a process in; it must not have started what should count. */
bool quota_enter(const struct quota *q, pid_t pid);
/* When its processes have been reaped. */
void quota_close(struct quota *q);

#endif
