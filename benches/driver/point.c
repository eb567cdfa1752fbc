/* Measuring a point: warm-up, batches, counts. See point.h; called from the main task only. */
#include "point.h"

#include <jansson.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A batch must be long beside the clock's own cost and the start of its tasks. */
static const int64_t batch_least_ns = 10 * 1000 * 1000;

int64_t point_int(const struct point *pt, const char *param) {
    return params_int(&pt->params, param);
}

double point_real(const struct point *pt, const char *param) {
    return params_real(&pt->params, param);
}

const char *point_text(const struct point *pt, const char *param) {
    return params_text(&pt->params, param);
}

static void conclude(struct point *pt, enum point_status status, const char *format, va_list ap) {
    if (pt->status != POINT_OK) return;
    pt->status = status;
    vsnprintf(pt->reason, sizeof pt->reason, format, ap);
}

void point_fail(struct point *pt, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    conclude(pt, POINT_ERROR, format, ap);
    va_end(ap);
}

void point_not_applicable(struct point *pt, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    conclude(pt, POINT_NOT_APPLICABLE, format, ap);
    va_end(ap);
}

bool point_usage(struct point *pt, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    conclude(pt, POINT_USAGE, format, ap);
    va_end(ap);
    return false;
}

bool point_go(struct point *pt, be_fn fn, void *arg) {
    if (be_go(fn, arg)) return true;
    point_fail(pt, "a task could not be made (%lld threads made so far): raise the limits or lower --tasks",
               (long long)be_threads_made());
    return false;
}

void point_sample(struct point *pt, double value) {
    if (pt->nsamples == pt->samples_room) {
        pt->samples_room = pt->samples_room ? 2 * pt->samples_room : 256;
        pt->samples = realloc(pt->samples, (size_t)pt->samples_room * sizeof *pt->samples);
        if (!pt->samples) abort();
    }
    pt->samples[pt->nsamples++] = value;
}

void point_phase(struct point *pt, const char *name, int64_t start_ns, int64_t end_ns) {
    if (pt->nphases < POINT_MAX_PHASES) pt->phases[pt->nphases++] = (struct phase){name, start_ns, end_ns};
}

static int64_t kernel_switches(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_nvcsw + u.ru_nivcsw;
}

void point_begin(struct point *pt) {
    for (int i = 0; i < pt->nhistograms; i++) hist_reset(pt->histograms[i].hist);
    pt->ncounts = be_counts(pt->counts_before);
    pt->measuring = true;
    pt->kernel_switches = -kernel_switches();
    point_phase(pt, "measure", point_now(), 0);
}

void point_end(struct point *pt) {
    struct phase *measure = &pt->phases[pt->nphases - 1];
    pt->measuring = false;
    be_counts(pt->counts_after);
    pt->kernel_switches += kernel_switches();
    measure->end_ns = point_now();
    pt->elapsed_ns = measure->end_ns - measure->start_ns;
}

/* Over the measured phase; -1: the runtime does not count them. */
static int64_t runtime_switches(const struct point *pt) {
    for (int i = 0; i < pt->ncounts; i++)
        if (!strcmp(pt->counts_after[i].name, "switches"))
            return (int64_t)(pt->counts_after[i].value - pt->counts_before[i].value);
    return -1;
}

double point_kernel_switches_per_operation(const struct point *pt) {
    return pt->operations ? (double)pt->kernel_switches / (double)pt->operations : NAN;
}

/* Where the runtime counts its switches, they stand beside what the tasks counted: a figure whose operations did not
 * switch as often as they should measured something else. */
static void compare_switches(struct point *pt, int64_t operations) {
    int64_t switches = runtime_switches(pt);
    if (operations == 0) return;
    if (switches >= 0)
        point_metric(pt, "switches_per_operation", (double)switches / (double)operations, "1", "lower");
    point_metric(pt, "kernel_switches_per_operation", point_kernel_switches_per_operation(pt), "1", "lower");
}

void point_check_switches(struct point *pt, int64_t expected) {
    int64_t got = runtime_switches(pt);
    if (got >= 0) point_check(pt, "switches", llabs(got - expected) * 100 <= expected, (double)expected, (double)got);
}

void point_operations(struct point *pt, int64_t expected, int64_t got) {
    pt->expected_operations = expected;
    pt->operations = got;
    compare_switches(pt, got);
    point_check(pt, "operations", expected == got, (double)expected, (double)got);
    if (expected != got)
        point_fail(pt, "the tasks counted %lld operations where the parameters imply %lld", (long long)got,
                   (long long)expected);
}

static void set_owned(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new(object, name, value)) abort();
}

void point_metric(struct point *pt, const char *name, double value, const char *unit, const char *better) {
    set_owned(pt->metrics, name, json_pack("{s:f, s:s, s:s}", "value", value, "unit", unit, "better", better));
}

void point_metric_unavailable(struct point *pt, const char *name, const char *why) {
    set_owned(pt->metrics, name, json_pack("{s:s}", "unavailable", why));
}

void point_check(struct point *pt, const char *name, bool ok, double expected, double got) {
    json_array_append_new(pt->checks, json_pack("{s:s, s:b, s:f, s:f}", "name", name, "ok", ok, "expected",
                                                expected, "got", got));
}

