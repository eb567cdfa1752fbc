/*
 * sampler: watches a process's threads from outside, in a thread of its own: how many there are each
 * millisecond, which ones were ever seen, how long they waited for a CPU, where they were bound, and the
 * high-water mark of memory. What it cannot see is what lives and dies between two looks; the period that it
 * kept is part of its result.
 */
#ifndef TRINE_HARNESS_SAMPLER_H
#define TRINE_HARNESS_SAMPLER_H

#include "probe/root.h"

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

struct sampler;

/* cpus: the CPUs that the process was told to bind its threads to, n of them (0: none). NULL when no thread
 * can be started. */
struct sampler *sampler_start(const struct probe_root *r, pid_t pid, int64_t period_ns, const int *cpus,
                              size_t n);

/* From a series of [ns, threads], changes only: the most threads that came within RISE_NS, a second; and the time
 * from the last look at the peak to the first with at most half of it, -1: it was not seen to shrink. */
enum { SAMPLER_RISE_NS = 10000000 };
double sampler_rise_per_s(const int64_t (*series)[2], size_t n);
int64_t sampler_shrink_ns(const int64_t (*series)[2], size_t n);

/* Stops and adds to `outside`: threads, run_delay_ns, max_rss_bytes, pinning. Frees s. */
void sampler_stop(struct sampler *s, json_t *outside);

#endif
