/*
 * kernel: what the kernel says about the machine as a whole while a point runs: time stolen by the
 * hypervisor, time throttled by a quota, and time that some task waited for a CPU, for memory or for a disk.
 * A snapshot before, one after; the difference is the point's.
 */
#ifndef TRINE_HARNESS_KERNEL_H
#define TRINE_HARNESS_KERNEL_H

#include "probe/cgroup.h"
#include "probe/root.h"

#include <stdbool.h>
#include <stdint.h>

/* What tasks wait for, as in /proc/pressure. */
enum kernel_pressure { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, KERNEL_PRESSURES };
extern const char *const kernel_pressure_names[KERNEL_PRESSURES];

struct kernel_snapshot {
    bool stat_ok;
    int64_t steal_ticks, idle_ticks, total_ticks; /* over all CPUs, in USER_HZ; idle: waiting for a disk too */
    int64_t ncpus;                    /* that the kernel gives lines of their own; at least 1 */
    struct cgroup_throttled throttled;
    int64_t pressure_us[KERNEL_PRESSURES]; /* that some task waited for it, since the start; -1: not told */
};

void kernel_snapshot(const struct probe_root *r, const struct cgroup_cpu *c, struct kernel_snapshot *s);

/* The total of the line `some`, in us; -1: there is none. */
int64_t kernel_parse_pressure(const char *text);

/* Parses /proc/stat: the sum, and how many CPUs are in it. */
bool kernel_parse_stat(const char *text, struct kernel_snapshot *s);

/*
 * The share of the CPU time that was wanted (all but idle) and was stolen between the two, or -1: unknown. Idle CPUs are
 * left out, since nothing can be stolen from them: two busy ones of 64 would hide what they lose. One CPU's whole time
 * counts as wanted at least, so that a tick against a few is no large share. The kernel counts in ticks of 10 ms, so on
 * a short point a single tick can be more than 1 %: *resolution gets the share that one tick makes.
 */
double kernel_steal_fraction(const struct kernel_snapshot *a, const struct kernel_snapshot *b,
                             double *resolution);

#endif
