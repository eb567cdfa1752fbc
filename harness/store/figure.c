/* figure: see figure.h. No state. */
#include "store/figure.h"
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *why;
    size_t bytes;
};

/* Always false, so that a check writes `return wrong(…)`. */
static bool wrong(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(const struct out *o, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(o->why, o->bytes, fmt, ap);
    va_end(ap);
    return false;
}

static bool text_of(const json_t *o, const char *key) {
    return *json_str(o, key, "") != '\0';
}

static bool whole_number(const json_t *v) {
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool better_known(const json_t *o) {
    const char *better = json_str(o, "better", "");
    return strcmp(better, "lower") == 0 || strcmp(better, "higher") == 0;
}

static bool is_time(const char *unit) {
    static const char *const times[] = {"ns", "us", "ms", "s"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(unit, times[i]) == 0) return true;
    return false;
}

static bool metric_whole(const json_t *metric, const struct out *o) {
    if (!text_of(metric, "name") || !text_of(metric, "unit")) return wrong(o, "\"metric\" has no name or unit");
    if (!better_known(metric)) return wrong(o, "\"metric\": \"better\" is neither lower nor higher");
    return true;
}

/* A time is not negative, unless its metric says that it is a difference of two. */
static bool samples_whole(const json_t *samples, const json_t *metric, const struct out *o) {
    bool positive = is_time(json_str(metric, "unit", "")) && !json_flag(metric, "signed", false);
    const json_t *s;
    size_t i;
    if (!json_is_array(samples) || json_array_size(samples) == 0) return wrong(o, "\"samples\" is missing or empty");
    json_array_foreach((json_t *)samples, i, s) {
        if (!json_is_number(s)) return wrong(o, "\"samples\" holds what is not a number");
        if (positive && json_number_value(s) < 0)
            return wrong(o, "\"samples\" holds a time of %g %s", json_number_value(s), json_str(metric, "unit", ""));
    }
    return true;
}

static bool metrics_whole(const json_t *metrics, const struct out *o) {
    const char *name;
    const json_t *m;
    if (metrics && !json_is_object(metrics)) return wrong(o, "\"metrics\" is not an object");
    json_object_foreach((json_t *)metrics, name, m) {
        if (json_is_unavailable(m)) continue;
        if (!json_is_number(json_object_get(m, "value")))
            return wrong(o, "\"metrics\": %.60s has no number as its value, and does not say why", name);
        if (!text_of(m, "unit") || !better_known(m))
            return wrong(o, "\"metrics\": %.60s has no unit, or its \"better\" is neither lower nor higher", name);
    }
    return true;
}

/* [[lowest, count], …] with rising lowests; their counts are added to *sum. */
static bool buckets_whole(const json_t *buckets, const char *name, json_int_t *sum, const struct out *o) {
    const json_t *b;
    json_int_t last = -1;
    size_t i;
    if (!json_is_array(buckets)) return wrong(o, "\"histograms\": %.60s has no list of buckets", name);
    json_array_foreach((json_t *)buckets, i, b) {
        const json_t *lowest = json_array_get(b, 0), *count = json_array_get(b, 1);
        if (!whole_number(lowest) || !whole_number(count) || json_integer_value(count) == 0)
            return wrong(o, "\"histograms\": bucket %zu of %.60s is not [lowest value, count]", i, name);
        if (json_integer_value(lowest) <= last) return wrong(o, "\"histograms\": the buckets of %.60s do not rise", name);
        last = json_integer_value(lowest);
        if (__builtin_add_overflow(*sum, json_integer_value(count), sum))
            return wrong(o, "\"histograms\": the buckets of %.60s hold more than can be counted", name);
    }
    return true;
}

static bool intervals_whole(const json_t *list, const char *name, json_int_t count, const struct out *o) {
    const json_t *v;
    json_int_t sum = 0;
    size_t i;
    if (!list) return true;
    if (!json_is_array(list)) return wrong(o, "\"histograms\": the intervals of %.60s are not a list", name);
    json_array_foreach((json_t *)list, i, v) {
        const json_t *start = json_object_get(v, "start_ns"), *end = json_object_get(v, "end_ns");
        if (!whole_number(start) || !whole_number(end) || json_integer_value(end) < json_integer_value(start))
            return wrong(o, "\"histograms\": interval %zu of %.60s has no start_ns and end_ns", i, name);
        if (!buckets_whole(json_object_get(v, "buckets"), name, &sum, o)) return false;
    }
    return sum == count || wrong(o, "\"histograms\": the intervals of %.60s do not add up to its count", name);
}

static bool histogram_whole(const json_t *h, const char *name, const struct out *o) {
    const json_t *count = json_object_get(h, "count"), *digits = json_object_get(h, "digits");
    json_int_t sum = 0;
    if (json_is_unavailable(h)) return true;
    if (!text_of(h, "unit")) return wrong(o, "\"histograms\": %.60s has no unit", name);
    if (!json_is_integer(digits) || json_integer_value(digits) < 1 || json_integer_value(digits) > 5)
        return wrong(o, "\"histograms\": the digits of %.60s are not 1 to 5", name);
    if (!whole_number(count)) return wrong(o, "\"histograms\": the count of %.60s is not a whole number from 0 up", name);
    if (!buckets_whole(json_object_get(h, "buckets"), name, &sum, o)) return false;
    if (sum != json_integer_value(count)) return wrong(o, "\"histograms\": the buckets of %.60s do not add up to its count", name);
    if (sum && (!whole_number(json_object_get(h, "min")) || !whole_number(json_object_get(h, "max")) ||
                !json_is_number(json_object_get(h, "mean"))))
        return wrong(o, "\"histograms\": min, max or mean of %.60s is missing", name);
    return intervals_whole(json_object_get(h, "intervals"), name, sum, o);
}

static bool histograms_whole(const json_t *histograms, const struct out *o) {
    const char *name;
    const json_t *h;
    if (histograms && !json_is_object(histograms)) return wrong(o, "\"histograms\" is not an object");
    json_object_foreach((json_t *)histograms, name, h) if (!histogram_whole(h, name, o)) return false;
    return true;
}

/* counts and runtime: numbers by name. */
static bool numbers_whole(const json_t *record, const char *key, const struct out *o) {
    const json_t *all = json_object_get(record, key), *v;
    const char *name;
    if (all && !json_is_object(all)) return wrong(o, "\"%s\" is not an object", key);
    json_object_foreach((json_t *)all, name, v)
        if (!json_is_number(v) && !json_is_unavailable(v)) return wrong(o, "\"%s\": %.60s is not a number", key, name);
    return true;
}

static bool checks_whole(const json_t *checks, const struct out *o) {
    const json_t *c;
    bool operations = false;
    size_t i;
    if (checks && !json_is_array(checks)) return wrong(o, "\"checks\" is not a list");
    json_array_foreach((json_t *)checks, i, c) {
        if (!text_of(c, "name")) return wrong(o, "\"checks\": check %zu has no name", i);
        if (!json_is_boolean(json_object_get(c, "ok"))) return wrong(o, "\"checks\": %.60s has no \"ok\"", json_str(c, "name", ""));
        operations |= strcmp(json_str(c, "name", ""), "operations") == 0;
    }
    return operations || wrong(o, "\"checks\" lacks the one named operations");
}

bool figure_whole(const json_t *record, char *why, size_t why_bytes) {
    const struct out o = {why, why_bytes};
    const json_t *metric = json_object_get(record, "metric");
    return metric_whole(metric, &o) && samples_whole(json_object_get(record, "samples"), metric, &o) &&
           metrics_whole(json_object_get(record, "metrics"), &o) &&
           histograms_whole(json_object_get(record, "histograms"), &o) && numbers_whole(record, "counts", &o) &&
           numbers_whole(record, "runtime", &o) && checks_whole(json_object_get(record, "checks"), &o);
}
