/*
 * judge: see judge.h. A predicate over k figures takes each at the level 1 - 0.05/k, so that all of them
 * together cover at 95 % (Bonferroni); the corners of intervals then cover too.
 */
#include "ledger/judge.h"
#include "base/json.h"
#include "ledger/cell.h"
#include "ledger/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void evidence_make(struct evidence *v, const json_t *points, int ncpu) {
    const json_t *p;
    size_t i;
    *v = (struct evidence){json_object(), ncpu};
    json_array_foreach((json_t *)points, i, p) {
        const char *cell = json_str(p, "experiment", ""), *backend = json_str(p, "backend", "");
        json_t *by_backend = json_object_get(v->cells, cell), *list;
        if (!by_backend) json_object_set_new(v->cells, cell, by_backend = json_object());
        if (!(list = json_object_get(by_backend, backend)))
            json_object_set_new(by_backend, backend, list = json_array());
        json_array_append(list, (json_t *)p);
    }
}

void evidence_free(struct evidence *v) {
    json_decref(v->cells);
}

/* One evaluation: on which data, at which level. */
struct view {
    const struct claim *claim;
    const struct evidence *evidence;
    const char *backend;
    bool controlled; /* the control's data instead of the claim's */
    double level;
    bool invalid; /* some figure comes from points that are not valid */
};

/* Which experiment and backend a figure is read from. */
static void source_of(const struct view *v, const struct formula *f, char **experiment, const char **backend) {
    const struct control *k = &v->claim->control;
    *backend = f->backend ? f->backend : v->backend;
    *experiment = xstrdup(f->name);
    if (!v->controlled) return;
    if (k->backend && !f->backend) *backend = k->backend;
    for (size_t i = 0; i < k->from.n; i++) {
        if (strcmp(k->from.v[i], f->name) != 0) continue;
        const char *at = strchr(k->to.v[i], '@');
        free(*experiment);
        *experiment = xstrndup(k->to.v[i], strcspn(k->to.v[i], "@"));
        if (at) *backend = at + 1;
        return;
    }
}

static struct value figure(struct view *v, const struct formula *f) {
    char *experiment;
    const char *backend;
    source_of(v, f, &experiment, &backend);
    char *cell = cell_of(v->claim, experiment);
    const json_t *points = json_object_get(json_object_get(v->evidence->cells, cell ? cell : ""), backend);
    struct value x = figure_of_cell(points, f->path, v->level, &v->invalid);
    if (x.missing) {
        struct value told = value_missing(x.missing, "%.60s on %.20s: %.280s", experiment, backend, x.reason);
        x = told;
    }
    free(cell);
    free(experiment);
    return x;
}

static struct value leaf(const struct formula *f, void *arg) {
    struct view *v = arg;
    if (f->op == F_FIGURE) return figure(v, f);
    if (strcmp(f->name, "ncpu") == 0) return value_exact(v->evidence->ncpu);
    const struct named_formula *q = claim_quantity(v->claim, f->name);
    struct formula_env env = {leaf, v};
    return formula_eval(q->formula, &env);
}

struct counter {
    const struct claim *claim;
    struct strlist seen;
};

static void count_leaf(const struct formula *f, void *arg) {
    struct counter *k = arg;
    if (f->op == F_FIGURE) {
        char *name = xasprintf("%s.%s@%s", f->name, f->path, f->backend ? f->backend : "");
        if (!strlist_has(&k->seen, name)) strlist_add(&k->seen, name);
        free(name);
        return;
    }
    const struct named_formula *q = claim_quantity(k->claim, f->name);
    if (q) formula_visit(q->formula, count_leaf, k);
}

static struct value evaluate(struct view *v, const struct formula *f) {
    struct counter k = {.claim = v->claim};
    struct formula_env env = {leaf, v};
    formula_visit(f, count_leaf, &k);
    v->level = 1 - 0.05 / (k.seen.n ? (double)k.seen.n : 1);
    strlist_free(&k.seen);
    return formula_eval(f, &env);
}

static json_t *value_json(const struct value *x) {
    if (x->missing) return json_unavailable("%s", x->reason);
    json_t *o = json_object();
    json_object_set_new(o, "value", json_real(x->estimate));
    if (isfinite(x->low)) json_object_set_new(o, "low", json_real(x->low));
    if (isfinite(x->high)) json_object_set_new(o, "high", json_real(x->high));
    return o;
}

/* What the predicates come to together. */
struct outcome {
    size_t yes, no, unclear;
    struct value missing;
    struct strbuf failing, open;
};

static void outcome_free(struct outcome *o) {
    strbuf_free(&o->failing);
    strbuf_free(&o->open);
}

static void take(struct outcome *o, const struct named_formula *p, const struct value *x) {
    struct strbuf *list = x->truth == TRUTH_NO ? &o->failing : &o->open;
    if (x->missing > o->missing.missing) o->missing = *x;
    if (x->missing) return;
    o->yes += x->truth == TRUTH_YES;
    o->no += x->truth == TRUTH_NO;
    o->unclear += x->truth == TRUTH_MAYBE;
    if (x->truth != TRUTH_YES) strbuf_printf(list, "%s%s (%s)", list->len ? ", " : "", p->name, p->text);
}

static const char *verdict_of(const struct outcome *o) {
    if (o->missing.missing == MISSING_BY_NATURE) return "not applicable";
    if (o->missing.missing == MISSING_HERE) return "not measurable here";
    if (o->no) return o->yes ? "partly" : "contradicted";
    return o->unclear ? "inconclusive" : "reproduced";
}

