/* An HDR histogram: counts of 64-bit values to a stated number of significant decimal digits, in memory that
 * does not depend on how many are recorded.
 *
 * Layout: values below S (the power of two at or above 2 * 10^digits) have a bucket each; above, every
 * doubling is cut into S/2 equal buckets, so a bucket is never wider than value / 10^digits. Buckets cover
 * all of 0 to UINT64_MAX: nothing is clipped, and untouched pages are never committed.
 *
 * No correction for coordinated omission is made: record the latency from the *intended* start, and none is
 * needed. Not locked: one histogram a thread, merged when they are done. */
#ifndef TRINE_BASE_HIST_H
#define TRINE_BASE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HIST_DIGITS_DEFAULT 3
#define HIST_MIN_BEYOND     10 /* a percentile is quoted only with as many samples beyond it */

struct hist {
    int digits;
    int sub_bits; /* log2 of S */
    size_t nbuckets;
    uint64_t count;
    uint64_t min, max;     /* exact; min is UINT64_MAX while empty */
    unsigned __int128 sum; /* exact */
    uint64_t buckets[];
};

/* A histogram with 1 to 5 significant digits; NULL with errno EINVAL or ENOMEM. With 3 digits it reserves 440
 * KiB of address space, with 5 about 50 MiB; what is committed is what is touched. */
struct hist *hist_new(int digits);
void hist_free(struct hist *h);
void hist_reset(struct hist *h);

static inline size_t hist_index(const struct hist *h, uint64_t v) {
    uint64_t sub_mask = (UINT64_C(1) << h->sub_bits) - 1;
    int shift = 64 - __builtin_clzll(v | sub_mask) - h->sub_bits;

    return ((size_t)shift << (h->sub_bits - 1)) + (size_t)(v >> shift);
}

static inline void hist_record_n(struct hist *h, uint64_t v, uint64_t n) {
    if (n == 0) return;
    h->buckets[hist_index(h, v)] += n;
    h->count += n;
    h->sum += (unsigned __int128)v * n;
    if (v < h->min) h->min = v;
    if (v > h->max) h->max = v;
}

static inline void hist_record(struct hist *h, uint64_t v) {
    hist_record_n(h, v, 1);
}

/* Adds all of from to into. 0, or -EINVAL when their digits differ. */
int hist_merge(struct hist *into, const struct hist *from);

/* Restores what the buckets of a record cannot carry, after hist_record_n(lowest, count) of each: the exact
 * extremes and the mean. -EINVAL when they lie outside the buckets recorded. */
int hist_set_exact(struct hist *h, uint64_t min, uint64_t max, double mean);

/* The smallest and largest value that share v's bucket. */
uint64_t hist_lowest_like(const struct hist *h, uint64_t v);
uint64_t hist_highest_like(const struct hist *h, uint64_t v);

/* The value below or at which p percent (0 to 100) of the samples lie: the top of the bucket of the sample of
 * rank ceil(p/100 * count), never above the maximum. 0 with *out set; -ENODATA when fewer than
 * HIST_MIN_BEYOND samples lie beyond it (above from the median up, below under it); -EINVAL for p outside [0,
 * 100]. */
int hist_percentile(const struct hist *h, double p, uint64_t *out);

/* The same without the rule of ten, for drawing and for distances between histograms; 0 when empty. */
uint64_t hist_percentile_unguarded(const struct hist *h, double p);

uint64_t hist_min(const struct hist *h); /* 0 when empty */
uint64_t hist_max(const struct hist *h);
double hist_mean(const struct hist *h);   /* exact; NaN when empty */
double hist_stddev(const struct hist *h); /* of the population, to the buckets' resolution; NaN when empty */

/* Non-empty buckets in rising order: start with {0}; false at the end. */
struct hist_iter {
    size_t next;
    uint64_t lowest, highest, count;
};
bool hist_next(const struct hist *h, struct hist_iter *it);

/* The percentile distribution in the text format of .hgrm files, values divided by unit (1000.0: ns become
 * us). ticks: lines for each halving of the distance to 100 % (5 is usual). 0, or -EIO. */
int hist_write_hgrm(const struct hist *h, FILE *f, int ticks, double unit);

#endif
