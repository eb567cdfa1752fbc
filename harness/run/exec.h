/*
 * exec: one planned point, run in a process of its own and measured from outside, becomes one point.
 * Main thread only.
 */
#ifndef TRINE_HARNESS_EXEC_H
#define TRINE_HARNESS_EXEC_H

#include "base/err.h"
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

/* NULL when nothing of it is kept: it was stopped (e->code 0), or its driver is gone (driver_path NULL) or cannot be started
 * (e says why). That is no finding about the point, so a resumed run tries it again. */
json_t *exec_point(const struct exec_context *x, const json_t *planned, int attempt, const char *driver_path,
                   struct err *e);

#endif
