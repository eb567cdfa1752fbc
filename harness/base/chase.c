/* Pointer chases: see chase.h. No state of its own. */
#include "chase.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Sattolo's shuffle over the links themselves: swapping the successors of two lines of different parts joins
 * the parts, so one cycle comes out, whatever the random numbers. */
static void link_one_cycle(struct chase *c, uint64_t seed) {
    for (size_t i = 0; i < c->n; i++) c->lines[i] = (struct chase_line){.next = &c->lines[i]};
    for (size_t i = c->n - 1; i > 0; i--) {
        size_t k = (size_t)(next_random(&seed) % i);
        struct chase_line *next = c->lines[i].next;

        c->lines[i].next = c->lines[k].next;
        c->lines[k].next = next;
    }
}

int chase_init(struct chase *c, size_t bytes, uint64_t seed) {
    size_t n = bytes / CHASE_LINE_BYTES;

    c->n = n < 2 ? 2 : n;
    c->lines = aligned_alloc(4096, (c->n * CHASE_LINE_BYTES + 4095) / 4096 * 4096);
    if (c->lines == NULL) return -ENOMEM;
    link_one_cycle(c, seed);
    return 0;
}

void chase_free(struct chase *c) {
    free(c->lines);
    c->lines = NULL;
}

uint64_t chase_pass_ns(const struct chase *c) {
    uint64_t start = mclock_now_ns();

    chase_follow(c->lines, c->n);
    return mclock_now_ns() - start;
}

uint64_t chase_probe_ns(const struct chase *c, size_t i) {
    uint64_t start = mclock_now_ns();

    chase_follow(&c->lines[i], 1);
    return mclock_now_ns() - start;
}

void chase_dirty(struct chase *c) {
    for (size_t i = 0; i < c->n; i++) {
        c->lines[i].word++;
        __asm__ volatile("" : : : "memory"); /* a write to each, not one to none */
    }
}

bool chase_flush(const struct chase *c) {
#if defined(__x86_64__)
    for (size_t i = 0; i < c->n; i++) __asm__ volatile("clflush %0" : : "m"(c->lines[i]) : "memory");
    __asm__ volatile("mfence" : : : "memory");
    return true;
#elif defined(__aarch64__)
    for (size_t i = 0; i < c->n; i++) __asm__ volatile("dc civac, %0" : : "r"(&c->lines[i]) : "memory");
    __asm__ volatile("dsb ish" : : : "memory");
    return true;
#else
    (void)c;
    return false;
#endif
}
