/*
 * cgroup.h: how many Ps a run gets by default. Floor 2; called before a run, or from anywhere: no lock, no malloc.
 */
#ifndef RT_CGROUP_H
#define RT_CGROUP_H

#include <stdint.h>

/* A quota: at most quota_us of CPU time every period_us. quota_us < 0: none. */
struct cpu_quota { int64_t quota_us, period_us; };

/* Where the process's cgroup is; kept, to read its quota again as it changes (a process that is moved to another cgroup
 * meanwhile still reads the first, as in Go). Never freed. NULL: no memory. */
struct rt_cgroup *rt_cgroup_find(const char *root);
/* The tightest quota now, of it and all above it. One caller at a time; 5 us a file. NULL is allowed: none. */
struct cpu_quota rt_cgroup_read(struct rt_cgroup *w);

/* Both at once: the tightest CPU quota of the process's cgroup and of all above it that are visible: cgroup v2, v1 and hybrid.
 * root: where the files of /proc and /sys are looked for (tests); NULL: /. */
struct cpu_quota rt_cgroup_quota(const char *root);

/* min(ncpu, max(2, ceil(quota))): Go 1.25's rule. A quota under two CPUs still gives two Ps, since one would stop
 * all other goroutines for as long as one runs; the rest is throttled alike. */
int rt_procs_rule(int ncpu, struct cpu_quota q);

int rt_default_procs(const char *root); /* the rule over this process's affinity and cgroup */
#endif
