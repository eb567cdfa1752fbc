/* What this process holds of the machine, read from /proc; -1 (threads: 0) where that cannot be read. Costs some
 * 100 us: for use outside of what is timed. */
#pragma once

#include <stdint.h>

#include "point.h"

struct usage {
    int64_t private, space, tables;      /* bytes: private memory, address space, page tables */
};

struct usage usage_now(void);

/* Processor time of the whole process, all threads, in ns. */
int64_t usage_cpu_ns(void);

/* What was added since before, as memory_bytes and address_space_bytes: of the whole, not of a task. */
void usage_quote(struct point *pt, const struct usage *before, const struct usage *peak);

/* The larger of each. */
void usage_peak(struct usage *peak, const struct usage *now);
