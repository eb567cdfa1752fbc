/* A small seeded generator (splitmix64), and exponential gaps for Poisson arrivals. One owner each. */
#pragma once

#include <math.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In (0, 1]: never 0, so that its logarithm is finite. */
static inline double rng_unit(struct rng *r) { return ((double)(rng_next(r) >> 11) + 1) * 0x1p-53; }

static inline double rng_exponential(struct rng *r, double mean) { return -mean * log(rng_unit(r)); }
