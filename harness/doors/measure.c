/* measure: see measure.h. */
#include "doors/measure.h"
#include "base/hist.h"
#include "base/json.h"
#include "base/text.h"
#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The runtime's own counts that say how much work was done, not how fast: a build that does more of them for
 * one operation is a worse build on any machine. Spins and preemptions follow the clock and are left out. */
static const char *const counted[] = {"switches", "parks",  "wakes",       "steals",       "handoffs",
                                      "mwakes",   "spawns", "stacks_made", "threads_made", "syscalls"};

struct builder {
    struct measures *out;
    json_t *seats; /* name and build -> index */
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_params(struct strbuf *b, const json_t *params) {
    struct strlist keys = {0};
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)params, key, value) strlist_add(&keys, key);
    if (keys.n) qsort(keys.v, keys.n, sizeof *keys.v, by_text);
    for (size_t i = 0; i < keys.n; i++) {
        value = json_object_get(params, keys.v[i]);
        strbuf_printf(b, ", %s %s", keys.v[i], json_is_string(value) ? json_string_value(value) : "?");
    }
    strlist_free(&keys);
}

char *measure_cell(const json_t *p) {
    struct strbuf b = {0};
    strbuf_printf(&b, "procs %lld", (long long)json_int(p, "procs", 0));
    if (json_is_integer(json_object_get(p, "tasks")))
        strbuf_printf(&b, ", tasks %lld", (long long)json_int(p, "tasks", 0));
    add_params(&b, json_object_get(p, "params"));
    if (strcmp(json_str(p, "pin", "none"), "none") != 0)
        strbuf_printf(&b, ", pin %s", json_str(p, "pin", ""));
    return b.s;
}

bool measure_positive(const struct measure *m) {
    for (size_t i = 0; i < m->n; i++)
        if (!(m->v[i] > 0)) return false;
    return true;
}

double measure_primary(const json_t *point) {
    const json_t *samples = json_object_get(json_object_get(point, "record"), "samples"), *v;
    size_t n = json_array_size(samples), i;
    double *x = xmalloc((n + 1) * sizeof *x);
    json_array_foreach((json_t *)samples, i, v) x[i] = json_number_value(v);
    double m = n ? stat_median(x, n) : NAN;
    free(x);
    return m;
}

struct hist *measure_histogram(const json_t *point, const char *name) {
    const json_t *o = json_object_get(json_object_get(json_object_get(point, "record"), "histograms"), name),
                 *b;
    const json_t *buckets = json_object_get(o, "buckets");
    struct hist *h =
        json_array_size(buckets) ? hist_new((int)json_int(o, "digits", HIST_DIGITS_DEFAULT)) : NULL;
    size_t i;
    if (!h) return NULL;
    json_array_foreach((json_t *)buckets, i, b) {
        int64_t lowest = json_integer_value(json_array_get(b, 0)),
                n = json_integer_value(json_array_get(b, 1));
        if (lowest >= 0 && n > 0) hist_record_n(h, (uint64_t)lowest, (uint64_t)n);
    }
    hist_set_exact(h, (uint64_t)json_int(o, "min", 0), (uint64_t)json_int(o, "max", 0),
                   json_num(o, "mean", 0));
    return h;
}

/* The measure of that point and metric, made when it is new. The pointer lives until the next one is made. */
static struct measure *seat(struct builder *b, const json_t *point, const char *metric, const char *unit,
                            enum measure_kind kind, bool higher) {
    const char *full = json_str(point, "backend", ""), *at = strchr(full, '@');
    char *cell = measure_cell(point), *backend = xstrndup(full, at ? (size_t)(at - full) : strlen(full));
    char *name = xasprintf("%s/%s/%s/%s", json_str(point, "experiment", ""), cell, backend, metric);
    char *key = xasprintf("%s@%s", name, at ? at + 1 : "");
    const json_t *index = json_object_get(b->seats, key);
    struct measures *m = b->out;
    if (!index) {
        m->v = xrealloc(m->v, (m->n + 1) * sizeof *m->v);
        m->v[m->n] = (struct measure){.name = xstrdup(name),
                                      .experiment = xstrdup(json_str(point, "experiment", "")),
                                      .cell = xstrdup(cell),
                                      .metric = xstrdup(metric),
                                      .unit = xstrdup(unit),
                                      .backend = xstrdup(backend),
                                      .build = xstrdup(at ? at + 1 : ""),
                                      .kind = kind,
                                      .higher_is_better = higher};
        json_object_set_new(b->seats, key, json_integer((json_int_t)m->n++));
        index = json_object_get(b->seats, key);
    }
    free(cell), free(backend), free(name), free(key);
    return &m->v[json_integer_value(index)];
}

