/*
 * limits: what a machine can do at best, so that a figure can be told as a multiple of it and hardware is
 * compared, not luck. From the run's limits.json (trine calibrate) where it is there, the clock and the thread's
 * hand-off else from the run's own points; what is in neither is absent, and says so. Floor 4; pure.
 */
#ifndef TRINE_HARNESS_LIMITS_H
#define TRINE_HARNESS_LIMITS_H

#include "doors/side.h"

enum limit { LIMIT_CLOCK, LIMIT_SWAP, LIMIT_SYSCALL, LIMIT_LINE, LIMIT_FUTEX, LIMIT_WAKE, LIMIT_THREAD, NLIMITS };

struct limits {
    double ns[NLIMITS]; /* NaN: not recorded */
};

extern const char *const limit_names[NLIMITS]; /* "clock", … */
extern const char *const limit_docs[NLIMITS];  /* "one reading of the clock", … */

void limits_of(const struct side *s, struct limits *out);

#endif
