/* compare_print: a comparison on a terminal, as markdown and as JSON. Owns nothing; see compare.h. */
#include "doors/compare.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

enum { HEAD_MOST = 14 };

static void figure(char *out, size_t bytes, double v) {
    double a = fabs(v);
    if (!isfinite(v))
        snprintf(out, bytes, "-");
    else
        snprintf(out, bytes, a >= 1e7 || (a < 1e-3 && a > 0) ? "%.3e" : a >= 1000 ? "%.0f" : "%.4g", v);
}

static void ratio(char *out, size_t bytes, const struct compare_cell *c) {
    if (!isfinite(c->ratio))
        snprintf(out, bytes, "-");
    else if (!isfinite(c->low))
        snprintf(out, bytes, "%.3f (n = %zu)", c->ratio, c->m->n);
    else
        snprintf(out, bytes, "%.3f [%.3f, %.3f]", c->ratio, c->low, c->high);
}

static void limit_text(char *out, size_t bytes, const struct compare_cell *c) {
    if (isfinite(c->limits))
        snprintf(out, bytes, "%.3gx", c->limits);
    else
        snprintf(out, bytes, "-");
}

/* A column's head: its name, or a letter where names are too long for a table; the notes say which is which.
 */
static bool lettered(const struct compare *c) {
    for (size_t i = 0; i < c->columns.n; i++)
        if (strlen(c->columns.v[i]) > HEAD_MOST) return true;
    return false;
}

static const char *head(const struct compare *c, size_t i) {
    static const char letters[][2] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"};
    return lettered(c) && i < sizeof letters / sizeof *letters ? letters[i] : c->columns.v[i];
}

static bool same_group(const struct compare_row *a, const struct compare_row *b) {
    return strcmp(a->experiment, b->experiment) == 0 && strcmp(a->metric, b->metric) == 0;
}

static void print_heads(FILE *out, const struct compare *c, const struct compare_row *r) {
    bool limits = c->limit < NLIMITS && strcmp(r->unit, "ns") == 0;
    fprintf(out, "\n%s: %s, %s (%s is better)\n", r->experiment, r->metric, *r->unit ? r->unit : "-",
            r->higher_is_better ? "more" : "less");
    fprintf(out, "  %-34s", "");
    for (size_t i = 0; i < c->columns.n; i++) {
        fprintf(out, " %14s", head(c, i));
        if (limits) fprintf(out, " %8s", "limit");
        if (i) fprintf(out, " %-24s %-8s", "ratio [95 %]", "verdict");
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const struct compare *c, const struct compare_row *r) {
    bool limits = c->limit < NLIMITS && strcmp(r->unit, "ns") == 0;
    char name[160], text[64];
    snprintf(name, sizeof name, "%s%s%s", r->backend, *r->backend ? ": " : "", r->cell);
    fprintf(out, "  %-34s", name);
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct compare_cell *cell = &r->cells[i];
        figure(text, sizeof text, cell->median);
        fprintf(out, " %14s", text);
        limit_text(text, sizeof text, cell);
        if (limits) fprintf(out, " %8s", text);
        ratio(text, sizeof text, cell);
        if (i) fprintf(out, " %-24s %-8s", text, compare_verdict_name(cell->verdict));
    }
    fputc('\n', out);
}

/* What the figures stand on, under the table. */
static void print_notes(FILE *out, const struct compare *c, const char *bullet) {
    for (size_t i = 0; lettered(c) && i < c->columns.n; i++)
        fprintf(out, "%s%s: %s\n", bullet, head(c, i), c->columns.v[i]);
    for (size_t i = 0; i < c->marked.n; i++)
        fprintf(out, "%sthe sides differ in %s\n", bullet, c->marked.v[i]);
    fprintf(out,
            "%sratio: to %s, Hodges-Lehmann over the processes' figures; verdict after Holm over the whole "
            "table\n",
            bullet, head(c, 0));
    if (c->limit == NLIMITS) {
        fprintf(
            out,
            "%slimits: no limit of the machine is recorded on every side, so multiples of it are absent\n",
            bullet);
        return;
    }
    fprintf(out, "%slimit: multiples of %s, which takes", bullet, limit_docs[c->limit]);
    for (size_t i = 0; i < c->columns.n; i++) {
        double ns = c->limits[i].ns[c->limit];
        if (isfinite(ns))
            fprintf(out, "%s %.4g ns on %s", i ? "," : "", ns, head(c, i));
        else
            fprintf(out, "%s an unrecorded time on %s", i ? "," : "", head(c, i));
    }
    fputc('\n', out);
}

