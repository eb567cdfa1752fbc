/* Latency by percentile, the noise floor, threads over time. See curves.h. */
#include "report/curves.h"

#include "base/hist.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void head(struct figure_data *d, const struct figure_spec *spec) {
    strbuf_printf(&d->csv, "backend,\"%s\",\"%s\"\n", spec->xname, spec->yname);
}

static void begin(struct figure_data *d, const char *backend) {
    strlist_add(&d->present, backend);
    strbuf_printf(&d->dat, "# %s:\n", backend); /* the colon ends it: gnuplot finds a block by how its name begins */
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

/* Of the first workload listed that has one, the series with most tasks, and among those with the highest load:
 * where a tail shows first. */
static const struct rep_series *busiest(const struct rep_run *run, const struct figure_spec *spec,
                                        const char *backend) {
    const struct rep_series *best = NULL;
    double most = -INFINITY;

    for (size_t i = 0; i < run->nseries; i++) {
        const struct rep_series *s = &run->series[i];
        const char *at = strstr(spec->workloads, json_str(s->first, "workload", ""));
        char *load = rep_coordinate(s->first, "p:load");
        double rank = json_num(s->first, "tasks", 0) + atof(load) - (at ? (double)(at - spec->workloads) * 1e9 : 0);

        free(load);
        if (strcmp(json_str(s->first, "backend", ""), backend) != 0 || !figure_wants(s, spec) ||
            s->nok <= s->ninvalid)
            continue;
        if (rank > most) most = rank, best = s;
    }
    return best;
}

static void percentiles(struct figure_data *d, const struct figure_spec *spec, const char *backend,
                        const struct rep_series *s) {
    struct hist *h = merged(s, "latency");
    char *load = rep_coordinate(s->first, "p:load"), *tasks = rep_coordinate(s->first, "tasks");

    if (h != NULL) {
        begin(d, backend);
        for (double nines = 0; nines < 9; nines += 0.05) {
            double p = 100 * (1 - pow(10, -nines));
            uint64_t v;

            if (p >= 50 && hist_percentile(h, p, &v) != 0) break;
            if (p < 50) v = hist_percentile_unguarded(h, p);
            row(d, backend, pow(10, nines), (double)v / spec->scale);
        }
        strbuf_puts(&d->dat, "\n\n");
        strbuf_printf(&d->note, "%s%s: %s, %s %s", d->note.len ? "; " : "", backend,
                      json_str(s->first, "experiment", ""), *load ? "load" : "tasks", *load ? load : tasks);
    }
    free(load), free(tasks);
    hist_free(h);
}

void collect_percentiles(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                         const struct strlist *backends) {
    head(d, spec);
    for (size_t b = 0; b < backends->n; b++) {
        const struct rep_series *s = busiest(run, spec, backends->v[b]);

        if (s != NULL) percentiles(d, spec, backends->v[b], s);
    }
    if (d->note.len) strbuf_puts(&d->note, ". No interval: processes are merged to show the shape. ");
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Series that agree to the last digit count, though a log axis has no place for them. */
static void noise(const struct rep_run *run, struct figure_data *d, const char *backend) {
    double *spread = xmalloc((run->nseries + 1) * sizeof *spread);
    size_t n = 0, flat = 0;

    for (size_t i = 0; i < run->nseries; i++) {
        const struct rep_series *series = &run->series[i];
        struct rep_summary s = rep_series_summary(series, "");

        if (strcmp(json_str(series->first, "backend", ""), backend) != 0 || series->nok <= series->ninvalid || s.n < 2 ||
            !(s.median > 0))
            continue;
        spread[n++] = (s.high - s.low) / 2 / s.median * 100;
    }
    qsort(spread, n, sizeof *spread, rising);
    while (flat < n && !(spread[flat] > 0)) flat++;
    if (flat < n) begin(d, backend);
    for (size_t i = flat; i < n; i++) row(d, backend, 100 * ((double)i + 0.5) / (double)n, spread[i]);
    if (flat < n) strbuf_puts(&d->dat, "\n\n");
    if (flat > 0)
        strbuf_printf(&d->note, "%s: %zu of %zu series agree exactly and lie left of the line. ", backend, flat, n);
    free(spread);
}

void collect_noise(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends) {
    head(d, spec);
    for (size_t b = 0; b < backends->n; b++) noise(run, d, backends->v[b]);
}

/* The point with most tasks whose threads were watched. */
static const json_t *watched(const struct rep_run *run, const struct figure_spec *spec, const char *backend) {
    const json_t *best = NULL, *p;
    double most = -1;
    size_t i;

    json_array_foreach(run->points, i, p) {
        const json_t *t = json_object_get(json_object_get(p, "outside"), "threads");

        if (strcmp(json_str(p, "backend", ""), backend) != 0 || !rep_valid(p)) continue;
        if (!figure_lists(spec->workloads, json_str(p, "workload", "")) ||
            json_array_size(json_object_get(t, "series")) == 0)
            continue;
        if (json_num(p, "tasks", 0) > most) most = json_num(p, "tasks", 0), best = p;
    }
    return best;
}

void collect_threads(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                     const struct strlist *backends) {
    head(d, spec);
    for (size_t b = 0; b < backends->n; b++) {
        const char *backend = backends->v[b];
        const json_t *p = watched(run, spec, backend), *pair;
        size_t i;

        if (p == NULL) continue;
        begin(d, backend);
        json_array_foreach(
            json_object_get(json_object_get(json_object_get(p, "outside"), "threads"), "series"), i, pair)
            row(d, backend, json_number_value(json_array_get(pair, 0)) / spec->scale,
                json_number_value(json_array_get(pair, 1)));
        strbuf_puts(&d->dat, "\n\n");
        strbuf_printf(&d->note, "%s%s: %s, tasks %.0f", d->note.len ? "; " : "", backend,
                      json_str(p, "experiment", ""), json_num(p, "tasks", 0));
    }
    if (d->note.len) strbuf_puts(&d->note, ". One process each: no interval. ");
}
