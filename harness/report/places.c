/* Turns series into the blocks that gnuplot reads. A file has one block a backend (x median low high n), then
 * each process (`-raw`, where there are at most ten), then the points that are not to be trusted
 * (`-invalid`).
 *
 * One place holds one series: where several share a coordinate, the one with the fewest tasks, then with most
 * processors that the machine has, then the first of the plan. */
#include "report/places.h"

#include "base/hist.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RAW_AT_MOST 10

static const char *const known[] = {"trine", "pthread", "pool", "go"};
enum { NKNOWN = sizeof known / sizeof known[0] };

void run_backends(const struct rep_run *run, struct strlist *out) {
    *out = (struct strlist){0};
    for (int pass = 0; pass <= NKNOWN; pass++)
        for (size_t i = 0; i < run->nseries; i++) {
            const char *b = json_str(run->series[i].first, "backend", "");

            if (*b && !strlist_has(out, b) && (pass == NKNOWN || strcmp(b, known[pass]) == 0))
                strlist_add(out, b);
        }
}

static bool listed(const char *list, const char *word) {
    size_t n = strlen(word);

    if (strcmp(list, "*") == 0) return true;
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ',')) return true;
    return false;
}

/* The place of a working set on its axis: nothing at 0, then a step for each factor of four. */
static double working_set_x(double kib) {
    return kib <= 0 ? 0 : 1 + log2(kib) / 2;
}

static bool wanted(const struct rep_series *s, const struct figure_spec *spec) {
    const char *pin = json_str(s->first, "pin", "none");
    double unused;

    if (!listed(spec->workloads, json_str(s->first, "workload", ""))) return false;
    if (strcmp(spec->x, "pin") == 0) {
        if (strcmp(json_str(s->first, "experiment", ""), "pinning") != 0) return false;
    } else if (strcmp(pin, "none") != 0) {
        return false;
    }
    for (size_t i = 0; i < s->npoints; i++)
        if (rep_value(s->points[i], spec->metric, &unused)) return true;
    return false;
}

/* Whether a stands in the place rather than b. */
static bool better(const struct rep_run *run, const struct rep_series *a, const struct rep_series *b) {
    double cpus = json_num(json_object_get(run->env, "topology"), "cpus", 1e9);
    double ta = json_num(a->first, "tasks", 0), tb = json_num(b->first, "tasks", 0);
    double pa = json_num(a->first, "procs", 0), pb = json_num(b->first, "procs", 0);

    if (ta != tb) return ta < tb;
    return pa > pb && pa <= cpus;
}

static void take(const struct rep_run *run, struct figure_data *d, const struct rep_series *s,
                 const char *x) {
    const char *backend = json_str(s->first, "backend", "");
    char *label = rep_coordinate(s->first, x);

    for (size_t i = 0; i < d->nplaces; i++) {
        struct place *p = &d->places[i];

        if (strcmp(p->backend, backend) != 0 || strcmp(p->label, label) != 0) continue;
        if (better(run, s, p->series)) p->series = s;
        free(label);
        return;
    }
    if (*label == '\0') {
        free(label);
        return;
    }
    d->places = xrealloc(d->places, (d->nplaces + 1) * sizeof *d->places);
    d->places[d->nplaces++] = (struct place){backend, label, atof(label), s};
}

static int by_x(const void *a, const void *b) {
    double x = ((const struct place *)a)->x, y = ((const struct place *)b)->x;

    return (x > y) - (x < y);
}

/* Numbers stand where they are; names get whole numbers, and the backends a little room beside each other. */
static void settle(struct figure_data *d, const char *x, const struct strlist *backends) {
    bool named = strcmp(x, "pin") == 0 || strcmp(x, "workload") == 0;

    for (size_t i = 0; i < d->nplaces; i++) {
        struct place *p = &d->places[i];

        if (strcmp(x, "p:ws_kib") == 0) p->x = working_set_x(p->x);
        if (!named) continue;
        if (!strlist_has(&d->labels, p->label)) strlist_add(&d->labels, p->label);
        for (size_t k = 0; k < d->labels.n; k++)
            if (strcmp(d->labels.v[k], p->label) == 0) p->x = (double)k;
        for (size_t k = 0; k < backends->n; k++)
            if (strcmp(backends->v[k], p->backend) == 0)
                p->x += ((double)k - ((double)backends->n - 1) / 2) * 0.14;
    }
    if (d->nplaces > 0) qsort(d->places, d->nplaces, sizeof *d->places, by_x);
}

