/* compare: see compare.h. */
#include "doors/compare.h"
#include "base/json.h"
#include "stats/gate_rule.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column: which measures it is made of. */
struct column {
    const struct measures *from;
    const char *backend; /* NULL: the row's own */
    const char *build;
};

const char *compare_verdict_name(enum compare_verdict v) {
    static const char *const names[] = {"absent", "too few", "no ratio", "unclear", "same", "better", "worse"};
    return names[v];
}

static double effect_of(const struct measure *m) {
    return m->kind == MEASURE_TAIL ? GATE_FAIL_TAIL : GATE_FAIL_MEDIAN;
}

static const struct measure *column_find(const struct column *c, const struct measure *like) {
    return c->backend ? measures_like(c->from, like, c->backend)
                      : measures_find(c->from, like->name, c->build);
}

/* Fills ratio and interval and returns the p of it; NaN where there is no ratio. */
static double against(struct compare_cell *cell, const struct measure *base) {
    struct stat_shift r;
    struct stat_mwu u;
    cell->verdict = COMPARE_ABSENT;
    if (!base || !cell->m || base->n == 0 || cell->m->n == 0) return NAN;
    cell->verdict = measure_positive(base) && measure_positive(cell->m) ? COMPARE_TOO_FEW : COMPARE_NO_RATIO;
    if (stat_ratio(base->v, base->n, cell->m->v, cell->m->n, 0.95, &r) != 0 ||
        stat_mann_whitney(base->v, base->n, cell->m->v, cell->m->n, &u) != 0)
        return NAN;
    cell->ratio = r.estimate;
    if (r.interval.low > 0 && isfinite(r.interval.high)) { /* else the samples bound nothing */
        cell->low = r.interval.low;
        cell->high = r.interval.high;
    }
    return u.p;
}

static void judge(struct compare_cell *c, bool higher_is_better) {
    double effect = effect_of(c->m);
    if (!isfinite(c->low)) {
        if (c->verdict != COMPARE_NO_RATIO) c->verdict = COMPARE_TOO_FEW;
    } else if (c->low > 1 / effect && c->high < effect) {
        c->verdict = COMPARE_SAME;
    } else if (c->p < GATE_ALPHA && (c->ratio > effect || c->ratio < 1 / effect)) {
        bool more = c->ratio > 1;
        c->verdict = more == higher_is_better ? COMPARE_BETTER : COMPARE_WORSE;
    } else {
        c->verdict = COMPARE_UNCLEAR;
    }
}

/* Holm over every ratio of the table: whoever looks at them all is fooled by chance once in twenty tables. */
static void judge_all(struct compare *c, const double *p) {
    size_t columns = c->columns.n, n = c->nrows * columns, family = 0;
    double *known = xcalloc(2 * n + 1, sizeof *known), *adjusted = known + n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(p[i])) known[family++] = p[i];
    bool ok = family && stat_holm(known, family, adjusted) == 0;
    for (size_t i = 0, k = 0; ok && i < n; i++) {
        if (!isfinite(p[i])) continue;
        struct compare_cell *cell = &c->rows[i / columns].cells[i % columns];
        cell->p = adjusted[k++];
        judge(cell, c->rows[i / columns].higher_is_better);
    }
    free(known);
}

static void add_row(struct compare *c, const struct measure *m, const struct column *columns) {
    c->rows = xrealloc(c->rows, (c->nrows + 1) * sizeof *c->rows);
    struct compare_row *row = &c->rows[c->nrows++];
    *row = (struct compare_row){m->experiment,
                                m->cell,
                                m->metric,
                                m->unit,
                                columns->backend ? "" : m->backend,
                                m->higher_is_better,
                                xcalloc(c->columns.n, sizeof *row->cells)};
    for (size_t i = 0; i < c->columns.n; i++) {
        struct compare_cell *cell = &row->cells[i];
        cell->m = column_find(&columns[i], m);
        cell->median = cell->m && cell->m->n ? stat_median(cell->m->v, cell->m->n) : NAN;
        cell->ratio = cell->low = cell->high = cell->p = cell->limits = NAN;
        if (c->limit < NLIMITS && strcmp(m->unit, "ns") == 0)
            cell->limits = cell->median / c->limits[i].ns[c->limit];
    }
}

static bool has_row(const struct compare *c, const struct measure *m, bool by_backend) {
    for (size_t i = 0; i < c->nrows; i++) {
        const struct compare_row *r = &c->rows[i];
        if (strcmp(r->experiment, m->experiment) == 0 && strcmp(r->cell, m->cell) == 0 &&
            strcmp(r->metric, m->metric) == 0 && (by_backend || strcmp(r->backend, m->backend) == 0))
            return true;
    }
    return false;
}

/* One row for every figure of any column; counts are the gate's matter. In a run with two builds, what has no
 * build is a canary, and no row. */
