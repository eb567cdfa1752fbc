/*
 * drift: the figure of a series few of whose processes were steady. What a warm-up left goes the same way in each process,
 * what the machine does slowly goes both ways: ten interleaved processes tell one from the other, a single one cannot
 * (docs/decisions/0017-drift-of-a-series.md). Pure.
 */
#ifndef TRINE_HARNESS_PEERS_DRIFT_H
#define TRINE_HARNESS_PEERS_DRIFT_H

#include "ledger/interval.h"

#include <jansson.h>

/*
 * cell: the processes of one series. True: *v is the median figure of those that are valid or not valid for their warm-up
 * alone, its interval at `level` wider at both ends by e^*drift, the largest drift that they may have in common. False,
 * and nothing is written: there are valid ones enough to do without, or too few of both to tell.
 */
bool drift_widens(const json_t *cell, double level, struct value *v, double *drift);

#endif
