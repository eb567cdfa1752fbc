/* The HDR histogram of hist.h. A bucket's index and its lowest value are inverse functions of one another:
 *   index  = shift * S/2 + (value >> shift), shift = bits of the value above log2 S
 *   lowest = (index - shift * S/2) << shift, shift = index / (S/2) - 1 from S up, else 0 */
#include "hist.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hist *hist_new(int digits) {
    uint64_t need = 2;
    int sub_bits = 0;

    if (digits < 1 || digits > 5) {
        errno = EINVAL;
        return NULL;
    }
    for (int i = 0; i < digits; i++) need *= 10;
    while ((UINT64_C(1) << sub_bits) < need) sub_bits++;

    size_t half = (size_t)1 << (sub_bits - 1);
    size_t n = (size_t)(64 - sub_bits) * half + 2 * half;
    struct hist *h = calloc(1, sizeof *h + n * sizeof h->buckets[0]);

    if (h == NULL) return NULL;
    h->digits = digits;
    h->sub_bits = sub_bits;
    h->nbuckets = n;
    h->min = UINT64_MAX;
    return h;
}

void hist_free(struct hist *h) {
    free(h);
}

static uint64_t lowest_of(const struct hist *h, size_t index, int *shift_out) {
    size_t half = (size_t)1 << (h->sub_bits - 1);
    int shift = index < 2 * half ? 0 : (int)(index / half) - 1;

    *shift_out = shift;
    return (uint64_t)(index - (size_t)shift * half) << shift;
}

uint64_t hist_lowest_like(const struct hist *h, uint64_t v) {
    int shift;

    return lowest_of(h, hist_index(h, v), &shift);
}

uint64_t hist_highest_like(const struct hist *h, uint64_t v) {
    int shift;
    uint64_t lowest = lowest_of(h, hist_index(h, v), &shift);

    return lowest + ((UINT64_C(1) << shift) - 1);
}

/* The buckets that can be non-empty: [first, last). */
static size_t first_used(const struct hist *h) {
    return h->count ? hist_index(h, h->min) : 0;
}
static size_t end_used(const struct hist *h) {
    return h->count ? hist_index(h, h->max) + 1 : 0;
}

void hist_reset(struct hist *h) {
    size_t first = first_used(h), end = end_used(h);

    if (end > first) memset(&h->buckets[first], 0, (end - first) * sizeof h->buckets[0]);
    h->count = 0;
    h->sum = 0;
    h->min = UINT64_MAX;
    h->max = 0;
}

int hist_merge(struct hist *into, const struct hist *from) {
    if (into->digits != from->digits) return -EINVAL;
    for (size_t i = first_used(from), end = end_used(from); i < end; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->min < into->min) into->min = from->min;
    if (from->max > into->max) into->max = from->max;
    return 0;
}

int hist_set_exact(struct hist *h, uint64_t min, uint64_t max, double mean) {
    if (h->count == 0 || min > max || hist_index(h, min) != first_used(h) ||
        hist_index(h, max) + 1 != end_used(h))
        return -EINVAL;
    if (!(mean >= (double)min * (1 - 1e-9)) || mean > (double)max * (1 + 1e-9)) return -EINVAL;
    h->min = min;
    h->max = max;
    h->sum = (unsigned __int128)((long double)mean * (long double)h->count);
    return 0;
}

bool hist_next(const struct hist *h, struct hist_iter *it) {
    size_t end = end_used(h);

    if (it->next < first_used(h)) it->next = first_used(h);
    while (it->next < end && h->buckets[it->next] == 0) it->next++;
    if (it->next >= end) return false;

    int shift;

    it->lowest = lowest_of(h, it->next, &shift);
    it->highest = it->lowest + ((UINT64_C(1) << shift) - 1);
    it->count = h->buckets[it->next++];
    return true;
}

/* The rank, from 1, of the sample that stands for p percent. The product is rounded up after a hair is taken
 * off, so that 99.9 % of 1000 is rank 999 although 99.9 has no exact binary form. */
static uint64_t rank_of(const struct hist *h, double p) {
    long double exact = (long double)p / 100.0L * (long double)h->count;
    uint64_t rank = (uint64_t)ceill(exact - exact * 1e-15L);

    if (rank < 1) rank = 1;
    return rank > h->count ? h->count : rank;
}

static uint64_t value_at_rank(const struct hist *h, uint64_t rank) {
    struct hist_iter it = {0};
    uint64_t seen = 0;

    while (hist_next(h, &it)) {
        seen += it.count;
        if (seen >= rank) return it.highest < h->max ? it.highest : h->max;
    }
    return h->max;
}

uint64_t hist_percentile_unguarded(const struct hist *h, double p) {
    return h->count == 0 ? 0 : value_at_rank(h, rank_of(h, p));
}

int hist_percentile(const struct hist *h, double p, uint64_t *out) {
    if (!(p >= 0 && p <= 100)) return -EINVAL;
    if (h->count == 0) return -ENODATA;

    uint64_t rank = rank_of(h, p);
    uint64_t beyond = p >= 50 ? h->count - rank : rank - 1;

    if (beyond < HIST_MIN_BEYOND) return -ENODATA;
    *out = value_at_rank(h, rank);
    return 0;
}

uint64_t hist_min(const struct hist *h) {
    return h->count ? h->min : 0;
}
uint64_t hist_max(const struct hist *h) {
    return h->max;
}

double hist_mean(const struct hist *h) {
    return h->count ? (double)((long double)h->sum / (long double)h->count) : NAN;
}

double hist_stddev(const struct hist *h) {
    struct hist_iter it = {0};
    long double mean = hist_mean(h), squares = 0;

    if (h->count == 0) return NAN;
    while (hist_next(h, &it)) {
        long double mid = (long double)it.lowest + (long double)(it.highest - it.lowest) / 2;

        squares += (mid - mean) * (mid - mean) * (long double)it.count;
    }
    return (double)sqrtl(squares / (long double)h->count);
}

/* The next line's percentile: each halving of what is left to 100 % gets the same number of lines. */
static double next_level(double p, int ticks) {
    double halvings = floor(log2(100.0 / (100.0 - p))) + 1;

    return p + 100.0 / (ticks * exp2(halvings));
}

int hist_write_hgrm(const struct hist *h, FILE *f, int ticks, double unit) {
    struct hist_iter it = {0};
    uint64_t seen = 0;
    double p = 0;

    fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    while (hist_next(h, &it)) {
        uint64_t top = it.highest < h->max ? it.highest : h->max;

        seen += it.count;
        while (seen < h->count && rank_of(h, p) <= seen) {
            fprintf(f, "%12.3f %2.12f %10llu %14.2f\n", (double)top / unit, p / 100, (unsigned long long)seen,
                    1 / (1 - p / 100));
            p = next_level(p, ticks);
        }
    }
    if (h->count > 0)
        fprintf(f, "%12.3f %2.12f %10llu\n", (double)h->max / unit, 1.0, (unsigned long long)h->count);
    fprintf(f, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", h->count ? hist_mean(h) / unit : 0.0,
            h->count ? hist_stddev(h) / unit : 0.0);
    fprintf(f, "#[Max     = %12.3f, Total count    = %12llu]\n", (double)h->max / unit,
            (unsigned long long)h->count);
    fprintf(f, "#[Buckets = %12zu, SubBuckets     = %12llu]\n", (size_t)(65 - h->sub_bits),
            1ULL << h->sub_bits);
    return ferror(f) ? -EIO : 0;
}