static void judge_predicates(struct view *v, struct outcome *o, json_t *list) {
    static const char *const words[] = {"no", "unclear", "yes"};
    for (size_t i = 0; i < v->claim->npredicates; i++) {
        const struct named_formula *p = &v->claim->predicates[i];
        struct value x = evaluate(v, p->formula);
        take(o, p, &x);
        if (list)
            json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", p->name, "text", p->text, "holds",
                                                  x.missing ? "not measured" : words[x.truth]));
    }
}

static char *reason_of(const struct outcome *o, bool invalid) {
    struct strbuf b = {0};
    if (o->missing.missing) strbuf_puts(&b, o->missing.reason);
    else if (o->no) strbuf_printf(&b, "fails: %s", strbuf_str(&o->failing));
    if (!o->missing.missing && o->unclear)
        strbuf_printf(&b, "%sthe interval straddles the line: %s", b.len ? "; " : "", strbuf_str(&o->open));
    if (invalid) strbuf_printf(&b, "%sfrom points that are not valid", b.len ? "; " : "");
    return b.s ? b.s : xstrdup("");
}

static void add_figures(struct view *v, json_t *out) {
    json_t *all = json_object();
    for (size_t i = 0; i < v->claim->nquantities; i++) {
        const struct named_formula *q = &v->claim->quantities[i];
        struct value x = evaluate(v, q->formula);
        json_object_set_new(all, q->name, value_json(&x));
        if (!v->claim->show || strcmp(q->name, v->claim->show) != 0 || x.missing) continue;
        json_object_set_new(out, "measured", json_real(x.estimate));
        if (isfinite(x.low)) json_object_set_new(out, "low", json_real(x.low));
        if (isfinite(x.high)) json_object_set_new(out, "high", json_real(x.high));
        if (v->claim->unit) json_object_set_new(out, "unit", json_string(v->claim->unit));
    }
    json_object_set_new(out, "quantities", all);
}

static void add_beside(struct view *v, json_t *out) {
    const struct claim *c = v->claim;
    json_t *list = c->beside.n ? json_array() : NULL;
    for (size_t i = 0; i < c->beside.n; i++) {
        const struct named_formula *q = claim_quantity(c, c->beside.v[i]);
        struct value x = evaluate(v, q->formula);
        json_t *one = value_json(&x);
        json_object_set_new(one, "name", json_string(q->name));
        json_object_set_new(one, "unit", json_string(c->beside_units.v[i]));
        json_array_append_new(list, one);
    }
    if (list) json_object_set_new(out, "beside", list);
}

static bool control_wanted(const struct claim *c, const char *backend) {
    const struct control *k = &c->control;
    if (!c->controlled || !k->given || k->none) return false;
    return k->on.n ? strlist_has(&k->on, backend) : strcmp(backend, "trine") == 0;
}

/* Adds "control"; true when it was measured and did not come out as it must. */
static bool add_control(struct view *v, json_t *out) {
    const struct control *k = &v->claim->control;
    struct view other = *v;
    struct outcome o = {0};
    other.controlled = true;
    judge_predicates(&other, &o, NULL);
    const char *verdict = verdict_of(&o);
    bool proves = k->expect.n ? strlist_has(&k->expect, verdict) : strcmp(verdict, "contradicted") == 0;
    char *reason = reason_of(&o, other.invalid);
    json_object_set_new(out, "control", json_pack("{s:s,s:b,s:s}", "verdict", verdict, "proves", proves, "reason",
                                                  reason));
    free(reason);
    bool measured = !o.missing.missing;
    outcome_free(&o);
    return measured && !proves;
}

/* Is any of the claim's cells measured on that backend? Then what this machine lacks today says nothing of it. */
static bool has_points(const struct view *v) {
    bool any = false;
    for (size_t i = 0; i < v->claim->sweep.n && !any; i++) {
        char *cell = cell_of(v->claim, v->claim->sweep.experiments[i].name);
        any = json_array_size(json_object_get(json_object_get(v->evidence->cells, cell ? cell : ""), v->backend)) > 0;
        free(cell);
    }
    return any;
}

static void set_verdict(json_t *out, const char *verdict, const char *reason) {
    json_object_set_new(out, "verdict", json_string(verdict));
    json_object_set_new(out, "reason", json_string(reason));
}

static bool fixed(const struct claim *c, const char *backend, const char *lacking, json_t *out) {
    const struct fixed_verdict *f = claim_fixed(c, backend);
    if (!f) f = claim_fixed(c, "all");
    if (f) set_verdict(out, f->kind == MISSING_BY_NATURE ? "not applicable" : "not measurable here", f->reason);
    else if (lacking) set_verdict(out, "not measurable here", lacking);
    return f || lacking;
}

json_t *judge(const struct claim *c, const struct evidence *evidence, const char *backend, const char *lacking) {
    struct view v = {.claim = c, .evidence = evidence, .backend = backend};
    struct outcome o = {0};
    json_t *out = json_object(), *predicates;
    if (fixed(c, backend, has_points(&v) ? NULL : lacking, out)) return out;
    predicates = json_array();
    judge_predicates(&v, &o, predicates);
    char *reason = reason_of(&o, v.invalid);
    set_verdict(out, verdict_of(&o), reason);
    add_figures(&v, out);
    add_beside(&v, out);
    json_object_set_new(out, "predicates", predicates);
    if (control_wanted(c, backend) && add_control(&v, out) && o.missing.missing == MISSING_NOTHING) {
        char *doubt = xasprintf("the negative control came out as '%s': this measurement cannot tell; without it: %s%s%s",
                                json_str(json_object_get(out, "control"), "verdict", ""), verdict_of(&o),
                                *reason ? ", " : "", reason);
        set_verdict(out, "inconclusive", doubt);
        free(doubt);
    }
    free(reason);
    outcome_free(&o);
    return out;
}
