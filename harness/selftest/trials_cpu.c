/*
 * trials of the processor: competing processes, a quota, forced migration, and a slowdown of a tenth that
 * only the statistics can see. The faults begin FAULT_AT_MS after the start, when the driver has calibrated
 * its work, so a part of the measured phase runs free: with E ms of process and F of them before the fault, a
 * share s of the CPU gives (F' + s (E - F')) / E of the rate, F' being what lies within the measured phase.
 */
#include "base/json.h"
#include "base/text.h"
#include "selftest/trial.h"
#include "stats/stats.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FAULT_AT_MS = 250,
    BEFORE_MS = 40,
    QUOTA_US = 25000
}; /* a process measures from some 40 ms after its start */

static int measure_ms(const struct outcome *t) {
    return t->o->quick ? 1000 : 2500;
}

static json_t *cpu_plan(struct outcome *t) {
    return trial_plan(t, "cpu", 1, 1, measure_ms(t), "work_us=1000", NULL);
}

/* The share of the free rate that is left when the fault leaves `share` of the CPU. */
static double rate_left(const struct outcome *t, double share) {
    double whole = measure_ms(t), before = FAULT_AT_MS - BEFORE_MS;
    return (before + share * (whole - before)) / whole;
}

static void run_slowdown(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    double left = rate_left(t, 0.5);
    (void)o;
    size_t rate = expect(t, "rate beside a spinning process on each CPU", "", left, 0.8 * left, 1.2 * left);
    size_t threads = expect(t, "threads seen, with less without", "", 0, -1, 1);
    size_t again = control(t, "rate without, before over after", "", 0.85, 1.18);
    struct fault f;
    fault_init(&f, FAULT_AT_MS, fault_burn, NULL);
    json_t *before = trial_point(t, cpu_plan(t), NULL),
           *burned = before ? trial_point(t, cpu_plan(t), &f) : NULL;
    json_t *after = burned ? trial_point(t, cpu_plan(t), NULL) : NULL;
    if (after) {
        found(t, rate, 2 * point_rate(burned) / (point_rate(before) + point_rate(after)));
        found(t, threads, point_threads(burned) - point_threads(before));
        found(t, again, point_rate(before) / point_rate(after));
    }
    json_decref(before);
    json_decref(burned);
    json_decref(after);
}

static void quota_points(struct outcome *t, struct quota_group *q) {
    double left = rate_left(t, 0.5), throttled = 0.5 * (measure_ms(t) + BEFORE_MS - FAULT_AT_MS) * 1e6;
    size_t rate = expect(t, "rate under a quota of half a CPU", "", left, 0.75 * left, 1.25 * left);
    /* The kernel adds up CPUs: where the monitor is held on another one than the computing thread, both
     * count. */
    size_t stopped =
        expect(t, "throttled, on one CPU or two", "ns", throttled, 0.7 * throttled, 2.6 * throttled);
    size_t marked = expect(t, "the point is marked not valid", "", 1, 1, 1);
    size_t silent = expect(t, "throttled without a quota", "ns", 0, 0, 0);
    struct fault f;
    fault_init(&f, FAULT_AT_MS, fault_quota, q);
    f.hooks.forked = quota_join;
    json_t *quiet = trial_point(t, cpu_plan(t), NULL), *held = quiet ? trial_point(t, cpu_plan(t), &f) : NULL;
    if (held) {
        found(t, rate, point_rate(held) / point_rate(quiet));
        found(t, stopped, point_outside(held, "throttled_ns"));
        found(t, marked, !json_flag(held, "valid", true));
        found(t, silent, point_outside(quiet, "throttled_ns"));
    }
    json_decref(quiet);
    json_decref(held);
}

static void run_quota(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    struct quota_group q = {.quota_us = QUOTA_US};
    char why[200];
    (void)o;
    if (!quota_make(&q, why, sizeof why)) {
        trial_skip(t, "%s", why);
        return;
    }
    quota_points(t, &q);
    quota_remove(&q);
}

static double migrations(const json_t *point) {
    return json_num(json_object_get(json_object_get(point, "counters"), "cpu-migrations"), "value", NAN);
}

static void run_migration(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    cpu_set_t all;
    (void)o;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
        trial_skip(t, "it takes two CPUs");
        return;
    }
    size_t moves = expect(t, "migrations counted over moves made", "", 1, 0.85, 1.25);
    size_t made = control(t, "moves made in the time", "", 50, 1e6);
    size_t silent = control(t, "migrations without, over moves made", "", 0, 0.2);
    struct fault f;
    fault_init(&f, FAULT_AT_MS, fault_migrate, NULL);
    json_t *quiet = trial_point(t, cpu_plan(t), NULL),
           *moved = quiet ? trial_point(t, cpu_plan(t), &f) : NULL;
    if (moved && isnan(migrations(moved))) {
        trial_skip(t, "the kernel counts no migrations: %.100s",
                   json_str(json_object_get(json_object_get(moved, "counters"), "cpu-migrations"),
                            "unavailable", "?"));
    } else if (moved) {
        found(t, moves, migrations(moved) / f.done);
        found(t, made, f.done);
        found(t, silent, migrations(quiet) / f.done);
    }
    json_decref(quiet);
    json_decref(moved);
}

enum { SAMPLES = 10 };

static bool sample(struct outcome *t, const char *work, double *rate) {
    json_t *p = trial_point(t, trial_plan(t, "cpu", 1, 1, 200, work, NULL), NULL);
    if (p) *rate = 1e9 / point_rate(p);
    json_decref(p);
    return p != NULL;
}

/* Time a unit of work, against one that has a tenth more of it, and against itself; interleaved. */
static void run_small_slowdown(const struct selftest_options *o, void *outcome) {
    struct outcome *t = outcome;
    double a[SAMPLES], a2[SAMPLES], b[SAMPLES];
    (void)o;
    size_t ratio = expect(t, "slowdown found by the statistics", "", 1.1, 1.06, 1.14);
    size_t seen = expect(t, "lower end of its interval", "", 1.08, 1.02, 1.12);
    size_t null = control(t, "the same against itself", "", 0.97, 1.03);
    for (int i = 0; i < SAMPLES; i++)
        if (!sample(t, "work_us=1000", &a[i]) || !sample(t, "work_us=1100", &b[i]) ||
            !sample(t, "work_us=1000", &a2[i]))
            return;
    struct stat_shift slower, same;
    if (stat_ratio(a, SAMPLES, b, SAMPLES, 0.95, &slower) != 0 ||
        stat_ratio(a, SAMPLES, a2, SAMPLES, 0.95, &same) != 0)
        return;
    found(t, ratio, slower.estimate);
    found(t, seen, slower.interval.low);
    found(t, null, same.estimate);
}

const struct trial trial_slowdown = {"slowdown", "half of every CPU goes to a spinning process", run_slowdown,
                                     false};
const struct trial trial_quota = {"quota", "a cgroup takes half a CPU away", run_quota, false};
const struct trial trial_migration = {"migration", "the busiest thread is moved to and fro by its affinity",
                                      run_migration, false};
const struct trial trial_small_slowdown = {
    "small-slowdown", "a tenth more work, seen through ten processes a side", run_small_slowdown, true};
