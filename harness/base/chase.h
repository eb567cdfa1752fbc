/* Pointer chases: what a load costs when the next address is known only by the load before it.
 *
 * A chase is a block of cache lines, linked into one cycle in random order, so that neither the prefetcher
 * nor the processor's reordering hides a latency. One owner at a time; lines may be dirtied by another thread
 * between two passes, which is what shows the cost of fetching them back. */
#ifndef TRINE_BASE_CHASE_H
#define TRINE_BASE_CHASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHASE_LINE_BYTES = 64 };

struct chase_line {
    struct chase_line *next;
    uint64_t word;
    char rest[CHASE_LINE_BYTES - sizeof(void *) - sizeof(uint64_t)];
};

struct chase {
    struct chase_line *lines;
    size_t n;
};

/* At least two lines; 0 or -ENOMEM. The block is touched, so no page fault is left. */
int chase_init(struct chase *c, size_t bytes, uint64_t seed);
void chase_free(struct chase *c);

/* Follows `loads` links from `at`; returns where it came to. */
static inline struct chase_line *chase_follow(struct chase_line *at, size_t loads) {
    for (size_t i = 0; i < loads; i++) {
        at = at->next;
        __asm__ volatile("" : "+r"(at));
    }
    return at;
}

/* ns of one pass over all lines, by the clock of clock.h; its two readings included. */
uint64_t chase_pass_ns(const struct chase *c);

/* ns of the load of line i alone, its two clock readings included. */
uint64_t chase_probe_ns(const struct chase *c, size_t i);

/* Writes to every line, so that this core owns them all modified. */
void chase_dirty(struct chase *c);

/* Drops every line from all caches; false where the processor has no instruction for that. */
bool chase_flush(const struct chase *c);

#endif
