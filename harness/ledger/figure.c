/* figure: see figure.h. No state. */
#include "ledger/figure.h"
#include "base/hist.h"
#include "base/json.h"
#include "base/text.h"
#include "report/series.h"
#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double of_samples(const json_t *record, const char *which) {
    const json_t *samples = json_object_get(record, "samples"), *s;
    size_t n = json_array_size(samples), i;
    double *v = xcalloc(n + 1, sizeof *v);
    json_array_foreach(samples, i, s) v[i] = json_number_value(s);
    double quantile = which[0] == 'l' ? 0 : which[1] == 'o' ? 1 : 0.5;
    double result = stat_quantile(v, n, quantile);
    free(v);
    return result;
}

/* "99" is 99 %, "999" 99.9 %, "5" 5 %. */
static double percent_of(const char *digits) {
    double p = strtod(digits, NULL);
    while (p > 100) p /= 10;
    return p;
}

static double of_histogram(const json_t *point, const char *path, char *why, size_t bytes) {
    char name[64], which[16];
    uint64_t v = 0;
    if (sscanf(path, "hist.%63[^.].%15s", name, which) != 2) {
        snprintf(why, bytes, "%s: expected hist.NAME.p99 or hist.NAME.max", path);
        return NAN;
    }
    struct hist *h = rep_histogram(point, name);
    bool found = h && (strcmp(which, "max") == 0 || (which[0] == 'p' && hist_percentile(h, percent_of(which + 1), &v) == 0));
    double result = !found ? NAN : which[0] == 'm' ? (double)hist_max(h) : (double)v;
    if (!found) snprintf(why, bytes, "%s: no such histogram, or fewer than ten samples beyond it", path);
    hist_free(h);
    return result;
}

static const json_t *member(const json_t *o, const char *path) {
    char key[64];
    while (o && *path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        o = json_object_get(o, key);
        path += n + (path[n] == '.');
    }
    return o;
}

static double of_member(const json_t *point, const char *path, char *why, size_t bytes) {
    const json_t *v = member(json_object_get(point, "record"), path);
    if (!v) v = member(point, path);
    if (json_is_unavailable(v)) {
        snprintf(why, bytes, "%s: %s", path, json_str(v, "unavailable", ""));
        return NAN;
    }
    if (json_is_object(v)) v = json_object_get(v, "value");
    if (json_is_boolean(v)) return json_is_true(v);
    if (json_is_number(v)) return json_number_value(v);
    if (json_is_string(v)) { /* a parameter, as it was given */
        char *end;
        double number = strtod(json_string_value(v), &end);
        if (end != json_string_value(v) && !*end) return number;
    }
    snprintf(why, bytes, "the record holds no %s", path);
    return NAN;
}

double figure_of_point(const json_t *point, const char *path, char *why, size_t bytes) {
    const json_t *record = json_object_get(point, "record");
    if (strcmp(path, "median") == 0 || strcmp(path, "least") == 0 || strcmp(path, "most") == 0) {
        double v = of_samples(record, path);
        if (isnan(v)) snprintf(why, bytes, "the record holds no samples");
        return v;
    }
    if (strncmp(path, "hist.", 5) == 0) return of_histogram(point, path, why, bytes);
    return of_member(point, path, why, bytes);
}

static bool about_the_end(const char *path) {
    return strcmp(path, "ok") == 0 || strcmp(path, "timed_out") == 0;
}

/* How processes ended is a figure of those that ran at all. */
static size_t of_ends(const json_t *points, const char *path, double *x, struct value *none) {
    const json_t *p;
    size_t i, n = 0;
    json_array_foreach((json_t *)points, i, p) {
        const char *status = json_str(p, "status", "");
        if (strcmp(status, "skipped") == 0 || strcmp(status, "not_applicable") == 0) continue;
        x[n++] = strcmp(status, strcmp(path, "ok") == 0 ? "ok" : "timeout") == 0;
    }
    if (!n) *none = value_missing(MISSING_HERE, "no process ran");
    return n;
}

/* Of points none of which was measured. */
static struct value none_measured(const json_t *points) {
    const json_t *p = json_array_get(points, 0);
    const char *status = json_str(p, "status", ""), *reason = json_str(p, "reason", "");
    if (strcmp(status, "not_applicable") == 0) return value_missing(MISSING_BY_NATURE, "%s", reason);
    return value_missing(MISSING_HERE, "%s%s%s", status, *reason ? ": " : "", reason);
}

enum { VALID_LEAST = 3 }; /* two have an interval of twelve deviations either way */

size_t figures_of_cell(const json_t *points, const char *path, double *x, struct value *none, bool *invalid) {
    const json_t *p;
    size_t i, n = 0, n_ok = 0;
    char why[REASON_MAX / 2] = "";
    if (about_the_end(path) && json_array_size(points)) return of_ends(points, path, x, none);
    for (int trusted = 1; trusted >= 0 && n < VALID_LEAST; trusted--) {
        json_array_foreach((json_t *)points, i, p) {
            if (!rep_measured(p) || rep_valid(p) != trusted) continue;
            n_ok++;
            double v = figure_of_point(p, path, why, sizeof why);
            if (!isfinite(v)) continue;
            x[n++] = v;
            *invalid |= !trusted;
        }
    }
    if (!json_array_size(points))
        *none = value_missing(MISSING_HERE, "it was not run: the run was cut short, or it has no driver of this backend");
    else if (!n) *none = n_ok ? value_missing(MISSING_HERE, "%s", why) : none_measured(points);
    return n;
}

struct value figure_of_cell(const json_t *points, const char *path, double level, bool *invalid) {
    struct value v;
    double *x = xcalloc(json_array_size(points) + 1, sizeof *x);
    size_t n = figures_of_cell(points, path, x, &v, invalid);
    if (n) v = value_of_processes(x, n, level);
    free(x);
    return v;
}
