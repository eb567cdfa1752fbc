/* session: see session.h. */
#include "cmd/session.h"
#include "base/file.h"
#include "base/json.h"
#include "base/version.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/pages.h"
#include "probe/env.h"
#include "run/precision.h"
#include "run/runner.h"
#include "run/summary.h"
#include "run/validate.h"
#include "store/manifest.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int choose_seed(const char *text, uint64_t *seed, struct err *e) {
    int64_t v;
    if (!text) {
        *seed = (uint64_t)time(NULL) & 0x7fffffff; /* short enough to be typed again */
        return 0;
    }
    if (!parse_int(text, 0, INT64_MAX, &v))
        return err_set(e, TRINE_EXIT_USAGE, "--seed %s: expected a whole number from 0 up", text);
    *seed = (uint64_t)v;
    return 0;
}

void choice_free(struct choice *c) {
    strlist_free(&c->only);
    strlist_free(&c->backends);
    strlist_free(&c->drivers);
    strlist_free(&c->builds);
}

static int choose_reps(const char *text, int64_t *reps, struct err *e) {
    if (!text || parse_int(text, 1, 1000, reps)) return 0;
    return err_set(e, TRINE_EXIT_USAGE, "--reps %s: expected a whole number from 1 to 1000", text);
}

int session_plan(struct session *s, const struct choice *c, struct err *e) {
    memset(s, 0, sizeof *s);
    s->options.only = c->only;
    s->options.backends = c->backends;
    int rc = choose_seed(c->seed, &s->options.seed, e);
    if (!rc) rc = choose_reps(c->reps, &s->options.reps, e);
    if (!rc) rc = sweep_load(&s->sweep, c->profile ? c->profile : "quick", e);
    if (!rc) rc = catalog_find(&s->catalog, &c->drivers, e);
    if (!rc && s->catalog.n == 0)
        rc = err_set(e, TRINE_EXIT_INFRA,
                     "no driver was found: build the benches, or give --driver NAME=PATH or "
                     "the folder in TRINE_DRIVERS");
    if (!rc) rc = validate_backends(&c->backends, &s->catalog, e);
    if (!rc && c->builds.n) rc = catalog_add_builds(&s->catalog, c->builds.v[0], c->builds.v[1], e);
    if (!rc && !(s->topo = topo_load(e))) rc = e->code;
    if (!rc) rc = plan_make(&s->plan, &s->sweep, &s->catalog, s->topo, &s->options, e);
    if (rc) session_free(s);
    return rc;
}

void session_free(struct session *s) {
    sweep_free(&s->sweep);
    catalog_free(&s->catalog);
    topo_free(s->topo);
    if (s->plan.points) plan_free(&s->plan);
    memset(s, 0, sizeof *s);
}

static json_t *driver_list(const struct catalog *c) {
    json_t *list = json_object();
    for (size_t i = 0; i < c->n; i++)
        json_object_set_new(list, c->v[i].name,
                            json_pack("{s:s,s:s,s:s*}", "path", c->v[i].path, "version",
                                      json_str(c->v[i].description, "backend_version", "unknown"), "why",
                                      c->v[i].why));
    return list;
}

static json_t *new_manifest(const struct session *s, int argc, char **argv, const char *machine) {
    char now[32];
    json_t *arguments = json_array(),
           *m = json_pack("{s:s,s:i}", "schema", "trine-manifest", "version", MANIFEST_VERSION);
    json_array_append_new(arguments, json_string("trine"));
    for (int i = 0; i < argc; i++) json_array_append_new(arguments, json_string(argv[i]));
    utc_now(now);
    char *here = getcwd(NULL, 0);
    if (here) json_object_set_new(m, "directory", json_string(here)); /* what the arguments' relative names stand for */
    free(here);
    json_object_set_new(m, "trine", json_string(trine_version));
    json_object_set_new(m, "commit", json_string(trine_commit));
    json_object_set_new(m, "build_type", json_string(trine_build_type));
    json_object_set_new(m, "machine", json_string(machine));
    json_object_set_new(m, "arguments", arguments);
    json_object_set_new(m, "started_utc", json_string(now));
    json_object_set_new(m, "ended_utc", json_null());
    json_object_set_new(m, "ended", json_string("running"));
    json_object_set_new(m, "profile", json_string(s->sweep.name));
    json_object_set_new(m, "profile_title", json_string(s->sweep.title ? s->sweep.title : s->sweep.name));
    json_object_set_new(m, "profile_text", json_string(s->sweep.text));
    json_object_set_new(m, "seed", json_integer((json_int_t)s->options.seed));
    json_object_set_new(m, "drivers", driver_list(&s->catalog));
    json_object_set(m, "experiments", s->plan.experiments);
    json_object_set(m, "plan", s->plan.points);
    return m;
}

