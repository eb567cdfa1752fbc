/* limits: see limits.h. */
#include "doors/limits.h"
#include "base/json.h"
#include "doors/measure.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const limit_names[NLIMITS] = {"clock", "futex", "line", "thread"};
const char *const limit_docs[NLIMITS] = {
    "one reading of the clock",
    "a bare futex hand-off, one way",
    "a cache line moved from one CPU to another",
    "a value handed from thread to thread, one way (pthread, pingpong)",
};
static const char *const keys[NLIMITS] = {"clock_ns", "futex_ns", "line_ns", "thread_ns"};

/* The point's word on a limit; NaN when it has none. */
static double of_point(const json_t *p, enum limit which) {
    const json_t *record = json_object_get(p, "record");
    if (which == LIMIT_CLOCK) return json_num(json_object_get(record, "clock"), "overhead_ns", NAN);
    if (which == LIMIT_THREAD && strcmp(json_str(p, "backend", ""), "pthread") == 0 &&
        strcmp(json_str(p, "workload", ""), "pingpong") == 0)
        return measure_primary(p);
    if (strcmp(json_str(p, "workload", ""), "limits") != 0) return NAN;
    const json_t *metric = json_object_get(json_object_get(record, "metrics"), keys[which]);
    return json_num(metric, "value", NAN);
}

/* The least of several experiments is what the machine can do, so it is the lower quartile over the points.
 */
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
    const json_t *own = json_object_get(s->env, "limits");
    for (int i = 0; i < NLIMITS; i++) {
        const json_t *v = json_object_get(own, keys[i]);
        double number = json_is_number(v) ? json_number_value(v) : json_num(v, "value", NAN);
        out->ns[i] = number > 0 ? number : from_points(s->points, (enum limit)i);
    }
}
