/*
 * exec: one planned point, run in a process of its own and measured from outside, becomes one point.
 * Main thread only.
 */
#ifndef TRINE_HARNESS_EXEC_H
#define TRINE_HARNESS_EXEC_H

#include "probe/pmu.h"
#include "probe/root.h"

#include <jansson.h>
#include <signal.h>

struct exec_context {
    const struct probe_root *root;
    const struct pmu_seam *pmu;
    const volatile sig_atomic_t *stop; /* set by the signal handler */
};

/* NULL when it was stopped: nothing of it is kept. driver_path NULL: the driver has gone, the point is
 * failed. */
json_t *exec_point(const struct exec_context *x, const json_t *planned, int attempt, const char *driver_path);

#endif
