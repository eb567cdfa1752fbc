/* When a warm-up has ended: nothing moves any more, or no more than the batches scatter. No state, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { WARMUP_BATCHES_MAX = 600 };   /* looked back at: the last so many */

/* Do three windows in a row agree within 3 %? Each is one batch, or, for what is noisy by nature and would never agree so,
 * the median of a third of all n batches: a trend shows in those too. */
bool warmup_steady(const double *batches, size_t n);

enum warmup_verdict { WARMUP_UNDECIDED, WARMUP_SETTLED, WARMUP_DRIFTING };

struct warmup_windows {
    double drift; /* between the medians of thirds: most less least, over the least */
    double noise; /* how far two such medians of batches that only scatter lie apart: two standard errors */
    double trend; /* Mann and Kendall's z: is a later batch higher more often than lower? */
};

/* Tells a drift from scatter, over the last n batches: docs/decisions/0015-drift-and-scatter.md. Settled: the
 * medians of thirds lie within 3 %, or no further apart than scatter explains with no trend in the whole; and
 * scatter could not have hidden a tenth (of three batches, one a third, that they agree is all there is to
 * know). Drifting: by more than 3 %, in one direction, with a trend that chance makes once in some 400 times.
 * Else undecided. */
enum warmup_verdict warmup_judge(const double *batches, size_t n, struct warmup_windows *found);