static void medians(struct figure_data *d, const struct figure_spec *spec, const char *backend) {
    bool any = false;

    for (size_t i = 0; i < d->nplaces; i++) {
        const struct place *p = &d->places[i];
        struct rep_summary s = rep_series_summary(p->series, spec->metric);
        bool trusted = p->series->nok > p->series->ninvalid;

        if (strcmp(p->backend, backend) != 0 || s.n == 0 || !trusted) continue;
        if (!any) strbuf_printf(&d->dat, "# %s\n", backend);
        any = true;
        s.median /= spec->scale, s.low /= spec->scale, s.high /= spec->scale;
        strbuf_printf(&d->dat, "%.9g %.9g %.9g %.9g %zu\n", p->x, s.median, s.low, s.high, s.n);
        strbuf_printf(&d->csv, "%s,%s,%s,%.9g,%.9g,%.9g,%zu\n", backend,
                      s.interval ? "median 95 %" : "median range", p->label, s.median, s.low, s.high, s.n);
        if (d->least_n == 0 || s.n < d->least_n) d->least_n = s.n;
        if (s.n > d->most_n) d->most_n = s.n;
        d->ndrawn++;
        d->ninterval += s.interval;
    }
    if (any) strlist_add(&d->present, backend), strbuf_puts(&d->dat, "\n\n");
}

static void each_process(struct figure_data *d, const struct figure_spec *spec, const char *backend,
                         bool valid) {
    bool any = false;

    for (size_t i = 0; i < d->nplaces; i++) {
        const struct place *p = &d->places[i];

        if (strcmp(p->backend, backend) != 0) continue;
        if (valid && (p->series->npoints > RAW_AT_MOST || p->series->npoints < 2)) continue;
        for (size_t k = 0; k < p->series->npoints; k++) {
            double v;

            if (rep_valid(p->series->points[k]) != valid ||
                !rep_value(p->series->points[k], spec->metric, &v))
                continue;
            if (!any) strbuf_printf(&d->dat, "# %s-%s\n", backend, valid ? "raw" : "invalid");
            any = true;
            strbuf_printf(&d->dat, "%.9g %.9g\n", p->x, v / spec->scale);
            strbuf_printf(&d->csv, "%s,%s,%s,%.9g,,,1\n", backend, valid ? "process" : "invalid", p->label,
                          v / spec->scale);
        }
    }
    if (any) strlist_add(valid ? &d->raw : &d->invalid, backend), strbuf_puts(&d->dat, "\n\n");
}

static void collect_places(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                           const struct strlist *backends) {
    for (size_t i = 0; i < run->nseries; i++)
        if (wanted(&run->series[i], spec)) take(run, d, &run->series[i], spec->x);
    settle(d, spec->x, backends);
    strbuf_printf(&d->csv, "backend,kind,%s,value,low,high,n\n", spec->x);
    for (size_t b = 0; b < backends->n; b++) medians(d, spec, backends->v[b]);
    for (size_t b = 0; b < backends->n; b++) each_process(d, spec, backends->v[b], true);
    for (size_t b = 0; b < backends->n; b++) each_process(d, spec, backends->v[b], false);
}

/* --- figures whose x is not a parameter --- */

static void begin(struct figure_data *d, const char *backend) {
    strlist_add(&d->present, backend);
    strbuf_printf(&d->dat, "# %s\n", backend);
}

static void row(struct figure_data *d, const char *backend, double x, double y) {
    strbuf_printf(&d->dat, "%.9g %.9g\n", x, y);
    strbuf_printf(&d->csv, "%s,%.9g,%.9g\n", backend, x, y);
}

/* All valid repetitions of a series together. They are merged to draw the shape, never to compare. */
static struct hist *merged(const struct rep_series *s, const char *name) {
    struct hist *all = NULL;

    for (size_t i = 0; i < s->npoints; i++) {
        struct hist *h = rep_valid(s->points[i]) ? rep_histogram(s->points[i], name) : NULL;

        if (all == NULL)
            all = h;
        else if (h != NULL)
            hist_merge(all, h), hist_free(h);
    }
    return all;
}

