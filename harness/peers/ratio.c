/* ratio: see ratio.h. No state. */
#include "peers/ratio.h"
#include "base/json.h"
#include "base/text.h"
#include "ledger/figure.h"
#include "peers/drift.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two intervals of 97.5 % make one of 95 % of their quotient. */
static const double each_level = 0.975, ratio_level = 0.95;

static json_t *cell_of(const json_t *points, const char *experiment, const char *backend) {
    json_t *cell = json_array(), *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p)
        if (strcmp(json_str(p, "experiment", ""), experiment) == 0 && strcmp(json_str(p, "backend", ""), backend) == 0)
            json_array_append(cell, p);
    return cell;
}

/* What the samples did says nothing of any figure but their own median. */
struct series series_of(const json_t *points, const char *experiment, const char *backend, const char *path) {
    json_t *cell = cell_of(points, experiment, backend);
    struct series s = {.x = xcalloc(json_array_size(cell) + 1, sizeof *s.x)};
    s.unsteady = strcmp(path, "median") == 0 && drift_of_series(cell, s.x, &s.n, &s.drift);
    if (!s.unsteady) s.n = figures_of_cell(cell, path, s.x, &s.none, &s.disturbed);
    json_decref(cell);
    return s;
}

void series_free(struct series *s) {
    free(s->x);
    s->x = NULL;
    s->n = 0;
}

static struct value widened(struct value v, double drift) {
    v.low *= exp(-drift);
    v.high *= exp(drift);
    return v;
}

struct value series_value(const struct series *s, double level) {
    return s->n ? widened(value_of_processes(s->x, s->n, level), s->drift) : s->none;
}

struct value series_ratio(const struct series *own, const struct series *peer) {
    struct stat_shift f;
    if (own->n && peer->n && stat_ratio(peer->x, peer->n, own->x, own->n, ratio_level, &f) == 0 && isfinite(f.interval.high)) {
        /* Of independent drifts each may be at its worst. */
        struct value v = {.low = f.interval.low, .estimate = f.estimate, .high = f.interval.high};
        return widened(v, own->drift + peer->drift);
    }
    struct value a = series_value(own, each_level), b = series_value(peer, each_level);
    return a.missing ? a : b.missing ? b : value_div(a, b);
}
