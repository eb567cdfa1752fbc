/* Three windows that agree, and drift told from scatter: see warmup.h. */
#include "warmup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double steady_within = 0.03;

/* A drift that this much scatter hides is the most that a figure may carry unseen: as much as the gate calls
 * a regression of p99. */
static const double hidden_most = 0.10;

/* Standard errors of a trend: up to `quiet` there is none, from `loud` on there is one (chance: 1 in 20, 1 in
 * 370). */
static const double trend_quiet = 1.96, trend_loud = 3;

/* A median's standard error beside a mean's, for normal scatter; quartiles lie so many standard deviations
 * apart. */
static const double median_over_mean = 1.2533, quartiles_apart = 1.349;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *v, size_t n) {
    double sorted[WARMUP_BATCHES_MAX / 3];
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, by_value);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* Of the last three windows of `width` batches each. */
static void medians(const double *end, size_t width, double m[3]) {
    for (size_t i = 0; i < 3; i++) m[i] = median(end - (3 - i) * width, width);
}

static double spread(const double m[3]) {
    double least = fmin(m[0], fmin(m[1], m[2])), most = fmax(m[0], fmax(m[1], m[2]));
    return least > 0 ? (most - least) / least : most > least ? INFINITY : 0;
}

static bool agree(const double *end, size_t width) {
    double m[3];
    medians(end, width, m);
    return spread(m) <= steady_within;
}

bool warmup_steady(const double *batches, size_t n) {
    size_t seen = n < WARMUP_BATCHES_MAX ? n : WARMUP_BATCHES_MAX;
    return seen >= 3 && (agree(batches + n, 1) || agree(batches + n, seen / 3));
}

static double quantile(const double *sorted, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t below = (size_t)at;
    return below + 1 < n ? sorted[below] + (sorted[below + 1] - sorted[below]) * (at - (double)below)
                         : sorted[n - 1];
}

/* Two standard errors of the difference of two windows' medians, from the quartiles of what the batches lie
 * off their own window's median: the drift itself is not in it, and a burst is not either. Below two batches
 * a window nothing is known of scatter. */
static double noise(const double *end, size_t width, const double m[3]) {
    double off[WARMUP_BATCHES_MAX];
    size_t n = 3 * width;
    if (width < 2 || fmin(m[0], fmin(m[1], m[2])) <= 0) return INFINITY;
    for (size_t i = 0; i < n; i++) off[i] = (end - n)[i] / m[i / width] - 1;
    qsort(off, n, sizeof *off, by_value);
    double deviation = (quantile(off, n, 0.75) - quantile(off, n, 0.25)) / quartiles_apart;
    deviation *= sqrt((double)width / (double)(width - 1)); /* the medians follow their batches */
    return 2 * median_over_mean * deviation * sqrt(2.0 / (double)width);
}

/* Mann and Kendall's test needs no shape of the scatter: two modes are as good as a bell. */
static double trend(const double *v, size_t n) {
    double rises = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) rises += (v[k] > v[i]) - (v[k] < v[i]);
    return rises / sqrt((double)(n * (n - 1) * (2 * n + 5)) / 18);
}

enum warmup_verdict warmup_judge(const double *batches, size_t n, struct warmup_windows *found) {
    size_t seen = n < WARMUP_BATCHES_MAX ? n : WARMUP_BATCHES_MAX, width = seen / 3;
    double m[3];
    *found = (struct warmup_windows){NAN, NAN, NAN};
    if (width == 0) return WARMUP_UNDECIDED;
    const double *end = batches + n;
    medians(end, width, m);
    *found = (struct warmup_windows){spread(m), noise(end, width, m), trend(end - 3 * width, 3 * width)};
    bool one_way = (m[0] < m[1] && m[1] < m[2]) || (m[0] > m[1] && m[1] > m[2]);
    bool near = found->drift <= steady_within;
    if (width == 1) return near ? WARMUP_SETTLED : WARMUP_UNDECIDED;
    if (!near && one_way && fabs(found->trend) > trend_loud) return WARMUP_DRIFTING;
    bool explained = found->drift <= found->noise && fabs(found->trend) <= trend_quiet;
    return (near || explained) && found->noise <= hidden_most ? WARMUP_SETTLED : WARMUP_UNDECIDED;
}
