/* hash: see hash.h. FNV-1a with a mixing step at the end, and splitmix64. No state of its own. */
#include "base/hash.h"

#include <stdio.h>

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t hash_bytes(const void *data, size_t len) {
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return mix(h);
}

void hash_hex(uint64_t h, char out[17]) {
    snprintf(out, 17, "%016llx", (unsigned long long)h);
}

uint64_t rng_next(struct rng *r) {
    return mix(r->state += 0x9e3779b97f4a7c15u);
}

uint64_t rng_below(struct rng *r, uint64_t bound) {
    uint64_t low = -bound % bound; /* the values below it would favour some results */
    for (;;) {
        uint64_t x = rng_next(r);
        if (x >= low) return x % bound;
    }
}

void rng_shuffle(struct rng *r, size_t *v, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(r, i), t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}
