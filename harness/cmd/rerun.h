/*
 * rerun: a run's own command once more, as it was typed and where it was typed, with more repetitions, into
 * RUN/rerun. For the gate, whose first verdict was inconclusive.
 */
#ifndef TRINE_HARNESS_RERUN_H
#define TRINE_HARNESS_RERUN_H

#include "doors/side.h"

/* The new run's folder, or NULL and e; e->code is TRINE_EXIT_INTERRUPTED when a signal ended it. Caller frees. */
char *rerun(const struct side *run, size_t reps, struct err *e);

#endif
