/*
 * plan: see plan.h. A planned point is the JSON object
 *   {"id","series","cell","experiment","rep","backend","workload","procs","tasks" (null: the driver's
 * own),"params", "pin","cpus","seed","measure_ms","warmup_ms","timeout_ms","counters","throttle_expected",
 *    "order" (its place in the profile, from 0), "reps_min","until" (where repeating ends with the interval narrow), "anchor" (true: spread evenly),
 *    "status","reason" (only where the point cannot run: skipped or not_applicable)}
 * `series` hashes what is measured, `id` that and the repetition, `cell` what remains without the backend.
 */
#include "run/plan.h"
#include "base/hash.h"
#include "base/json.h"
#include "run/expr.h"
#include "run/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 50000, PROCESS_OVERHEAD_MS = 40, READY_MIB_A_MS = 2 };

struct builder {
    struct plan *plan;
    const struct sweep *sweep;
    const struct catalog *catalog;
    const struct topo *topo;
    const struct plan_options *options;
    json_t *seen; /* ids */
    struct err *e;
};

static void hash_json(const json_t *v, char hex[17]) {
    char *text = json_canonical(v);
    hash_hex(hash_bytes(text, strlen(text)), hex);
    free(text);
}

/* Adds the CPU list, or the reason why the machine has none for this policy. */
static void add_pinning(const struct builder *b, json_t *point, const char *pin, int procs) {
    char why[128];
    int *cpus = xcalloc((size_t)procs, sizeof *cpus);
    int n = topo_pin(b->topo, pin, procs, cpus, why, sizeof why);
    json_t *list = n > 0 ? json_array() : json_null();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_integer(cpus[i]));
    json_object_set_new(point, "cpus", list);
    if (n < 0) {
        json_object_set_new(point, "status", json_string("skipped"));
        json_object_set_new(point, "reason", json_string(why));
    }
    free(cpus);
}

/* What names the series: the cell, on this backend, without the knobs that this backend does not have. */
static json_t *series_of(const json_t *cell, const struct driver *d, const json_t *workload) {
    json_t *series = json_deep_copy(cell), *params = json_object_get(series, "params"), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(params, next, key,
                             value) if (strncmp(key, "rt.", 3) == 0 && !driver_param(d, workload, key))
        json_object_del(params, key);
    json_object_set_new(series, "backend", json_string(d->name));
    return series;
}

static void cannot_run(json_t *point, const char *why) {
    json_object_set_new(point, "status", json_string("not_applicable"));
    json_object_set_new(point, "reason", json_string(why));
}

/* Adds what is not part of the name: hashes, CPUs, times, counters, and why it cannot run where it cannot. */
static void add_settings(const struct builder *b, const struct experiment *x, json_t *point,
                         const json_t *cell, const struct driver *d) {
    const json_t *workload = driver_workload(d, x->workload);
    char *lacking = b->options->lenient ? validate_on(x, d) : NULL;
    char hex[17];
    hash_json(point, hex);
    json_object_set_new(point, "series", json_string(hex));
    hash_json(cell, hex);
    json_object_set_new(point, "cell", json_string(hex));
    json_object_set_new(point, "order", json_integer((json_int_t)json_array_size(b->plan->points)));
    add_pinning(b, point, json_str(cell, "pin", "none"), (int)json_int(cell, "procs", 1));
    if (lacking) cannot_run(point, lacking);
    else if (!json_flag(workload, "applicable", workload != NULL))
        cannot_run(point, json_str(workload, "reason", "this driver has no such workload"));
    free(lacking);
    json_t *counters = json_array();
    for (size_t i = 0; i < x->counters.list.n; i++)
        json_array_append_new(counters, json_string(x->counters.list.v[i]));
    json_object_set_new(point, "measure_ms", json_integer(x->measure_ms));
    json_object_set_new(point, "warmup_ms", json_integer(x->warmup_ms));
    if (x->quota_cpus > 0) json_object_set_new(point, "quota_cpus", json_real(x->quota_cpus));
    if (x->samples) json_object_set_new(point, "samples", json_integer(x->samples));
    if (x->ready_mib) json_object_set_new(point, "ready_mib", json_integer(x->ready_mib));
    json_object_set_new(point, "timeout_ms", json_integer(x->timeout_ms));
    json_object_set_new(point, "counters", counters);
    json_object_set_new(point, "throttle_expected", json_boolean(x->throttle_expected));
    if (x->anchor) json_object_set_new(point, "anchor", json_true());
    if (x->until > 0 && !b->options->reps) { /* --reps: exactly so many */
        json_object_set_new(point, "reps_min", json_integer(x->reps_min));
        json_object_set_new(point, "until", json_real(x->until));
    }
}

