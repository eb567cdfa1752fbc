/* history: series out of the database, and where their level changed. See history.h. */
#include "doors/history.h"
#include "doors/names.h"
#include "base/json.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_MAX = 64 };

/* Of the copies of a run the longest counts, and of equal ones the last that came in. */
static const char query[] =
    "SELECT machine, cpu, profile, name, backend, unit, higher, started, commit_id, root, place, median, n FROM figures"
    " JOIN runs AS r ON r.id = figures.run WHERE NOT EXISTS"
    " (SELECT 1 FROM runs AS o WHERE o.identity = r.identity AND (o.bytes, o.id) > (r.bytes, r.id))"
    " ORDER BY machine, cpu, profile, name, started, place, r.identity";

static const char *text_at(sqlite3_stmt *q, int column) {
    const char *s = (const char *)sqlite3_column_text(q, column);
    return s ? s : "";
}

static bool continues(const struct history_series *s, sqlite3_stmt *q) {
    return strcmp(s->machine, text_at(q, 0)) == 0 && strcmp(s->cpu, text_at(q, 1)) == 0 &&
           strcmp(s->profile, text_at(q, 2)) == 0 && strcmp(s->name, text_at(q, 3)) == 0;
}

static void add_row(struct history_table *t, const struct history *h, sqlite3_stmt *q) {
    if (t->n == 0 || !continues(&t->v[t->n - 1], q)) {
        t->v = xrealloc(t->v, (t->n + 1) * sizeof *t->v);
        t->v[t->n++] = (struct history_series){.machine = xstrdup(text_at(q, 0)),
                                               .cpu = xstrdup(text_at(q, 1)),
                                               .profile = xstrdup(text_at(q, 2)),
                                               .name = xstrdup(text_at(q, 3)),
                                               .backend = xstrdup(text_at(q, 4)),
                                               .unit = xstrdup(text_at(q, 5)),
                                               .higher_is_better = sqlite3_column_int(q, 6) != 0};
    }
    struct history_series *s = &t->v[t->n - 1];
    s->runs = xrealloc(s->runs, (s->nruns + 1) * sizeof *s->runs);
    s->runs[s->nruns++] =
        (struct history_run){xstrdup(text_at(q, 7)), xstrdup(text_at(q, 8)), history_run_dir(h, text_at(q, 9), text_at(q, 10)),
                             sqlite3_column_double(q, 11), (size_t)sqlite3_column_int64(q, 12)};
}

static void find_changes(struct history_series *s) {
    double *x = xmalloc((s->nruns + 1) * sizeof *x);
    for (size_t i = 0; i < s->nruns; i++) x[i] = s->runs[i].median;
    s->changes = xcalloc(CHANGES_MAX, sizeof *s->changes);
    s->machine_changed = xcalloc(CHANGES_MAX, sizeof *s->machine_changed);
    int n = stat_change_points(x, s->nruns, HISTORY_P, HISTORY_EFFECT, 1, s->changes, CHANGES_MAX);
    s->nchanges = n > 0 ? (size_t)n : 0;
    free(x);
}

/* Did the level of a canary of the same machine change with that very run, or one run beside it? */
static bool canary_moved(const struct history_table *t, const struct history_series *s, size_t change,
                         const struct strlist *canaries) {
    const char *dir = s->runs[s->changes[change].index].dir;
    for (size_t i = 0; i < t->n; i++) {
        const struct history_series *c = &t->v[i];
        bool canary = canaries->n ? strlist_has(canaries, c->backend) : strcmp(c->backend, "pthread") == 0;
        canary = canary && strcmp(c->machine, s->machine) == 0 && strcmp(c->cpu, s->cpu) == 0;
        for (size_t k = 0; canary && k < c->nchanges; k++) {
            size_t at = c->changes[k].index;
            for (size_t j = at ? at - 1 : 0; j <= at + 1 && j < c->nruns; j++)
                if (strcmp(c->runs[j].dir, dir) == 0) return true;
        }
    }
    return false;
}

/* Keeps the series whose name holds the word; the canaries were needed until here. */
static void keep_matching(struct history_table *t, const char *match) {
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct history_table one = {&t->v[i], 1};
        if (strstr(t->v[i].name, match))
            t->v[kept++] = t->v[i];
        else {
            one.v = xmalloc(sizeof *one.v);
            *one.v = t->v[i];
            history_table_free(&one);
        }
    }
    t->n = kept;
}

/* In a history without runs nothing can be misspelt. */
static int check_canaries(const struct history_table *t, const struct strlist *canaries, struct err *e) {
    struct names_there there = {"the history", "backend", {0}};
    for (size_t i = 0; i < t->n; i++) names_add(&there, t->v[i].backend);
    int rc = t->n && !names_none(canaries) ? names_check("--canary", canaries, &there, e) : 0;
    names_free(&there);
    return rc;
}

int history_load(struct history *h, const char *match, const struct strlist *canaries,
                 struct history_table *out, struct err *e) {
    sqlite3_stmt *q;
    *out = (struct history_table){0};
    if (sqlite3_prepare_v2(h->db, query, -1, &q, NULL) != SQLITE_OK)
        return err_set(e, TRINE_EXIT_INFRA, "cannot read the history %s: %s", h->path, sqlite3_errmsg(h->db));
    while (sqlite3_step(q) == SQLITE_ROW) add_row(out, h, q);
    sqlite3_finalize(q);
    int rc = check_canaries(out, canaries, e);
    if (rc) return rc;
    for (size_t i = 0; i < out->n; i++) find_changes(&out->v[i]);
    for (size_t i = 0; i < out->n; i++)
        for (size_t k = 0; k < out->v[i].nchanges; k++)
            out->v[i].machine_changed[k] = canary_moved(out, &out->v[i], k, canaries);
    if (match) keep_matching(out, match);
    return 0;
}

void history_table_free(struct history_table *t) {
    for (size_t i = 0; i < t->n; i++) {
        struct history_series *s = &t->v[i];
        for (size_t k = 0; k < s->nruns; k++)
            free(s->runs[k].started), free(s->runs[k].commit), free(s->runs[k].dir);
        free(s->machine), free(s->cpu), free(s->profile), free(s->name), free(s->backend), free(s->unit);
        free(s->runs), free(s->changes), free(s->machine_changed);
    }
    free(t->v);
    *t = (struct history_table){0};
}
