/* Hodges-Lehmann: by how much, or by what factor, one sample stands above another, with its interval.
 *
 * The k-th smallest of the n*m differences is found without listing them: how many are at most v takes one
 * walk over the two sorted samples, and v is bisected over the ordered bit patterns of the doubles, at most
 * 64 steps to the exact value. */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct two {
    double *x, *y; /* sorted */
    size_t n, m;
};

/* Doubles in order of their values as unsigned integers in the same order, and back. */
static uint64_t to_ordered(double v) {
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double from_ordered(uint64_t o) {
    uint64_t bits = o >> 63 ? o & ~(UINT64_C(1) << 63) : ~o;
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t differences_up_to(const struct two *t, double v) {
    uint64_t count = 0;
    size_t j = 0;

    for (size_t i = 0; i < t->n; i++) {
        while (j < t->m && t->y[j] - t->x[i] <= v) j++;
        count += j;
    }
    return count;
}

/* The k-th smallest difference, k from 1. */
static double kth_difference(const struct two *t, uint64_t k) {
    uint64_t low = to_ordered(t->y[0] - t->x[t->n - 1]), high = to_ordered(t->y[t->m - 1] - t->x[0]);

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        if (differences_up_to(t, from_ordered(mid)) >= k)
            high = mid;
        else
            low = mid + 1;
    }
    return from_ordered(low);
}

static void estimate(const struct two *t, double level, struct stat_shift *out) {
    uint64_t pairs = (uint64_t)t->n * t->m;
    double tail, low = kth_difference(t, (pairs + 1) / 2);
    uint64_t c = stat_u_critical(t->n, t->m, (1 - level) / 2, &tail); /* the c-th smallest and largest bound the shift */

    out->estimate = pairs % 2 ? low : (low + kth_difference(t, pairs / 2 + 1)) / 2;
    out->interval = (struct stat_interval){-INFINITY, INFINITY, 1};
    if (c > 0)
        out->interval =
            (struct stat_interval){kth_difference(t, c), kth_difference(t, pairs + 1 - c), 1 - 2 * tail};
}

int stat_shift(const double *x, size_t n, const double *y, size_t m, double level, struct stat_shift *out) {
    if (n == 0 || m == 0) return -ENODATA;
    if (!(level > 0 && level < 1)) return -EINVAL;

    struct two t = {stat_sorted(x, n), stat_sorted(y, m), n, m};
    int err = t.x && t.y ? 0 : errno == EINVAL ? -EINVAL : -ENOMEM;

    if (err == 0) estimate(&t, level, out);
    free(t.x), free(t.y);
    return err;
}

static double *logs_of(const double *x, size_t n, int *err) {
    double *l = malloc(n * sizeof *l);

    if (l == NULL) *err = -ENOMEM;
    for (size_t i = 0; l != NULL && i < n; i++) {
        if (!(x[i] > 0)) *err = -EDOM;
        l[i] = log(x[i]);
    }
    return l;
}

int stat_ratio(const double *x, size_t n, const double *y, size_t m, double level, struct stat_shift *out) {
    int err = 0;

    if (n == 0 || m == 0) return -ENODATA;

    double *lx = logs_of(x, n, &err), *ly = logs_of(y, m, &err);

    if (err == 0) err = stat_shift(lx, n, ly, m, level, out);
    if (err == 0) {
        out->estimate = exp(out->estimate);
        out->interval.low = exp(out->interval.low);
        out->interval.high = exp(out->interval.high);
    }
    free(lx), free(ly);
    return err;
}
