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

/* Throttled time so far in ns, of the group and of each of its ancestors upwards; -1: not told by the kernel. Kept a
 * level each, since an ancestor's old total would hide what a group of today collects. */
enum { CGROUP_LEVELS = 32 };
struct cgroup_throttled {
    size_t n;
    int64_t ns[CGROUP_LEVELS];
};
void cgroup_throttled(const struct probe_root *r, const struct cgroup_cpu *c, struct cgroup_throttled *t);
int64_t cgroup_throttled_most(const struct cgroup_throttled *t); /* of all levels; -1: none tells */
/* The most that any level collected between the two, or -1: none tells. */
int64_t cgroup_throttled_between(const struct cgroup_throttled *a, const struct cgroup_throttled *b);

/* The tightest quota from the group up, in CPUs; 0: none. */
double cgroup_quota_cpus(const struct probe_root *r, const struct cgroup_cpu *c);

#endif
