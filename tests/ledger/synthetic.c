/* synthetic: see synthetic.h. */
#include "synthetic.h"
#include "ledger/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct wish {
    char experiment[64], path[128], backend[32];
    double value, spread;
};

static struct wish wish_of(const char *word) {
    struct wish w = {.spread = 1};
    const char *dot = strchr(word, '.'), *at = strchr(word, '@'), *equals = strchr(word, '=');
    if (!dot || !at || !equals) fail_msg("'%s': expected EXPERIMENT.PATH@BACKEND=VALUE", word);
    snprintf(w.experiment, sizeof w.experiment, "%.*s", (int)(dot - word), word);
    snprintf(w.path, sizeof w.path, "%.*s", (int)(at - dot - 1), dot + 1);
    snprintf(w.backend, sizeof w.backend, "%.*s", (int)(equals - at - 1), at + 1);
    sscanf(equals + 1, "%lf~%lf", &w.value, &w.spread);
    return w;
}

/* The point of one process of a cell: the one that is there, or a new one that ended well. */
static json_t *point_of(json_t *points, const char *cell, const char *backend, int process) {
    json_t *p;
    size_t i;
    json_array_foreach(points, i, p) {
        if (strcmp(json_str(p, "experiment", ""), cell) == 0 && strcmp(json_str(p, "backend", ""), backend) == 0 &&
            json_int(p, "rep", -1) == process)
            return p;
    }
    p = json_pack("{s:s,s:s,s:i,s:s,s:s,s:b,s:{s:s,s:[]}}", "experiment", cell, "backend", backend, "rep", process,
                  "status", "ok", "reason", "", "valid", 1, "record", "status", "ok", "samples");
    assert_non_null(p);
    json_array_append_new(points, p);
    return p;
}

/* "hist.NAME.p95" or "hist.NAME.max": a million samples, of which so many percent lie at v or below and the rest at v too
 * until a higher percentile is put; these come in rising order. */
static void put_percentile(json_t *record, const char *path, double v) {
    enum { ALL = 1000000 };
    char name[64], which[16];
    if (sscanf(path, "hist.%63[^.].%15s", name, which) != 2) fail_msg("'%s': expected hist.NAME.p95 or hist.NAME.max", path);
    json_t *hists = json_object_get(record, "histograms"), *h;
    if (!hists) json_object_set_new(record, "histograms", hists = json_object());
    if (!(h = json_object_get(hists, name)))
        json_object_set_new(hists, name, h = json_pack("{s:[], s:I, s:f}", "buckets", "min", (json_int_t)v, "mean", v));
    json_t *buckets = json_object_get(h, "buckets"), *b;
    json_int_t below = 0, upto = which[0] == 'p' ? (json_int_t)(strtod(which + 1, NULL) * (ALL / 100)) : ALL;
    size_t i;
    if (json_array_size(buckets)) json_array_remove(buckets, json_array_size(buckets) - 1); /* the rest */
    json_array_foreach(buckets, i, b) below += json_integer_value(json_array_get(b, 1));
    if (upto < ALL) json_array_append_new(buckets, json_pack("[I, I]", (json_int_t)v, upto - below));
    json_array_append_new(buckets, json_pack("[I, I]", (json_int_t)v, upto < ALL ? ALL - upto : ALL - below));
    json_object_set_new(h, "max", json_integer((json_int_t)v));
}

/* Sets a figure where figure_of_point looks for it. */
static void put(json_t *point, const char *path, double v) {
    json_t *at = json_object_get(point, "record");
    char key[128];
    if (strcmp(path, "ok") == 0) {
        if (v <= 0) json_object_set_new(point, "status", json_string("failed"));
        return;
    }
    if (strncmp(path, "hist.", 5) == 0) {
        put_percentile(at, path, v);
        return;
    }
    bool least = strcmp(path, "least") == 0;
    if (least || strcmp(path, "median") == 0) { /* a median outweighs the least beside it */
        for (int i = 0; i < (least ? 1 : 3); i++) json_array_append_new(json_object_get(at, "samples"), json_real(v));
        return;
    }
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        if (!json_object_get(at, key)) json_object_set_new(at, key, json_object());
        at = json_object_get(at, key);
    }
    json_object_set_new(at, path, json_real(v));
}

json_t *synthetic_points(const struct claim *c, const char *figures, int processes) {
    json_t *points = json_array();
    struct strlist words = {0};
    strlist_split(&words, figures, " \n");
    for (size_t i = 0; i < words.n; i++) {
        struct wish w = wish_of(words.v[i]);
        char *cell = cell_of(c, w.experiment);
        if (!cell) fail_msg("%s has no experiment '%s'", c->id, w.experiment);
        for (int k = 0; k < processes; k++) {
            double place = processes > 1 ? (double)k / (processes - 1) - 0.5 : 0;
            put(point_of(points, cell, w.backend, k), w.path, w.value * (1 + w.spread / 100 * place));
        }
        free(cell);
    }
    strlist_free(&words);
    return points;
}

json_t *synthetic_verdict(struct claim *c, const json_t *points, const char *backend) {
    struct ledger l = {c, 1, c->full};
    struct strlist backends = {0};
    json_t *drivers = json_pack("{s:{s:s},s:{s:s},s:{s:s},s:{s:s}}", "trine", "version", "1", "pthread", "version", "1",
                                "pool", "version", "1", "go", "version", "1");
    strlist_add(&backends, backend);
    json_t *claims = ledger_judge(&l, points, &backends, drivers, (int)sysconf(_SC_NPROCESSORS_ONLN), "");
    json_t *one = json_incref(json_object_get(json_object_get(json_array_get(claims, 0), "backends"), backend));
    assert_non_null(one);
    json_decref(claims);
    json_decref(drivers);
    strlist_free(&backends);
    return one;
}
