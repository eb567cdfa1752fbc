/*
 * ratio: the figures of a series, one a process, and by what factor one series stands above another: the Hodges-Lehmann
 * estimate with the interval that the rank test accepts (docs/decisions/0022-ratio-of-series.md). Pure.
 */
#ifndef TRINE_HARNESS_PEERS_RATIO_H
#define TRINE_HARNESS_PEERS_RATIO_H

#include "ledger/interval.h"

#include <jansson.h>

/* disturbed: fewer than three processes were valid; those that there are give the figure, which decides nothing. unsteady:
 * some were not valid for their warm-up alone; every interval is wider by e^drift (drift.h). */
struct series {
    double *x;
    size_t n;
    struct value none; /* where n is 0 */
    bool disturbed, unsteady;
    double drift;
};

/* path: as for figure_of_point(). The caller frees it by series_free(). */
struct series series_of(const json_t *points, const char *experiment, const char *backend, const char *path);
void series_free(struct series *s);

/* The median, with its interval at `level`. */
struct value series_value(const struct series *s, double level);

/* own over peer, with an interval at 95 %. Where the processes are too few for the rank test to bound anything (three a side),
 * or a figure is not positive: the quotient of the medians, with the corners of both intervals. */
struct value series_ratio(const struct series *own, const struct series *peer);

#endif
