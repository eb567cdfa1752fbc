/* Starting many tasks over the elements of an array, and what several workloads do around it. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "burst.h"
#include "point.h"

/* Starts a task for each of n elements; each must call be_wg_done(wg). When one cannot be made the point fails,
 * wg counts only those that were, and false comes back: the caller still waits on wg. */
static inline bool crowd_go(struct point *pt, struct be_wg *wg, be_fn fn, void *base, size_t stride, uint64_t n) {
    be_wg_add(wg, (int)n);
    for (uint64_t i = 0; i < n; i++) {
        if (point_go(pt, fn, (char *)base + i * stride)) continue;
        be_wg_add(wg, -(int)(n - i));
        return false;
    }
    return true;
}

/* Zeroed memory for the point, or NULL after the point has failed with its size. */
static inline void *point_alloc(struct point *pt, uint64_t n, size_t bytes) {
    void *p = calloc(n, bytes);
    if (!p) point_fail(pt, "no memory for %llu elements of %zu bytes", (unsigned long long)n, bytes);
    return p;
}

/* CPU hogs: tasks that compute until told to stop, beside whatever is measured. */
struct hogs {
    _Atomic bool stop;
    struct be_wg wg;
};

static inline void hog_task(void *arg) {
    struct hogs *h = arg;
    while (!atomic_load_explicit(&h->stop, memory_order_relaxed)) burst_iterations(1000, 1);
    be_wg_done(&h->wg);
}

static inline void hogs_start(struct point *pt, struct hogs *h, int64_t n) {
    crowd_go(pt, &h->wg, hog_task, h, 0, (uint64_t)n);
}

static inline void hogs_stop(struct hogs *h) {
    atomic_store(&h->stop, true);
    be_wg_wait(&h->wg);
}

/* Times in ns that tasks leave, one slot each, for the main task to put into a histogram. */
static inline void crowd_record(struct hist *h, const int64_t *ns, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) hist_record(h, ns[i] > 0 ? (uint64_t)ns[i] : 0);
}

static int crowd_compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The time of rank ceil(p n): sorts in place. */
static inline double crowd_rank(int64_t *ns, uint64_t n, double p) {
    qsort(ns, n, sizeof *ns, crowd_compare);
    uint64_t rank = (uint64_t)((double)n * p + 0.999999999);
    return (double)ns[rank > 0 ? rank - 1 : 0];
}
