/* The history of this machine and profile (history.json beside the report): small multiples, a panel a series, and
 * its changes of level as marked lines. */
#include "report/curves.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANELS = 6, LEAST_RUNS = 2 };

/* The factor of a series' largest change, as |log|; -1 when its level never changed. */
static double largest_change(const json_t *series) {
    const json_t *c;
    size_t i;
    double most = -1;

    json_array_foreach(json_object_get(series, "changes"), i, c) {
        double factor = json_num(c, "after", 0) / json_num(c, "before", 0);

        if (factor > 0 && isfinite(factor)) most = fmax(most, fabs(log(factor)));
    }
    return most;
}

static bool drawable(const json_t *series) {
    return json_array_size(json_object_get(series, "runs")) >= LEAST_RUNS;
}

/* The next series to draw: the largest change, then trine's own in order of name; NULL when all are drawn. */
static const json_t *next_panel(const json_t *list, const struct strlist *drawn) {
    const json_t *best = NULL, *s;
    double rank = -INFINITY;
    size_t i;

    json_array_foreach((json_t *)list, i, s) {
        const char *name = json_str(s, "name", "");
        double r = largest_change(s) + (strstr(name, "/trine/") ? 1e-9 : 0);

        if (!drawable(s) || strlist_has(drawn, name)) continue;
        if (r > rank) rank = r, best = s;
    }
    return best;
}

static const json_t *change_at(const json_t *series, size_t run) {
    const json_t *c;
    size_t i;

    json_array_foreach(json_object_get(series, "changes"), i, c)
        if ((size_t)json_int(c, "index", -1) == run) return c;
    return NULL;
}

/* x and the run's median; the first run of a new level gets a mark. */
static void panel(struct figure_data *d, const json_t *series) {
    const char *name = json_str(series, "name", "");
    struct strbuf marks = {0};
    char *word = csv_word(name);
    const json_t *r;
    size_t i;

    strbuf_printf(&d->dat, "# %s\n", name);
    json_array_foreach(json_object_get(series, "runs"), i, r) {
        const json_t *c = change_at(series, i);
        double median = json_num(r, "median", NAN);
        double factor = c ? json_num(c, "after", NAN) / json_num(c, "before", NAN) : NAN;

        strbuf_printf(&d->dat, "%zu %.9g\n", i + 1, median);
        strbuf_printf(&d->csv, "%s,%zu,%s,%s,%.9g,", word, i + 1, json_str(r, "started_utc", ""),
                      json_str(r, "commit", ""), median);
        if (c != NULL) strbuf_printf(&d->csv, "%.6g", factor);
        if (c != NULL) strbuf_printf(&marks, "%s%zu:%+.1f%%", marks.len ? " " : "", i + 1, (factor - 1) * 100);
        strbuf_puts(&d->csv, "\n");
    }
    strlist_add(&d->marks, strbuf_str(&marks));
    strbuf_puts(&d->dat, "\n\n");
    strbuf_free(&marks), free(word);
}

void collect_history(const struct rep_run *run, struct figure_data *d) {
    const json_t *list = json_object_get(run->history, "series"), *s;
    struct strlist drawn = {0};
    size_t all = 0, i;

    strbuf_puts(&d->csv, "series,run,started_utc,commit,median,change\n");
    json_array_foreach((json_t *)list, i, s) all += drawable(s);
    while (d->panels.n < PANELS && (s = next_panel(list, &drawn)) != NULL) {
        const char *name = json_str(s, "name", ""), *unit = json_str(s, "unit", "");
        char *title = xasprintf("%s [%s]", name, unit);

        strlist_add(&drawn, name), strlist_add(&d->panels, title);
        panel(d, s);
        free(title);
    }
    for (i = 0; i < drawn.n; i++) strlist_add(&d->present, drawn.v[i]);
    if (drawn.n > 0)
        strbuf_printf(&d->note, "%zu of %zu series with at least two runs, largest change first; each panel has its own "
                                "scale. A mark: a change of level by more than 5 %% at p <= .001. ", drawn.n, all);
    strlist_free(&drawn);
}
