/*
 * Calibrated processor work: a chain of dependent multiplications that touches no memory and calls nothing, so its
 * length is what the clock says on an undisturbed CPU. Calibration takes the fastest of several tries: a slower
 * one was disturbed.
 */
#pragma once

#include <stdint.h>

#include "point.h"

/* One copy for all, calibration too: the same loop at two addresses may run at two speeds, by where the loader puts them. */
uint64_t burst_iterations(uint64_t n, uint64_t seed);

/* Iterations a nanosecond; about 5 ms. */
double burst_calibrate(void);

static inline uint64_t burst_for(double iterations_per_ns, double ns) {
    return ns > 0 ? (uint64_t)(iterations_per_ns * ns) : 0;
}
