/* The ratios of a run of profile peers (peers.json beside the report): a line a row of its table, on it a mark a peer
 * with the 95 % interval, and a stroke where that ratio is to be at most. All are turned so that less is better:
 * where more of a figure is better, the peer's over trine's. */
#include "report/curves.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is drawn of a target: less is better. */
struct mark {
    double ratio, low, high, target;
    bool open;
};

static bool mark_of(const json_t *row, const json_t *target, struct mark *m) {
    const json_t *ratio = json_object_get(target, "ratio");
    double r = json_num(ratio, "estimate", NAN), low = json_num(ratio, "low", NAN), high = json_num(ratio, "high", NAN);

    *m = (struct mark){r, low, high, json_num(target, "target", NAN), strcmp(json_str(target, "verdict", ""), "open") == 0};
    if (strcmp(json_str(row, "better", ""), "higher") == 0) *m = (struct mark){1 / r, 1 / high, 1 / low, 1 / m->target, m->open};
    return *json_str(target, "against", "") != '\0' && m->ratio > 0 && m->low > 0 && isfinite(m->high) && isfinite(m->target);
}

/* Where the k-th of n marks stands in the room of its line. */
static double height(size_t line, size_t k, size_t n) {
    return (double)line + 0.3 * ((double)k - ((double)n - 1) / 2);
}

static size_t drawn_of(const json_t *row) {
    const json_t *t;
    struct mark m;
    size_t i, n = 0;

    json_array_foreach(json_object_get(row, "targets"), i, t) n += mark_of(row, t, &m);
    return n;
}

/* The block of one peer: every row that has a ratio to it. */
static void block(struct figure_data *d, const json_t *table, const char *peer) {
    const json_t *row, *t;
    size_t i, j, line = 0;

    strbuf_printf(&d->dat, "# %s\n", peer);
    json_array_foreach((json_t *)table, i, row) {
        size_t n = drawn_of(row), k = 0;
        struct mark m;

        json_array_foreach(json_object_get(row, "targets"), j, t) {
            if (!mark_of(row, t, &m)) continue;
            if (strcmp(json_str(t, "against", ""), peer) == 0)
                strbuf_printf(&d->dat, "%.9g %.9g %.9g %.9g %.9g %d\n", m.ratio, height(line, k, n), m.low, m.high, m.target, m.open);
            k++;
        }
        line += n > 0;
    }
    strbuf_puts(&d->dat, "\n\n");
}

static void number(struct figure_data *d, double v) {
    if (isfinite(v)) strbuf_printf(&d->csv, "%.9g", v);
    strbuf_puts(&d->csv, ",");
}

/* The table itself, as it stands in peers.json. */
static void list(struct figure_data *d, const json_t *row, const json_t *target) {
    const json_t *ratio = json_object_get(target, "ratio");
    char *name = csv_word(json_str(row, "row", ""));

    strbuf_printf(&d->csv, "%s,%s,%s,", name, json_str(target, "against", ""), json_str(row, "better", ""));
    number(d, json_num(ratio, "estimate", NAN)), number(d, json_num(ratio, "low", NAN)), number(d, json_num(ratio, "high", NAN));
    number(d, json_num(target, "target", NAN));
    strbuf_printf(&d->csv, "%s\n", json_str(target, "verdict", ""));
    free(name);
}

void collect_peers(const struct rep_run *run, struct figure_data *d) {
    const json_t *row, *t;
    size_t i, j, marks = 0, targets = 0;
    struct mark m;

    strbuf_puts(&d->csv, "row,against,better,ratio,low,high,target,verdict\n");
    json_array_foreach((json_t *)run->peers, i, row) {
        if (drawn_of(row) > 0) strlist_add(&d->labels, json_str(row, "row", ""));
        json_array_foreach(json_object_get(row, "targets"), j, t) {
            const char *peer = json_str(t, "against", "");

            targets++, list(d, row, t);
            if (!mark_of(row, t, &m)) continue;
            marks++;
            if (!strlist_has(&d->present, peer)) strlist_add(&d->present, peer);
        }
    }
    for (i = 0; i < d->present.n; i++) block(d, run->peers, d->present.v[i]);
    if (marks > 0)
        strbuf_printf(&d->note, "%zu of %zu targets; the others are no ratios, or not measured. Upright strokes: the targets. Bars: "
                                "95 %%. Hollow: open. ", marks, targets);
}