char *session_start(const struct session *s, int argc, char **argv, const struct limits *l, json_t **manifest,
                    struct err *e) {
    static const struct probe_root machine = {""};
    json_t *env = env_collect(&machine, s->topo), *m;
    const char *name = json_str(env, "machine", "unknown");
    char *dir = run_dir_make(l->out, name, s->sweep.name, e);
    *manifest = m = new_manifest(s, argc, argv, name);
    json_object_set_new(m, "budget_ms", json_integer(l->budget_ms));
    json_object_set_new(m, "reruns", json_integer(l->reruns));
    char *path = dir ? path_join(dir, "env.json") : NULL;
    int rc = !dir || json_write_file(path, env, e) || manifest_write(dir, m, e);
    free(path);
    json_decref(env);
    if (!rc) return dir;
    free(dir);
    json_decref(m);
    *manifest = NULL;
    return NULL;
}

int parse_limits(const char *budget, const char *reruns, int64_t *budget_ms, int64_t *nreruns,
                 struct err *e) {
    if (budget && !parse_duration_ms(budget, budget_ms))
        return err_set(e, TRINE_EXIT_USAGE, "--budget %s: expected a time such as 90s, 5m, 2h", budget);
    if (reruns && !parse_int(reruns, 0, 10, nreruns))
        return err_set(e, TRINE_EXIT_USAGE, "--reruns %s: expected a whole number from 0 to 10", reruns);
    return 0;
}

int session_report(const char *verb, const char *run_dir, struct err *e) {
    struct store_damage damage;
    json_t *points = store_load(run_dir, &damage, e);
    if (!points) return e->code;
    cmd_tell_run(verb, run_dir, &damage);
    json_t *latest = store_latest(points);
    summary_print(stdout, latest);
    json_decref(latest);
    json_decref(points);
#ifdef TRINE_HAVE_REPORT
    int rc = pages_write(run_dir, e);
    if (rc) return rc;
    printf("\nreport: %s/report.html\n", run_dir);
#else
    printf("\nrun: %s\n", run_dir);
#endif
    return output_flush(e);
}

static const char *how_it_ended(const struct run_result *r, int rc) {
    if (rc || r->unstarted) return "failed";
    if (r->interrupted) return "interrupted";
    if (r->complete < r->points) return "out of budget";
    return "complete";
}

static json_t *result_json(const struct run_result *r) {
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "points", (json_int_t)r->points, "complete",
                     (json_int_t)r->complete, "ok", (json_int_t)r->ok, "invalid", (json_int_t)r->invalid,
                     "failed", (json_int_t)r->failed, "skipped", (json_int_t)r->skipped, "not_applicable",
                     (json_int_t)r->not_applicable, "not_needed", (json_int_t)r->not_needed);
}

static int close_manifest(const char *run_dir, json_t *manifest, const struct run_result *r, int rc,
                          struct err *e) {
    char now[32];
    utc_now(now);
    json_object_set_new(manifest, "ended_utc", json_string(now));
    json_object_set_new(manifest, "ended", json_string(how_it_ended(r, rc)));
    json_object_set_new(manifest, "result", result_json(r));
    if (json_array_size(r->precision)) json_object_set(manifest, "precision", r->precision);
    return manifest_write(run_dir, manifest, e);
}

