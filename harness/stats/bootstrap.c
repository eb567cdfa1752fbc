/* Bootstrap intervals of a quantile: by percentiles, and bias-corrected and accelerated (Efron 1987). */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct boot {
    const double *sorted;
    size_t n, rounds;
    double q, estimate;
    double *replicates; /* the quantile of each resample */
};

/* A resample of sorted data is drawn as counts per position, so its quantile needs no sort: O(n) a round. */
static double replicate(const struct boot *b, size_t *counts, uint64_t *state) {
    double at = b->q * (double)(b->n - 1);
    size_t i = (size_t)at, seen = 0, k = 0;

    for (size_t j = 0; j < b->n; j++) counts[j] = 0;
    for (size_t j = 0; j < b->n; j++) counts[stat_random_below(state, b->n)]++;
    while (seen + counts[k] <= i) seen += counts[k++];

    double low = b->sorted[k], high = low;

    if (seen + counts[k] <= i + 1 && i + 1 < b->n) {
        for (k++; counts[k] == 0; k++) continue;
        high = b->sorted[k];
    }
    return low + (at - (double)i) * (high - low);
}

/* The acceleration, from the skew of the jackknife: the quantile with each sample left out in turn. */
static double acceleration(const struct boot *b, double *left, double *rest) {
    double mean = 0, squares = 0, cubes = 0;

    for (size_t out = 0; out < b->n; out++) {
        for (size_t j = 0, k = 0; j < b->n; j++)
            if (j != out) rest[k++] = b->sorted[j];

        double at = b->q * (double)(b->n - 2);
        size_t i = (size_t)at;
        double next = i + 1 < b->n - 1 ? rest[i + 1] : rest[i];

        left[out] = rest[i] + (at - (double)i) * (next - rest[i]);
        mean += left[out] / (double)b->n;
    }
    for (size_t j = 0; j < b->n; j++) {
        double d = mean - left[j];

        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : NAN;
}

/* The levels at which to read the replicates; false where BCa does not exist. */
static bool bca_levels(const struct boot *b, double accel, double tail, double *low, double *high) {
    double below = 0;

    for (size_t i = 0; i < b->rounds; i++)
        below += b->replicates[i] < b->estimate ? 1 : b->replicates[i] == b->estimate ? 0.5 : 0;

    double z0 = stat_normal_quantile(below / (double)b->rounds), z = stat_normal_quantile(tail);

    if (!isfinite(z0) || !isfinite(accel)) return false;
    *low = stat_normal_cdf(z0 + (z0 + z) / (1 - accel * (z0 + z)));
    *high = stat_normal_cdf(z0 + (z0 - z) / (1 - accel * (z0 - z)));
    return true;
}

int stat_bootstrap_quantile(const double *x, size_t n, double q, double level, size_t rounds, uint64_t seed,
                            enum stat_bootstrap method, struct stat_interval *out) {
    if (!(q >= 0 && q <= 1 && level > 0 && level < 1) || rounds < 100 || n > UINT32_MAX) return -EINVAL;
    if (n < 3) return -ENODATA;

    double *sorted = stat_sorted(x, n);

    if (sorted == NULL) return errno == EINVAL ? -EINVAL : -ENOMEM;

    struct boot b = {sorted, n, rounds, q, stat_quantile(x, n, q), malloc(rounds * sizeof(double))};
    size_t *counts = malloc(n * sizeof *counts);
    double *work = malloc(2 * n * sizeof *work);
    int err = b.replicates && counts && work ? 0 : -ENOMEM;

    if (err == 0) {
        double low = (1 - level) / 2, high = 1 - low;

        for (size_t i = 0; i < rounds; i++) b.replicates[i] = replicate(&b, counts, &seed);
        if (method == STAT_BCA)
            bca_levels(&b, acceleration(&b, work, work + n), (1 - level) / 2, &low, &high);
        *out = (struct stat_interval){stat_quantile(b.replicates, rounds, low),
                                      stat_quantile(b.replicates, rounds, high), level};
    }
    free(sorted), free(b.replicates), free(counts), free(work);
    return err;
}
