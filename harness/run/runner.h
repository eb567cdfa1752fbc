/*
 * runner: carries out a plan, point by point, into the store. It knows what is done from points.jsonl alone,
 * so running and resuming are the same thing. Main thread only.
 */
#ifndef TRINE_HARNESS_RUNNER_H
#define TRINE_HARNESS_RUNNER_H

#include "base/err.h"
#include "run/catalog.h"
#include "run/exec.h"
#include "store/store.h"

#include <stdbool.h>

struct runner {
    const struct exec_context *exec;
    const struct catalog *catalog;
    const json_t *plan; /* the manifest's */
    int64_t budget_ms;  /* no point is started after it; 0: none */
    int64_t reruns;     /* of an invalid point */
    bool quiet;
};

struct run_result {
    size_t points, complete, ok, invalid, failed, skipped, not_applicable;
    bool interrupted, out_of_budget;
    char first_failure[512];
    size_t ran;       /* points that were run now, more than one attempt each counted */
    size_t unstarted; /* whose driver is gone or cannot be started: they have no line, so they run when the run is resumed */
    char first_unstarted[512];
    size_t not_needed; /* of the complete ones: repetitions that their series no longer needed */
    json_t *precision; /* of precision_json; the caller drops it */
};

/* 0, or the exit code of a store that cannot be written. The result is filled either way. */
int runner_run(const struct runner *r, const char *run_dir, struct store *store, struct run_result *result,
               struct err *e);

#endif
