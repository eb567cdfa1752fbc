/*
 * trials of time: the driver's clock against the harness's, a stalled server under an open loop, and the same
 * under a closed loop, which must miss it.
 *
 * The stall's arithmetic: requests come at rate r; those due in the D seconds of the stall wait for its end,
 * so a share of 1/2 of the r D of them waits above D/2. The queue that has gathered drains while others come,
 * at utilisation u, which stretches that share to 1/(2 (1 - u)).
 */
#include "base/json.h"
#include "base/text.h"
#include "selftest/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STALL_MS = 200, SERVICE_US = 20 };
#define LOAD        "0.1"
#define UTILISATION 0.1

static int stall_measure_ms(const struct outcome *t) {
    return t->o->quick ? 1200 : 3000;
}

static void run_clock(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    /* a neighbour can only lengthen the start, which is some 40 ms; a wrong scale shows on either side */
    size_t ratio = expect(t, "process's life over what its driver reports", "", 1.05, 0.99, 1.5);
    noise_can(t, ratio, NOISE_RAISES);
    size_t inside = expect(t, "phases within the process's life", "", 1, 1, 1);
    struct fault f;
    fault_init(&f, 0, NULL, NULL);
    json_t *p = trial_point(t, trial_plan(t, "cpu", 1, 1, o->quick ? 700 : 2000, "work_us=1000", NULL), &f),
           *phase;
    if (!p) return;
    bool within = true;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(p, "record"), "phases"), i, phase) within &=
        json_int(phase, "start_ns", 0) >= f.started_ns - 50000000 &&
        json_int(phase, "end_ns", 0) <= f.ended_ns;
    found(t, ratio, (double)(f.ended_ns - f.started_ns) / point_reported_ns(p));
    found(t, inside, within);
    json_decref(p);
}

static json_t *stall_plan(struct outcome *t, const char *loop) {
    char service[32];
    snprintf(service, sizeof service, "service_us=%d", SERVICE_US);
    return trial_plan(t, "latency", 1, 0, stall_measure_ms(t), service, "load=" LOAD, loop, NULL);
}

/* With and without the stall; *quiet and *stalled are NULL when a point has no figures. */
static void two_points(struct outcome *t, const char *loop, struct fault *f, json_t **quiet,
                       json_t **stalled) {
    static const int64_t stall_ms = STALL_MS;
    fault_init(f, 500, fault_stop, (void *)&stall_ms);
    *quiet = trial_point(t, stall_plan(t, loop), NULL);
    *stalled = *quiet ? trial_point(t, stall_plan(t, loop), f) : NULL;
}

static double max_latency(const json_t *p) {
    return json_num(json_object_get(json_object_get(json_object_get(p, "record"), "histograms"), "latency"),
                    "max", NAN);
}

static void run_stall(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    double rate = UTILISATION * 1e6 / SERVICE_US, half_ns = STALL_MS * 1e6 / 2;
    double due = rate * STALL_MS / 1e3, above = due / (2 * (1 - UTILISATION));
    size_t count = expect(t, "requests above half the stall", "", above, 0.75 * above, 1.4 * above);
    noise_can(t, count, NOISE_RAISES);
    size_t longest = expect(t, "longest latency over the stall", "", 1, 0.97, 1.3);
    size_t median = expect(t, "median latency with the stall over without", "", 1, 0.5, 2);
    size_t silent = control(t, "requests above half the stall, without it", "", 0, 0.02 * above);
    struct fault f;
    json_t *quiet, *stalled;
    (void)o;
    two_points(t, "loop=open", &f, &quiet, &stalled);
    if (quiet && stalled) {
        found(t, count, point_above(stalled, "latency", half_ns));
        found(t, longest, max_latency(stalled) / f.done);
        found(t, median,
              point_metric_value(stalled, "latency_p50_ns") / point_metric_value(quiet, "latency_p50_ns"));
        found(t, silent, point_above(quiet, "latency", half_ns));
    }
    json_decref(quiet);
    json_decref(stalled);
}

static void run_closed_loop(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    double half_ns = STALL_MS * 1e6 / 2;
    size_t made = expect(t, "the stall", "ms", STALL_MS, 0.99 * STALL_MS, 2 * STALL_MS);
    size_t missed = expect(t, "requests above half the stall: one at most", "", 1, 0, 3);
    size_t silent = control(t, "requests above half the stall, without it", "", 0, 3);
    struct fault f;
    json_t *quiet, *stalled;
    (void)o;
    two_points(t, "loop=closed", &f, &quiet, &stalled);
    if (quiet && stalled) {
        found(t, made, f.done / 1e6);
        found(t, missed, point_above(stalled, "latency", half_ns));
        found(t, silent, point_above(quiet, "latency", half_ns));
    }
    json_decref(quiet);
    json_decref(stalled);
}

const struct trial trial_clock = {"clock", "the driver's own time agrees with the harness's", run_clock,
                                  false};
const struct trial trial_stall = {"stall", "the server is stopped for 200 ms by SIGSTOP, under an open loop",
                                  run_stall, false};
const struct trial trial_closed_loop = {
    "closed-loop", "the same stall under a closed loop, which must miss it", run_closed_loop, false};
