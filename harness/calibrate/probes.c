/*
 * calibrate/probes: what the suite's own probes cost, so that a reader knows what watching does to the
 * watched. The sampler's looks are timed on this process itself; its period stretches so that they stay below
 * a twentieth of a CPU (probe/sampler.c). The costs are those of a process with few threads.
 */
#include "base/child.h"
#include "base/json.h"
#include "calibrate/calibrate.h"
#include "probe/kernel.h"
#include "probe/pmu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 50 };

static const struct probe_root machine = {""};

/* The least of several: what the work itself takes, without what the machine did beside it. */
static double least_us(void (*probe)(void *), void *arg) {
    double least = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = monotonic_ns();
        probe(arg);
        double us = (double)(monotonic_ns() - start) / 1e3;
        if (i == 0 || us < least) least = us;
    }
    return least;
}

static void snapshot(void *arg) {
    struct kernel_snapshot s;
    kernel_snapshot(&machine, arg, &s);
}

static void look_at_threads(void *arg) {
    (void)arg;
    free(probe_read(&machine, "/proc/self/status"));
}

static void look_at_schedstat(void *arg) {
    cpu_set_t set;
    (void)arg;
    free(probe_read(&machine, "/proc/self/schedstat"));
    sched_getaffinity(getpid(), sizeof set, &set);
}

static void count(void *arg) {
    char *names[] = {"context-switches"};
    struct pmu_set set;
    (void)arg;
    pmu_open(&set, &pmu_kernel, names, 1, getpid());
    json_decref(pmu_finish(&set));
}

json_t *calibrate_probes(void) {
    struct cgroup_cpu c;
    cgroup_find(&machine, &c);
    return json_pack("{s:f,s:f,s:f,s:f}", "kernel_snapshot_us", least_us(snapshot, &c), "thread_count_us",
                     least_us(look_at_threads, NULL), "thread_schedstat_us",
                     least_us(look_at_schedstat, NULL), "counter_open_read_close_us", least_us(count, NULL));
}
