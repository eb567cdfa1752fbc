/* compare_order: which rows of a comparison are shown, and in what order. Owns nothing; see compare.h. */
#include "doors/compare.h"
#include "doors/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool wanted(const struct compare_row *r, const struct strlist *names) {
    return strlist_has(names, r->experiment) || strlist_has(names, r->metric) ||
           strlist_has(names, r->backend);
}

int compare_only(struct compare *c, const struct strlist *names, struct err *e) {
    struct names_there there = {"the comparison", "experiment, backend or metric", {0}};
    size_t kept = 0;
    if (names->n == 0) return 0;
    for (size_t i = 0; i < c->nrows; i++) names_add(&there, c->rows[i].experiment);
    for (size_t i = 0; i < c->nrows; i++) names_add(&there, c->rows[i].backend);
    for (size_t i = 0; i < c->nrows; i++) names_add(&there, c->rows[i].metric);
    int rc = names_check("--only", names, &there, e);
    names_free(&there);
    if (rc) return rc;
    for (size_t i = 0; i < c->nrows; i++) {
        if (wanted(&c->rows[i], names))
            c->rows[kept++] = c->rows[i];
        else
            free(c->rows[i].cells);
    }
    c->nrows = kept;
    return 0;
}

static const struct compare_cell *last(const struct compare_row *r, size_t columns) {
    return &r->cells[columns - 1];
}

static int by_name(const struct compare_row *a, const struct compare_row *b) {
    int d = strcmp(a->experiment, b->experiment);
    return d ? d : strcmp(a->metric, b->metric);
}

/* Above 0: b comes first. Equal rows keep their order. */
static double order(const struct compare *c, const char *key, const struct compare_row *a,
                    const struct compare_row *b) {
    const struct compare_cell *x = last(a, c->columns.n), *y = last(b, c->columns.n);
    if (strcmp(key, "verdict") == 0) return (double)y->verdict - (double)x->verdict;
    double u = x->ratio, v = y->ratio;
    if (strcmp(key, "median") == 0) {
        u = a->cells[0].median;
        v = b->cells[0].median;
    } else {
        u = isfinite(u) && u > 0 ? fabs(log(u)) : -1;
        v = isfinite(v) && v > 0 ? fabs(log(v)) : -1;
    }
    return isfinite(u) && isfinite(v) ? v - u : isfinite(v) - isfinite(u);
}

int compare_sort(struct compare *c, const char *key, struct err *e) {
    static const char *const keys[] = {"name", "ratio", "median", "verdict"};
    char hint[96];
    bool known = false;
    for (size_t i = 0; i < 4; i++) known |= strcmp(keys[i], key) == 0;
    if (!known)
        return err_set(e, TRINE_EXIT_USAGE, "--sort %s: expected name, ratio, median or verdict%s", key,
                       did_you_mean(hint, sizeof hint, key, keys, 4));
    for (size_t i = 1; i < c->nrows; i++) {
        struct compare_row row = c->rows[i];
        size_t k = i;
        for (; k > 0; k--) {
            const struct compare_row *before = &c->rows[k - 1];
            double d = strcmp(key, "name") == 0 ? by_name(before, &row) : order(c, key, before, &row);
            if (!(d > 0)) break;
            c->rows[k] = c->rows[k - 1];
        }
        c->rows[k] = row;
    }
    return 0;
}
