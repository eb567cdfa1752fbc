/* Order statistics: median, spread, quantiles, and the interval that needs no assumption on the distribution.
 */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double *stat_sorted(const double *x, size_t n) {
    double *s = malloc((n ? n : 1) * sizeof *s);

    if (s == NULL) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            free(s);
            errno = EINVAL;
            return NULL;
        }
        s[i] = x[i];
    }
    qsort(s, n, sizeof *s, by_value);
    return s;
}

static double sorted_quantile(const double *s, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;

    return i + 1 < n ? s[i] + (at - (double)i) * (s[i + 1] - s[i]) : s[n - 1];
}

double stat_quantile(const double *x, size_t n, double q) {
    double *s = n > 0 && q >= 0 && q <= 1 ? stat_sorted(x, n) : NULL;
    double v = s == NULL ? NAN : sorted_quantile(s, n, q);

    free(s);
    return v;
}

double stat_median(const double *x, size_t n) {
    return stat_quantile(x, n, 0.5);
}

double stat_mad(const double *x, size_t n) {
    double median = stat_median(x, n), mad = NAN;
    double *away = isnan(median) ? NULL : malloc(n * sizeof *away);

    if (away != NULL) {
        for (size_t i = 0; i < n; i++) away[i] = fabs(x[i] - median);
        mad = stat_median(away, n);
    }
    free(away);
    return mad;
}

/* P(B = k) for B binomial(n, q), by logarithms: n may be large. */
static double binomial_pmf(size_t n, double q, size_t k) {
    double ways = lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);

    return exp(ways + (double)k * log(q) + (double)(n - k) * log1p(-q));
}

/* X(l) lies above the quantile when fewer than l samples lie under it: P(B <= l-1). X(u) lies below it with
 * P(B >= u). Both ranks move inwards while their tail stays within (1-level)/2. */
int stat_quantile_interval(const double *x, size_t n, double q, double level, struct stat_interval *out) {
    double tail = (1 - level) / 2, under = 0, over = 0;
    size_t l = 0, u = n + 1;

    if (!(q > 0 && q < 1 && level > 0 && level < 1)) return -EINVAL;
    for (double sum = 0; l < n && (sum += binomial_pmf(n, q, l)) <= tail; l++) under = sum;
    for (double sum = 0; u > 1 && (sum += binomial_pmf(n, q, u - 1)) <= tail; u--) over = sum;
    if (l < 1 || u > n || l > u) return -ENODATA;

    double *s = stat_sorted(x, n);

    if (s == NULL) return errno == EINVAL ? -EINVAL : -ENOMEM;
    *out = (struct stat_interval){s[l - 1], s[u - 1], 1 - under - over};
    free(s);
    return 0;
}

size_t stat_warmup_end(const double *x, size_t n, size_t run, double tolerance) {
    for (size_t end = run; run > 0 && end <= n; end++) {
        const double *last = &x[end - run];
        double min = last[0], max = last[0];

        for (size_t i = 1; i < run; i++) {
            min = fmin(min, last[i]);
            max = fmax(max, last[i]);
        }
        if (max - min <= tolerance * fabs(stat_median(last, run))) return end;
    }
    return SIZE_MAX;
}
