/* judge: the figures of each row and the verdict on each ratio. See peers.h. */
#include "base/json.h"
#include "base/text.h"
#include "ledger/figure.h"
#include "peers/drift.h"
#include "peers/peers.h"

#include <math.h>
#include <string.h>

/* Two intervals of 97.5 % make one of 95 % of their ratio. */
static const double each_level = 0.975, alone_level = 0.95;

/* disturbed: fewer than three processes were valid; those that there are give the figure, which decides nothing. unsteady:
 * some were not valid for their warm-up alone; the interval is wider by e^drift. */
struct figure {
    struct value v;
    bool disturbed, unsteady;
    double drift;
};

/* What the samples did says nothing of any figure but their own median. */
static struct figure figure_of(const json_t *points, const char *experiment, const char *backend, const char *path,
                               double level) {
    json_t *cell = json_array(), *p;
    size_t i;
    struct figure f = {0};
    json_array_foreach((json_t *)points, i, p)
        if (strcmp(json_str(p, "experiment", ""), experiment) == 0 && strcmp(json_str(p, "backend", ""), backend) == 0)
            json_array_append(cell, p);
    f.unsteady = strcmp(path, "median") == 0 && drift_widens(cell, level, &f.v, &f.drift);
    if (!f.unsteady) f.v = figure_of_cell(cell, path, level, &f.disturbed);
    json_decref(cell);
    return f;
}

/* Of independent drifts each may be at its worst: the logarithms add up, as value_div's corners do. */
static struct figure ratio_of(const struct figure *own, const struct figure *peer) {
    return (struct figure){.v = own->v.missing ? own->v : peer->v.missing ? peer->v : value_div(own->v, peer->v),
                           .disturbed = own->disturbed || peer->disturbed,
                           .unsteady = own->unsteady || peer->unsteady,
                           .drift = own->drift + peer->drift};
}

static json_t *figure_json(const struct figure *f) {
    if (f->v.missing != MISSING_NOTHING) return json_pack("{s:s}", "unavailable", f->v.reason);
    json_t *o = json_pack("{s:f}", "estimate", f->v.estimate);
    if (f->disturbed) json_object_set_new(o, "disturbed", json_true());
    if (f->unsteady) json_object_set_new(o, "widened", json_real(f->drift));
    if (isfinite(f->v.low) && isfinite(f->v.high)) {
        json_object_set_new(o, "low", json_real(f->v.low));
        json_object_set_new(o, "high", json_real(f->v.high));
    }
    return o;
}

/* Over the whole interval, or over none of it; an interval that is not there decides nothing. */
static const char *verdict(const struct figure *f, double target, bool at_least) {
    if (f->v.missing != MISSING_NOTHING) return "not measured";
    if (f->disturbed) return "open";
    if (at_least ? f->v.low >= target : f->v.high <= target) return "met";
    if (at_least ? f->v.high < target : f->v.low > target) return "not met";
    return "open";
}

static json_t *judge_target(const struct peer_row *r, const struct peer_target *t, const json_t *points) {
    struct figure own = figure_of(points, r->experiment, "trine", r->figure, each_level);
    struct figure peer = figure_of(points, t->experiment, t->backend, r->figure, each_level);
    struct figure ratio = ratio_of(&own, &peer);
    return json_pack("{s:s, s:o, s:f, s:s}", "against", t->backend, "ratio", figure_json(&ratio), "target", t->ratio, "verdict",
                     verdict(&ratio, t->ratio, r->higher));
}

static bool was_run(const char *experiment, const json_t *points) {
    json_t *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p)
        if (strcmp(json_str(p, "experiment", ""), experiment) == 0) return true;
    return false;
}

/* Every backend that ran the row's experiment, trine first. */
static json_t *figures(const struct peer_row *r, const json_t *points) {
    json_t *o = json_object(), *p;
    size_t i;
    struct figure f = figure_of(points, r->experiment, "trine", r->figure, alone_level);
    json_object_set_new(o, "trine", figure_json(&f));
    json_array_foreach((json_t *)points, i, p) {
        const char *backend = json_str(p, "backend", "");
        if (strcmp(json_str(p, "experiment", ""), r->experiment) != 0 || json_object_get(o, backend)) continue;
        f = figure_of(points, r->experiment, backend, r->figure, alone_level);
        json_object_set_new(o, backend, figure_json(&f));
    }
    return o;
}

json_t *peers_judge(const struct peer_rows *rows, const json_t *points) {
    json_t *table = json_array();
    for (size_t i = 0; i < rows->n; i++) {
        const struct peer_row *r = &rows->v[i];
        if (!was_run(r->experiment, points)) continue;
        json_t *targets = json_array();
        for (size_t k = 0; k < r->nagainst; k++) json_array_append_new(targets, judge_target(r, &r->against[k], points));
        if (isfinite(r->at_most)) {
            struct figure f = figure_of(points, r->experiment, "trine", r->figure, alone_level);
            json_array_append_new(targets, json_pack("{s:s, s:o, s:f, s:s}", "against", "", "ratio", figure_json(&f), "target",
                                                     r->at_most, "verdict", verdict(&f, r->at_most, false)));
        }
        json_array_append_new(table, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", r->id, "row", r->text, "unit",
                                               r->unit, "better", r->higher ? "higher" : "lower", "figures",
                                               figures(r, points), "targets", targets));
    }
    return table;
}