/* One repetition; nothing when it is there already (the same after a foreign knob was dropped, or n/2 = 1).
 */
static void add_repetition(struct builder *b, const json_t *base, int64_t rep) {
    char id[17], *name = xasprintf("%s/%lld", json_str(base, "series", ""), (long long)rep);
    hash_hex(hash_bytes(name, strlen(name)), id);
    free(name);
    if (json_object_get(b->seen, id)) return;
    json_object_set_new(b->seen, id, json_true());
    json_t *point = json_deep_copy(base);
    struct rng r = {b->options->seed ^ hash_bytes(id, 16)};
    json_object_set_new(point, "id", json_string(id));
    json_object_set_new(point, "rep", json_integer(rep));
    json_object_set_new(point, "seed", json_integer((json_int_t)(rng_next(&r) >> 33)));
    json_array_append_new(b->plan->points, point);
}

/* From the cell (all but backend and repetition) to the points of one backend. What cannot run is said once.
 */
static int add_backend(struct builder *b, const struct experiment *x, const json_t *cell,
                       const struct driver *d) {
    json_t *base = series_of(cell, d, driver_workload(d, x->workload));
    add_settings(b, x, base, cell, d);
    int64_t reps = json_object_get(base, "status") ? 1 : b->options->reps ? b->options->reps : x->reps;
    for (int64_t rep = 0; rep < reps; rep++) add_repetition(b, base, rep);
    json_decref(base);
    if (json_array_size(b->plan->points) <= POINTS_MAX) return 0;
    return err_set(b->e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] makes more than %d points", b->sweep->path,
                   x->line, x->name, POINTS_MAX);
}

/* Every choice of parameter values, as an odometer. */
static int add_params(struct builder *b, const struct experiment *x, json_t *cell,
                      const struct strlist *backends) {
    size_t *digit = xcalloc(x->nparams, sizeof *digit);
    int rc = 0;
    for (bool more = true; more && !rc;) {
        json_t *params = json_object();
        for (size_t i = 0; i < x->nparams; i++)
            json_object_set_new(params, x->params[i].key, json_string(x->params[i].values.list.v[digit[i]]));
        json_object_set_new(cell, "params", params);
        for (size_t i = 0; i < backends->n && !rc; i++)
            rc = add_backend(b, x, cell, catalog_driver(b->catalog, backends->v[i]));
        more = false;
        for (size_t i = 0; i < x->nparams && !more; i++) {
            more = ++digit[i] < x->params[i].values.list.n;
            if (!more) digit[i] = 0;
        }
    }
    free(digit);
    return rc;
}

static int add_experiment(struct builder *b, const struct experiment *x) {
    struct strlist backends = {0};
    int64_t ncpus = topo_ncpus(b->topo);
    int rc = (b->options->lenient ? validate_leniently : validate_experiment)(
        b->sweep, x, b->catalog, &b->options->backends, &backends, &b->plan->notices, b->e);
    for (size_t i = 0; i < x->procs.list.n && !rc; i++) {
        for (size_t k = 0; k < x->tasks.list.n && !rc; k++) {
            for (size_t l = 0; l < x->pins.list.n && !rc; l++) {
                int64_t procs = 1, tasks = 1;
                const char *text = x->tasks.list.v[k];
                bool own = strcmp(text, "default") == 0;
                expr_eval(x->procs.list.v[i], ncpus, &procs);
                if (!own) expr_eval(text, ncpus, &tasks);
                json_t *cell = json_pack("{s:s,s:s,s:I,s:o,s:s}", "experiment", x->name, "workload",
                                         x->workload, "procs", (json_int_t)procs, "tasks",
                                         own ? json_null() : json_integer(tasks), "pin", x->pins.list.v[l]);
                rc = add_params(b, x, cell, &backends);
                json_decref(cell);
            }
        }
    }
    if (!rc && backends.n)
        json_object_set_new(b->plan->experiments, x->name,
                            json_pack("{s:s,s:s,s:s}", "title", x->title, "doc", x->doc ? x->doc : "",
                                      "workload", x->workload));
    strlist_free(&backends);
    return rc;
}

struct key {
    int64_t rep;
    uint64_t cell, self; /* random, the same for equal cells */
    size_t index;
};

