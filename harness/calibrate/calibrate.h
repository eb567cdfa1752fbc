/*
 * calibrate: the scale beside every figure: what the clock is worth, what a load costs from each level of the
 * cache, and what the machine charges for the things that no scheduler can do without, so that a figure also
 * reads as a multiple of the limit. Each part says how long it took. Main thread only; the caller's affinity
 * is restored. What could not be measured is {"unavailable": why}.
 */
#ifndef TRINE_HARNESS_CALIBRATE_H
#define TRINE_HARNESS_CALIBRATE_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct calibrate_options {
    bool quick;        /* some 1.5 s instead of some 5 s */
    const char *micro; /* path of trine-micro; NULL: its limits are unavailable */
    const volatile sig_atomic_t *stop; /* set: what is not measured yet is left out; may be NULL */
};

/* {"schema":"trine-limits","version":1,"clock":…,"loads":…,"limits":…,"probes":…,"took_ms":…}; see
 * docs/METHODOLOGY.md. */
json_t *calibrate(const struct calibrate_options *o);

/* The path of trine-micro beside the running program, or NULL. Caller frees. */
char *calibrate_find_micro(void);

/* The parts, for the tests. wake_limits: the hand-off between two threads by futex. */
json_t *calibrate_clock(bool quick);
json_t *calibrate_loads(bool quick);
void calibrate_wakes(json_t *limits, bool quick);
/* Takes google-benchmark's JSON of trine-micro's limits and adds a limit for each it knows. */
void calibrate_from_micro(json_t *limits, const json_t *micro);

/* {"value","least","unit","method"} of one limit. */
json_t *calibrate_limit(double value, double least, const char *unit, const char *method);

#endif
