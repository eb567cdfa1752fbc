/*
 * session: what run and resume share: from a planned folder to the end of the run with its table, report and
 * exit code; and what run and plan share: from options to a plan.
 */
#ifndef TRINE_HARNESS_SESSION_H
#define TRINE_HARNESS_SESSION_H

#include "base/err.h"
#include "run/catalog.h"
#include "run/plan.h"
#include "run/runner.h"
#include "run/sweep.h"

/* The options that pick a plan. */
struct choice {
    const char *profile, *seed, *reps;
    struct strlist only, backends, drivers;
    struct strlist builds; /* --ab: the folders of the old and the new build; empty: none */
};
void choice_free(struct choice *c);

/* What they pick. */
struct session {
    struct sweep sweep;
    struct catalog catalog;
    struct topo *topo;
    struct plan_options options;
    struct plan plan;
};

int session_plan(struct session *s, const struct choice *c, struct err *e);
void session_free(struct session *s);

/* Where results go and how long a run may take. */
struct limits {
    const char *out;
    int64_t budget_ms, reruns; /* 0: no limit; of an invalid point */
};

/* The run's folder with env.json and manifest.json in it; NULL and e on failure. Caller frees both. */
char *session_start(const struct session *s, int argc, char **argv, const struct limits *l, json_t **manifest,
                    struct err *e);

/* Runs what is left of run_dir's plan and closes the manifest; 0 or an exit code, with its line printed. */
int session_run(const char *verb, const char *run_dir, json_t *manifest, const struct catalog *catalog,
                int64_t budget_ms, int64_t reruns, bool quiet, struct run_result *result);

/*
 * Runs what is left of run_dir's plan, prints the table, writes the report, closes the manifest (which it may
 * change). budget_ms and reruns: below 0, the manifest's.
 */
int session_measure(const char *verb, const char *run_dir, json_t *manifest, const struct catalog *catalog,
                    int64_t budget_ms, int64_t reruns, bool quiet);

/* Report and table of a run. Returns 0 or an exit code with e filled. */
int session_report(const char *verb, const char *run_dir, struct err *e);

/* --budget and --reruns; NULL leaves the value alone. */
int parse_limits(const char *budget, const char *reruns, int64_t *budget_ms, int64_t *nreruns, struct err *e);

#endif
