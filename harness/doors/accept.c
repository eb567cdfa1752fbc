/* accept: see accept.h. */
#include "doors/accept.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "2026-11-21", with a month and a day that there are. */
static bool is_date(const char *s) {
    int64_t month, day;
    if (strlen(s) != 10 || s[4] != '-' || s[7] != '-') return false;
    for (int i = 0; i < 10; i++)
        if (i != 4 && i != 7 && !isdigit((unsigned char)s[i])) return false;
    char m[3] = {s[5], s[6], 0};
    return parse_int(m, 1, 12, &month) && parse_int(s + 8, 1, 31, &day);
}

/* A key that nothing reads would be an at_most, say, that takes any slowdown. where: the part of the file. */
static int check_keys(const json_t *o, const char *const *known, size_t n, const char *path, const char *where,
                      struct err *e) {
    const char *key;
    const json_t *v;
    char hint[96];
    json_object_foreach((json_t *)o, key, v) {
        bool there = false;
        for (size_t i = 0; i < n; i++) there |= strcmp(known[i], key) == 0;
        if (!there)
            return err_set(e, TRINE_EXIT_USAGE, "%s: %s has a key '%.64s' that means nothing%s", path, where, key,
                           did_you_mean(hint, sizeof hint, key, known, n));
    }
    return 0;
}

static int add(struct accepts *a, const char *path, size_t i, const json_t *entry, const char *today,
               struct err *e) {
    static const char *const keys[] = {"metric", "reason", "expires", "at_most"};
    char where[32];
    snprintf(where, sizeof where, "entry %zu", i + 1);
    int rc = check_keys(entry, keys, sizeof keys / sizeof *keys, path, where, e);
    if (rc) return rc;
    const char *metric = json_str(entry, "metric", ""), *reason = json_str(entry, "reason", "");
    const char *expires = json_str(entry, "expires", "");
    const json_t *limit = json_object_get(entry, "at_most");
    double at_most = limit ? json_number_value(limit) : INFINITY; /* 0 of what is no number */
    const char *fault = !*metric            ? "metric: a pattern over the gate's names"
                        : !*reason          ? "reason: why the regression is taken"
                        : !is_date(expires) ? "expires: a date such as 2027-01-31"
                        : !(at_most > 1)    ? "at_most: a number above 1, the slowdown's factor"
                                            : NULL;
    if (fault) return err_set(e, TRINE_EXIT_USAGE, "%s: %s needs %s", path, where, fault);
    a->v = xrealloc(a->v, (a->n + 1) * sizeof *a->v);
    a->v[a->n++] = (struct accept){.metric = xstrdup(metric),
                                   .reason = xstrdup(reason),
                                   .expires = xstrdup(expires),
                                   .at_most = at_most,
                                   .expired = strcmp(today, expires) > 0};
    return 0;
}

/* The user's file: what is wrong with it is said in the words of JSON. NULL and e when it cannot be read. */
static json_t *read_file(const char *path, struct err *e) {
    char *text, why[256];
    size_t len;
    json_t *file = NULL;
    if (!(text = file_read(path, &len)))
        err_set(e, TRINE_EXIT_USAGE, "cannot read %s: %s", path, strerror(errno));
    else if (!(file = json_parse_object(text, len, why, sizeof why)))
        err_set(e, TRINE_EXIT_USAGE, "%s is no accept file: %s", path, why);
    free(text);
    return file;
}

int accept_load(struct accepts *a, const char *path, const char *today, struct err *e) {
    static const char *const keys[] = {"schema", "version", "accept"};
    json_t *file = read_file(path, e), *entry;
    size_t i;
    *a = (struct accepts){0};
    if (!file) return e->code;
    const json_t *list = json_object_get(file, "accept");
    int rc = check_keys(file, keys, sizeof keys / sizeof *keys, path, "it", e);
    if (!rc && (strcmp(json_str(file, "schema", ""), "trine-accept") != 0 || json_int(file, "version", 0) != 1 ||
                !json_is_array(list)))
        rc = err_set(e, TRINE_EXIT_USAGE,
                     "%s: expected {\"schema\": \"trine-accept\", \"version\": 1, \"accept\": [...]}", path);
    json_array_foreach((json_t *)list, i, entry) if (!rc) rc = add(a, path, i, entry, today, e);
    json_decref(file);
    if (rc) accept_free(a);
    return rc;
}

void accept_free(struct accepts *a) {
    for (size_t i = 0; i < a->n; i++) free(a->v[i].metric), free(a->v[i].reason), free(a->v[i].expires);
    free(a->v);
    *a = (struct accepts){0};
}

const struct accept *accept_find(struct accepts *a, const char *metric, double slowdown) {
    for (size_t i = 0; i < a->n; i++) {
        struct accept *x = &a->v[i];
        bool takes = !x->expired && fnmatch(x->metric, metric, 0) == 0;
        if (!takes || (isfinite(x->at_most) && !(slowdown <= x->at_most))) continue;
        x->used = true;
        return x;
    }
    return NULL;
}
