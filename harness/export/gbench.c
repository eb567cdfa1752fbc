/* export/gbench: google-benchmark's JSON. A process is a repetition. real_time is in ns: of a rate it is its
 * inverse. CPU time of the measured phase alone is not measured, so cpu_time repeats real_time and the
 * context says so. */
#include "base/json.h"
#include "export/export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The time that one operation took, in ns; NaN when the figure is no time and none was counted. */
static double time_of(const json_t *p, const char *unit, double v) {
    const json_t *counts = json_object_get(json_object_get(p, "record"), "counts");
    if (strcmp(unit, "ns") == 0) return v;
    if (strcmp(unit, "1/s") == 0 && v > 0) return 1e9 / v;
    double elapsed = json_num(counts, "elapsed_ns", NAN);
    return elapsed / (double)export_operations(p);
}

static json_t *benchmark(const json_t *p, json_int_t repetitions, double v) {
    const json_t *metric = json_object_get(json_object_get(p, "record"), "metric");
    const char *unit = json_str(metric, "unit", "");
    double ns = time_of(p, unit, v);
    char *name = export_name(p);
    json_t *b = json_pack("{s:s,s:s,s:s,s:I,s:I,s:i,s:I,s:f,s:f,s:s}", "name", name, "run_name", name,
                          "run_type", "iteration", "repetitions", repetitions, "repetition_index",
                          (json_int_t)json_int(p, "rep", 0), "threads", 1, "iterations",
                          (json_int_t)export_operations(p), "real_time", isfinite(ns) ? ns : 0.0, "cpu_time",
                          isfinite(ns) ? ns : 0.0, "time_unit", "ns");
    if (strcmp(unit, "1/s") == 0)
        json_object_set_new(b, "items_per_second", json_real(v));
    else if (strcmp(unit, "ns") != 0)
        json_object_set_new(b, json_str(metric, "name", "figure"), json_real(v));
    free(name);
    return b;
}

static json_int_t repetitions_of(const struct side *run, const json_t *like) {
    json_int_t n = 0;
    const json_t *p;
    size_t i;
    json_array_foreach(run->points, i, p) n +=
        export_usable(p) && strcmp(json_str(p, "series", ""), json_str(like, "series", "")) == 0;
    return n;
}

void export_gbench(FILE *out, const struct side *run) {
    json_t *list = json_array();
    const json_t *p;
    size_t i;
    json_array_foreach(run->points, i, p) {
        double v = measure_primary(p);
        const json_t *metric = json_object_get(json_object_get(p, "record"), "metric");
        if (export_usable(p) && isfinite(v) && isfinite(time_of(p, json_str(metric, "unit", ""), v)))
            json_array_append_new(list, benchmark(p, repetitions_of(run, p), v));
    }
    json_t *context = json_pack(
        "{s:s,s:s,s:s,s:I,s:i,s:b,s:[],s:[],s:s,s:s}", "date", json_str(run->manifest, "started_utc", ""),
        "host_name", export_machine(run), "executable", "trine", "num_cpus",
        (json_int_t)json_int(json_object_get(run->env, "topology"), "cpus", 1), "mhz_per_cpu", 0,
        "cpu_scaling_enabled", 0, "caches", "load_avg", "library_build_type",
        strcmp(json_str(run->manifest, "build_type", ""), "Debug") == 0 ? "debug" : "release", "trine_note",
        "cpu_time is not measured and repeats real_time; mhz_per_cpu 0: not recorded");
    json_t *all = json_pack("{s:o,s:o}", "context", context, "benchmarks", list);
    char *text = json_pretty(all);
    fprintf(out, "%s\n", text);
    free(text);
    json_decref(all);
}
