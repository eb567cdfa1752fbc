/* The statistics of the suite: pure functions over arrays of doubles. Nothing here reads a clock, a file or a
 * global; every random choice comes from a seed, so the same input gives the same answer on any machine.
 * Inputs are never reordered. No limit on who may call.
 *
 * Conventions: a figure that does not exist (no samples) is NaN; a function that can refuse returns 0 or
 * -errno: -EINVAL (an argument is out of range or a sample is not finite), -ENODATA (too few samples for the
 * claim asked for), -EDOM (a logarithm of a figure that is not positive), -ENOMEM. */
#ifndef TRINE_STATS_H
#define TRINE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat_interval {
    double low, high;
    double level; /* the coverage attained: at least that asked for, where it is exact */
};

/* --- order statistics (order.c) --- */
double stat_median(const double *x, size_t n);
double stat_mad(const double *x, size_t n); /* median of |x - median|, unscaled */
/* The quantile q in [0, 1] by linear interpolation between order statistics (type 7 of Hyndman and Fan). */
double stat_quantile(const double *x, size_t n, double q);
/* A distribution-free interval for the quantile q of the population: two order statistics whose ranks come
 * from the binomial, at most (1-level)/2 outside on each side. -ENODATA when no sample size-n interval
 * reaches level (the median at 95 % needs 6 samples). */
int stat_quantile_interval(const double *x, size_t n, double q, double level, struct stat_interval *out);
/* A sorted copy, to be freed; NULL when out of memory or a sample is not finite. */
double *stat_sorted(const double *x, size_t n);

/* --- bootstrap (bootstrap.c) --- */
enum stat_bootstrap { STAT_PERCENTILE, STAT_BCA };
/* An interval for the quantile q from `rounds` resamples. BCa corrects for bias and skew by the jackknife;
 * where it does not exist (all resamples equal or on one side) the percentile interval is given instead.
 * Work: rounds * n. */
int stat_bootstrap_quantile(const double *x, size_t n, double q, double level, size_t rounds, uint64_t seed,
                            enum stat_bootstrap method, struct stat_interval *out);

/* --- two samples (ranks.c, shift.c) --- */
#define STAT_EXACT_MAX 80 /* n + m up to which the rank test is exact; beyond, the normal approximation */
struct stat_mwu {
    double u; /* of the first sample: pairs in which x is above y, ties count a half */
    double p; /* two-sided */
    bool exact;
};
/* Mann-Whitney's U test. Exact with ties too: the permutation distribution of the midranks as they are.
 * Beyond STAT_EXACT_MAX: normal, corrected for ties and continuity. */
int stat_mann_whitney(const double *x, size_t n, const double *y, size_t m, struct stat_mwu *out);
/* The least two-sided p that n against m can give: 2 / C(n+m, n). */
double stat_least_p(size_t n, size_t m);
/* P(U <= u) under the null hypothesis without ties. Exact up to STAT_EXACT_MAX, else normal. */
double stat_u_cdf(size_t n, size_t m, double u);
/* The largest c, n * m / 2 at most, with P(U <= c - 1) <= tail, and that probability; 0 and 0 where there is none. */
uint64_t stat_u_critical(size_t n, size_t m, double tail, double *attained);

struct stat_shift {
    double estimate;
    struct stat_interval
        interval; /* -inf and inf with level 1 when so few samples bound nothing at that level */
};
/* Hodges-Lehmann: the median of all y - x, and the interval that the U test accepts. Work: (n+m) log, by
 * bisection over the differences without listing them. */
int stat_shift(const double *x, size_t n, const double *y, size_t m, double level, struct stat_shift *out);
/* The same on logarithms: by what factor y stands above x. All samples must be positive. */
int stat_ratio(const double *x, size_t n, const double *y, size_t m, double level, struct stat_shift *out);

/* --- families and series (family.c, change.c) --- */
/* Holm's step-down adjustment: adjusted[i] < alpha rejects hypothesis i at family-wise level alpha. */
int stat_holm(const double *p, size_t n, double *adjusted);

struct stat_change {
    size_t index;         /* the first sample of the new level */
    double before, after; /* medians of the two neighbouring segments */
    double p;             /* by permutation, of the split when it was made */
};
/* Change points of a series in time order, at most max of them, in order: circular binary segmentation
 * on ranks, tested by seeded permutation at p_limit, each part at least 5 long; then changes smaller than
 * effect (0.05: 5 % of the level before) are merged away, smallest first. Returns how many or -errno. */
int stat_change_points(const double *x, size_t n, double p_limit, double effect, uint64_t seed,
                       struct stat_change *out, size_t max);

/* How many of the first batches are warm-up: up to and including the first `run` in a row whose spread
 * (max - min) is at most tolerance times their median. SIZE_MAX when the series never settles. */
size_t stat_warmup_end(const double *x, size_t n, size_t run, double tolerance);

/* --- the random numbers behind seeds: SplitMix64 --- */
static inline uint64_t stat_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
/* Uniform in [0, n), n below 2^32. */
static inline size_t stat_random_below(uint64_t *state, size_t n) {
    return (size_t)((stat_random(state) >> 32) * n >> 32);
}

/* The standard normal: distribution and its inverse (p in (0, 1)). */
double stat_normal_cdf(double z);
double stat_normal_quantile(double p);

#endif
