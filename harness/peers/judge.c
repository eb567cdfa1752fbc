/* judge: the figures of each row and the verdict on each ratio. See peers.h. */
#include "base/json.h"
#include "base/text.h"
#include "ledger/figure.h"
#include "peers/peers.h"

#include <math.h>
#include <string.h>

/* Two intervals of 97.5 % make one of 95 % of their ratio. */
static const double each_level = 0.975, alone_level = 0.95;

/* *disturbed is set where no process was valid: then those that there are give the figure, which decides nothing. */
static struct value figure(const json_t *points, const char *experiment, const char *backend, const char *path,
                           double level, bool *disturbed) {
    json_t *cell = json_array(), *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p)
        if (strcmp(json_str(p, "experiment", ""), experiment) == 0 && strcmp(json_str(p, "backend", ""), backend) == 0)
            json_array_append(cell, p);
    struct value v = figure_of_cell(cell, path, level, disturbed);
    json_decref(cell);
    return v;
}

static json_t *value_json(const struct value *v, bool disturbed) {
    if (v->missing != MISSING_NOTHING) return json_pack("{s:s}", "unavailable", v->reason);
    json_t *o = json_pack("{s:f}", "estimate", v->estimate);
    if (disturbed) json_object_set_new(o, "disturbed", json_true());
    if (isfinite(v->low) && isfinite(v->high)) {
        json_object_set_new(o, "low", json_real(v->low));
        json_object_set_new(o, "high", json_real(v->high));
    }
    return o;
}

/* Over the whole interval, or over none of it; an interval that is not there decides nothing. */
static const char *verdict(const struct value *v, bool disturbed, double target, bool at_least) {
    if (v->missing != MISSING_NOTHING) return "not measured";
    if (disturbed) return "open";
    if (at_least ? v->low >= target : v->high <= target) return "met";
    if (at_least ? v->high < target : v->low > target) return "not met";
    return "open";
}

static json_t *judge_target(const struct peer_row *r, const struct peer_target *t, const json_t *points) {
    bool disturbed = false;
    struct value own = figure(points, r->experiment, "trine", r->figure, each_level, &disturbed);
    struct value peer = figure(points, t->experiment, t->backend, r->figure, each_level, &disturbed);
    struct value ratio = own.missing ? own : peer.missing ? peer : value_div(own, peer);
    return json_pack("{s:s, s:o, s:f, s:s}", "against", t->backend, "ratio", value_json(&ratio, disturbed), "target", t->ratio,
                     "verdict", verdict(&ratio, disturbed, t->ratio, r->higher));
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
    bool disturbed = false;
    struct value v = figure(points, r->experiment, "trine", r->figure, alone_level, &disturbed);
    json_object_set_new(o, "trine", value_json(&v, disturbed));
    json_array_foreach((json_t *)points, i, p) {
        const char *backend = json_str(p, "backend", "");
        if (strcmp(json_str(p, "experiment", ""), r->experiment) != 0 || json_object_get(o, backend)) continue;
        disturbed = false;
        v = figure(points, r->experiment, backend, r->figure, alone_level, &disturbed);
        json_object_set_new(o, backend, value_json(&v, disturbed));
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
            bool disturbed = false;
            struct value v = figure(points, r->experiment, "trine", r->figure, alone_level, &disturbed);
            json_array_append_new(targets, json_pack("{s:s, s:o, s:f, s:s}", "against", "", "ratio",
                                                     value_json(&v, disturbed), "target", r->at_most, "verdict",
                                                     verdict(&v, disturbed, r->at_most, false)));
        }
        json_array_append_new(table, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", r->id, "row", r->text, "unit",
                                               r->unit, "better", r->higher ? "higher" : "lower", "figures",
                                               figures(r, points), "targets", targets));
    }
    return table;
}
