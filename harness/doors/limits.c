/* limits: see limits.h. */
#include "doors/limits.h"
#include "base/file.h"
#include "base/json.h"
#include "doors/measure.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const limit_names[NLIMITS] = {"clock", "swap", "syscall", "line", "futex", "wake", "thread"};
const char *const limit_docs[NLIMITS] = {
    "one reading of the clock",
    "a bare swap of stack and program counter",
    "the shortest system call",
    "a word moved from one CPU to another, one way",
    "a futex hand-off on one CPU, one way",
    "a futex hand-off to another CPU, one way",
    "a value handed from thread to thread, one way (pthread, pingpong)",
};
/* Their names in limits.json. */
static const char *const keys[NLIMITS] = {
    "clock_reading",       "register_swap",        "system_call", "cache_line",
    "futex_wake_same_cpu", "futex_wake_other_cpu", NULL};

/* The least that was measured is the limit; NaN where the file has none. */
static double of_file(const json_t *limits, enum limit which) {
    const json_t *v = keys[which] ? json_object_get(limits, keys[which]) : NULL;
    bool ns = strcmp(json_str(v, "unit", "ns"), "ns") == 0;
    double least = json_num(v, "least", json_num(v, "value", NAN));
    return ns && least > 0 ? least : NAN;
}

/* The point's word on a limit; NaN when it has none. */
static double of_point(const json_t *p, enum limit which) {
    const json_t *clock = json_object_get(json_object_get(p, "record"), "clock");
    if (which == LIMIT_CLOCK) return json_num(clock, "overhead_ns", NAN);
    bool hand_off = strcmp(json_str(p, "backend", ""), "pthread") == 0 &&
                    strcmp(json_str(p, "workload", ""), "pingpong") == 0;
    return which == LIMIT_THREAD && hand_off ? measure_primary(p) : NAN;
}

/* What the machine can do is nearer to the least of several experiments than to their middle: the lower
 * quartile. */
static double from_points(const json_t *points, enum limit which) {
    double *x = xmalloc((json_array_size(points) + 1) * sizeof *x);
    const json_t *p;
    size_t i, n = 0;
    json_array_foreach((json_t *)points, i, p) {
        double v = json_flag(p, "valid", false) ? of_point(p, which) : NAN;
        if (isfinite(v) && v > 0) x[n++] = v;
    }
    double q = n ? stat_quantile(x, n, 0.25) : NAN;
    free(x);
    return q;
}

void limits_of(const struct side *s, struct limits *out) {
    char *path = path_join(s->dir, "limits.json");
    json_t *file = json_load_file(path, 0, NULL);
    for (int i = 0; i < NLIMITS; i++) {
        double least = of_file(json_object_get(file, "limits"), (enum limit)i);
        out->ns[i] = isfinite(least) ? least : from_points(s->points, (enum limit)i);
    }
    json_decref(file);
    free(path);
}
