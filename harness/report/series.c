/* Reads a run's folder and groups its points. Everything read is checked before it is believed: a damaged
 * line is counted and said, never fatal. */
#include "report/series.h"

#include "base/file.h"
#include "base/hist.h"
#include "base/json.h"
#include "base/text.h"
#include "stats/stats.h"
#include "store/manifest.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *optional_file(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    json_t *v = json_load_file(path, 0, NULL);

    free(path);
    return v;
}

/* A backend's name is a word of gnuplot's scripts and of lists there: a run from elsewhere may have named it to be run. */
static void make_plain(json_t *object, const char *member) {
    char *name = xstrdup(json_str(object, member, ""));
    size_t n = strlen(name);

    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && strchr("._+@-", *c) == NULL) *c = '_';
    if (n != 0 && strcmp(name, json_str(object, member, "")) != 0)
        json_object_set_new(object, member, json_string(name));
    free(name);
}

static void make_peers_plain(json_t *table) {
    json_t *row, *target;
    size_t i, k;

    json_array_foreach(table, i, row)
        json_array_foreach(json_object_get(row, "targets"), k, target) make_plain(target, "against");
}

static int load_points(const char *run_dir, struct rep_run *run, FILE *log) {
    struct err e;
    json_t *all = store_load(run_dir, &run->damage, &e);

    if (all == NULL) fprintf(log, "report: %s\n", e.text);
    else run->points = store_latest(all);
    run->attempts = json_array_size(all);
    json_decref(all);
    return all == NULL ? -1 : 0;
}

/* id of each planned point -> its place in the profile. */
static json_t *orders_of(const json_t *manifest) {
    json_t *orders = json_object(), *planned;
    size_t i;

    json_array_foreach(json_object_get(manifest, "plan"), i, planned)
        json_object_set(orders, json_str(planned, "id", ""), json_object_get(planned, "order"));
    return orders;
}

static struct rep_series *series_of(struct rep_run *run, const json_t *point, json_t *seats) {
    const char *key = json_str(point, "series", json_str(point, "id", ""));
    char *full = xasprintf("%s\n%s", json_str(point, "experiment", ""), key);
    const json_t *seat = json_object_get(seats, full);
    size_t at = seat ? (size_t)json_integer_value(seat) : run->nseries;

    if (seat == NULL) {
        json_object_set_new(seats, full, json_integer((json_int_t)at));
        run->series = xrealloc(run->series, (at + 1) * sizeof *run->series);
        run->series[at] = (struct rep_series){.first = point, .order = INT64_MAX, .ran = at};
        run->nseries++;
    }
    free(full);
    return &run->series[at];
}

/* As in the profile; without its order (runs of before it was kept) as they ran. */
static int by_order(const void *pa, const void *pb) {
    const struct rep_series *a = pa, *b = pb;

    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return a->ran < b->ran ? -1 : a->ran > b->ran;
}

int rep_load(const char *run_dir, struct rep_run *run, FILE *log) {
    json_t *seats = json_object(), *point;
    size_t i;

    *run = (struct rep_run){0};
    run->manifest = optional_file(run_dir, "manifest.json");
    run->env = env_read(run_dir, &run->env_fault);
    run->claims = optional_file(run_dir, "claims.json");
    run->peers = optional_file(run_dir, "peers.json");
    run->history = optional_file(run_dir, "history.json");
    make_peers_plain(run->peers);
    json_t *orders = orders_of(run->manifest);
    int rc = load_points(run_dir, run, log);

    json_array_foreach(run->points, i, point) {
        make_plain(point, "backend");
        struct rep_series *s = series_of(run, point, seats);
        int64_t order = json_int(orders, json_str(point, "id", ""), INT64_MAX);

        s->points = xrealloc(s->points, (s->npoints + 1) * sizeof *s->points);
        s->points[s->npoints++] = point;
        if (order < s->order) s->order = order;
        s->nok += rep_measured(point);
        s->ninvalid += rep_measured(point) && !rep_valid(point);
    }
    json_decref(seats), json_decref(orders);
    if (run->nseries > 0) qsort(run->series, run->nseries, sizeof *run->series, by_order);
    if (rc != 0) rep_free(run);
    return rc;
}

void rep_free(struct rep_run *run) {
    for (size_t i = 0; i < run->nseries; i++) free(run->series[i].points);
    free(run->series), free(run->env_fault);
    json_decref(run->points), json_decref(run->manifest), json_decref(run->env), json_decref(run->claims);
    json_decref(run->peers), json_decref(run->history);
    *run = (struct rep_run){0};
}

