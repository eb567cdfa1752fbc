/* Mann-Whitney's test, exact with and without ties.
 *
 * The null distribution is counted, not sampled: of all ways to choose n of the N midranks, how many have
 * each sum? Midranks are doubled to make them integers. ways[k][s] is the number of ways to choose k of the
 * ranks seen so far with sum s; each further rank is either left or taken, and k and s go downwards so that a
 * rank is taken once. Work n * N * N^2 at most: under 30 million steps at the limit of STAT_EXACT_MAX. */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct tagged {
    double value;
    bool first; /* of sample x */
};

static int by_value(const void *a, const void *b) {
    const struct tagged *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* Doubled midranks of both samples together, rising. Returns the doubled rank sum of x; *ties is the sum of
 * t^3 - t over groups of t equal values. */
static double rank_both(struct tagged *all, size_t total, unsigned *ranks2, double *ties) {
    double sum = 0;

    qsort(all, total, sizeof *all, by_value);
    *ties = 0;
    for (size_t i = 0, end; i < total; i = end) {
        for (end = i + 1; end < total && all[end].value == all[i].value; end++) continue;

        double t = (double)(end - i);

        *ties += t * t * t - t;
        for (size_t j = i; j < end; j++) {
            ranks2[j] = (unsigned)(i + 1 + end);
            if (all[j].first) sum += ranks2[j];
        }
    }
    return sum;
}

/* In how many ways n of the given ranks have each sum from 0 to *most, their own; *row points at them. To be freed. */
static double *count_ways(const unsigned *ranks, size_t total, size_t n, size_t *most, const double **row) {
    size_t max = 0;

    for (size_t i = 0; i < total; i++) max += ranks[i];

    double *ways = calloc((n + 1) * (max + 1), sizeof *ways);

    if (ways == NULL) return NULL;
    ways[0] = 1;
    for (size_t i = 0, seen = 0; i < total; i++) {
        size_t r = ranks[i];

        seen += r;
        for (size_t k = i + 1 < n ? i + 1 : n; k >= 1; k--) {
            double *to = &ways[k * (max + 1)];
            const double *from = to - (max + 1);

            for (size_t s = seen; s >= r; s--) to[s] += from[s - r];
        }
    }
    *most = max;
    *row = &ways[n * (max + 1)];
    return ways;
}

/* Both tails of the sum of n of the given ranks at `at`: P(sum <= at) and P(sum >= at). */
static int exact_tails(const unsigned *ranks, size_t total, size_t n, double at, double *lower,
                       double *upper) {
    const double *row;
    size_t max;
    double all = 0, low = 0, high = 0, *ways = count_ways(ranks, total, n, &max, &row);

    if (ways == NULL) return -ENOMEM;
    for (size_t s = 0; s <= max; s++) {
        double w = row[s];

        all += w;
        if ((double)s <= at) low += w;
        if ((double)s >= at) high += w;
    }
    free(ways);
    *lower = low / all;
    *upper = high / all;
    return 0;
}

static double normal_p(double u, double n, double m, double ties) {
    double total = n + m;
    double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
    double away = fabs(u - n * m / 2) - 0.5;

    if (variance <= 0) return 1;
    return fmin(1, 2 * stat_normal_cdf(-away / sqrt(variance)));
}

int stat_mann_whitney(const double *x, size_t n, const double *y, size_t m, struct stat_mwu *out) {
    size_t total = n + m;

    if (n == 0 || m == 0) return -ENODATA;

    struct tagged *all = malloc(total * sizeof *all);
    unsigned *ranks2 = malloc(total * sizeof *ranks2);
    int err = all && ranks2 ? 0 : -ENOMEM;
    double ties, lower, upper;

    for (size_t i = 0; err == 0 && i < total; i++) {
        all[i] = (struct tagged){i < n ? x[i] : y[i - n], i < n};
        if (!isfinite(all[i].value)) err = -EINVAL;
    }
    if (err == 0) {
        double sum2 = rank_both(all, total, ranks2, &ties);

        out->u = sum2 / 2 - (double)n * ((double)n + 1) / 2;
        out->exact = total <= STAT_EXACT_MAX;
        if (!out->exact)
            out->p = normal_p(out->u, (double)n, (double)m, ties);
        else if ((err = exact_tails(ranks2, total, n, sum2, &lower, &upper)) == 0)
            out->p = fmin(1, 2 * fmin(lower, upper));
    }
    free(all), free(ranks2);
    return err;
}

double stat_least_p(size_t n, size_t m) {
    double ways = 1;

    for (size_t i = 1; i <= n; i++) ways = ways * (double)(m + i) / (double)i;
    return fmin(1, 2 / ways);
}

static void natural(unsigned *ranks, size_t total) {
    for (size_t i = 0; i < total; i++) ranks[i] = (unsigned)i + 1;
}

/* One walk over the distribution; asked of stat_u_cdf it would be counted anew at each step. */
static uint64_t exact_critical(size_t n, size_t m, double tail, double *attained) {
    unsigned ranks[STAT_EXACT_MAX];
    const double *row;
    size_t max, least = n * (n + 1) / 2;
    uint64_t c = 0;
    double all = 0, sum = 0;

    natural(ranks, n + m);
    double *ways = count_ways(ranks, n + m, n, &max, &row);
    if (ways == NULL) return 0;
    for (size_t s = 0; s <= max; s++) all += row[s];
    for (; c < (uint64_t)n * m / 2; c++) {
        sum += row[least + c];
        if (sum / all > tail) break;
        *attained = sum / all;
    }
    free(ways);
    return c;
}

uint64_t stat_u_critical(size_t n, size_t m, double tail, double *attained) {
    uint64_t low = 0, high = (uint64_t)n * m / 2;

    *attained = 0;
    if (n + m <= STAT_EXACT_MAX) return exact_critical(n, m, tail, attained);
    while (low < high) {
        uint64_t mid = low + (high - low + 1) / 2;
        double p = stat_u_cdf(n, m, (double)mid - 1);

        if (p <= tail) {
            low = mid;
            *attained = p;
        } else {
            high = mid - 1;
        }
    }
    return low;
}

double stat_u_cdf(size_t n, size_t m, double u) {
    double lower = NAN, upper;
    unsigned ranks[STAT_EXACT_MAX];

    if (n + m > STAT_EXACT_MAX) {
        double sd = sqrt((double)n * (double)m * (double)(n + m + 1) / 12);

        return stat_normal_cdf((u + 0.5 - (double)n * (double)m / 2) / sd);
    }
    natural(ranks, n + m);
    if (exact_tails(ranks, n + m, n, floor(u) + (double)n * ((double)n + 1) / 2, &lower, &upper) != 0)
        return NAN;
    return lower;
}
