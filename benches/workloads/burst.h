/*
 * Calibrated processor work: a chain of dependent multiplications that touches no memory and calls nothing, so its
 * length is what the clock says on an undisturbed CPU. Calibration takes the fastest of several tries: a slower
 * one was disturbed. The barrier in the loop keeps the compiler from folding it.
 */
#pragma once

#include <stdint.h>

#include "point.h"

static inline uint64_t burst_iterations(uint64_t n, uint64_t seed) {
    uint64_t x = seed | 1;
    for (uint64_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

/* Iterations a nanosecond; about 5 ms. */
double burst_calibrate(void);

static inline uint64_t burst_for(double iterations_per_ns, double ns) {
    return ns > 0 ? (uint64_t)(iterations_per_ns * ns) : 0;
}
