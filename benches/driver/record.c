/* A point as the JSON record of docs/protocol.md. */
#include <jansson.h>
#include <math.h>
#include <sys/resource.h>

#include "driver.h"

static json_t *given_params(const struct point *pt) {
    const struct param_set *sets[] = {&pt->params, &pt->rt_params};
    json_t *o = json_object();
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sets[s]->n; i++)
            json_object_set_new(o, sets[s]->defs[i].name, json_string(sets[s]->values[i]));
    return o;
}

static json_t *runtime_counts(const struct point *pt) {
    json_t *o = json_object();
    for (int i = 0; i < pt->ncounts; i++)
        json_object_set_new(o, pt->counts_after[i].name,
                            json_integer((json_int_t)(pt->counts_after[i].value - pt->counts_before[i].value)));
    return o;
}

static json_t *phases(const struct point *pt) {
    json_t *list = json_array();
    for (int i = 0; i < pt->nphases; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", pt->phases[i].name, "start_ns",
                                              (json_int_t)pt->phases[i].start_ns, "end_ns",
                                              (json_int_t)pt->phases[i].end_ns));
    return list;
}

/* Latency over time: a histogram for each interval, empty ones too, so that a gap is seen as one. */
static json_t *intervals(const struct hist_log *log) {
    json_t *list = json_array();
    for (size_t i = 0; i < log->nwindows; i++) {
        const struct hist_window *w = &log->windows[i];
        json_t *buckets = json_array();
        for (size_t k = 0; k < w->nbuckets; k++)
            json_array_append_new(buckets, json_pack("[I, I]", (json_int_t)w->buckets[k].lowest,
                                                     (json_int_t)w->buckets[k].count));
        json_array_append_new(list, json_pack("{s:I, s:I, s:o}", "start_ns",
                                              (json_int_t)(log->start_ns + i * log->window_ns), "end_ns",
                                              (json_int_t)(log->start_ns + (i + 1) * log->window_ns), "buckets",
                                              buckets));
    }
    return list;
}

static json_t *histogram(const struct named_hist *n) {
    json_t *o = json_pack("{s:s, s:i, s:I}", "unit", n->unit, "digits", n->hist->digits, "count",
                          (json_int_t)n->hist->count);
    json_t *buckets = json_array();
    struct hist_iter it = {0};
    if (n->hist->count > 0) {
        json_object_set_new(o, "min", json_integer((json_int_t)hist_min(n->hist)));
        json_object_set_new(o, "max", json_integer((json_int_t)hist_max(n->hist)));
        json_object_set_new(o, "mean", json_real(hist_mean(n->hist)));
    }
    while (hist_next(n->hist, &it))
        json_array_append_new(buckets, json_pack("[I, I]", (json_int_t)it.lowest, (json_int_t)it.count));
    json_object_set_new(o, "buckets", buckets);
    if (n->log) json_object_set_new(o, "intervals", intervals(n->log));
    return o;
}

static json_t *histograms(const struct point *pt) {
    json_t *o = json_object();
    for (int i = 0; i < pt->nhistograms; i++)
        json_object_set_new(o, pt->histograms[i].name, histogram(&pt->histograms[i]));
    return o;
}

/* The clock's own cost and step, measured here, so that a reader can correct for them; raw figures stay raw. */
static json_t *clock_object(const struct point *pt) {
    json_t *o = json_pack("{s:s, s:f, s:f}", "source", mclock_source_name(), "overhead_ns", pt->clock_overhead_ns,
                          "granularity_ns", pt->clock_granularity_ns);
    if (*mclock_why_not_counter()) json_object_set_new(o, "why_not_counter", json_string(mclock_why_not_counter()));
    return o;
}

static json_int_t timeval_ns(struct timeval t) {
    return (json_int_t)t.tv_sec * 1000000000 + (json_int_t)t.tv_usec * 1000;
}

/* Of the whole process, warm-up included: the outside view of the measured phase is the harness's. */
static json_t *resource_usage(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "user_ns", timeval_ns(u.ru_utime), "system_ns",
                     timeval_ns(u.ru_stime), "max_rss_bytes", (json_int_t)u.ru_maxrss * 1024, "minor_faults",
                     (json_int_t)u.ru_minflt, "major_faults", (json_int_t)u.ru_majflt, "voluntary_switches",
                     (json_int_t)u.ru_nvcsw, "involuntary_switches", (json_int_t)u.ru_nivcsw);
}

/* Shares of the figure; what is not finite (too few batches, a figure of 0) is left out. */
static json_t *warmup(const struct point *pt) {
    const struct warmup_windows *w = &pt->warmup_windows;
    json_t *o = json_pack("{s:I, s:b, s:b, s:I}", "batches", (json_int_t)pt->warmup_batches, "steady",
                          pt->warmup_steady, "drifting", pt->warmup_drifting, "elapsed_ns",
                          (json_int_t)pt->warmup_elapsed_ns);
    if (isfinite(w->drift)) json_object_set_new(o, "drift", json_real(w->drift));
    if (isfinite(w->noise)) json_object_set_new(o, "noise", json_real(w->noise));
    return o;
}

static void add_measured(json_t *o, const struct point *pt) {
    json_t *samples = json_array();
    for (int64_t i = 0; i < pt->nsamples; i++) json_array_append_new(samples, json_real(pt->samples[i]));
    json_object_set_new(o, "samples", samples);
    if (pt->warmup_batches > 0) json_object_set_new(o, "warmup", warmup(pt));
    if (pt->batch_operations > 0)
        json_object_set_new(o, "batch_operations", json_integer((json_int_t)pt->batch_operations));
    json_object_set_new(o, "counts", json_pack("{s:I, s:I, s:I}", "operations", (json_int_t)pt->operations,
                                               "expected_operations", (json_int_t)pt->expected_operations,
                                               "elapsed_ns", (json_int_t)pt->elapsed_ns));
    json_object_set_new(o, "metrics", json_incref(pt->metrics));
    json_object_set_new(o, "histograms", histograms(pt));
    json_object_set_new(o, "checks", json_incref(pt->checks));
    json_object_set_new(o, "runtime", runtime_counts(pt));
    json_object_set_new(o, "rusage", resource_usage());
}

json_t *driver_record(const struct point *pt) {
    static const char *const status[] = {"ok", "not_applicable", "error", "error"};
    const struct workload *w = pt->workload;
    json_t *o = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:i, s:s, s:I, s:I, s:s?, s:s, s:s, s:{s:s, s:s, s:s}}", "schema", "trine-record",
        "protocol", DRIVER_PROTOCOL, "backend", be_name, "backend_version", be_version, "workload", w->name, "procs",
        pt->config.procs, "procs_meaning", be_procs_meaning, "tasks", (json_int_t)pt->tasks, "seed",
        (json_int_t)pt->config.seed, "cpus", pt->config.cpu_list, "status", status[pt->status], "reason",
        pt->reason, "metric", "name", w->metric, "unit", w->unit, "better", w->better);
    if (w->is_signed) json_object_set_new(json_object_get(o, "metric"), "signed", json_true());
    json_object_set_new(o, "params", given_params(pt));
    json_object_set_new(o, "baseline", be_baseline(&pt->config));
    json_object_set_new(o, "clock", clock_object(pt));
    json_object_set_new(o, "phases", phases(pt));
    if (pt->status == POINT_OK) add_measured(o, pt);
    return o;
}
