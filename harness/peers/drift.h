/*
 * drift: the figure of a series few of whose processes were steady. What a warm-up left goes the same way in each process,
 * what the machine does slowly goes both ways: ten interleaved processes tell one from the other, a single one cannot
 * (docs/decisions/0017-drift-of-a-series.md). Pure.
 */
#ifndef TRINE_HARNESS_PEERS_DRIFT_H
#define TRINE_HARNESS_PEERS_DRIFT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * cell: the processes of one series. True: x, with room for one a process, holds the median figures of the *n that are valid
 * or not valid for their warm-up alone, and an interval of theirs is to be wider at both ends by e^*drift, the largest drift
 * that they may have in common. False, and nothing but x is written: there are valid ones enough to do without, or too few of
 * both to tell.
 */
bool drift_of_series(const json_t *cell, double *x, size_t *n, double *drift);

#endif