void compare_print(FILE *out, const struct compare *c) {
    for (size_t i = 0; i < c->nrows; i++) {
        if (i == 0 || !same_group(&c->rows[i - 1], &c->rows[i])) print_heads(out, c, &c->rows[i]);
        print_row(out, c, &c->rows[i]);
    }
    fputc('\n', out);
    print_notes(out, c, "");
}

void compare_print_markdown(FILE *out, const struct compare *c) {
    fputs("| experiment | backend | cell | metric |", out);
    for (size_t i = 0; i < c->columns.n; i++)
        fprintf(out, i ? " %s | limit | ratio [95 %%] | verdict |" : " %s | limit |", head(c, i));
    fputs("\n| --- | --- | --- | --- |", out);
    for (size_t i = 0; i < c->columns.n; i++)
        fputs(i ? " ---: | ---: | :---: | :---: |" : " ---: | ---: |", out);
    fputc('\n', out);
    for (size_t k = 0; k < c->nrows; k++) {
        const struct compare_row *r = &c->rows[k];
        char text[64], limit[32], factor[64];
        fprintf(out, "| %s | %s | %s | %s, %s |", r->experiment, *r->backend ? r->backend : "each", r->cell,
                r->metric, *r->unit ? r->unit : "-");
        for (size_t i = 0; i < c->columns.n; i++) {
            figure(text, sizeof text, r->cells[i].median);
            limit_text(limit, sizeof limit, &r->cells[i]);
            ratio(factor, sizeof factor, &r->cells[i]);
            fprintf(out, " %s | %s |", text, limit);
            if (i) fprintf(out, " %s | %s |", factor, compare_verdict_name(r->cells[i].verdict));
        }
        fputc('\n', out);
    }
    fputc('\n', out);
    print_notes(out, c, "- ");
}

static void set_number(json_t *o, const char *key, double v) {
    if (isfinite(v)) json_object_set_new(o, key, json_real(v));
}

static json_t *cell_json(const struct compare *c, const struct compare_cell *cell, size_t column) {
    json_t *o = json_pack("{s:s}", "column", c->columns.v[column]);
    json_object_set_new(o, "processes", json_integer(cell->m ? (json_int_t)cell->m->n : 0));
    json_object_set_new(o, "invalid", json_integer(cell->m ? (json_int_t)cell->m->ninvalid : 0));
    set_number(o, "median", cell->median);
    set_number(o, "limits", cell->limits);
    if (column == 0) return o;
    set_number(o, "ratio", cell->ratio);
    set_number(o, "low", cell->low);
    set_number(o, "high", cell->high);
    set_number(o, "p_holm", cell->p);
    json_object_set_new(o, "verdict", json_string(compare_verdict_name(cell->verdict)));
    return o;
}

json_t *compare_json(const struct compare *c) {
    json_t *rows = json_array(), *columns = json_array(), *marked = json_array();
    for (size_t i = 0; i < c->columns.n; i++) {
        json_t *limits = json_object();
        for (int k = 0; k < NLIMITS; k++) set_number(limits, limit_names[k], c->limits[i].ns[k]);
        json_array_append_new(columns, json_pack("{s:s,s:o}", "name", c->columns.v[i], "limits_ns", limits));
    }
    for (size_t i = 0; i < c->marked.n; i++) json_array_append_new(marked, json_string(c->marked.v[i]));
    for (size_t k = 0; k < c->nrows; k++) {
        const struct compare_row *r = &c->rows[k];
        json_t *cells = json_array();
        for (size_t i = 0; i < c->columns.n; i++) json_array_append_new(cells, cell_json(c, &r->cells[i], i));
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "experiment", r->experiment,
                                              "backend", r->backend, "cell", r->cell, "metric", r->metric,
                                              "unit", r->unit, "better",
                                              r->higher_is_better ? "higher" : "lower", "sides", cells));
    }
    return json_pack("{s:s,s:i,s:o,s:s?,s:o,s:o}", "schema", "trine-compare", "version", 1, "columns",
                     columns, "limit", c->limit < NLIMITS ? limit_names[c->limit] : NULL, "differences",
                     marked, "rows", rows);
}
