/*
 * pmu: hardware and software counters of one process and all its threads. Names go through libpfm4, so
 * "cycles", "context-switches" or "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS" all work. A counter that cannot
 * be had says why:
 * {"unavailable": "perf_event_open: ENOENT (…)"}. A multiplexed one is scaled, and its running share is
 * shown.
 *
 * Everything that touches the kernel goes through struct pmu_seam, so that tests can play back recorded
 * buffers.
 */
#ifndef TRINE_HARNESS_PMU_H
#define TRINE_HARNESS_PMU_H

#include <jansson.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pmu_seam {
    /* both: result, or -errno */
    int (*encode)(const char *name, struct perf_event_attr *attr, const char **why);
    int (*open)(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd, unsigned long flags);
    ssize_t (*read)(int fd, void *buf, size_t bytes);
    void (*close)(int fd);
};
extern const struct pmu_seam pmu_kernel;

struct pmu_counter {
    char name[96];
    int fd;
    char unavailable[160]; /* "" when fd is open */
};
enum { PMU_MAX_COUNTERS = 32 };
struct pmu_set {
    const struct pmu_seam *seam;
    struct pmu_counter c[PMU_MAX_COUNTERS];
    size_t n;
};

/* Opens each name on pid, inherited by its threads, starting at its exec. Never fails as a whole. */
void pmu_open(struct pmu_set *set, const struct pmu_seam *seam, char *const *names, size_t n, pid_t pid);
/* Reads, closes, and gives {"cycles":{"value":…,"running_share":…},…}. */
json_t *pmu_finish(struct pmu_set *set);

/* One value decoded from what read() gave. */
struct pmu_value {
    uint64_t raw, enabled_ns, running_ns, id;
    double value, running_share; /* scaled; the share of the enabled time that it was on the PMU */
};
/*
 * Decodes a buffer laid out by read_format (single, or PERF_FORMAT_GROUP; both times must be in it). Returns
 * the number of values (at most max), or -1 with *why: cut off, a count that does not fit, never scheduled.
 */
int pmu_decode(uint64_t read_format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
               const char **why);

#endif
