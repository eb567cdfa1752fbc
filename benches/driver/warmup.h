/* When a warm-up has ended: nothing moves any more. No state, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { WARMUP_BATCHES_MAX = 600 };   /* looked back at: the last so many */

/* Do three windows in a row agree within 3 %? Each is one batch, or, for what is noisy by nature and would never agree so,
 * the median of a third of all n batches: a trend shows in those too. */
bool warmup_steady(const double *batches, size_t n);
