/* precision: see precision.h. The interval is distribution-free (order statistics), so six processes are the
 * least that can reach 95 %: a smaller minimum of repetitions is met by going on. */
#include "run/precision.h"
#include "base/json.h"
#include "base/text.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void precision_init(struct precision *p) {
    *p = (struct precision){.series = json_object()};
}

void precision_free(struct precision *p) {
    json_decref(p->series);
    p->series = NULL;
}

/* The values of an array of numbers. Caller frees; *n of them. */
static double *numbers(const json_t *list, size_t *n) {
    double *v = xcalloc(json_array_size(list) + 1, sizeof *v);
    const json_t *x;
    size_t i;
    *n = json_array_size(list);
    json_array_foreach(list, i, x) v[i] = json_number_value(x);
    return v;
}

double process_median(const json_t *point) {
    size_t n;
    double *v = numbers(json_object_get(json_object_get(point, "record"), "samples"), &n),
           m = stat_median(v, n);
    free(v);
    return m;
}

static bool followed(const json_t *planned) {
    return json_num(planned, "until", 0) > 0 || json_flag(planned, "anchor", false);
}

static json_t *entry_of(struct precision *p, const json_t *planned) {
    const char *name = json_str(planned, "series", "");
    json_t *s = json_object_get(p->series, name);
    if (s) return s;
    s = json_pack("{s:s,s:s,s:f,s:b,s:{}}", "experiment", json_str(planned, "experiment", ""), "backend",
                  json_str(planned, "backend", ""), "until", json_num(planned, "until", 0), "anchor",
                  json_flag(planned, "anchor", false), "medians");
    json_object_set_new(p->series, name, s);
    return s;
}

void precision_add(struct precision *p, const json_t *planned, bool valid, double median) {
    if (!followed(planned)) return;
    json_t *medians = json_object_get(entry_of(p, planned), "medians");
    const char *id = json_str(planned, "id", "");
    bool good = valid && isfinite(median);
    if (good)
        json_object_set_new(medians, id, json_real(median));
    else
        json_object_del(medians, id);
}

/* In the order in which they were measured. Caller frees. */
static double *medians_of(const json_t *entry, size_t *n) {
    json_t *list = json_array(), *v;
    const char *id;
    json_object_foreach(json_object_get(entry, "medians"), id, v) json_array_append(list, v);
    double *m = numbers(list, n);
    json_decref(list);
    return m;
}

/* Half of the 95 % interval of the median over the median; NaN with too few processes. */
static double half_width(const json_t *entry) {
    struct stat_interval i;
    size_t n;
    double *v = medians_of(entry, &n), median = stat_median(v, n), half = NAN;
    if (n && median != 0 && stat_quantile_interval(v, n, 0.5, 0.95, &i) == 0)
        half = (i.high - i.low) / 2 / fabs(median);
    free(v);
    return half;
}

bool precision_enough(const struct precision *p, const json_t *planned) {
    const json_t *entry = json_object_get(p->series, json_str(planned, "series", ""));
    double until = json_num(planned, "until", 0);
    return entry && until > 0 && json_int(planned, "rep", 0) >= json_int(planned, "reps_min", 0) &&
           half_width(entry) <= until; /* NaN is not enough */
}

/* Largest less smallest over the median, and the last third's median over the first's. */
static void add_drift(json_t *o, const json_t *entry) {
    size_t n, third;
    double *v = medians_of(entry, &n), low = INFINITY, high = -INFINITY, median = stat_median(v, n);
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, v[i]);
        high = fmax(high, v[i]);
    }
    third = n / 3;
    if (n > 1 && median != 0) json_object_set_new(o, "spread", json_real((high - low) / fabs(median)));
    if (third > 0 && median != 0)
        json_object_set_new(o, "drift",
                            json_real(stat_median(v + n - third, third) / stat_median(v, third) - 1));
    free(v);
}

json_t *precision_json(const struct precision *p) {
    json_t *list = json_array(), *entry;
    const char *name;
    json_object_foreach(p->series, name, entry) {
        double half = half_width(entry), until = json_num(entry, "until", 0);
        json_t *o = json_pack("{s:s,s:s,s:s,s:I}", "series", name, "experiment",
                              json_str(entry, "experiment", ""), "backend", json_str(entry, "backend", ""),
                              "processes", (json_int_t)json_object_size(json_object_get(entry, "medians")));
        json_object_set_new(o, "half_width",
                            isnan(half) ? json_unavailable("fewer than six valid processes")
                                        : json_real(half));
        if (until > 0) {
            json_object_set_new(o, "until", json_real(until));
            json_object_set_new(o, "reached", json_boolean(half <= until));
        }
        json_object_set_new(o, "anchor", json_boolean(json_flag(entry, "anchor", false)));
        if (json_flag(entry, "anchor", false)) add_drift(o, entry);
        json_array_append_new(list, o);
    }
    return list;
}

void precision_print(FILE *out, const json_t *list, size_t spared) {
    size_t asked = 0, reached = 0, i;
    const json_t *o;
    json_array_foreach(list, i, o) {
        asked += json_object_get(o, "until") != NULL;
        reached += json_flag(o, "reached", false);
    }
    if (asked)
        fprintf(out,
                "\nrepetition: %zu of %zu series are as narrow as asked (%zu points were not needed); %zu "
                "used up their "
                "repetitions\n",
                reached, asked, spared, asked - reached);
    json_array_foreach(list, i, o) {
        if (!json_is_number(json_object_get(o, "spread"))) continue;
        fprintf(out, "anchor: %s on %s, %lld processes through the run: spread %.1f %%",
                json_str(o, "experiment", ""), json_str(o, "backend", ""),
                (long long)json_int(o, "processes", 0), 100 * json_num(o, "spread", 0));
        if (json_is_number(json_object_get(o, "drift")))
            fprintf(out, ", last third over first %+.1f %%", 100 * json_num(o, "drift", 0));
        fputc('\n', out);
    }
}
