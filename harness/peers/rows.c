/* rows: reads the declaration of the table (rows.ini). See peers.h. */
#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "ledger/ini.h"
#include "peers/peers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int bad(const char *path, const struct ini_entry *i, struct err *e, const char *expected) {
    return err_set(e, TRINE_EXIT_USAGE, "%s:%d: [%s] %s = %s: expected %s", path, i->line, i->section, i->key, i->value,
                   expected);
}

static bool positive(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out) && *out > 0;
}

/* "go 0.2, go@wake-hogs 0.15": a peer and its ratio each. */
static int parse_against(struct peer_row *r, const char *path, const struct ini_entry *i, struct err *e) {
    struct strlist parts = {0};
    int rc = 0;
    strlist_split(&parts, i->value, " ,\t");
    if (parts.n % 2 || parts.n / 2 > PEERS_MAX) rc = bad(path, i, e, "pairs of a backend and a ratio");
    for (size_t k = 0; k + 1 < parts.n && !rc; k += 2) {
        struct peer_target *t = &r->against[r->nagainst];
        const char *at = strchr(parts.v[k], '@');
        if (!positive(parts.v[k + 1], &t->ratio)) {
            rc = bad(path, i, e, "a ratio above 0 behind each backend");
            break;
        }
        t->backend = at ? xstrndup(parts.v[k], (size_t)(at - parts.v[k])) : xstrdup(parts.v[k]);
        t->experiment = xstrdup(at ? at + 1 : r->experiment ? r->experiment : "");
        r->nagainst++;
    }
    strlist_free(&parts);
    return rc;
}

static int set_key(struct peer_row *r, const char *path, const struct ini_entry *i, struct err *e) {
    const struct {
        const char *key;
        char **to;
    } texts[] = {{"row", &r->text}, {"experiment", &r->experiment}, {"figure", &r->figure}, {"unit", &r->unit}};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (strcmp(i->key, texts[k].key) == 0) {
            *texts[k].to = xstrdup(i->value);
            return 0;
        }
    if (strcmp(i->key, "better") == 0) {
        r->higher = strcmp(i->value, "higher") == 0;
        return r->higher || strcmp(i->value, "lower") == 0 ? 0 : bad(path, i, e, "lower or higher");
    }
    if (strcmp(i->key, "at_most") == 0) return positive(i->value, &r->at_most) ? 0 : bad(path, i, e, "a number above 0");
    if (strcmp(i->key, "against") == 0 && r->experiment) return parse_against(r, path, i, e);
    return bad(path, i, e, "row, experiment, figure, unit, better, against (behind experiment) or at_most");
}

static int check(const struct peer_row *r, const char *path, struct err *e) {
    if (r->text && r->experiment && r->figure && r->unit && (r->nagainst || isfinite(r->at_most))) return 0;
    return err_set(e, TRINE_EXIT_USAGE, "%s: [%s] needs row, experiment, figure, unit, and against or at_most", path, r->id);
}

int peer_rows_parse(struct peer_rows *rows, const char *path, const char *text, struct err *e) {
    struct ini ini = {0};
    *rows = (struct peer_rows){0};
    int rc = ini_read(&ini, path, text, e);
    for (size_t i = 0; i < ini.n && !rc; i++) {
        if (!rows->n || strcmp(rows->v[rows->n - 1].id, ini.v[i].section) != 0) {
            if (rows->n) rc = check(&rows->v[rows->n - 1], path, e);
            if (rc) break;
            rows->v = xrealloc(rows->v, (rows->n + 1) * sizeof *rows->v);
            rows->v[rows->n++] = (struct peer_row){.id = xstrdup(ini.v[i].section), .at_most = NAN};
        }
        rc = set_key(&rows->v[rows->n - 1], path, &ini.v[i], e);
    }
    if (!rc && rows->n) rc = check(&rows->v[rows->n - 1], path, e);
    if (!rc && !rows->n) rc = err_set(e, TRINE_EXIT_USAGE, "%s: no row is declared", path);
    ini_free(&ini);
    return rc;
}

static char *default_path(void) {
    char *source = path_join(trine_source_dir, "harness/peers/rows.ini");
    if (file_exists(source)) return source;
    free(source);
    char *own = own_dir(), *installed = path_join(own, "../share/trine/peers/rows.ini");
    free(own);
    return installed;
}

int peer_rows_load(struct peer_rows *rows, const char *path, struct err *e) {
    char *from = path ? xstrdup(path) : default_path(), *text = file_read(from, NULL);
    *rows = (struct peer_rows){0};
    int rc = text ? peer_rows_parse(rows, from, text, e)
                  : err_set(e, path ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA, "cannot read the rows in %s: %s", from,
                            strerror(errno));
    free(text);
    free(from);
    return rc;
}

void peer_rows_free(struct peer_rows *rows) {
    for (size_t i = 0; i < rows->n; i++) {
        struct peer_row *r = &rows->v[i];
        char *const texts[] = {r->id, r->text, r->experiment, r->figure, r->unit};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) free(texts[k]);
        for (size_t k = 0; k < r->nagainst; k++) {
            free(r->against[k].backend);
            free(r->against[k].experiment);
        }
    }
    free(rows->v);
    *rows = (struct peer_rows){0};
}
