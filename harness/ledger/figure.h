/* figure: one process's figure by its path, and the figures of all processes of a cell as one value. */
#ifndef TRINE_HARNESS_LEDGER_FIGURE_H
#define TRINE_HARNESS_LEDGER_FIGURE_H

#include "ledger/interval.h"

#include <jansson.h>

/*
 *   median, least, most      of the samples of the primary metric
 *   hist.NAME.p99            a percentile (p50, p999 is 99.9), or hist.NAME.max
 *   ok, timed_out            1 or 0: how the process ended
 *   anything else            a path of members: metrics.threads, counts.operations, runtime.steals, procs in the
 *                            record; outside.threads.peak, outside.max_rss_bytes in what was seen from outside
 * NAN, with `why` filled, where this point has none.
 */
double figure_of_point(const json_t *point, const char *path, char *why, size_t why_bytes);

/*
 * points: the repetitions of one experiment on one backend, NULL when there are none. Figures of valid points
 * count; with fewer than three of them those that are not valid do too, and *invalid is set. x, with room for one a
 * point, takes them; how many they are comes back. 0: *none says why.
 */
size_t figures_of_cell(const json_t *points, const char *path, double *x, struct value *none, bool *invalid);

/* The same figures as one value. */
struct value figure_of_cell(const json_t *points, const char *path, double level, bool *invalid);

#endif
