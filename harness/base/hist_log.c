/* The interval log of hist_log.h: a current histogram that is packed away whenever the time leaves its
 * window. */
#include "hist_log.h"

#include <errno.h>
#include <stdlib.h>

#define ONE_SECOND_NS UINT64_C(1000000000)

struct hist_log *hist_log_new(int digits, uint64_t start_ns, uint64_t window_ns, size_t max_windows) {
    struct hist_log *log = calloc(1, sizeof *log);

    if (log == NULL) return NULL;
    log->start_ns = start_ns;
    log->window_ns = window_ns ? window_ns : ONE_SECOND_NS;
    log->max_windows = max_windows;
    log->current = hist_new(digits);
    log->windows = calloc(max_windows ? max_windows : 1, sizeof log->windows[0]);
    if (log->current == NULL || log->windows == NULL) {
        int err = errno;

        hist_log_free(log);
        errno = err;
        return NULL;
    }
    return log;
}

void hist_log_free(struct hist_log *log) {
    if (log == NULL) return;
    for (size_t i = 0; i < log->nwindows; i++) free(log->windows[i].buckets);
    free(log->windows);
    hist_free(log->current);
    free(log);
}

static int pack(const struct hist *h, struct hist_window *w) {
    struct hist_iter it = {0};
    size_t n = 0;

    while (hist_next(h, &it)) n++;
    *w = (struct hist_window){.count = h->count, .min = hist_min(h), .max = hist_max(h), .nbuckets = n};
    if (n == 0) return 0;
    w->buckets = malloc(n * sizeof w->buckets[0]);
    if (w->buckets == NULL) return -ENOMEM;
    it = (struct hist_iter){0};
    for (size_t i = 0; hist_next(h, &it); i++) w->buckets[i] = (struct hist_bucket){it.lowest, it.count};
    return 0;
}

static int close_window(struct hist_log *log) {
    struct hist_window *w = &log->windows[log->nwindows];
    int err = pack(log->current, w);

    if (err != 0) {
        log->dropped += log->current->count;
        *w = (struct hist_window){0};
    }
    log->nwindows++;
    hist_reset(log->current);
    return err;
}

void hist_log_record(struct hist_log *log, uint64_t when_ns, uint64_t latency_ns) {
    uint64_t window = when_ns < log->start_ns ? 0 : (when_ns - log->start_ns) / log->window_ns;

    if (window >= log->max_windows) {
        log->dropped++;
        return;
    }
    if (window < log->nwindows || when_ns < log->start_ns) log->late++;
    while (log->nwindows < window) close_window(log);
    hist_record(log->current, latency_ns);
}

int hist_log_finish(struct hist_log *log) {
    if (log->current->count == 0) return 0;
    return close_window(log);
}
