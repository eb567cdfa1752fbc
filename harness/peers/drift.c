/* drift: the drift that the processes of a series have in common. See drift.h. No state. */
#include "peers/drift.h"
#include "base/json.h"
#include "base/text.h"
#include "ledger/figure.h"
#include "ledger/interval.h"
#include "report/series.h"
#include "run/validity.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

/* As many as the order statistics need for an interval at 95 %; and two samples a third. */
enum { PROCESSES_LEAST = 6, SAMPLES_LEAST = 6 };

/* Two-sided: whichever way it truly goes, one tail of 2.5 % is what may lie beyond. */
static const double drift_level = 0.95;

static const json_t *samples_of(const json_t *point) {
    return json_object_get(json_object_get(point, "record"), "samples");
}

static bool counts(const json_t *point) {
    return rep_measured(point) && (rep_valid(point) || validity_only_warmup(point)) &&
           json_array_size(samples_of(point)) >= SAMPLES_LEAST;
}

/* By what factor the last third stands above the first, as a logarithm: up and down weigh alike. */
static double drift_of_process(const json_t *point) {
    const json_t *samples = samples_of(point), *s;
    size_t n = json_array_size(samples), third = n / 3, i;
    double *x = xcalloc(n + 1, sizeof *x);
    json_array_foreach(samples, i, s) x[i] = json_number_value(s);
    double first = stat_median(x, third), last = stat_median(x + n - third, third);
    free(x);
    return first > 0 && last > 0 ? log(last / first) : NAN;
}

/* The far end of Student's interval for the mean drift. The sign is dropped: the figure may lie on either side of where it would
 * have settled, so both ends of its interval move. */
static double largest_mean(const double *d, size_t n) {
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) mean += d[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (d[i] - mean) * (d[i] - mean);
    return fabs(mean) + student_t(drift_level, n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
}

static size_t valid_of(const json_t *cell) {
    const json_t *p;
    size_t i, n = 0;
    json_array_foreach(cell, i, p) n += rep_valid(p);
    return n;
}

bool drift_of_series(const json_t *cell, double *x, size_t *n, double *drift) {
    const json_t *p;
    size_t i, counted = 0;
    char why[REASON_MAX];
    if (valid_of(cell) >= PROCESSES_LEAST) return false;
    double *d = xcalloc(json_array_size(cell) + 1, sizeof *d);
    json_array_foreach(cell, i, p) {
        if (!counts(p)) continue;
        x[counted] = figure_of_point(p, "median", why, sizeof why);
        d[counted] = x[counted] > 0 ? drift_of_process(p) : NAN;
        counted++;
    }
    double most = counted >= PROCESSES_LEAST ? largest_mean(d, counted) : NAN;
    free(d);
    if (!isfinite(most)) return false;
    *n = counted;
    *drift = most;
    return true;
}
