/* verdicts: every claim judged on every backend, as claims.json holds it. */
#include "base/json.h"
#include "ledger/judge.h"
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

/* Why a backend's driver cannot be asked at all, or NULL. */
static const char *driver_lacks(const json_t *driver) {
    return driver ? json_str(driver, "why", NULL) : "no driver of it was found";
}

static void add_text(json_t *o, const char *key, const char *text) {
    if (text) json_object_set_new(o, key, json_string(text));
}

/* Noise that leaves a claim open on one side is no difference between two runtimes. */
static bool decided(const char *verdict) {
    return strcmp(verdict, "reproduced") == 0 || strcmp(verdict, "contradicted") == 0 || strcmp(verdict, "partly") == 0;
}

static void add_difference(json_t *row) {
    const json_t *all = json_object_get(row, "backends");
    const char *own = json_str(json_object_get(all, "trine"), "verdict", "");
    const char *go = json_str(json_object_get(all, "go"), "verdict", "");
    json_object_set_new(row, "trine_and_go_differ", json_boolean(decided(own) && decided(go) && strcmp(own, go) != 0));
}

static json_t *claim_json(const struct claim *c, const struct evidence *v, const struct strlist *backends,
                          const json_t *drivers, const char *options) {
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", c->id, "group", c->group, "statement", c->statement, "claimed",
                          c->claimed, "source", c->source);
    json_t *all = json_object();
    char *missing = needs_lacking(c), *command = xasprintf("trine claims %s%s%s", c->id,
                                                             c->full ? " --full" : c->controlled ? " --controls" : "", options);
    add_text(o, "scale", c->full ? c->full_scale : c->scale);
    add_text(o, "tolerance", c->tolerance);
    add_text(o, "falsifier", c->falsifier);
    add_text(o, "meaning", c->meaning);
    add_text(o, "beside_note", c->beside_note);
    add_text(o, "command", command);
    json_object_set_new(o, "form", json_string(c->full ? "full" : "quick"));
    for (size_t i = 0; i < backends->n; i++) {
        const json_t *driver = json_object_get(drivers, backends->v[i]);
        const char *absent = driver_lacks(driver);
        json_t *one = judge(c, v, backends->v[i], missing ? missing : absent);
        if (!absent) json_object_set(one, "version", json_object_get(driver, "version"));
        json_object_set_new(all, backends->v[i], one);
    }
    add_text(o, "differs", c->differs);
    json_object_set_new(o, "backends", all);
    add_difference(o);
    free(command);
    free(missing);
    return o;
}

json_t *ledger_judge(const struct ledger *l, const json_t *points, const struct strlist *backends,
                     const json_t *drivers, int ncpu, const char *options) {
    struct evidence v;
    json_t *list = json_array();
    evidence_make(&v, points, ncpu);
    for (size_t i = 0; i < l->n; i++) json_array_append_new(list, claim_json(&l->v[i], &v, backends, drivers, options));
    evidence_free(&v);
    return list;
}

static json_t *row_of(const json_t *claims, const char *id) {
    json_t *row;
    size_t i;
    json_array_foreach((json_t *)claims, i, row)
        if (strcmp(json_str(row, "id", ""), id) == 0) return row;
    return NULL;
}

/* One claim judged again, on all its backends or some. */
static json_t *merge_row(const json_t *fresh, const json_t *old) {
    json_t *row = json_deep_copy(fresh), *backends = json_object_get(row, "backends"), *verdict;
    const char *name;
    json_object_foreach(json_object_get(old, "backends"), name, verdict)
        if (!json_object_get(backends, name)) json_object_set(backends, name, verdict);
    add_difference(row);
    return row;
}

static int by_order(const void *pa, const void *pb) {
    const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
    return ledger_order(json_str(a, "group", ""), json_str(a, "id", ""), json_str(b, "group", ""), json_str(b, "id", ""));
}

json_t *ledger_merge(const json_t *fresh, const json_t *old) {
    size_t room = json_array_size(fresh) + json_array_size(old), n = 0, i;
    json_t **rows = xcalloc(room + 1, sizeof *rows), *all = json_array(), *row;
    json_array_foreach((json_t *)fresh, i, row) rows[n++] = merge_row(row, row_of(old, json_str(row, "id", "")));
    json_array_foreach((json_t *)old, i, row)
        if (!row_of(fresh, json_str(row, "id", ""))) rows[n++] = json_deep_copy(row);
    qsort(rows, n, sizeof *rows, by_order);
    for (i = 0; i < n; i++) json_array_append_new(all, rows[i]);
    free(rows);
    return all;
}
