/* trial: see trial.h. Expectations, points and their figures. No state. */
#include "selftest/trial.h"
#include "base/child.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t add(struct outcome *t, struct expectation e) {
    if (t->n == EXPECTATIONS_MAX) abort();
    if (t->o->log && !e.control)
        fprintf(t->o->log, "    predicted  %-46s %10.4g %s (%.4g to %.4g)\n", e.what, e.predicted, e.unit,
                e.low, e.high);
    if (t->o->log && e.control)
        fprintf(t->o->log, "    control    %-46s %10s %s (%.4g to %.4g)\n", e.what, "", e.unit, e.low,
                e.high);
    if (t->o->log) fflush(t->o->log);
    t->e[t->n] = e;
    return t->n++;
}

size_t expect(struct outcome *t, const char *what, const char *unit, double predicted, double low,
              double high) {
    return add(t, (struct expectation){
                      .what = what, .unit = unit, .predicted = predicted, .low = low, .high = high});
}

size_t control(struct outcome *t, const char *what, const char *unit, double low, double high) {
    return add(t,
               (struct expectation){
                   .what = what, .unit = unit, .predicted = NAN, .low = low, .high = high, .control = true});
}

void noise_can(struct outcome *t, size_t i, enum noise noise) {
    t->e[i].noise = noise;
}

void found(struct outcome *t, size_t i, double value) {
    struct expectation *e = &t->e[i];
    e->found = value;
    e->measured = !isnan(value);
    if (t->o->log)
        fprintf(t->o->log, "    found      %-46s %10.4g %s %s\n", e->what, value, e->unit,
                value >= e->low && value <= e->high ? "ok"
                : e->control                        ? "NOT SILENT"
                                                    : "OUTSIDE");
}

void trial_skip(struct outcome *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->skipped, sizeof t->skipped, fmt, ap);
    va_end(ap);
}

json_t *trial_plan(const struct outcome *t, const char *workload, int procs, int tasks, int measure_ms, ...) {
    json_t *params = json_object();
    va_list ap;
    va_start(ap, measure_ms);
    for (const char *s; (s = va_arg(ap, const char *)) != NULL;) {
        const char *equals = strchr(s, '=');
        char *key = xstrndup(s, (size_t)(equals - s));
        json_object_set_new(params, key, json_string(equals + 1));
        free(key);
    }
    va_end(ap);
    return json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:i,s:o,s:o,s:s,s:n,s:i,s:i,s:i,s:i,s:[s],s:b}", "id",
                     "selftest", "series", "selftest", "experiment", "selftest", "rep", 0, "backend",
                     t->o->backend, "workload", workload, "procs", procs, "tasks",
                     tasks ? json_integer(tasks) : json_null(), "params", params, "pin", "none", "cpus",
                     "seed", 1, "measure_ms", measure_ms, "warmup_ms", 100, "timeout_ms",
                     20000 + 10 * measure_ms, "counters", "cpu-migrations", "throttle_expected", 0);
}

struct usage {
    int64_t when_ns, machine_ns, own_ns;
};

static int64_t cpu_ns(int who) {
    struct rusage u;
    getrusage(who, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

/* CPU time used on the machine, and by us with all that we have waited for: the driver and what a fault
 * started. */
static struct usage usage_now(void) {
    static const struct probe_root machine = {""};
    long long user = 0, nice = 0, system = 0, irq = 0, soft = 0, steal = 0;
    char *line = probe_line(&machine, "/proc/stat");
    struct usage u = {.when_ns = monotonic_ns(), .own_ns = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN)};
    if (line && sscanf(line, "cpu %lld %lld %lld %*s %*s %lld %lld %lld", &user, &nice, &system, &irq, &soft,
                       &steal) == 6)
        u.machine_ns =
            (user + nice + system + irq + soft + steal) * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK));
    free(line);
    return u;
}

static void note_neighbours(struct outcome *t, const struct usage *before) {
    struct usage now = usage_now();
    double others = (double)(now.machine_ns - before->machine_ns - (now.own_ns - before->own_ns));
    double cpus = others / (double)(now.when_ns - before->when_ns);
    if (cpus > t->neighbours) t->neighbours = cpus;
}

json_t *trial_point(struct outcome *t, json_t *planned, struct fault *fault) {
    static const struct probe_root machine = {""};
    struct exec_context x = {
        .root = &machine, .pmu = &pmu_kernel, .stop = t->o->stop, .fault = fault ? &fault->hooks : NULL};
    bool quiet = !fault || !fault->at;
    struct usage before = usage_now();
    struct err unstarted = {0};
    json_t *point = t->o->stop && *t->o->stop ? NULL : exec_point(&x, planned, 0, t->o->driver_path, &unstarted);
    note_neighbours(t, &before);
    const char *status = json_str(point, "status", "stopped");
    if (strcmp(status, "ok") != 0) {
        snprintf(t->missing, sizeof t->missing, "%s: %s %.200s", json_str(planned, "workload", ""), status,
                 point ? json_str(point, "reason", "") : unstarted.code ? unstarted.text : "");
        json_decref(point);
        point = NULL;
    }
    if (point && quiet && point_waiting_share(point) > t->waiting) t->waiting = point_waiting_share(point);
    json_decref(planned);
    return point;
}

static const json_t *record_of(const json_t *point) {
    return json_object_get(point, "record");
}

double point_rate(const json_t *point) {
    const json_t *counts = json_object_get(record_of(point), "counts");
    double ns = json_num(counts, "elapsed_ns", 0);
    return ns > 0 ? json_num(counts, "operations", 0) * 1e9 / ns : NAN;
}

double point_metric_value(const json_t *point, const char *name) {
    return json_num(json_object_get(json_object_get(record_of(point), "metrics"), name), "value", NAN);
}

double point_above(const json_t *point, const char *histogram, double ns) {
    const json_t *h = json_object_get(json_object_get(record_of(point), "histograms"), histogram), *b;
    double n = 0;
    size_t i;
    if (!h) return NAN;
    json_array_foreach(json_object_get(h, "buckets"), i, b) if (json_number_value(json_array_get(b, 0)) >= ns)
        n += json_number_value(json_array_get(b, 1));
    return n;
}

double point_outside(const json_t *point, const char *key) {
    return json_num(json_object_get(point, "outside"), key, NAN);
}

double point_threads(const json_t *point) {
    return json_num(json_object_get(json_object_get(point, "outside"), "threads"), "peak", NAN);
}

double point_waiting_share(const json_t *point) {
    return point_outside(point, "run_delay_ns") / json_num(point, "elapsed_ns", NAN);
}

double point_reported_ns(const json_t *point) {
    const json_t *phase;
    double sum = 0;
    size_t i;
    json_array_foreach(json_object_get(record_of(point), "phases"), i, phase) sum +=
        json_num(phase, "end_ns", 0) - json_num(phase, "start_ns", 0);
    return sum;
}