struct hist *point_histogram(struct point *pt, const char *name, const char *unit) {
    for (int i = 0; i < pt->nhistograms; i++)
        if (!strcmp(pt->histograms[i].name, name)) return pt->histograms[i].hist;
    struct hist *h = hist_new(HIST_DIGITS_DEFAULT);
    if (!h || pt->nhistograms == POINT_MAX_HISTOGRAMS) abort();
    pt->histograms[pt->nhistograms++] = (struct named_hist){name, unit, h, NULL};
    return h;
}

void point_histogram_log(struct point *pt, const char *name, struct hist_log *log) {
    for (int i = 0; i < pt->nhistograms; i++)
        if (!strcmp(pt->histograms[i].name, name)) pt->histograms[i].log = log;
}

double point_percentile(const struct hist *h, double p) {
    uint64_t value;
    return hist_percentile(h, p, &value) == 0 ? (double)value : NAN;
}

void point_quote_percentiles(struct point *pt, const char *prefix, const struct hist *h) {
    static const struct {
        const char *suffix;
        double p;
    } quoted[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}};
    char name[64];
    for (size_t i = 0; i < sizeof quoted / sizeof quoted[0]; i++) {
        double value = point_percentile(h, quoted[i].p);
        snprintf(name, sizeof name, "%s_%s_ns", prefix, quoted[i].suffix);
        if (isnan(value)) point_metric_unavailable(pt, name, "fewer than ten samples lie beyond it");
        else point_metric(pt, name, value, "ns", "lower");
    }
    if (h->count == 0) return;
    snprintf(name, sizeof name, "%s_max_ns", prefix);
    point_metric(pt, name, (double)hist_max(h), "ns", "lower");
}

/* Doubles n until a batch is long enough, then repeats it until it is steady; returns the n to measure with. Where batches
 * are so long that the limit comes before the third, it waits for that one, to three times the limit at most. */
static uint64_t warm_up(struct point *pt, const struct batch_plan *plan) {
    int64_t start = point_now(), limit = pt->options.warmup_ms * 1000000;
    int64_t enough = limit / 8 < batch_least_ns ? limit / 8 : batch_least_ns;
    uint64_t n = plan->n;
    double *batches = pt->warmup_tail;
    size_t same_n = 0;
    while (pt->status == POINT_OK && !pt->warmup_steady) {
        int64_t before = point_now();
        if (same_n == WARMUP_BATCHES_MAX) memmove(batches, batches + 1, --same_n * sizeof *batches);
        batches[same_n++] = plan->run(plan->state, n);
        int64_t now = point_now();
        pt->warmup_batches++;
        pt->warmup_steady = warmup_steady(batches, same_n);
        if (now - start >= limit && (same_n >= 3 || now - start >= 3 * limit)) break;
        if (!plan->fixed && now - before < enough && now - start < limit) {
            n *= 2;
            same_n = 0;
            pt->warmup_steady = false;
        }
    }
    pt->warmup_ntail = same_n;
    pt->warmup_elapsed_ns = point_now() - start;
    point_phase(pt, "warmup", start, start + pt->warmup_elapsed_ns);
    return n;
}

/* What is published are the measured batches, so they have the last word: a trend in them says that three
 * alike were chance. Where no three agreed, they are longer than the warm-up, so a drift can be told from
 * scatter that hid it before; with as many of the warm-up's last batches, or alone, should those hold its
 * beginning. */
static void judge_measured(struct point *pt) {
    size_t measured = pt->nsamples < WARMUP_BATCHES_MAX ? (size_t)pt->nsamples : WARMUP_BATCHES_MAX;
    size_t tail = pt->warmup_ntail < measured ? pt->warmup_ntail : measured;
    double both[2 * WARMUP_BATCHES_MAX];
    struct warmup_windows with_tail;
    memcpy(both, pt->warmup_tail + pt->warmup_ntail - tail, tail * sizeof *both);
    memcpy(both + tail, pt->samples + pt->nsamples - measured, measured * sizeof *both);
    enum warmup_verdict alone = warmup_judge(both + tail, measured, &pt->warmup_windows);
    pt->warmup_drifting = alone == WARMUP_DRIFTING;
    if (pt->warmup_drifting)
        pt->warmup_steady = false;
    else if (alone == WARMUP_SETTLED)
        pt->warmup_steady = true;
    else if (warmup_judge(both, tail + measured, &with_tail) == WARMUP_SETTLED) {
        pt->warmup_steady = true;
        pt->warmup_windows = with_tail;
    }
}

void point_measure(struct point *pt, const struct batch_plan *plan) {
    uint64_t n = warm_up(pt, plan);
    if (pt->status != POINT_OK) return;
    int64_t counted_before = plan->counted(plan->state);
    pt->batch_operations = (int64_t)(n * plan->operations_per_n);
    point_begin(pt);
    int64_t end = point_now() + pt->options.measure_ms * 1000000;
    int64_t batches = 0;
    while (pt->status == POINT_OK && batches < pt->options.max_samples &&
           (batches < pt->options.min_samples || point_now() < end)) {
        point_sample(pt, plan->run(plan->state, n));
        batches++;
    }
    point_end(pt);
    judge_measured(pt);
    point_operations(pt, batches * pt->batch_operations, plan->counted(plan->state) - counted_before);
}