static void add_rows(struct compare *c, const struct column *columns) {
    bool by_backend = columns->backend != NULL, builds = columns->build && *columns->build;
    for (size_t k = 0; k < c->columns.n; k++) {
        if (k > 0 && columns[k].from == columns[0].from) break;
        for (size_t i = 0; i < columns[k].from->n; i++) {
            const struct measure *m = &columns[k].from->v[i];
            bool wanted = m->kind != MEASURE_COUNT && (!builds || *m->build);
            if (wanted && !has_row(c, m, by_backend)) add_row(c, m, columns);
        }
    }
    double *p = xcalloc(c->nrows * c->columns.n + 1, sizeof *p);
    for (size_t i = 0; i < c->nrows * c->columns.n; i++) {
        struct compare_row *row = &c->rows[i / c->columns.n];
        p[i] = i % c->columns.n ? against(&row->cells[i % c->columns.n], row->cells[0].m) : NAN;
    }
    judge_all(c, p);
    free(p);
}

/* The limit that is asked for, else the first that every column has. */
static int choose_limit(struct compare *c, const char *asked, struct err *e) {
    static const enum limit order[] = {LIMIT_FUTEX, LIMIT_THREAD, LIMIT_CLOCK};
    char hint[96];
    c->limit = NLIMITS;
    for (int i = 0; asked && i < NLIMITS; i++)
        if (strcmp(limit_names[i], asked) == 0) c->limit = (enum limit)i;
    if (asked && c->limit == NLIMITS)
        return err_set(e, TRINE_EXIT_USAGE,
                       "--limit %s: expected clock, swap, syscall, line, futex, wake or thread%s", asked,
                       did_you_mean(hint, sizeof hint, asked, limit_names, NLIMITS));
    for (size_t i = 0; i < sizeof order / sizeof *order && c->limit == NLIMITS; i++) {
        bool all = true;
        for (size_t k = 0; k < c->columns.n; k++) all &= isfinite(c->limits[k].ns[order[i]]);
        if (all) c->limit = order[i];
    }
    return 0;
}

/* The backends of a run, base first. 0, or 2 and e when there is nothing to compare. */
static int backend_columns(struct compare *c, const struct side *s, const char *base, struct err *e) {
    struct strlist others = {0};
    char hint[96];
    for (size_t i = 0; i < c->measures->n; i++)
        if (!strlist_has(&others, c->measures->v[i].backend)) strlist_add(&others, c->measures->v[i].backend);
    const char *first = base ? base : strlist_has(&others, "trine") ? "trine" : others.n ? others.v[0] : "";
    int rc = 0;
    if (base && !strlist_has(&others, base))
        rc = err_set(e, TRINE_EXIT_USAGE, "--base %s: %s has no such backend%s", base, s->name,
                     did_you_mean(hint, sizeof hint, base, (const char *const *)others.v, others.n));
    else if (others.n < 2)
        rc = err_set(e, TRINE_EXIT_USAGE, "%s has one backend alone; give a second run to compare it with",
                     s->name);
    strlist_add(&c->columns, first);
    for (size_t i = 0; i < others.n; i++)
        if (strcmp(others.v[i], first) != 0) strlist_add(&c->columns, others.v[i]);
    strlist_free(&others);
    return rc;
}

static int name_columns(struct compare *c, const struct side *sides, size_t n, const char *base,
                        struct err *e) {
    if (n == 1 && measures_have_builds(c->measures)) {
        strlist_split(&c->columns, "a b", " ");
        return 0;
    }
    if (n == 1) return backend_columns(c, sides, base, e);
    for (size_t i = 0; i < n; i++) {
        if (measures_have_builds(&c->measures[i]))
            return err_set(e, TRINE_EXIT_USAGE, "%s holds two builds, which stand side by side when it is compared alone",
                           sides[i].name);
        strlist_add(&c->columns, sides[i].name);
    }
    return 0;
}

int compare_make(struct compare *c, const struct side *sides, size_t n, const char *base, const char *limit,
                 struct err *e) {
    *c = (struct compare){.nmeasures = n, .measures = xcalloc(n, sizeof *c->measures)};
    for (size_t i = 0; i < n; i++) measures_of(sides[i].points, &c->measures[i]);
    int rc = name_columns(c, sides, n, base, e);
    if (!rc) {
        bool builds = n == 1 && measures_have_builds(c->measures);
        struct column *columns = xcalloc(c->columns.n, sizeof *columns);
        c->limits = xcalloc(c->columns.n, sizeof *c->limits);
        for (size_t i = 0; i < c->columns.n; i++) {
            const char *name = c->columns.v[i];
            columns[i] = (struct column){&c->measures[n == 1 ? 0 : i], n == 1 && !builds ? name : NULL,
                                         builds ? name : ""};
            limits_of(&sides[n == 1 ? 0 : i], &c->limits[i]);
        }
        rc = choose_limit(c, limit, e);
        if (!rc) add_rows(c, columns);
        free(columns);
    }
    if (rc) compare_free(c);
    return rc;
}

void compare_free(struct compare *c) {
    for (size_t i = 0; i < c->nrows; i++) free(c->rows[i].cells);
    for (size_t i = 0; i < c->nmeasures; i++) measures_free(&c->measures[i]);
    free(c->rows), free(c->measures), free(c->limits);
    strlist_free(&c->columns), strlist_free(&c->marked);
    *c = (struct compare){0};
}
