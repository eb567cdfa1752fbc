/*
 * pmu: hardware and software counters of one process and all its threads. Names go through libpfm4, so
 * "cycles", "context-switches" or "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS" all work. A counter that cannot
 * be had says why:
 * {"unavailable": "perf_event_open: ENOENT (…)"}. A multiplexed one is scaled, and its running share is
 * shown.
 */
#ifndef TRINE_HARNESS_PMU_H
#define TRINE_HARNESS_PMU_H

#include "base/perf_event.h"

#include <jansson.h>
#include <sys/types.h>

struct pmu_counter {
    char name[96];
    int fd;
    char unavailable[160]; /* "" when fd is open */
};
struct pmu_set {
    const struct pmu_seam *seam;
    struct pmu_counter c[PMU_MAX_COUNTERS];
    size_t n;
};

/* Opens each name on pid, inherited by its threads, starting at its exec. Never fails as a whole. */
void pmu_open(struct pmu_set *set, const struct pmu_seam *seam, char *const *names, size_t n, pid_t pid);
/* Reads, closes, and gives {"cycles":{"value":…,"running_share":…},…}. */
json_t *pmu_finish(struct pmu_set *set);

#endif
