/* history_print: the history on a terminal, one series as a curve of characters, and as JSON. Owns nothing.
 */
#include "base/json.h"
#include "doors/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLOT_ROWS = 12, PLOT_COLUMNS = 72 };

/* "+12.3 % with 2026-… at 1a2b3c4: worse". */
static void print_change(FILE *out, const struct history_series *s, size_t k) {
    const struct stat_change *c = &s->changes[k];
    const struct history_run *r = &s->runs[c->index];
    double factor = c->after / c->before;
    const char *verdict = s->machine_changed[k] ? "the machine changed: its canaries moved too"
                          : (factor > 1) == s->higher_is_better ? "better"
                                                                : "worse";
    fprintf(out, "    %+.1f %% with the run of %s at %s (%.4g to %.4g, p = %.2g): %s\n", (factor - 1) * 100,
            r->started, r->commit, c->before, c->after, c->p, verdict);
}

void history_print(FILE *out, const struct history_table *t) {
    const struct history_series *before = NULL;
    size_t changes = 0, runs = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct history_series *s = &t->v[i];
        const struct history_run *last = &s->runs[s->nruns - 1];
        if (!before || strcmp(before->machine, s->machine) != 0 || strcmp(before->cpu, s->cpu) != 0 ||
            strcmp(before->profile, s->profile) != 0)
            fprintf(out, "%s%s (%s), profile %s\n", before ? "\n" : "", s->machine, s->cpu, s->profile);
        before = s;
        fprintf(out, "  %-60s %4zu runs, last %.4g %s\n", s->name, s->nruns, last->median, s->unit);
        for (size_t k = 0; k < s->nchanges; k++) print_change(out, s, k);
        changes += s->nchanges;
        runs = s->nruns > runs ? s->nruns : runs;
    }
    fprintf(out, "%s%zu series, %zu changes of level (p <= %g, above %g %%)%s\n", before ? "\n" : "", t->n,
            changes, HISTORY_P, HISTORY_EFFECT * 100,
            runs < 10 ? "; a change needs five runs on each side" : "");
}

/* The column of a run: all of them, or when there are more than columns, squeezed. */
static size_t column_of(const struct history_series *s, size_t i) {
    return s->nruns <= PLOT_COLUMNS ? i : i * (PLOT_COLUMNS - 1) / (s->nruns - 1);
}

void history_plot(FILE *out, const struct history_series *s) {
    char grid[PLOT_ROWS][PLOT_COLUMNS + 1];
    double low = INFINITY, high = -INFINITY;
    size_t columns = s->nruns < PLOT_COLUMNS ? s->nruns : PLOT_COLUMNS;
    for (size_t i = 0; i < s->nruns; i++) {
        low = fmin(low, s->runs[i].median);
        high = fmax(high, s->runs[i].median);
    }
    for (size_t r = 0; r < PLOT_ROWS; r++) {
        memset(grid[r], ' ', columns);
        grid[r][columns] = '\0';
    }
    for (size_t k = 0; k < s->nchanges; k++)
        for (size_t r = 0; r < PLOT_ROWS; r++) grid[r][column_of(s, s->changes[k].index)] = '|';
    for (size_t i = 0; i < s->nruns; i++) {
        double at = high > low ? (high - s->runs[i].median) / (high - low) : 0.5;
        grid[(size_t)lround(at * (PLOT_ROWS - 1))][column_of(s, i)] = '*';
    }
    fprintf(out, "%s on %s, %s\n", s->name, s->machine, s->unit);
    for (size_t r = 0; r < PLOT_ROWS; r++) {
        if (r == 0 || r == PLOT_ROWS - 1)
            fprintf(out, "%10.4g |%s\n", r ? low : high, grid[r]);
        else
            fprintf(out, "%10s |%s\n", "", grid[r]);
    }
    fprintf(out, "%11s %s to %s, %zu runs\n", "", s->runs[0].started, s->runs[s->nruns - 1].started,
            s->nruns);
    for (size_t k = 0; k < s->nchanges; k++) print_change(out, s, k);
}

static json_t *runs_json(const struct history_series *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->nruns; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:f,s:I}", "started_utc", s->runs[i].started,
                                              "commit", s->runs[i].commit, "run", s->runs[i].dir, "median",
                                              s->runs[i].median, "processes", (json_int_t)s->runs[i].n));
    return list;
}

json_t *history_json(const struct history_table *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->n; i++) {
        const struct history_series *s = &t->v[i];
        json_t *changes = json_array();
        for (size_t k = 0; k < s->nchanges; k++)
            json_array_append_new(changes,
                                  json_pack("{s:I,s:f,s:f,s:f,s:b}", "index", (json_int_t)s->changes[k].index,
                                            "before", s->changes[k].before, "after", s->changes[k].after, "p",
                                            s->changes[k].p, "machine_changed", s->machine_changed[k]));
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "machine", s->machine,
                                              "cpu", s->cpu, "profile", s->profile, "name", s->name, "unit",
                                              s->unit, "better", s->higher_is_better ? "higher" : "lower",
                                              "runs", runs_json(s), "changes", changes));
    }
    return json_pack("{s:s,s:i,s:o}", "schema", "trine-history", "version", 1, "series", list);
}
