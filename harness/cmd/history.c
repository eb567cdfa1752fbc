/* history: figures over all runs, where their level changed, and one of them as a curve. */
#include "doors/history.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    const char *results, *db, *plot;
    struct strlist add, canaries;
    bool json, rebuild;
};

static void print(const struct history_table *t, const struct request *q) {
    if (q->json) {
        json_t *v = history_json(t);
        char *text = json_pretty(v);
        puts(text);
        free(text);
        json_decref(v);
    } else if (q->plot) {
        for (size_t i = 0; i < t->n; i++) history_plot(stdout, &t->v[i]);
    } else {
        history_print(stdout, t);
    }
}

/* The history's own file, behind links: it is replaced when it is damaged, and a device or a FIFO must not be. */
/* Or may have been one: an empty file is as good as none, and one of such a name may be a damaged history. */
static bool is_history(const char *path) {
    static const char header[] = "SQLite format 3";
    const char *ending = strrchr(path, '.');
    size_t n = 0;
    if (ending && (strcmp(ending, ".sqlite") == 0 || strcmp(ending, ".db") == 0)) return true;
    char *text = file_read(path, &n);
    bool is = !text || n == 0 || (n >= sizeof header && memcmp(text, header, sizeof header) == 0);
    free(text);
    return is;
}

static char *find_db(const struct request *q, struct err *e) {
    struct stat st;
    char *named = q->db ? xstrdup(q->db) : path_join(q->results, "history.sqlite"), *path = file_target(named);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        err_set(e, TRINE_EXIT_USAGE, "%s is not a regular file: give --db FILE, which is made where there is none", named);
        free(path);
        path = NULL;
    }
    if (path && q->db && !is_history(path)) { /* else it would be put aside, or with --rebuild removed */
        err_set(e, TRINE_EXIT_USAGE, "--db %s is no history: give another FILE, which is made where there is none", named);
        free(path);
        path = NULL;
    }
    free(named);
    return path;
}

/* The history as it is now: opened, the runs taken in. The notices are printed as they are known. */
static int refresh(struct history *h, const struct request *q, const char *path, struct err *e) {
    if (q->rebuild && unlink(path) != 0 && errno != ENOENT)
        return err_set(e, TRINE_EXIT_INFRA, "cannot remove %s: %s", path, strerror(errno));
    int rc = history_open(h, path, e);
    if (!rc) rc = history_sync(h, q->results, e);
    for (size_t i = 0; !rc && i < q->add.n; i++) rc = history_add(h, q->add.v[i], e);
    for (size_t i = 0; i < h->notices.n; i++) fprintf(stderr, "trine history: %s\n", h->notices.v[i]);
    return rc;
}

static int history(struct request *q, struct err *e) {
    struct history h = {0};
    struct history_table t = {0};
    char *path = find_db(q, e);
    if (!path) return e->code;
    int rc = q->db || file_exists(q->results)
                 ? refresh(&h, q, path, e)
                 : err_set(e, TRINE_EXIT_USAGE, "there is no folder %s: give --results DIR, or run first",
                           q->results);
    if (!rc) rc = history_load(&h, q->plot, &q->canaries, &t, e);
    if (!rc && q->plot && t.n == 0)
        rc = err_set(e, TRINE_EXIT_USAGE, "--plot %s: no figure's name holds that (trine history lists them)",
                     q->plot);
    if (!rc) print(&t, q);
    history_table_free(&t);
    history_close(&h);
    free(path);
    return rc;
}

int cmd_history(int argc, char **argv) {
    struct request q = {.results = "results"};
    const struct option_spec specs[] = {
        {.name = "results", .text = &q.results}, {.name = "db", .text = &q.db},
        {.name = "plot", .text = &q.plot},       {.name = "add", .list = &q.add},
        {.name = "canary", .list = &q.canaries}, {.name = "json", .flag = &q.json},
        {.name = "rebuild", .flag = &q.rebuild}};
    struct err e;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, NULL, 0, NULL);
    if (!rc) {
        rc = history(&q, &e);
        if (rc) cmd_fail("history", &e);
    }
    strlist_free(&q.add), strlist_free(&q.canaries);
    return rc;
}
