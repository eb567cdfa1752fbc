/*
 * ready: memory at hand, the same for every process of an experiment. A kernel, and under it a host that backs a
 * virtual machine's memory only while it is used, gives pages that were used a moment ago for a fraction of what it takes
 * to find others. So a process that makes much memory is slow or fast by how much the one before it left behind.
 */
#ifndef TRINE_HARNESS_READY_H
#define TRINE_HARNESS_READY_H

#include "probe/root.h"

#include <jansson.h>
#include <signal.h>
#include <stdint.h>

/* Touches so many MiB, in children that end at once, and so leaves them to whoever comes next. Blocks meanwhile, 0.5 to 1 ms
 * a MiB here; ends early when *stop is set (it may be NULL). The bytes touched, or {"unavailable": why}. */
json_t *memory_ready(const struct probe_root *root, int64_t mib, const volatile sig_atomic_t *stop);

#endif
