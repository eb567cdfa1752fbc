/* calibrate: see calibrate.h. The parts in turn, each with the time that it took. No state. */
#include "calibrate/calibrate.h"
#include "base/cache_latency.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/clock_quality.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "probe/watch.h"

#include <stdlib.h>
#include <string.h>

static const struct probe_root machine = {""};

enum { MICRO_TIMEOUT_MS = 60000 };
#define QUICK_MEMORY_BYTES ((size_t)64 << 20)

json_t *calibrate_limit(double value, double least, const char *unit, const char *method) {
    return json_pack("{s:f,s:f,s:s,s:s}", "value", value, "least", least, "unit", unit, "method", method);
}

json_t *calibrate_clock(bool quick) {
    struct mclock_quality q;
    int64_t start = monotonic_ns();
    mclock_init();
    int err = mclock_measure(&q, quick ? 100000000 : 1000000000);
    if (err) return json_unavailable("the clock could not be measured: %s", strerror(-err));
    json_t *o = json_pack("{s:s,s:f,s:f,s:b,s:f,s:f,s:i}", "source", mclock_source_name(), "overhead_ns",
                          q.overhead_ns, "granularity_ns", q.granularity_ns, "monotonic", q.monotonic,
                          "drift_ppm", q.drift_ppm, "drift_bound_ppm", q.drift_bound_ppm, "cpus", q.ncpus);
    if (q.ncpus > 1) {
        json_object_set_new(o, "offset_ns", json_real(q.offset_ns));
        json_object_set_new(o, "offset_bound_ns", json_real(q.offset_bound_ns));
    } else {
        json_object_set_new(o, "offset_ns", json_unavailable("only one CPU may be used"));
    }
    if (*mclock_why_not_counter())
        json_object_set_new(o, "why_not_counter", json_string(mclock_why_not_counter()));
    json_object_set_new(o, "took_ms", json_real((double)(monotonic_ns() - start) / 1e6));
    return o;
}

static void add_load(json_t *o, const char *name, const struct load_latency *l, const char *why) {
    json_object_set_new(o, name,
                        l->bytes ? json_pack("{s:f,s:f,s:s,s:I}", "value", l->median_ns, "least", l->least_ns,
                                             "unit", "ns", "block_bytes", (json_int_t)l->bytes)
                                 : json_unavailable("%s", why));
}

json_t *calibrate_loads(bool quick) {
    struct cache_sizes sizes;
    struct cache_latency l;
    mclock_init();
    cache_sizes_get(&sizes);
    int err = cache_latency_measure(&l, &sizes, quick ? QUICK_MEMORY_BYTES : 0);
    if (err && l.l1.bytes == 0) return json_unavailable("no load could be timed: %s", strerror(-err));
    json_t *o = json_object();
    add_load(o, "l1", &l.l1, "not measured");
    add_load(o, "l2", &l.l2, "the machine tells no size of L2");
    add_load(o, "l3", &l.l3, "no L3, or none larger than four times L2");
    add_load(o, "memory", &l.memory,
             "the last level of the cache is too large for the block that may be used");
    add_load(o, "remote_dirty", &l.remote, "only one CPU may be used");
    if (l.remote.bytes) json_object_set_new(o, "remote_cpus", json_pack("[i,i]", l.own_cpu, l.remote_cpu));
    json_object_set_new(o, "took_ms", json_real(l.took_ms));
    return o;
}

/* google-benchmark's JSON of the limits, or NULL with why. */
static json_t *run_micro(const struct calibrate_options *o, char *why, size_t bytes) {
    bool quick = o->quick;
    char *argv[] = {(char *)o->micro,
                    "--benchmark_filter=^(limit|switch)/",
                    quick ? "--benchmark_min_time=0.01" : "--benchmark_min_time=0.05",
                    quick ? "--benchmark_repetitions=3" : "--benchmark_repetitions=7",
                    "--benchmark_format=json",
                    NULL};
    struct child_spec spec = {.argv = argv, .timeout_ms = MICRO_TIMEOUT_MS, .max_output_bytes = 4 << 20, .stop = o->stop};
    struct child_result r;
    child_run(&spec, &r);
    json_t *limits = json_parse_object(strbuf_str(&r.out), r.out.len, why, bytes);
    child_result_free(&r);
    return limits;
}

static bool stopped(const struct calibrate_options *o) {
    return o->stop && *o->stop;
}

static json_t *all_limits(const struct calibrate_options *o) {
    char why[256] = "trine-micro was not found";
    int64_t start = monotonic_ns();
    json_t *limits = json_object(), *micro = o->micro ? run_micro(o, why, sizeof why) : NULL;
    if (micro)
        calibrate_from_micro(limits, micro);
    else
        json_object_set_new(limits, "register_swap", json_unavailable("%s", why));
    json_decref(micro);
    if (!stopped(o)) calibrate_wakes(limits, o->quick);
    json_object_set_new(limits, "took_ms", json_real((double)(monotonic_ns() - start) / 1e6));
    return limits;
}

json_t *calibrate(const struct calibrate_options *o) {
    int64_t start = monotonic_ns();
    json_t *all = json_pack("{s:s,s:i,s:b}", "schema", "trine-limits", "version", 1, "quick", o->quick);
    json_object_set_new(all, "clock", calibrate_clock(o->quick));
    if (!stopped(o)) json_object_set_new(all, "loads", calibrate_loads(o->quick));
    if (!stopped(o)) json_object_set_new(all, "limits", all_limits(o));
    json_object_set_new(all, "probes", watch_describe(&machine, &pmu_kernel));
    json_object_set_new(all, "took_ms", json_real((double)(monotonic_ns() - start) / 1e6));
    return all;
}

char *calibrate_find_micro(void) {
    static const char *const places[] = {"../libexec/trine/trine-micro", "../benches/trine-micro"};
    char *own = own_dir(), *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        char *path = path_join(own, places[i]);
        if (file_executable(path))
            found = path;
        else
            free(path);
    }
    free(own);
    return found;
}