static int by_key(const void *pa, const void *pb) {
    const struct key *a = pa, *b = pb;
    if (a->rep != b->rep) return a->rep < b->rep ? -1 : 1;
    if (a->cell != b->cell) return a->cell < b->cell ? -1 : 1;
    if (a->self != b->self) return a->self < b->self ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* A random key of (seed, name, repetition) sorts like a shuffle, and does not depend on what else is in the
 * plan. */
static uint64_t random_key(uint64_t seed, const char *name, int64_t rep) {
    struct rng r = {seed ^ hash_bytes(name, strlen(name)) ^ (uint64_t)rep * 0x9e3779b97f4a7c15u};
    return rng_next(&r);
}

static void shuffle(struct plan *p, uint64_t seed) {
    size_t n = json_array_size(p->points);
    struct key *keys = xcalloc(n, sizeof *keys);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(p->points, i);
        int64_t rep = json_int(v, "rep", 0);
        keys[i] = (struct key){rep, random_key(seed, json_str(v, "cell", ""), rep),
                               random_key(seed, json_str(v, "id", ""), rep), i};
    }
    qsort(keys, n, sizeof *keys, by_key);
    json_t *ordered = json_array();
    for (size_t i = 0; i < n; i++) json_array_append(ordered, json_array_get(p->points, keys[i].index));
    json_decref(p->points);
    p->points = ordered;
    free(keys);
}

/* Anchors are taken out of their passes and put back evenly: the k-th of m comes after (k + 1/2)/m of the
 * others. */
static void spread_anchors(struct plan *p) {
    json_t *others = json_array(), *anchors = json_array(), *merged = json_array(), *v;
    size_t i, k = 0;
    json_array_foreach(p->points, i, v)
        json_array_append(json_flag(v, "anchor", false) ? anchors : others, v);
    size_t n = json_array_size(others), m = json_array_size(anchors);
    for (i = 0; i <= n; i++) {
        for (; k < m && (2 * k + 1) * n <= 2 * m * i; k++)
            json_array_append(merged, json_array_get(anchors, k));
        if (i < n) json_array_append(merged, json_array_get(others, i));
    }
    json_decref(others);
    json_decref(anchors);
    json_decref(p->points);
    p->points = merged;
}

static int check_only(const struct builder *b) {
    const struct sweep *s = b->sweep;
    for (size_t i = 0; i < b->options->only.n; i++) {
        const char *want = b->options->only.v[i], *names[256];
        char hint[96];
        bool there = false;
        for (size_t k = 0; k < s->n; k++) {
            names[k] = s->experiments[k].name;
            there |= strcmp(names[k], want) == 0;
        }
        if (!there)
            return err_set(b->e, TRINE_EXIT_USAGE, "profile %s has no experiment '%s'%s", s->name, want,
                           did_you_mean(hint, sizeof hint, want, names, s->n));
    }
    return 0;
}

int plan_make(struct plan *p, const struct sweep *s, const struct catalog *c, const struct topo *t,
              const struct plan_options *o, struct err *e) {
    struct builder b = {p, s, c, t, o, json_object(), e};
    *p = (struct plan){.points = json_array(), .experiments = json_object()};
    int rc = check_only(&b);
    for (size_t i = 0; i < s->n && !rc; i++)
        if (o->only.n == 0 || strlist_has(&o->only, s->experiments[i].name))
            rc = add_experiment(&b, &s->experiments[i]);
    json_decref(b.seen);
    if (!rc && json_array_size(p->points) == 0 && !o->lenient)
        rc = err_set(e, TRINE_EXIT_USAGE,
                     "the plan is empty: no backend of it was found (trine list shows them)");
    if (rc) {
        plan_free(p);
        return rc;
    }
    shuffle(p, o->seed);
    spread_anchors(p);
    return 0;
}

void plan_free(struct plan *p) {
    json_decref(p->points);
    json_decref(p->experiments);
    strlist_free(&p->notices);
    *p = (struct plan){0};
}

int64_t plan_point_ms(const json_t *v) {
    if (json_object_get(v, "status")) return 0;
    return json_int(v, "warmup_ms", 0) + json_int(v, "measure_ms", 0) + PROCESS_OVERHEAD_MS +
           json_int(v, "ready_mib", 0) / READY_MIB_A_MS;
}

int64_t plan_total_ms(const json_t *points) {
    int64_t total = 0;
    size_t i;
    const json_t *v;
    json_array_foreach(points, i, v) total += plan_point_ms(v);
    return total;
}
