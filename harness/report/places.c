/* Turns series into the blocks that gnuplot reads. A file has one block a backend (x median low high n), then
 * each process (`:raw`, where there are at most ten), then the points that are not to be trusted
 * (`:invalid`).
 *
 * One place holds one series: where several share a coordinate, the one with the fewest tasks, then with most
 * processors that the machine has, then the first of the profile; the caption says that there are others. */
#include "report/curves.h"
#include "report/places.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RAW_AT_MOST 10

static const char *const known[] = {"trine", "trine@a", "trine@b", "pthread", "pool", "go"};
enum { NKNOWN = sizeof known / sizeof known[0] };

/* Places of a named axis, in this order; others follow in that of the plan. */
static const char *const pin_order[] = {"none", "compact", "scatter", "cores", "smt", "llc", "numa", "reverse"};

void run_backends(const struct rep_run *run, struct strlist *out) {
    *out = (struct strlist){0};
    for (int pass = 0; pass <= NKNOWN; pass++)
        for (size_t i = 0; i < run->nseries; i++) {
            const char *b = json_str(run->series[i].first, "backend", "");

            if (*b && !strlist_has(out, b) && (pass == NKNOWN || strcmp(b, known[pass]) == 0))
                strlist_add(out, b);
        }
}

bool figure_lists(const char *list, const char *word) {
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

bool figure_wants(const struct rep_series *s, const struct figure_spec *spec) {
    bool of_pinning = strcmp(json_str(s->first, "experiment", ""), "pinning") == 0;
    const char *pin = json_str(s->first, "pin", "none");
    char *hogs = rep_coordinate(s->first, "p:hogs");
    bool beside_hogs = atof(hogs) > 0;
    double unused;

    free(hogs);
    if (spec->kind != FIGURE_NOISE && beside_hogs != (strcmp(spec->name, FIGURE_OF_HOGS) == 0)) return false;
    if (!figure_lists(spec->workloads, json_str(s->first, "workload", ""))) return false;
    if (strcmp(spec->x, "pin") == 0) {
        if (!of_pinning) return false;
    } else if (strcmp(pin, "none") != 0 || of_pinning) { /* its unpinned points are at the pinned ones' Ps and load */
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
    if (pa != pb && (pa <= cpus) != (pb <= cpus)) return pa <= cpus;
    if (pa != pb) return (pa > pb) == (pa <= cpus);
    return false; /* the series stand in the order of the profile, so the first of it has the place */
}

static void take(const struct rep_run *run, struct figure_data *d, const struct rep_series *s,
                 const char *x) {
    const char *backend = json_str(s->first, "backend", "");
    char *label = rep_coordinate(s->first, x);

    for (size_t i = 0; i < d->nplaces; i++) {
        struct place *p = &d->places[i];

        if (strcmp(p->backend, backend) != 0 || strcmp(p->label, label) != 0) continue;
        if (better(run, s, p->series)) p->series = s;
        d->nhidden++;
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

static bool has_place(const struct figure_data *d, const char *label) {
    for (size_t i = 0; i < d->nplaces; i++)
        if (strcmp(d->places[i].label, label) == 0) return true;
    return false;
}

/* The names that are there, in the order of their axis: pinnings by kind, workloads as the figure lists them. */
static void order_labels(struct figure_data *d, const struct figure_spec *spec) {
    struct strlist order = {0};

    if (strcmp(spec->x, "pin") == 0)
        for (size_t i = 0; i < sizeof pin_order / sizeof pin_order[0]; i++) strlist_add(&order, pin_order[i]);
    else
        strlist_split(&order, spec->workloads, ",");
    for (size_t i = 0; i < order.n; i++)
        if (has_place(d, order.v[i])) strlist_add(&d->labels, order.v[i]);
    for (size_t i = 0; i < d->nplaces; i++)
        if (!strlist_has(&d->labels, d->places[i].label)) strlist_add(&d->labels, d->places[i].label);
    strlist_free(&order);
}

/* Numbers stand where they are; names get whole numbers, and the backends a little room beside each other. */
static void settle(struct figure_data *d, const struct figure_spec *spec, const struct strlist *backends) {
    const char *x = spec->x;
    bool named = strcmp(x, "pin") == 0 || strcmp(x, "workload") == 0;

    if (named) order_labels(d, spec);
    for (size_t i = 0; i < d->nplaces; i++) {
        struct place *p = &d->places[i];

        if (strcmp(x, "p:ws_kib") == 0) p->x = working_set_x(p->x);
        if (!named) continue;
        for (size_t k = 0; k < d->labels.n; k++)
            if (strcmp(d->labels.v[k], p->label) == 0) p->x = (double)k;
        for (size_t k = 0; k < backends->n; k++)
            if (strcmp(backends->v[k], p->backend) == 0)
                p->x += ((double)k - ((double)backends->n - 1) / 2) * 0.14;
    }
    if (d->nplaces > 0) qsort(d->places, d->nplaces, sizeof *d->places, by_x);
}

/* "# BACKEND:raw", or with panels "# BACKEND:PROCS:raw". gnuplot finds a block by how its name begins: no name may begin another. */
static void begin_block(struct figure_data *d, struct strlist *names, const char *backend, const char *kind) {
    char *name = d->procs ? xasprintf("%s:%lld:%s", backend, (long long)d->procs, kind) : xasprintf("%s:%s", backend, kind);

    strbuf_printf(&d->dat, "# %s\n", name);
    if (names != NULL) strlist_add(names, name);
    free(name);
}

static void csv_line(struct figure_data *d, const char *backend, const char *kind, const char *label) {
    strbuf_printf(&d->csv, "%s,%s,", backend, kind);
    if (d->procs) strbuf_printf(&d->csv, "%lld,", (long long)d->procs);
    strbuf_printf(&d->csv, "%s,", label);
}

static void add_once(struct strlist *l, const char *s) {
    if (!strlist_has(l, s)) strlist_add(l, s);
}

static void medians(struct figure_data *d, const struct figure_spec *spec, const char *backend,
                    struct strlist *blocks) {
    bool any = false;

    for (size_t i = 0; i < d->nplaces; i++) {
        const struct place *p = &d->places[i];
        struct rep_summary s = rep_series_summary(p->series, spec->metric);
        bool trusted = p->series->nok > p->series->ninvalid;

        if (strcmp(p->backend, backend) != 0 || s.n == 0 || !trusted) continue;
        if (!any) begin_block(d, blocks, backend, "median");
        any = true;
        s.median /= spec->scale, s.low /= spec->scale, s.high /= spec->scale;
        strbuf_printf(&d->dat, "%.9g %.9g %.9g %.9g %zu\n", p->x, s.median, s.low, s.high, s.n);
        csv_line(d, backend, s.interval ? "median 95 %" : "median range", p->label);
        strbuf_printf(&d->csv, "%.9g,%.9g,%.9g,%zu\n", s.median, s.low, s.high, s.n);
        if (d->least_n == 0 || s.n < d->least_n) d->least_n = s.n;
        if (s.n > d->most_n) d->most_n = s.n;
        d->ndrawn++;
        d->ninterval += s.interval;
    }
    if (any) add_once(&d->present, backend), strbuf_puts(&d->dat, "\n\n");
}

static void each_process(struct figure_data *d, const struct figure_spec *spec, const char *backend,
                         bool valid, struct strlist *blocks) {
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
            if (!any) begin_block(d, blocks, backend, valid ? "raw" : "invalid");
            any = true;
            strbuf_printf(&d->dat, "%.9g %.9g\n", p->x, v / spec->scale);
            csv_line(d, backend, valid ? "process" : "invalid", p->label);
            strbuf_printf(&d->csv, "%.9g,,,1\n", v / spec->scale);
        }
    }
    if (any) add_once(valid ? &d->raw : &d->invalid, backend), strbuf_puts(&d->dat, "\n\n");
}

static bool of_panel(const struct figure_data *d, const struct rep_series *s) {
    return (d->procs == 0 || json_int(s->first, "procs", 0) == d->procs) &&
           (d->experiment == NULL || strcmp(json_str(s->first, "experiment", ""), d->experiment) == 0);
}

void figure_collect_panel(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                          const struct strlist *backends, struct strlist *blocks) {
    for (size_t i = 0; i < run->nseries; i++)
        if (of_panel(d, &run->series[i]) && figure_wants(&run->series[i], spec))
            take(run, d, &run->series[i], spec->x);
    settle(d, spec, backends);
    for (size_t b = 0; b < backends->n; b++) medians(d, spec, backends->v[b], blocks);
    for (size_t b = 0; b < backends->n; b++) each_process(d, spec, backends->v[b], true, blocks);
    for (size_t b = 0; b < backends->n; b++) each_process(d, spec, backends->v[b], false, blocks);
}

static void collect_places(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                           const struct strlist *backends) {
    strbuf_printf(&d->csv, "backend,kind,%s,value,low,high,n\n", strncmp(spec->x, "p:", 2) == 0 ? spec->x + 2 : spec->x);
    figure_collect_panel(run, spec, d, backends, NULL);
}

void figure_collect(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d) {
    struct strlist backends;

    *d = (struct figure_data){0};
    run_backends(run, &backends);
    switch (spec->kind) {
    case FIGURE_PLACES: collect_places(run, spec, d, &backends); break;
    case FIGURE_PROCS:
        collect_procs(run, spec, d, &backends);
        break;
    case FIGURE_STEAL:
        collect_steal(run, spec, d, &backends);
        break;
    case FIGURE_PERCENTILES: collect_percentiles(run, spec, d, &backends); break;
    case FIGURE_NOISE: collect_noise(run, spec, d, &backends); break;
    case FIGURE_THREADS: collect_threads(run, spec, d, &backends); break;
    case FIGURE_HEATMAP: collect_heatmap(run, spec, d, &backends); break;
    case FIGURE_HISTORY: collect_history(run, d); break;
    case FIGURE_PEERS: collect_peers(run, d); break;
    }
    strlist_free(&backends);
}

void figure_data_free(struct figure_data *d) {
    for (size_t i = 0; i < d->nplaces; i++) free(d->places[i].label);
    free(d->places);
    strlist_free(&d->labels), strlist_free(&d->panels), strlist_free(&d->marks),
        strlist_free(&d->present), strlist_free(&d->raw), strlist_free(&d->invalid);
    strbuf_free(&d->dat), strbuf_free(&d->csv), strbuf_free(&d->note);
}
