/* pages: see pages.h. */
#include "cmd/pages.h"
#include "base/file.h"
#include "base/json.h"
#include "doors/compare.h"
#include "doors/history.h"
#include "doors/side.h"
#ifdef TRINE_HAVE_REPORT
#include "report/report.h"
#endif

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RESULTS of a run that stands in RESULTS/MACHINE/RUN; NULL when it stands elsewhere: then it has no history.
 * Caller frees. */
static char *results_of(const char *run_dir, const struct side *s) {
    char *path = realpath(run_dir, NULL), *run = path ? strrchr(path, '/') : NULL;
    if (run) *run = '\0';
    char *machine = run ? strrchr(path, '/') : NULL;
    if (machine && machine != path && strcmp(machine + 1, json_str(s->manifest, "machine", "")) == 0) {
        *machine = '\0';
        return path;
    }
    free(path);
    return NULL;
}

/* Keeps the series of this run's machine, processor and profile. */
static json_t *of_this_kind(json_t *history, const struct side *s) {
    json_t *all = json_object_get(history, "series"), *kept = json_array(), *v;
    const char *cpu = json_str(json_object_get(s->env, "cpu"), "model", "unknown");
    size_t i;
    json_array_foreach(all, i, v) {
        if (strcmp(json_str(v, "machine", ""), json_str(s->manifest, "machine", "")) == 0 &&
            strcmp(json_str(v, "cpu", ""), cpu) == 0 &&
            strcmp(json_str(v, "profile", ""), json_str(s->manifest, "profile", "")) == 0)
            json_array_append(kept, v);
    }
    json_object_set_new(history, "series", kept);
    return history;
}

/* What the history says of the runs beside this one; who reads this one has said the same of it. */
static void tell_of_others(const struct strlist *notices, const char *dir) {
    char *own = realpath(dir, NULL);
    size_t len = own ? strlen(own) : 0;
    for (size_t i = 0; i < notices->n; i++)
        if (!own || strncmp(notices->v[i], own, len) != 0 || notices->v[i][len] != '/')
            fprintf(stderr, "trine report: %s\n", notices->v[i]);
    free(own);
}

static int write_history(const struct side *s, const char *results, struct err *e) {
    struct history h;
    struct history_table t = {0};
    static const struct strlist canaries;
    char *db = path_join(results, "history.sqlite"), *out = path_join(s->dir, "history.json");
    int rc = history_open(&h, db, e);
    if (!rc) {
        rc = history_sync(&h, results, e);
        if (!rc) rc = history_load(&h, NULL, &canaries, &t, e);
        tell_of_others(&h.notices, s->dir);
        if (!rc) {
            json_t *v = of_this_kind(history_json(&t), s);
            rc = json_write_file(out, v, e);
            json_decref(v);
        }
        history_table_free(&t);
        history_close(&h);
    }
    free(db), free(out);
    return rc;
}

static bool comparable(const struct side *s) {
    const json_t *p;
    const char *first = NULL;
    size_t i;
    json_array_foreach(s->points, i, p) {
        const char *backend = json_str(p, "backend", "");
        if (strcmp(json_str(p, "status", ""), "ok") != 0) continue;
        if (first && strcmp(first, backend) != 0) return true;
        first = first ? first : backend;
    }
    return false;
}

/* The builds of an interleaved run, else its backends, side by side. */
static int write_comparison(const struct side *s, struct err *e) {
    struct compare c = {0};
    char *out = path_join(s->dir, "compare.html");
    int rc = compare_make(&c, s, 1, NULL, NULL, e);
    if (!rc) {
        rc = compare_sort(&c, "name", e);
        char *page = rc ? NULL : compare_page(&c);
        if (page) rc = file_write(out, page, strlen(page), e);
        free(page);
        compare_free(&c);
    }
    free(out);
    return rc;
}

int pages_write(const char *run_dir, struct err *e) {
    struct side s;
    struct err minor;
    if (side_load(&s, run_dir, SIDE_FIGURES, &minor) == 0) { /* else nothing was measured: the report alone says why */
        char *results = results_of(run_dir, &s);
        if (results && write_history(&s, results, &minor)) fprintf(stderr, "trine report: %s\n", minor.text);
        if (comparable(&s) && write_comparison(&s, &minor)) fprintf(stderr, "trine report: %s\n", minor.text);
        free(results);
        side_free(&s);
    }
#ifdef TRINE_HAVE_REPORT
    if (report_write(run_dir, stderr))
        return err_set(e, TRINE_EXIT_INFRA, "the report of %s could not be written", run_dir);
#else
    (void)e;
#endif
    return 0;
}
