/*
 * history_db: the SQLite file of the history: what is in it and how runs come in. A row is a run's folder: a root
 * (a results folder, "." for the one that holds the file itself, "" for what was added by name) and its place below. By
 * the size and time of its points.jsonl it is seen whether it must be read again. `identity` is what a run shares with
 * its copies and with no other run; of the rows that share one, one alone counts (history.c). Every call is one
 * transaction, so a kill leaves the old content.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "doors/history.h"
#include "doors/measure.h"
#include "doors/side.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HISTORY_FIRST = 1, HISTORY_VERSION = 2, BUSY_MS = 5000 };

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, root TEXT NOT NULL, place TEXT NOT NULL, identity TEXT NOT NULL,"
    " bytes INTEGER, mtime_ns INTEGER, started TEXT NOT NULL, machine TEXT NOT NULL, cpu TEXT NOT NULL, profile TEXT NOT NULL,"
    " commit_id TEXT NOT NULL, UNIQUE (root, place));"
    "CREATE INDEX IF NOT EXISTS copies ON runs (identity, bytes, id);"
    "CREATE TABLE IF NOT EXISTS figures (run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " backend TEXT NOT NULL, unit TEXT NOT NULL, higher INTEGER NOT NULL, n INTEGER NOT NULL, median REAL NOT NULL,"
    " PRIMARY KEY (run, name)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

static int fail(const struct history *h, const char *what, struct err *e) {
    return err_set(e, TRINE_EXIT_INFRA, "cannot %s the history %s: %s", what, h->path, sqlite3_errmsg(h->db));
}

static int run_sql(struct history *h, const char *sql, struct err *e) {
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(h, "change", e);
}

/* The first column of the first row of a query as text, or NULL. Caller frees. */
static char *ask(struct history *h, const char *sql) {
    sqlite3_stmt *q;
    char *text = NULL;
    if (sqlite3_prepare_v2(h->db, sql, -1, &q, NULL) != SQLITE_OK) return NULL;
    if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_text(q, 0))
        text = xstrdup((const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return text;
}

/* Of the file when it is whole; -1: it cannot be read here. */
static int64_t version_of(struct history *h) {
    char *check = ask(h, "PRAGMA quick_check(1)"), *version = ask(h, "PRAGMA user_version");
    int64_t v = -1;
    if (!check || strcmp(check, "ok") != 0 || !version || !parse_int(version, 0, HISTORY_VERSION, &v)) v = -1;
    free(check), free(version);
    return v;
}

static bool make_tables(struct history *h) {
    return sqlite3_exec(h->db, tables, NULL, NULL, NULL) == SQLITE_OK;
}

static int open_file(struct history *h, struct err *e) {
    if (sqlite3_open_v2(h->path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return fail(h, "open", e);
    sqlite3_busy_timeout(h->db, BUSY_MS);
    sqlite3_exec(h->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return 0;
}

/* What cannot be read is kept beside, under a name of its own: nothing is dropped in silence. */
static int put_aside(struct history *h, struct err *e) {
    char *aside = xasprintf("%s.damaged", h->path), *journal = xasprintf("%s-journal", h->path);
    sqlite3_close(h->db);
    h->db = NULL;
    remove(journal);
    int rc = rename(h->path, aside) == 0
                 ? 0
                 : err_set(e, TRINE_EXIT_INFRA, "cannot put the damaged %s aside", h->path);
    char *text = xasprintf(
        "%s was damaged or of another version: kept as %s and rebuilt from the runs; runs from elsewhere "
        "must be added again (--add)",
        h->path, aside);
    strlist_add(&h->notices, text);
    free(text), free(aside), free(journal);
    return rc;
}

void history_close(struct history *h) {
    sqlite3_close(h->db);
    free(h->path);
    free(h->home);
    strlist_free(&h->notices);
    *h = (struct history){0};
}

static void bind_text(sqlite3_stmt *q, int at, const char *text) {
    sqlite3_bind_text(q, at, text, -1, SQLITE_TRANSIENT);
}

/* Figures that a change could move: medians and tails. Those of an interleaved run are an experiment of their
 * own. */
static int add_figures(struct history *h, int64_t run, const struct side *s, struct err *e) {
    sqlite3_stmt *q;
    struct measures all;
    int rc = sqlite3_prepare_v2(h->db, "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?)", -1, &q, NULL);
    if (rc != SQLITE_OK) return fail(h, "change", e);
    measures_of(s->points, &all);
    rc = SQLITE_DONE;
    for (size_t i = 0; i < all.n && rc == SQLITE_DONE; i++) {
        const struct measure *m = &all.v[i];
        if (m->n == 0 || m->kind == MEASURE_COUNT || *m->build) continue;
        sqlite3_bind_int64(q, 1, run);
        bind_text(q, 2, m->name);
        bind_text(q, 3, m->backend);
        bind_text(q, 4, m->unit);
        sqlite3_bind_int(q, 5, m->higher_is_better);
        sqlite3_bind_int64(q, 6, (sqlite3_int64)m->n);
        sqlite3_bind_double(q, 7, stat_median(m->v, m->n));
        rc = sqlite3_step(q);
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    measures_free(&all);
    return rc == SQLITE_DONE ? 0 : fail(h, "change", e);
}

static bool stamp(const char *dir, int64_t *bytes, int64_t *mtime_ns) {
    struct stat st;
    char *path = path_join(dir, "points.jsonl");
    bool ok = stat(path, &st) == 0;
    *bytes = ok ? st.st_size : 0;
    *mtime_ns = ok ? st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec : 0;
    free(path);
    return ok;
}

/* Where a row's run stands. */
struct place {
    const char *root, *below;
};

char *history_run_dir(const struct history *h, const char *root, const char *place) {
    return *root ? path_join(strcmp(root, ".") == 0 ? h->home : root, place) : xstrdup(place);
}

static bool known(struct history *h, const struct place *p, int64_t bytes, int64_t mtime_ns) {
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(h->db, "SELECT 1 FROM runs WHERE root = ? AND place = ? AND bytes = ? AND mtime_ns = ?", -1, &q,
                           NULL) != SQLITE_OK)
        return false;
    bind_text(q, 1, p->root);
    bind_text(q, 2, p->below);
    sqlite3_bind_int64(q, 3, bytes);
    sqlite3_bind_int64(q, 4, mtime_ns);
    bool yes = sqlite3_step(q) == SQLITE_ROW;
    sqlite3_finalize(q);
    return yes;
}

/* What a copy shares, what stays as a run goes on, and what no second run has: its beginning, and the first line of its
 * points with all of that process's times. */
static void identity_of(const struct side *s, char hex[17]) {
    char *path = path_join(s->dir, "points.jsonl"), *line = file_read_line(path);
    char *text = xasprintf("%s\n%s\n%s\n%lld\n%s", json_str(s->manifest, "machine", ""), json_str(s->manifest, "commit", ""),
                           json_str(s->manifest, "started_utc", ""), (long long)json_int(s->manifest, "seed", 0),
                           line ? line : "");
    hash_hex(hash_bytes(text, strlen(text)), hex);
    free(text), free(line), free(path);
}

static int insert(struct history *h, const struct place *p, const struct side *s, struct err *e) {
    sqlite3_stmt *q;
    int64_t bytes, mtime_ns;
    char identity[17];
    stamp(s->dir, &bytes, &mtime_ns);
    identity_of(s, identity);
    if (sqlite3_prepare_v2(
            h->db,
            "INSERT OR REPLACE INTO runs (root, place, identity, bytes, mtime_ns, started, machine, cpu, profile,"
            " commit_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            -1, &q, NULL) != SQLITE_OK)
        return fail(h, "change", e);
    bind_text(q, 1, p->root);
    bind_text(q, 2, p->below);
    bind_text(q, 3, identity);
    sqlite3_bind_int64(q, 4, bytes);
    sqlite3_bind_int64(q, 5, mtime_ns);
    bind_text(q, 6, json_str(s->manifest, "started_utc", ""));
    bind_text(q, 7, json_str(s->env, "machine", json_str(s->manifest, "machine", "unknown")));
    bind_text(q, 8, json_str(json_object_get(s->env, "cpu"), "model", "unknown"));
    bind_text(q, 9, json_str(s->manifest, "profile", ""));
    bind_text(q, 10, json_str(s->manifest, "commit", "unknown"));
    int rc = sqlite3_step(q);
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? add_figures(h, sqlite3_last_insert_rowid(h->db), s, e) : fail(h, "change", e);
}

static int take_from(struct history *h, const char *dir, const struct place *p, bool must, struct err *e) {
    int64_t bytes, mtime_ns;
    struct side s;
    if (stamp(dir, &bytes, &mtime_ns) && known(h, p, bytes, mtime_ns)) return 0;
    int rc = side_load(&s, dir, SIDE_FIGURES, e);
    if (!rc && !s.machine_known) {
        rc = err_set(e, TRINE_EXIT_INVALID, "%s; a series of the history is of one processor", s.notices.v[s.notices.n - 1]);
        side_free(&s);
    }
    if (rc && !must) {
        char *text = xasprintf("left out: %s", e->text);
        strlist_add(&h->notices, text);
        free(text);
        return 0;
    }
    if (!rc) {
        for (size_t i = 0; i < s.notices.n; i++) strlist_add(&h->notices, s.notices.v[i]);
        rc = insert(h, p, &s, e);
        side_free(&s);
    }
    return rc;
}

/* A run that cannot be read is told, and does not stop the others (but where it `must`). */
static int take(struct history *h, const struct place *p, bool must, struct err *e) {
    char *dir = history_run_dir(h, p->root, p->below);
    int rc = take_from(h, dir, p, must, e);
    free(dir);
    return rc;
}

static bool is_run(const char *dir) {
    char *manifest = path_join(dir, "manifest.json");
    bool yes = file_exists(manifest);
    free(manifest);
    return yes;
}

/* Every run below a machine's folder (below: its name), or of every machine's (below: ""). */
static int walk(struct history *h, const char *root, const char *below, struct err *e) {
    struct dirent **entries;
    char *folder = history_run_dir(h, root, below);
    int n = scandir(folder, &entries, NULL, alphasort), rc = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        bool own = !*below && (strcmp(name, "reference") == 0 || strcmp(name, "schema") == 0);
        char *path = path_join(folder, name), *place = *below ? path_join(below, name) : xstrdup(name);
        if (!rc && name[0] != '.' && !own) {
            if (!*below)
                rc = walk(h, root, place, e);
            else if (is_run(path))
                rc = take(h, &(struct place){root, place}, false, e);
        }
        free(path), free(place);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    free(folder);
    return rc;
}

/* Runs of this root whose folder has gone. */
static int forget(struct history *h, const char *root, struct err *e) {
    sqlite3_stmt *q;
    struct strlist gone = {0};
    if (sqlite3_prepare_v2(h->db, "SELECT place FROM runs WHERE root = ?", -1, &q, NULL) != SQLITE_OK)
        return fail(h, "read", e);
    bind_text(q, 1, root);
    while (sqlite3_step(q) == SQLITE_ROW) {
        const char *place = (const char *)sqlite3_column_text(q, 0);
        char *dir = history_run_dir(h, root, place);
        if (!is_run(dir)) strlist_add(&gone, place);
        free(dir);
    }
    sqlite3_finalize(q);
    int rc = 0;
    for (size_t i = 0; i < gone.n && !rc; i++) {
        if (sqlite3_prepare_v2(h->db, "DELETE FROM runs WHERE root = ? AND place = ?", -1, &q, NULL) != SQLITE_OK)
            rc = fail(h, "change", e);
        if (rc) break;
        bind_text(q, 1, root);
        bind_text(q, 2, gone.v[i]);
        if (sqlite3_step(q) != SQLITE_DONE) rc = fail(h, "change", e);
        sqlite3_finalize(q);
    }
    strlist_free(&gone);
    return rc;
}

/* Ends the transaction one way or the other. */
static int finish(struct history *h, int rc, struct err *e) {
    struct err ignored;
    if (!rc) return run_sql(h, "COMMIT", e);
    run_sql(h, "ROLLBACK", &ignored);
    return rc;
}

/* As the file writes it: its own folder goes with it wherever it is moved. */
static const char *root_name(const struct history *h, const char *root) {
    return h->home && strcmp(root, h->home) == 0 ? "." : root;
}

/* The rows of the first schema, which knew a run by its absolute folder alone: the folders, and the roots beside. */
static int read_first(struct history *h, struct strlist *roots, struct strlist *dirs, struct err *e) {
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(h->db, "SELECT root, dir FROM runs", -1, &q, NULL) != SQLITE_OK) return fail(h, "read", e);
    while (sqlite3_step(q) == SQLITE_ROW) {
        strlist_add(roots, (const char *)sqlite3_column_text(q, 0));
        strlist_add(dirs, (const char *)sqlite3_column_text(q, 1));
    }
    sqlite3_finalize(q);
    return 0;
}

static int take_again(struct history *h, const struct strlist *roots, const struct strlist *dirs, struct err *e) {
    size_t gone = 0;
    int rc = 0;
    for (size_t i = 0; i < dirs->n && !rc; i++) {
        const char *root = roots->v[i], *dir = dirs->v[i];
        size_t len = strlen(root);
        bool below = len && strncmp(dir, root, len) == 0 && dir[len] == '/';
        gone += !is_run(dir);
        if (is_run(dir)) rc = take(h, &(struct place){below ? root_name(h, root) : "", below ? dir + len + 1 : dir}, false, e);
    }
    if (rc || !gone) return rc;
    char *text = xasprintf("%s was of an older trine: the runs were read again; %zu runs whose folders have gone are forgotten",
                           h->path, gone);
    strlist_add(&h->notices, text);
    free(text);
    return 0;
}

/* Of the first schema to this one: each run that still stands is read again. */
static int renew(struct history *h, struct err *e) {
    struct strlist roots = {0}, dirs = {0};
    int rc = run_sql(h, "BEGIN IMMEDIATE", e);
    if (rc) return rc;
    if (version_of(h) == HISTORY_FIRST) { /* nobody else was faster */
        rc = read_first(h, &roots, &dirs, e);
        if (!rc) rc = run_sql(h, "DROP TABLE figures; DROP TABLE runs", e);
        if (!rc && !make_tables(h)) rc = fail(h, "make", e);
        if (!rc) rc = take_again(h, &roots, &dirs, e);
    }
    rc = finish(h, rc, e);
    strlist_free(&roots), strlist_free(&dirs);
    return rc;
}

/* Of this version and with its tables; what cannot be is put aside. */
static int make_sound(struct history *h, struct err *e) {
    int64_t version = version_of(h);
    if (version == HISTORY_FIRST) return renew(h, e);
    if (version >= 0 && make_tables(h)) return 0;
    int rc = put_aside(h, e);
    if (!rc) rc = open_file(h, e);
    return !rc && !make_tables(h) ? fail(h, "make", e) : rc;
}

int history_open(struct history *h, const char *path, struct err *e) {
    *h = (struct history){.path = xstrdup(path)};
    int rc = open_file(h, e);
    int state = rc ? SQLITE_OK : sqlite3_exec(h->db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL);
    if (!rc && (state == SQLITE_BUSY || state == SQLITE_READONLY || state == SQLITE_CANTOPEN))
        rc = fail(h, "write", e);
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
    h->home = realpath(folder, NULL);
    free(folder);
    if (!rc) rc = make_sound(h, e);
    if (rc) history_close(h);
    return rc;
}

int history_sync(struct history *h, const char *results, struct err *e) {
    char *root = realpath(results, NULL);
    if (!root) return 0; /* nothing was measured yet */
    int rc = run_sql(h, "BEGIN IMMEDIATE", e);
    if (!rc) {
        rc = forget(h, root_name(h, root), e);
        if (!rc) rc = walk(h, root_name(h, root), "", e);
        rc = finish(h, rc, e);
    }
    free(root);
    return rc;
}

int history_add(struct history *h, const char *run_dir, struct err *e) {
    char *dir = realpath(run_dir, NULL);
    int rc = run_sql(h, "BEGIN IMMEDIATE", e);
    if (!rc) rc = finish(h, take(h, &(struct place){"", dir ? dir : run_dir}, true, e), e);
    free(dir);
    return rc;
}
