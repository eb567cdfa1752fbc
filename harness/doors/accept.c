/* accept: see accept.h. */
#include "doors/accept.h"
#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
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

static int add(struct accepts *a, const char *path, size_t i, const json_t *entry, const char *today,
               struct err *e) {
    const char *metric = json_str(entry, "metric", ""), *reason = json_str(entry, "reason", "");
    const char *expires = json_str(entry, "expires", "");
    double at_most = json_num(entry, "at_most", INFINITY);
    const char *fault = !*metric            ? "metric: a pattern over the gate's names"
                        : !*reason          ? "reason: why the regression is taken"
                        : !is_date(expires) ? "expires: a date such as 2027-01-31"
                        : !(at_most > 1)    ? "at_most: a factor above 1"
                                            : NULL;
    if (fault) return err_set(e, TRINE_EXIT_USAGE, "%s: entry %zu needs %s", path, i + 1, fault);
    a->v = xrealloc(a->v, (a->n + 1) * sizeof *a->v);
    a->v[a->n++] = (struct accept){.metric = xstrdup(metric),
                                   .reason = xstrdup(reason),
                                   .expires = xstrdup(expires),
                                   .at_most = at_most,
                                   .expired = strcmp(today, expires) > 0};
    return 0;
}

int accept_load(struct accepts *a, const char *path, const char *today, struct err *e) {
    json_t *file = json_read_file(path, e), *entry;
    size_t i;
    *a = (struct accepts){0};
    if (!file) return e->code = TRINE_EXIT_USAGE;
    const json_t *list = json_object_get(file, "accept");
    int rc = 0;
    if (strcmp(json_str(file, "schema", ""), "trine-accept") != 0 || json_int(file, "version", 0) != 1 ||
        !json_is_array(list))
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
