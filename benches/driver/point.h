/*
 * One point: what a workload is given (its parameters) and where it leaves its results.
 *
 * A workload's run() is called on the backend's main task. It calls point_measure() once, with a function that runs
 * one batch; or, when it has a shape of its own, point_begin() and point_end() around what it measures.
 * A point belongs to the main task: other tasks touch nothing of it but histograms that they own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "clock.h"
#include "hist.h"
#include "hist_log.h"
#include "warmup.h"

struct json_t;
struct point;

struct workload {
    const char *name, *doc;
    const char *metric, *unit, *better;          /* the primary metric; better: lower or higher */
    bool is_signed;                              /* a difference: its samples may be below 0 */
    int64_t tasks, tasks_min, tasks_max;         /* default and range of --tasks */
    const struct param *params;
    const char *lacks;                           /* "no …": what it needs and the backend does not have; NULL: it has all */
    bool (*prepare)(struct point *pt);           /* may be NULL; false after point_usage() */
    int64_t (*parked)(const struct point *pt);   /* may be NULL: tasks that must be blocked at once */
    bool (*before)(struct point *pt);            /* may be NULL: before the runtime starts, while there is one thread:
                                                    forks what stands outside; false after point_fail() */
    void (*run)(struct point *pt);
    void (*after)(struct point *pt);             /* may be NULL: once the runtime has ended; whenever before was called */
};

enum point_status { POINT_OK, POINT_NOT_APPLICABLE, POINT_ERROR, POINT_USAGE };
enum { POINT_REASON_MAX = 256, POINT_MAX_PHASES = 16, POINT_MAX_HISTOGRAMS = 8 };

struct options {
    int64_t tasks;                   /* 0: the workload's own */
    int64_t warmup_ms, measure_ms, min_samples, max_samples;
};

struct phase {
    const char *name;
    int64_t start_ns, end_ns;        /* CLOCK_MONOTONIC */
};

struct point {
    const struct workload *workload;
    struct options options;
    struct be_config config;
    struct param_set params, rt_params;
    int64_t tasks;                   /* in force: the option, or the workload's own */

    enum point_status status;
    char reason[POINT_REASON_MAX];

    double clock_overhead_ns, clock_granularity_ns;

    bool measuring;                  /* false in the warm-up */
    double *samples;
    int64_t nsamples, samples_room;
    int64_t warmup_batches, warmup_elapsed_ns, batch_operations;
    bool warmup_steady, warmup_drifting;
    struct warmup_windows warmup_windows; /* over the batches that the last judgement saw */
    double warmup_tail[WARMUP_BATCHES_MAX]; /* the last of the warm-up, of the size that is measured */
    size_t warmup_ntail;
    int64_t operations, expected_operations, elapsed_ns;
    struct be_count counts_before[BE_MAX_COUNTS], counts_after[BE_MAX_COUNTS];
    int64_t kernel_switches;         /* of all threads, over the measured phase */
    int ncounts;
    struct phase phases[POINT_MAX_PHASES];
    int nphases;
    struct named_hist {
        const char *name, *unit;
        struct hist *hist;
        struct hist_log *log;    /* the same samples by time; NULL: not kept */
    } histograms[POINT_MAX_HISTOGRAMS];
    int nhistograms;
    struct json_t *metrics, *checks;
};

/* How point_measure() sizes a batch. */
struct batch_plan {
    /* Runs n units and returns the sample in the workload's unit. */
    double (*run)(void *state, uint64_t n);
    void *state;
    uint64_t n;                      /* the least n; the only one when fixed */
    bool fixed;
    uint64_t operations_per_n;       /* that a batch of 1 implies */
    /* Operations that the tasks themselves counted, in all, since the start. */
    int64_t (*counted)(const void *state);
};

int64_t point_int(const struct point *pt, const char *param);
double point_real(const struct point *pt, const char *param);
const char *point_text(const struct point *pt, const char *param);

/* Warms up until three batches in a row lie within 3 % or the time is over, then measures, and judges the
 * measured batches too: they may show that it was over, or that it was not (warmup.h). */
void point_measure(struct point *pt, const struct batch_plan *plan);

/* The same in parts. begin: the warm-up is over, counts and phase start; end: they stop. */
void point_begin(struct point *pt);
void point_end(struct point *pt);
void point_sample(struct point *pt, double value);
void point_operations(struct point *pt, int64_t expected, int64_t got);

/* Where the runtime counts its switches: a check that it made this many, to 1 %. */
void point_check_switches(struct point *pt, int64_t expected);

/* The kernel's switches of all threads over the measured phase, for one operation. */
double point_kernel_switches_per_operation(const struct point *pt);

/* Names and units must outlive the point. */
void point_metric(struct point *pt, const char *name, double value, const char *unit, const char *better);
void point_metric_unavailable(struct point *pt, const char *name, const char *why);
void point_check(struct point *pt, const char *name, bool ok, double expected, double got);
void point_phase(struct point *pt, const char *name, int64_t start_ns, int64_t end_ns);

/* The first of these wins; each keeps its one line for the record and stderr. */
void point_fail(struct point *pt, const char *format, ...) __attribute__((format(printf, 2, 3)));
void point_not_applicable(struct point *pt, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool point_usage(struct point *pt, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts a task; when none can be made the point fails with how many there were, and false comes back. */
bool point_go(struct point *pt, be_fn fn, void *arg);

/* Now, in ns on the scale of CLOCK_MONOTONIC, by the calibrated clock: for what is measured and for intended times. */
static inline int64_t point_now(void) { return (int64_t)mclock_now_ns(); }

/* A histogram that the record carries under this name; values in unit. Owned by the point, created on first use
 * and emptied when measuring begins; not locked: one writer, or one histogram a task merged by the main task. */
struct hist *point_histogram(struct point *pt, const char *name, const char *unit);

/* Puts a finished log of the same samples beside that histogram: the record's `intervals`. Owned by the point. */
void point_histogram_log(struct point *pt, const char *name, struct hist_log *log);

/* Quotes p50, p90, p99, p99.9 and the maximum of a histogram as metrics "<prefix>_p99_ns" and so on; a percentile with fewer
 * than ten samples beyond it is unavailable. */
void point_quote_percentiles(struct point *pt, const char *prefix, const struct hist *h);

/* The same p, or NaN where it may not be quoted. */
double point_percentile(const struct hist *h, double p);
