/* trials of counts: threads under a burst of blocking calls, flushed cache lines, and a multiplexed counter.
 */
#include "selftest/trial.h"

#include <linux/perf_event.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKED = 48, OWN_THREADS = 12 }; /* a runtime's own: its Ps, a monitor, spares */

static void run_blocking(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    size_t peak =
        expect(t, "threads at the peak of 48 blocked calls", "", BLOCKED + 2, BLOCKED, BLOCKED + OWN_THREADS);
    size_t few = expect(t, "threads with the same calls through the poller", "", 3, 1, OWN_THREADS);
    int ms = o->quick ? 150 : 500;
    json_t *block =
        trial_point(t, trial_plan(t, "block", 1, BLOCKED, ms, "via=block", "settle_ms=20", NULL), NULL);
    json_t *poll =
        block ? trial_point(t, trial_plan(t, "block", 1, BLOCKED, ms, "via=net", "settle_ms=20", NULL), NULL)
              : NULL;
    if (poll) {
        found(t, peak, point_threads(block));
        found(t, few, point_threads(poll));
    }
    json_decref(block);
    json_decref(poll);
}

static void run_flush(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    size_t gone = expect(t, "lines found gone after clflush", "%", 100, 90, 100);
    size_t stay = expect(t, "lines found gone where nothing moved", "%", 0, 0, 10);
    noise_can(t, gone, NOISE_RAISES);
    int ms = o->quick ? 200 : 600;
    json_t *flushed =
        trial_point(t, trial_plan(t, "locality", 1, 0, ms, "resume=flush", "payload_kib=16", NULL), NULL);
    json_t *local =
        flushed ? trial_point(t, trial_plan(t, "locality", 1, 0, ms, "resume=local", "payload_kib=16", NULL),
                              NULL)
                : NULL;
    if (local) {
        found(t, gone, point_metric_value(flushed, "probe_refetched_percent"));
        found(t, stay, point_metric_value(local, "probe_refetched_percent"));
    } else if (strstr(t->missing, "not_applicable")) {
        trial_skip(t, "%s", t->missing);
    }
    json_decref(flushed);
    json_decref(local);
}

/* A group of two that ran for a quarter of its time, as the kernel lays it out: 1,000 counted are 4,000
 * estimated. */
static void run_counter(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    const uint64_t format =
        PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const uint64_t recorded[] = {2, 8000000, 2000000, 1000, 30};
    struct pmu_value v[2];
    const char *why = "";
    size_t scaled = expect(t, "count of a group on the PMU a quarter of the time", "", 4000, 4000, 4000);
    size_t share = expect(t, "its running share", "", 0.25, 0.25, 0.25);
    noise_can(t, scaled, NOISE_NONE);
    noise_can(t, share, NOISE_NONE);
    if (o->decode(format, recorded, sizeof recorded, v, 2, &why) != 2) {
        snprintf(t->missing, sizeof t->missing, "the recorded group could not be decoded: %s", why);
        return;
    }
    found(t, scaled, v[0].value);
    found(t, share, v[0].running_share);
}

const struct trial trial_blocking = {
    "blocking", "a burst of blocking calls must show as threads, and only that", run_blocking, false};
const struct trial trial_flush = {"flush", "clflush empties a payload: the probes must find it gone",
                                  run_flush, false};
const struct trial trial_counter = {"counter", "a recorded multiplexed counter must be scaled", run_counter,
                                    false};
