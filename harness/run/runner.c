/*
 * runner: see runner.h. Passes: the first runs every point that has no line yet; the following ones run again
 * those whose last line is invalid (steal and noise come in bursts: later is better than at once), up to
 * `reruns` times. A point that failed or timed out is not run again: a crash is a finding.
 */
#include "run/runner.h"
#include "base/child.h"
#include "base/json.h"
#include "run/plan.h"
#include "run/precision.h"
#include "run/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pass {
    const struct runner *r;
    struct store *store;
    json_t *last; /* id -> what is kept of its last point */
    struct progress progress;
    struct precision precision;
    struct run_result *result;
    int64_t start_ns;
    struct err *e;
};

/*
 * What is kept of a point while the others are measured: how it ended and its median. A whole record is some 18 times its text
 * in memory, so a long run would come to gigabytes, in the machine that it measures.
 */
static json_t *digest(const json_t *point) {
    static const char *const kept[] = {"status", "reason", "valid", "attempt", "experiment", "workload", "backend"};
    json_t *d = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) json_object_set(d, kept[i], json_object_get(point, kept[i]));
    json_object_set_new(d, "median", json_real(process_median(point))); /* NaN: no member */
    return d;
}

static void keep(json_t *last, const json_t *point) {
    json_object_set_new(last, json_str(point, "id", ""), digest(point));
}

static void follow(struct pass *p, const json_t *planned) {
    const json_t *d = json_object_get(p->last, json_str(planned, "id", ""));
    bool valid = strcmp(json_str(d, "status", ""), "ok") == 0 && json_flag(d, "valid", false);
    if (d) precision_add(&p->precision, planned, valid, json_num(d, "median", NAN));
}

static bool wants_rerun(const json_t *point, int64_t reruns) {
    return strcmp(json_str(point, "status", ""), "ok") == 0 && !json_flag(point, "valid", true) &&
           json_int(point, "attempt", 0) < reruns;
}

static bool stopped(const struct pass *p) {
    return p->r->exec->stop && *p->r->exec->stop;
}

static bool out_of_time(struct pass *p, const json_t *planned) {
    int64_t elapsed_ms = (monotonic_ns() - p->start_ns) / 1000000;
    if (p->r->budget_ms == 0 || elapsed_ms + plan_point_ms(planned) <= p->r->budget_ms) return false;
    p->result->out_of_budget = true;
    return true;
}

static int run_one(struct pass *p, const json_t *planned, int attempt) {
    const struct driver *d = catalog_driver(p->r->catalog, json_str(planned, "backend", ""));
    progress_point(&p->progress, planned, attempt);
    struct err why;
    json_t *point = exec_point(p->r->exec, planned, attempt, d && d->description ? d->path : NULL, &why);
    if (!point && why.code && p->result->unstarted++ == 0)
        snprintf(p->result->first_unstarted, sizeof p->result->first_unstarted, "%.500s", why.text);
    if (!point) return 0;
    int rc = store_append(p->store, point, p->e);
    p->result->ran += !rc;
    if (!rc) keep(p->last, point), follow(p, planned);
    json_decref(point);
    progress_done(&p->progress, plan_point_ms(planned));
    return rc;
}

/* Every planned point that has no line yet. */
static int first_pass(struct pass *p) {
    const json_t *planned;
    size_t i;
    int rc = 0;
    json_array_foreach(p->r->plan, i, planned) {
        if (rc || stopped(p)) break;
        if (json_object_get(p->last, json_str(planned, "id", ""))) continue;
        if (precision_enough(&p->precision, planned)) {
            p->precision.spared++;
            progress_done(&p->progress, plan_point_ms(planned));
            continue;
        }
        if (!out_of_time(p, planned)) rc = run_one(p, planned, 0);
    }
    return rc;
}

static int rerun_pass(struct pass *p, bool *any) {
    const json_t *planned, *point;
    size_t i;
    int rc = 0;
    *any = false;
    json_array_foreach(p->r->plan, i, planned) {
        point = json_object_get(p->last, json_str(planned, "id", ""));
        if (rc || stopped(p)) break;
        if (!point || !wants_rerun(point, p->r->reruns) || out_of_time(p, planned)) continue;
        size_t unstarted = p->result->unstarted;
        progress_more(&p->progress, 1, plan_point_ms(planned));
        rc = run_one(p, planned, (int)json_int(point, "attempt", 0) + 1);
        *any |= p->result->unstarted == unstarted; /* else it would be tried for ever */
    }
    return rc;
}

static void tally(const struct pass *p) {
    struct run_result *t = p->result;
    const json_t *planned;
    size_t i;
    json_array_foreach(p->r->plan, i, planned) {
        const json_t *point = json_object_get(p->last, json_str(planned, "id", ""));
        const char *status = json_str(point, "status", "");
        t->points++;
        t->complete += point != NULL;
        t->ok += strcmp(status, "ok") == 0;
        t->skipped += strcmp(status, "skipped") == 0;
        t->not_applicable += strcmp(status, "not_applicable") == 0;
        t->invalid += strcmp(status, "ok") == 0 && !json_flag(point, "valid", true);
        if (strcmp(status, "failed") != 0 && strcmp(status, "timeout") != 0) continue;
        if (t->failed++ == 0)
            snprintf(t->first_failure, sizeof t->first_failure, "%s, %s on %s: %s",
                     json_str(point, "experiment", ""), json_str(point, "workload", ""),
                     json_str(point, "backend", ""), json_str(point, "reason", ""));
    }
}

/* What points.jsonl holds already, by id; attempts are in the order written, so the last one stays. */
static json_t *load_last(const char *run_dir, struct err *e) {
    json_t *points = store_load(run_dir, NULL, e), *point;
    size_t i;
    if (!points) return NULL;
    json_t *last = json_object();
    json_array_foreach(points, i, point) keep(last, point);
    json_decref(points);
    return last;
}

/* What a resumed run has measured already. */
static void recall_precision(struct pass *p) {
    const json_t *planned;
    size_t i;
    json_array_foreach(p->r->plan, i, planned) follow(p, planned);
}

static void start_progress(struct pass *p) {
    const json_t *planned;
    size_t i, n = 0;
    int64_t ms = 0;
    json_array_foreach(p->r->plan, i, planned) {
        if (json_object_get(p->last, json_str(planned, "id", ""))) continue;
        n++;
        ms += plan_point_ms(planned);
    }
    progress_start(&p->progress, n, ms, p->r->quiet);
}

int runner_run(const struct runner *r, const char *run_dir, struct store *store, struct run_result *result,
               struct err *e) {
    struct pass p = {.r = r, .store = store, .result = result, .start_ns = monotonic_ns(), .e = e};
    *result = (struct run_result){0};
    p.last = load_last(run_dir, e);
    if (!p.last) return e->code;
    precision_init(&p.precision);
    recall_precision(&p);
    start_progress(&p);
    int rc = first_pass(&p);
    for (bool any = true; any && !rc && !stopped(&p);) rc = rerun_pass(&p, &any);
    progress_end(&p.progress);
    result->interrupted = stopped(&p);
    tally(&p);
    result->not_needed = p.precision.spared;
    result->complete += p.precision.spared;
    result->precision = precision_json(&p.precision);
    precision_free(&p.precision);
    json_decref(p.last);
    return rc;
}
