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

/* Where the self-test reaches in from outside the measured code. Each may be NULL; called from the main thread:
 * forked before exec and before the first snapshot, ended before the process is reaped. */
struct exec_fault {
    void (*forked)(pid_t pid, void *arg);
    void (*started)(pid_t pid, void *arg);
    void (*ended)(pid_t pid, void *arg);
    void *arg;
};

struct exec_context {
    const struct probe_root *root;
    const struct pmu_seam *pmu;
    const volatile sig_atomic_t *stop; /* set by the signal handler */
    const struct exec_fault *fault;    /* NULL: none */
};

/* NULL when it was stopped: nothing of it is kept. driver_path NULL: the driver has gone, the point is
 * failed. */
json_t *exec_point(const struct exec_context *x, const json_t *planned, int attempt, const char *driver_path);

#endif
