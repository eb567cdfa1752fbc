/*
 * summary: see summary.h. An asterisk marks a figure with an invalid point in it. Cells of one experiment
 * that are too many for a terminal are cut to the first ROWS_MAX, and the table says so.
 */
#include "run/summary.h"
#include "base/json.h"
#include "base/text.h"
#include "run/precision.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 10 };

/* "procs 2, bytes 64": what tells the rows of one experiment apart. Caller frees. */
static char *row_name(const json_t *p) {
    struct strbuf b = {0};
    const char *key;
    const json_t *value;
    strbuf_printf(&b, "procs %lld", (long long)json_int(p, "procs", 0));
    if (json_is_integer(json_object_get(p, "tasks")))
        strbuf_printf(&b, ", tasks %lld", (long long)json_int(p, "tasks", 0));
    json_object_foreach((json_t *)json_object_get(p, "params"), key, value)
        strbuf_printf(&b, ", %s %s", key, json_is_string(value) ? json_string_value(value) : "?");
    if (strcmp(json_str(p, "pin", "none"), "none") != 0) strbuf_printf(&b, ", %s", json_str(p, "pin", ""));
    return b.s;
}

/* Child object of that name, made when missing: keeps the order of insertion. */
static json_t *member(json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    if (!v) json_object_set_new(o, key, v = json_object());
    return v;
}

/* Four significant digits, as people write them. */
static void format_figure(char *out, size_t bytes, double v) {
    double a = v < 0 ? -v : v;
    snprintf(out, bytes, a >= 1e7 || (a < 1e-3 && a > 0) ? "%.3e" : a >= 1000 ? "%.0f" : "%.4g", v);
}

/* {"values":[medians],"flag":"*" or why there is none}. A line that was damaged since may be "ok" without a figure. */
static void add_point(json_t *cell, const json_t *point) {
    const char *status = json_str(point, "status", "");
    if (strcmp(status, "ok") == 0) {
        double figure = process_median(point);
        if (!isfinite(figure)) return;
        if (!json_object_get(cell, "values")) json_object_set_new(cell, "values", json_array());
        json_array_append_new(json_object_get(cell, "values"), json_real(figure));
        if (!json_flag(point, "valid", true)) json_object_set_new(cell, "mark", json_string("*"));
    } else {
        json_object_set_new(cell, "none",
                            json_string(strcmp(status, "not_applicable") == 0 ? "n/a" : status));
    }
}

static void format_cell(char *out, size_t bytes, const json_t *cell) {
    const json_t *values = json_object_get(cell, "values"), *x;
    size_t n = json_array_size(values), i;
    if (n == 0) {
        snprintf(out, bytes, "%s", json_str(cell, "none", "-"));
        return;
    }
    double *v = xcalloc(n, sizeof *v);
    char figure[32];
    json_array_foreach(values, i, x) v[i] = json_real_value(x);
    format_figure(figure, sizeof figure, stat_median(v, n));
    snprintf(out, bytes, "%s%s", figure, json_str(cell, "mark", ""));
    free(v);
}

static int name_order(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* trine first, the others by name. */
static void sort_backends(struct strlist *l) {
    if (l->n) qsort(l->v, l->n, sizeof *l->v, name_order); /* no point, no list */
    for (size_t i = 1; i < l->n; i++) {
        if (strcmp(l->v[i], "trine") != 0) continue;
        char *own = l->v[i];
        memmove(l->v + 1, l->v, i * sizeof *l->v);
        l->v[0] = own;
    }
}

static void print_experiment(FILE *out, const char *name, json_t *rows, const struct strlist *backends) {
    const char *row;
    json_t *cells;
    size_t printed = 0;
    fprintf(out, "\n%-38.38s", name);
    for (size_t i = 0; i < backends->n; i++) fprintf(out, " %12s", backends->v[i]);
    fputc('\n', out);
    json_object_foreach(rows, row, cells) {
        if (printed++ >= ROWS_MAX) continue;
        fprintf(out, "  %-36.36s", row);
        for (size_t i = 0; i < backends->n; i++) {
            char text[64];
            format_cell(text, sizeof text, json_object_get(cells, backends->v[i]));
            fprintf(out, " %12s", text);
        }
        fputc('\n', out);
    }
    if (printed > ROWS_MAX) fprintf(out, "  … and %zu rows more in the report\n", printed - ROWS_MAX);
}

static int by_cell(const void *pa, const void *pb) {
    const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
    static const char *const numbers[] = {"procs", "tasks"};
    int d = strcmp(json_str(a, "experiment", ""), json_str(b, "experiment", ""));
    for (size_t i = 0; d == 0 && i < 2; i++) {
        int64_t x = json_int(a, numbers[i], -1), y = json_int(b, numbers[i], -1);
        d = (x > y) - (x < y);
    }
    if (d) return d;
    const json_t *pa_params = json_object_get(a, "params"), *v;
    const char *key;
    json_object_foreach((json_t *)pa_params, key, v) {
        const char *x = json_is_string(v) ? json_string_value(v) : "";
        const char *y = json_str(json_object_get(b, "params"), key, "");
        int64_t i, k;
        bool numeric = parse_int(x, INT64_MIN, INT64_MAX, &i) && parse_int(y, INT64_MIN, INT64_MAX, &k);
        d = numeric ? (i > k) - (i < k) : strcmp(x, y);
        if (d) return d;
    }
    return strcmp(json_str(a, "pin", ""), json_str(b, "pin", ""));
}

void summary_print(FILE *out, const json_t *points) {
    size_t n = json_array_size(points);
    json_t **sorted = xcalloc(n, sizeof *sorted), *tables = json_object(), *rows, *metric;
    struct strlist backends = {0};
    const char *name;
    json_t *names = json_object();
    bool marked = false;
    for (size_t i = 0; i < n; i++) sorted[i] = json_array_get(points, i);
    qsort(sorted, n, sizeof *sorted, by_cell);
    for (size_t i = 0; i < n; i++) {
        const json_t *p = sorted[i];
        const char *experiment = json_str(p, "experiment", "");
        metric = json_object_get(json_object_get(p, "record"), "metric");
        if (metric) json_object_set(names, experiment, metric);
        if (!strlist_has(&backends, json_str(p, "backend", "")))
            strlist_add(&backends, json_str(p, "backend", ""));
        char *row = row_name(p);
        add_point(member(member(member(tables, experiment), row), json_str(p, "backend", "")), p);
        marked |= strcmp(json_str(p, "status", ""), "ok") == 0 && !json_flag(p, "valid", true);
        free(row);
    }
    sort_backends(&backends);
    json_object_foreach(tables, name, rows) {
        metric = json_object_get(names, name);
        char *title =
            xasprintf("%s: %s, %s", name, json_str(metric, "name", "-"), json_str(metric, "unit", "-"));
        print_experiment(out, title, rows, &backends);
        free(title);
    }
    if (marked) fputs("\n* holds a point that is not valid; the report says why\n", out);
    json_decref(tables);
    json_decref(names);
    strlist_free(&backends);
    free(sorted);
}