/* What the user must know of how it went, on stderr, and the exit code that follows from it. */
static int verdict(const char *verb, const char *run_dir, const struct run_result *r) {
    size_t left = r->points - r->complete;
    if (r->interrupted) {
        fprintf(stderr, "trine %s: interrupted, %zu of %zu points are kept; go on with: trine resume %s\n",
                verb, r->complete, r->points, run_dir);
        return TRINE_EXIT_INTERRUPTED;
    }
    if (r->unstarted) {
        fprintf(stderr, "trine %s: %zu points could not be run; the first: %s; when it is there again: trine resume %s\n", verb,
                r->unstarted, r->first_unstarted, run_dir);
        return TRINE_EXIT_INFRA;
    }
    if (left && left == r->points) {
        fprintf(stderr, "trine %s: the time budget is too short for any of the %zu points; go on with: trine resume %s "
                        "--budget 0\n", verb, left, run_dir);
        return TRINE_EXIT_INVALID;
    }
    if (left)
        fprintf(
            stderr,
            "trine %s: the time budget is used up, %zu of %zu points are left; go on with: trine resume %s "
            "--budget 0\n",
            verb, left, r->points, run_dir);
    if (r->invalid)
        fprintf(stderr, "trine %s: %zu of %zu points are not valid; they are kept and marked\n", verb,
                r->invalid, r->ok);
    if (r->failed) {
        fprintf(stderr, "trine %s: %zu of %zu points failed; the first: %s\n", verb, r->failed, r->complete,
                r->first_failure);
        return TRINE_EXIT_INFRA;
    }
    if (r->ok == 0)
        fprintf(stderr, "trine %s: nothing was measured: %zu points skipped, %zu not applicable; the report says why\n", verb,
                r->skipped, r->not_applicable);
    return r->invalid == r->ok ? TRINE_EXIT_INVALID : TRINE_EXIT_PASS;
}

/* What opening the store has done to it. */
static void tell_mended(const char *verb, const struct store_damage *d) {
    if (d->lines)
        fprintf(stderr,
                "trine %s: %zu damaged line%s of points.jsonl (the first was line %zu: %s) moved to points.jsonl.damaged; "
                "what is missing runs again\n",
                verb, d->lines, d->lines == 1 ? "" : "s", d->first, d->why);
    if (d->cut_bytes)
        fprintf(stderr,
                "trine %s: the last line of points.jsonl was cut off (%zu bytes) and is dropped; its point "
                "runs again\n",
                verb, d->cut_bytes);
}

int session_run(const char *verb, const char *run_dir, json_t *manifest, const struct catalog *catalog,
                int64_t budget_ms, int64_t reruns, bool quiet, struct run_result *result) {
    static const struct probe_root machine = {""};
    struct exec_context exec = {.root = &machine, .pmu = &pmu_kernel, .stop = &cmd_stop};
    struct runner runner = {.exec = &exec,
                            .catalog = catalog,
                            .plan = json_object_get(manifest, "plan"),
                            .quiet = quiet,
                            .budget_ms = budget_ms >= 0 ? budget_ms : json_int(manifest, "budget_ms", 0),
                            .reruns = reruns >= 0 ? reruns : json_int(manifest, "reruns", 3)};
    struct store store;
    struct err e, e2;
    struct store_damage damage;
    *result = (struct run_result){0};
    int rc = store_open(&store, run_dir, true, &damage, &e);
    if (rc) return cmd_fail(verb, &e);
    tell_mended(verb, &damage);
    rc = runner_run(&runner, run_dir, &store, result, &e);
    store_close(&store);
    if (rc) cmd_fail(verb, &e);
    int closed = close_manifest(run_dir, manifest, result, rc, &e2);
    json_decref(result->precision); /* the manifest has it */
    result->precision = NULL;
    if (rc) {
        if (rc != TRINE_EXIT_USAGE) fprintf(stderr, "trine %s: go on with: trine resume %s\n", verb, run_dir);
        return rc;
    }
    return closed ? cmd_fail(verb, &e2) : 0;
}

/* They were of fewer points than there are now, and a report would show them beside these. */
static void drop_verdicts(const char *verb, const char *run_dir) {
    static const char *const kept[][2] = {{"claims.json", "claims --run "}, {"peers.json", "peers "}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char *path = path_join(run_dir, kept[i][0]);
        if (unlink(path) == 0)
            fprintf(stderr, "trine %s: %s was of fewer points and is removed; judge again: trine %s%s\n", verb, kept[i][0],
                    kept[i][1], run_dir);
        free(path);
    }
}

int session_measure(const char *verb, const char *run_dir, json_t *manifest, const struct catalog *catalog,
                    int64_t budget_ms, int64_t reruns, bool quiet) {
    struct run_result result;
    struct err e;
    int rc = session_run(verb, run_dir, manifest, catalog, budget_ms, reruns, quiet, &result);
    if (rc) return rc;
    if (result.ran) drop_verdicts(verb, run_dir);
    if (!result.interrupted && session_report(verb, run_dir, &e)) return cmd_fail(verb, &e);
    if (!result.interrupted)
        precision_print(stdout, json_object_get(manifest, "precision"), result.not_needed);
    return verdict(verb, run_dir, &result);
}
