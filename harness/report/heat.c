/* Latency over time: one panel a backend, a column a window of the record's interval log
 * (histograms.latency.intervals). The log's buckets are 0.1 % wide, a line's width on the screen is more: they
 * are put together into steps of STEP. */
#include "report/curves.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP        1.26 /* ten rows a decade */
#define LEAST_WINDOWS 2
enum { ROWS = 128 }; /* 1 ns to 7,000 s */

static const json_t *windows_of(const json_t *point) {
    const json_t *h = json_object_get(json_object_get(point, "record"), "histograms");

    return json_object_get(json_object_get(h, "latency"), "intervals");
}

static const json_t *choose(const struct rep_run *run, const char *backend) {
    const json_t *best = NULL, *p;
    double most = -1;
    size_t i;

    json_array_foreach(run->points, i, p) {
        size_t n = json_array_size(windows_of(p));
        char *load = rep_coordinate(p, "p:load");
        double rank = (double)n + atof(load);

        free(load);
        if (strcmp(json_str(p, "backend", ""), backend) != 0 || !rep_valid(p) || n < LEAST_WINDOWS) continue;
        if (rank > most) most = rank, best = p;
    }
    return best;
}

/* The four sides of each cell in s and µs, and its share of the window. */
static void window(struct figure_data *d, const char *backend, const json_t *w, double origin_ns) {
    double share[ROWS] = {0}, total = 0;
    double start = (json_num(w, "start_ns", 0) - origin_ns) / 1e9, end = (json_num(w, "end_ns", 0) - origin_ns) / 1e9;
    const json_t *b;
    size_t i;

    json_array_foreach(json_object_get(w, "buckets"), i, b) {
        double low = json_number_value(json_array_get(b, 0)), n = json_number_value(json_array_get(b, 1));
        double r = low < 1 ? 0 : floor(log(low) / log(STEP));

        if (n > 0) share[r < ROWS ? (int)r : ROWS - 1] += n, total += n;
    }
    for (int r = 0; r < ROWS; r++) {
        if (!(share[r] > 0)) continue;
        strbuf_printf(&d->dat, "%.9g %.9g %.9g %.9g %.9g\n", start, end, pow(STEP, r) / 1e3, pow(STEP, r + 1) / 1e3,
                      share[r] / total);
        strbuf_printf(&d->csv, "%s,%.9g,%.9g,%.6g,%.6g,%.6g\n", backend, start, end, pow(STEP, r) / 1e3,
                      pow(STEP, r + 1) / 1e3, share[r] / total);
    }
}

static void panel(struct figure_data *d, const char *backend, const json_t *point) {
    const json_t *windows = windows_of(point), *w;
    char *load = rep_coordinate(point, "p:load"), *title;
    double origin = json_num(json_array_get(windows, 0), "start_ns", 0);
    size_t i;

    title = *load ? xasprintf("%s, load %s", backend, load) : xstrdup(backend);
    strlist_add(&d->present, backend), strlist_add(&d->panels, title);
    strbuf_printf(&d->dat, "# %s\n", backend);
    json_array_foreach((json_t *)windows, i, w) window(d, backend, w, origin);
    strbuf_puts(&d->dat, "\n\n");
    free(load), free(title);
}

void collect_heatmap(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                     const struct strlist *backends) {
    (void)spec;
    strbuf_puts(&d->csv, "backend,start_s,end_s,low_us,high_us,share_of_the_window\n");
    for (size_t b = 0; b < backends->n; b++) {
        const json_t *p = choose(run, backends->v[b]);

        if (p != NULL) panel(d, backends->v[b], p);
    }
    if (d->present.n > 0)
        strbuf_puts(&d->note, "The stronger, the larger the share of the window's requests (log scale, 0.05 % to all). "
                              "One process each, a column a window of 1 s by the time at which a request was due; no "
                              "interval. ");
}
