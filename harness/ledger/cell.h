/* cell: the name that equal experiments of different claims share, so that their points are measured once. */
#ifndef TRINE_HARNESS_LEDGER_CELL_H
#define TRINE_HARNESS_LEDGER_CELL_H

#include "ledger/claim.h"

/* "pingpong-1f0c22aa": the workload and a hash of all that is set, but for backends and repetitions. Caller frees. */
char *cell_name(const struct experiment *x);
/* Of a claim's experiment by its own name; NULL when it has none of it. Caller frees. */
char *cell_of(const struct claim *c, const char *experiment);

#endif
