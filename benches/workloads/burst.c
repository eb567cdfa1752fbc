/* Calibration of the processor work: see burst.h. */
#include "burst.h"

__attribute__((noinline)) uint64_t burst_iterations(uint64_t n, uint64_t seed) {
    uint64_t x = seed | 1;
    for (uint64_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(x)); /* keeps the compiler from folding the loop */
    }
    return x;
}

double burst_calibrate(void) {
    enum { TRIES = 10, ITERATIONS = 400000 };
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t start = point_now();
        burst_iterations(ITERATIONS, (uint64_t)i);
        int64_t ns = point_now() - start;
        if (ns < best_ns) best_ns = ns;
    }
    return (double)ITERATIONS / (double)(best_ns > 0 ? best_ns : 1);
}