bool rep_measured(const json_t *p) {
    return strcmp(json_str(p, "status", ""), "ok") == 0;
}
bool rep_valid(const json_t *p) {
    return rep_measured(p) && json_flag(p, "valid", false);
}

struct hist *rep_histogram(const json_t *point, const char *name) {
    const json_t *o = json_object_get(json_object_get(json_object_get(point, "record"), "histograms"), name);
    const json_t *buckets = json_object_get(o, "buckets"), *b;
    struct hist *h =
        json_array_size(buckets) ? hist_new((int)json_int(o, "digits", HIST_DIGITS_DEFAULT)) : NULL;
    size_t i;

    if (h == NULL) return NULL;
    json_array_foreach((json_t *)buckets, i, b) {
        json_int_t lowest = json_integer_value(json_array_get(b, 0)),
                   n = json_integer_value(json_array_get(b, 1));

        if (lowest >= 0 && n > 0) hist_record_n(h, (uint64_t)lowest, (uint64_t)n);
    }
    hist_set_exact(h, (uint64_t)json_int(o, "min", 0), (uint64_t)json_int(o, "max", 0),
                   json_num(o, "mean", 0));
    return h;
}

static bool primary(const json_t *record, double *out) {
    const json_t *samples = json_object_get(record, "samples"), *v;
    size_t n = json_array_size(samples), i;
    double *x = xmalloc((n + 1) * sizeof *x);

    json_array_foreach((json_t *)samples, i, v) x[i] = json_number_value(v);
    *out = stat_median(x, n);
    free(x);
    return isfinite(*out);
}

static bool number_of(const json_t *v, double *out) {
    if (json_is_object(v)) v = json_object_get(v, "value");
    if (!json_is_number(v)) return false;
    *out = json_number_value(v);
    return true;
}

bool rep_value(const json_t *point, const char *metric, double *out) {
    const json_t *record = json_object_get(point, "record");

    if (!rep_measured(point)) return false;
    if (*metric == '\0') return primary(record, out);
    if (strncmp(metric, "m:", 2) == 0)
        return number_of(json_object_get(json_object_get(record, "metrics"), metric + 2), out);
    if (strcmp(metric, "o:threads.peak") == 0)
        return number_of(
            json_object_get(json_object_get(json_object_get(point, "outside"), "threads"), "peak"), out);

    char name[64];
    double p;
    uint64_t value;

    if (sscanf(metric, "h:%63[^:]:%lf", name, &p) != 2) return false;
    struct hist *h = rep_histogram(point, name);
    bool ok = h != NULL && hist_percentile(h, p, &value) == 0;

    if (ok) *out = (double)value;
    hist_free(h);
    return ok;
}

struct rep_summary rep_summarise(const double *x, size_t n) {
    struct rep_summary s = {.n = n, .median = stat_median(x, n), .low = NAN, .high = NAN};
    struct stat_interval i;

    s.interval = stat_quantile_interval(x, n, 0.5, 0.95, &i) == 0;
    s.low = s.interval ? i.low : stat_quantile(x, n, 0);
    s.high = s.interval ? i.high : stat_quantile(x, n, 1);
    return s;
}

struct rep_summary rep_series_summary(const struct rep_series *s, const char *metric) {
    double *x = xmalloc((s->npoints + 1) * sizeof *x);
    size_t n = 0;

    for (int trusted = 1; trusted >= 0 && n == 0; trusted--)
        for (size_t i = 0; i < s->npoints; i++)
            if (rep_valid(s->points[i]) == trusted && rep_value(s->points[i], metric, &x[n])) n++;

    struct rep_summary out = rep_summarise(x, n);

    free(x);
    return out;
}

char *rep_coordinate(const json_t *point, const char *key) {
    const json_t *v = strncmp(key, "p:", 2) == 0 ? json_object_get(json_object_get(point, "params"), key + 2)
                                                 : json_object_get(point, key);

    if (v == NULL && strncmp(key, "p:", 2) == 0)
        v = json_object_get(json_object_get(json_object_get(point, "record"), "params"), key + 2);
    if (json_is_string(v)) return xstrdup(json_string_value(v));
    if (json_is_number(v)) return xasprintf("%.10g", json_number_value(v));
    return xstrdup("");
}