static void add(struct measure *m, const json_t *point, double value) {
    if (!json_flag(point, "valid", false)) {
        m->ninvalid++;
        return;
    }
    m->v = xrealloc(m->v, (m->n + 1) * sizeof *m->v);
    m->v[m->n++] = value;
}

static void add_tail(struct builder *b, const json_t *point) {
    struct hist *h = measure_histogram(point, "latency");
    uint64_t p99;
    if (h && hist_percentile(h, 99, &p99) == 0)
        add(seat(b, point, "latency_p99_ns", "ns", MEASURE_TAIL, false), point, (double)p99);
    hist_free(h);
}

/* Counts per operation, and the threads that the kernel saw. A count that is absent is not kept, not zero. */
static void add_counts(struct builder *b, const json_t *point) {
    const json_t *record = json_object_get(point, "record"), *runtime = json_object_get(record, "runtime");
    double operations = json_num(json_object_get(record, "counts"), "operations", 0);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        const json_t *v = json_object_get(runtime, counted[i]);
        if (!json_is_number(v) || operations <= 0) continue;
        char *name = xasprintf("%s_per_operation", counted[i]);
        add(seat(b, point, name, "", MEASURE_COUNT, false), point, json_number_value(v) / operations);
        free(name);
    }
    const json_t *peak =
        json_object_get(json_object_get(json_object_get(point, "outside"), "threads"), "peak");
    if (json_is_number(peak))
        add(seat(b, point, "threads_peak", "threads", MEASURE_COUNT, false), point, json_number_value(peak));
}

static void add_point(struct builder *b, const json_t *point) {
    const json_t *metric = json_object_get(json_object_get(point, "record"), "metric");
    const char *name = json_str(metric, "name", "");
    double value = measure_primary(point);
    if (!*name || !isfinite(value)) return;
    bool tail = strstr(name, "p99") != NULL,
         higher = strcmp(json_str(metric, "better", "lower"), "higher") == 0;
    add(seat(b, point, name, json_str(metric, "unit", ""), tail ? MEASURE_TAIL : MEASURE_MEDIAN, higher),
        point, value);
    if (!tail) add_tail(b, point);
    add_counts(b, point);
}

/* A crash leaves no record, so it is counted at every measure of its cell. */
static void count_failure(struct measures *m, const json_t *point) {
    const char *full = json_str(point, "backend", ""), *at = strchr(full, '@');
    size_t len = at ? (size_t)(at - full) : strlen(full);
    char *cell = measure_cell(point);
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->v[i].experiment, json_str(point, "experiment", "")) == 0 &&
            strcmp(m->v[i].cell, cell) == 0 && strncmp(m->v[i].backend, full, len) == 0 &&
            !m->v[i].backend[len] && strcmp(m->v[i].build, at ? at + 1 : "") == 0)
            m->v[i].nfailed++;
    free(cell);
}

void measures_of(const json_t *points, struct measures *out) {
    struct builder b = {out, json_object()};
    const json_t *p;
    size_t i;
    *out = (struct measures){0};
    json_array_foreach((json_t *)points, i, p) if (strcmp(json_str(p, "status", ""), "ok") == 0)
        add_point(&b, p);
    json_array_foreach((json_t *)points, i, p) {
        const char *status = json_str(p, "status", "");
        if (strcmp(status, "failed") == 0 || strcmp(status, "timeout") == 0) count_failure(out, p);
    }
    json_decref(b.seats);
}

void measures_free(struct measures *m) {
    for (size_t i = 0; i < m->n; i++) {
        struct measure *x = &m->v[i];
        free(x->name), free(x->experiment), free(x->cell), free(x->metric), free(x->unit);
        free(x->backend), free(x->build), free(x->v);
    }
    free(m->v);
    *m = (struct measures){0};
}

const struct measure *measures_find(const struct measures *m, const char *name, const char *build) {
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->v[i].name, name) == 0 && strcmp(m->v[i].build, build) == 0) return &m->v[i];
    return NULL;
}

const struct measure *measures_like(const struct measures *m, const struct measure *like,
                                    const char *backend) {
    for (size_t i = 0; i < m->n; i++) {
        const struct measure *x = &m->v[i];
        if (strcmp(x->backend, backend) == 0 && strcmp(x->experiment, like->experiment) == 0 &&
            strcmp(x->cell, like->cell) == 0 && strcmp(x->metric, like->metric) == 0)
            return x;
    }
    return NULL;
}

bool measures_have_builds(const struct measures *m) {
    for (size_t i = 0; i < m->n; i++)
        if (*m->v[i].build) return true;
    return false;
}
