/*
 * limits: what a machine can do at best, so that a figure can be told as a multiple of it and hardware is
 * compared, not luck. From the member "limits" of env.json where it is there, else from the run's own points;
 * what is in neither is absent, and says so. Floor 4; pure.
 */
#ifndef TRINE_HARNESS_LIMITS_H
#define TRINE_HARNESS_LIMITS_H

#include "doors/side.h"

enum limit { LIMIT_CLOCK, LIMIT_FUTEX, LIMIT_LINE, LIMIT_THREAD, NLIMITS };

struct limits {
    double ns[NLIMITS]; /* NaN: not recorded */
};

extern const char *const limit_names[NLIMITS]; /* "clock", … */
extern const char *const limit_docs[NLIMITS];  /* "one reading of the clock", … */

void limits_of(const struct side *s, struct limits *out);

#endif
