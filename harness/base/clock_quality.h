/* What the clock of clock.h is worth on this machine: published with every run. Call after mclock_init(). */
#ifndef TRINE_BASE_CLOCK_QUALITY_H
#define TRINE_BASE_CLOCK_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

struct mclock_quality {
    double overhead_ns;     /* one reading, back to back: the least of many batches */
    double granularity_ns;  /* the smallest step seen between two different readings */
    bool monotonic;         /* no reading was below the one before it, on any CPU */
    double drift_ppm;       /* rate against CLOCK_MONOTONIC_RAW; positive: ours runs fast */
    double drift_bound_ppm; /* the uncertainty of that, from the width of the brackets */
    int ncpus;              /* CPUs whose offset was measured, the reference among them; below 2: none was */
    double offset_ns;       /* the largest offset of a CPU from the first one */
    double offset_bound_ns; /* half the round trip that showed it: the offset is known to within this */
};

/* Takes drift_over_ns (100 ms and more is useful) and, for each further CPU of the affinity mask, up to 200
 * ms. Starts one helper thread at a time; the caller's affinity is restored. Returns 0 or -errno. */
int mclock_measure(struct mclock_quality *q, int64_t drift_over_ns);

#endif
