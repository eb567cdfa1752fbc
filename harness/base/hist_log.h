/* Latency over time: one histogram for each window of (usually) a second, kept as its non-empty buckets.
 *
 * One log a thread, not locked. Memory: 16 bytes for each non-empty bucket of a window, at most max_windows
 * of them; what falls behind the last one is counted in `dropped`, never silently lost. */
#ifndef TRINE_BASE_HIST_LOG_H
#define TRINE_BASE_HIST_LOG_H

#include "hist.h"

struct hist_bucket {
    uint64_t lowest, count;
};

struct hist_window {
    uint64_t count, min, max;
    size_t nbuckets;
    struct hist_bucket *buckets; /* rising */
};

struct hist_log {
    uint64_t start_ns, window_ns;
    size_t nwindows, max_windows;
    struct hist_window *windows; /* window i covers start_ns + i*window_ns to the next; closed ones only */
    struct hist *current;        /* that of window nwindows */
    uint64_t late;               /* samples stamped before the current window: counted in it */
    uint64_t dropped;            /* samples behind the last window, or lost for want of memory */
};

/* NULL with errno. window_ns 0: one second. */
struct hist_log *hist_log_new(int digits, uint64_t start_ns, uint64_t window_ns, size_t max_windows);
void hist_log_free(struct hist_log *log);

/* Records a latency that ended at when_ns; times of one log rise, but for stragglers, which count as late. */
void hist_log_record(struct hist_log *log, uint64_t when_ns, uint64_t latency_ns);

/* Closes the current window; nothing may be recorded after it. 0 or -ENOMEM. */
int hist_log_finish(struct hist_log *log);

#endif
