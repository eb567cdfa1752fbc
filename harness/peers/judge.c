/* judge: the figures of each row and the verdict on each ratio. See peers.h. */
#include "base/json.h"
#include "base/text.h"
#include "peers/peers.h"
#include "peers/ratio.h"

#include <math.h>
#include <string.h>

static const double alone_level = 0.95;

/* A value as judged: what stands beside it in the table. */
struct figure {
    struct value v;
    bool disturbed, unsteady;
    double drift;
};

static struct figure figure_of(const json_t *points, const char *experiment, const char *backend, const char *path) {
    struct series s = series_of(points, experiment, backend, path);
    struct figure f = {series_value(&s, alone_level), s.disturbed, s.unsteady, s.drift};
    series_free(&s);
    return f;
}

static struct figure ratio_of(const struct peer_row *r, const struct peer_target *t, const json_t *points) {
    struct series own = series_of(points, r->experiment, "trine", r->figure),
                  peer = series_of(points, t->experiment, t->backend, r->figure);
    struct figure f = {series_ratio(&own, &peer), own.disturbed || peer.disturbed, own.unsteady || peer.unsteady,
                       own.drift + peer.drift};
    series_free(&own);
    series_free(&peer);
    return f;
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
    struct figure ratio = ratio_of(r, t, points);
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
    struct figure f = figure_of(points, r->experiment, "trine", r->figure);
    json_object_set_new(o, "trine", figure_json(&f));
    json_array_foreach((json_t *)points, i, p) {
        const char *backend = json_str(p, "backend", "");
        if (strcmp(json_str(p, "experiment", ""), r->experiment) != 0 || json_object_get(o, backend)) continue;
        f = figure_of(points, r->experiment, backend, r->figure);
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
            struct figure f = figure_of(points, r->experiment, "trine", r->figure);
            json_array_append_new(targets, json_pack("{s:s, s:o, s:f, s:s}", "against", "", "ratio", figure_json(&f), "target",
                                                     r->at_most, "verdict", verdict(&f, r->at_most, false)));
        }
        json_array_append_new(table, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", r->id, "row", r->text, "unit",
                                               r->unit, "better", r->higher ? "higher" : "lower", "figures",
                                               figures(r, points), "targets", targets));
    }
    return table;
}
