/*
 * hash: names for things that must be the same in every run (a point's id, a machine's name) and the seeded
 * random numbers that order a run. Not for secrets.
 */
#ifndef TRINE_HARNESS_HASH_H
#define TRINE_HARNESS_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t len);
void hash_hex(uint64_t h, char out[17]);

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); /* uniform in [0, bound); bound > 0 */
void rng_shuffle(struct rng *r, size_t *v, size_t n);

#endif
