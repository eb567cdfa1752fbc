/* What a load costs from each level of the cache, from memory, and from another core that has just written
 * the line: the scale on which refetched lines are counted. Starts one helper thread at a time; the caller's
 * affinity is restored. Call after mclock_init(). */
#ifndef TRINE_BASE_CACHE_LATENCY_H
#define TRINE_BASE_CACHE_LATENCY_H

#include <stddef.h>

struct cache_sizes {
    size_t l1_bytes, l2_bytes, l3_bytes; /* of data; 0: there is none, or it is not told */
};

/* One level: the least and the median of its passes, in ns a load. */
struct load_latency {
    double least_ns, median_ns;
    size_t bytes; /* of the block that was chased; 0: not measured */
};

struct cache_latency {
    struct load_latency l1, l2, l3, memory, remote;
    int remote_cpu, own_cpu; /* between which the remote figure was taken */
    double took_ms;
};

/* As the C library tells; l3 is cut to what sysfs shows where that is smaller. */
void cache_sizes_get(struct cache_sizes *s);

/* most_bytes bounds the block for memory (0: 128 MiB). Some 0.2 to 1 s. 0, or -errno: -ENODEV for the remote
 * figure alone when only one CPU may be used (remote.bytes is then 0). */
int cache_latency_measure(struct cache_latency *out, const struct cache_sizes *sizes, size_t most_bytes);

/* L1 and remote alone, some 20 ms: what the estimate of refetched lines needs. Between these two CPUs, which
 * a caller that is bound to one of them knows; -1 and -1: the first two that it may use. The same returns. */
int cache_latency_remote(struct cache_latency *out, const struct cache_sizes *sizes, int own_cpu,
                         int remote_cpu);

#endif