static void collect_percentiles(const struct rep_run *run, const struct figure_spec *spec,
                                struct figure_data *d, const char *backend) {
    const struct rep_series *best = NULL;
    double rank = -1;

    for (size_t i = 0; i < run->nseries; i++) {
        const struct rep_series *s = &run->series[i];
        double load = json_num(s->first, "tasks", 0);

        if (strcmp(json_str(s->first, "backend", ""), backend) != 0 || !wanted(s, spec) ||
            s->nok <= s->ninvalid)
            continue;
        if (load > rank) rank = load, best = s;
    }

    struct hist *h = best ? merged(best, "latency") : NULL;

    if (h == NULL) return;
    begin(d, backend);
    for (double nines = 0; nines < 9; nines += 0.05) {
        double p = 100 * (1 - pow(10, -nines));
        uint64_t v;

        if (p >= 50 && hist_percentile(h, p, &v) != 0) break;
        if (p < 50) v = hist_percentile_unguarded(h, p);
        row(d, backend, pow(10, nines), (double)v / spec->scale);
    }
    strbuf_puts(&d->dat, "\n\n");
    hist_free(h);
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void collect_noise(const struct rep_run *run, struct figure_data *d, const char *backend) {
    double *spread = xmalloc((run->nseries + 1) * sizeof *spread);
    size_t n = 0;

    for (size_t i = 0; i < run->nseries; i++) {
        struct rep_summary s = rep_series_summary(&run->series[i], "");

        if (strcmp(json_str(run->series[i].first, "backend", ""), backend) != 0 || s.n < 2 || !(s.median > 0))
            continue;
        double half = (s.high - s.low) / 2 / s.median * 100;

        if (half > 0) spread[n++] = half;
    }
    qsort(spread, n, sizeof *spread, rising);
    if (n > 0) begin(d, backend);
    for (size_t i = 0; i < n; i++) row(d, backend, 100 * ((double)i + 0.5) / (double)n, spread[i]);
    if (n > 0) strbuf_puts(&d->dat, "\n\n");
    free(spread);
}

/* The point with most tasks whose threads were watched. */
static void collect_threads(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                            const char *backend) {
    const json_t *best = NULL, *pair, *p;
    double most = -1;
    size_t i;

    json_array_foreach(run->points, i, p) {
        const json_t *t = json_object_get(json_object_get(p, "outside"), "threads");

        if (strcmp(json_str(p, "backend", ""), backend) != 0 || !rep_valid(p)) continue;
        if (!listed(spec->workloads, json_str(p, "workload", "")) ||
            json_array_size(json_object_get(t, "series")) == 0)
            continue;
        if (json_num(p, "tasks", 0) > most) most = json_num(p, "tasks", 0), best = t;
    }
    if (best == NULL) return;
    begin(d, backend);
    json_array_foreach(json_object_get(best, "series"), i, pair)
        row(d, backend, json_number_value(json_array_get(pair, 0)) / spec->scale,
            json_number_value(json_array_get(pair, 1)));
    strbuf_puts(&d->dat, "\n\n");
}

/* Rows of a heatmap: the four sides of a cell and its share of the window. Only a record with an interval log
 * (histograms.latency.intervals: [{"start_ns", "end_ns", "buckets"}]) has one. */
static void collect_heatmap(const struct rep_run *run, struct figure_data *d, const char *backend) {
    const json_t *p, *w, *b;
    size_t i, k, j;

    if (d->present.n > 0) return; /* one backend a heatmap: colours are taken */
    json_array_foreach(run->points, i, p) {
        const json_t *h =
            json_object_get(json_object_get(json_object_get(p, "record"), "histograms"), "latency");
        const json_t *windows = json_object_get(h, "intervals");

        if (strcmp(json_str(p, "backend", ""), backend) != 0 || !rep_valid(p) || json_array_size(windows) < 3)
            continue;
        begin(d, backend);
        json_array_foreach(windows, k, w) {
            double total = 0;

            json_array_foreach(json_object_get(w, "buckets"), j, b) total +=
                json_number_value(json_array_get(b, 1));
            json_array_foreach(json_object_get(w, "buckets"), j, b) {
                double low = json_number_value(json_array_get(b, 0)),
                       n = json_number_value(json_array_get(b, 1));

                strbuf_printf(&d->dat, "%.9g %.9g %.9g %.9g %.9g\n", json_num(w, "start_ns", 0) / 1e9,
                              json_num(w, "end_ns", 0) / 1e9, low / 1e3, (low * 1.06 + 1) / 1e3, n / total);
                strbuf_printf(&d->csv, "%s,%.9g,%.9g\n", backend, json_num(w, "start_ns", 0) / 1e9,
                              low / 1e3);
            }
        }
        strbuf_puts(&d->dat, "\n\n");
        return;
    }
}

void figure_collect(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d) {
    struct strlist backends;

    *d = (struct figure_data){0};
    run_backends(run, &backends);
    if (spec->kind == FIGURE_PLACES)
        collect_places(run, spec, d, &backends);
    else
        strbuf_printf(&d->csv, "backend,%s,%s\n", spec->xname, spec->yname);
    for (size_t b = 0; b < backends.n; b++) {
        if (spec->kind == FIGURE_PERCENTILES) collect_percentiles(run, spec, d, backends.v[b]);
        if (spec->kind == FIGURE_NOISE) collect_noise(run, d, backends.v[b]);
        if (spec->kind == FIGURE_THREADS) collect_threads(run, spec, d, backends.v[b]);
        if (spec->kind == FIGURE_HEATMAP) collect_heatmap(run, d, backends.v[b]);
    }
    strlist_free(&backends);
}

void figure_data_free(struct figure_data *d) {
    for (size_t i = 0; i < d->nplaces; i++) free(d->places[i].label);
    free(d->places);
    strlist_free(&d->labels), strlist_free(&d->present), strlist_free(&d->raw), strlist_free(&d->invalid);
    strbuf_free(&d->dat), strbuf_free(&d->csv);
}
