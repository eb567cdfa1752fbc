/*
 * cgroup: which cpu cgroup this process is in, under v1, v2 or both at once (hybrid), its quota, and how long
 * it has been throttled. Units are folded here: v1 counts ns, v2 us.
 */
#ifndef TRINE_HARNESS_CGROUP_H
#define TRINE_HARNESS_CGROUP_H

#include "probe/root.h"

#include <stdint.h>
#include <sys/types.h>

struct cgroup_cpu {
    int version;      /* of the hierarchy that holds the cpu controller: 1 or 2; 0: none found */
    const char *mode; /* "v1", "v2", "hybrid" or "none" */
    char dir[1024];   /* of this process's group, without the prefix */
    char mount[512];  /* where that hierarchy is mounted */
};

void cgroup_find(const struct probe_root *r, struct cgroup_cpu *c); /* of this process */
void cgroup_find_of(const struct probe_root *r, pid_t pid, struct cgroup_cpu *c);

/* Total throttled time of the group and its ancestors' (the longest of them) in ns, or -1: not told by the
 * kernel. */
int64_t cgroup_throttled_ns(const struct probe_root *r, const struct cgroup_cpu *c);

/* The tightest quota from the group up, in CPUs; 0: none. */
double cgroup_quota_cpus(const struct probe_root *r, const struct cgroup_cpu *c);

#endif
