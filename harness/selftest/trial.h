/*
 * trial: what a trial is written with: predictions, points, the faults. A trial first says all that it
 * expects (expect, control), then runs its points, then reports what it found (found). Private to selftest/.
 */
#ifndef TRINE_HARNESS_TRIAL_H
#define TRINE_HARNESS_TRIAL_H

#include "run/exec.h"
#include "selftest/selftest.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/types.h>

enum { EXPECTATIONS_MAX = 10, BURNERS_MAX = 256 };

/* What a busy neighbour can do to a finding: a value on the other side is the instrument's own. */
enum noise { NOISE_EITHER, NOISE_RAISES, NOISE_NONE };

struct expectation {
    const char *what, *unit;
    double predicted, low, high, found;
    enum noise noise;
    bool control; /* outside its range: the machine is too noisy; else the instrument is broken */
    bool measured;
};

struct outcome {
    const struct selftest_options *o;
    struct expectation e[EXPECTATIONS_MAX];
    size_t n;
    double waiting;    /* the largest share of its life that a point without a fault waited for a CPU */
    double neighbours; /* the most CPUs that programs not ours, or other machines, used beside any point */
    char skipped[200]; /* why it cannot be tried here; "" */
    char missing[300]; /* why a point has no figure; "" */
};

/* Both return the number to report the finding under. */
size_t expect(struct outcome *t, const char *what, const char *unit, double predicted, double low,
              double high);
size_t control(struct outcome *t, const char *what, const char *unit, double low, double high);
void noise_can(struct outcome *t, size_t i, enum noise noise); /* of an effect; NOISE_EITHER unless said */
void found(struct outcome *t, size_t i, double value);
void trial_skip(struct outcome *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A planned point of the driver under test; params: "key=value", ended by NULL. */
json_t *trial_plan(const struct outcome *t, const char *workload, int procs, int tasks, int measure_ms, ...)
    __attribute__((sentinel));

/* Runs it (and drops the plan); NULL when it was stopped or has no figures, with the reason in t->missing. */
struct fault;
json_t *trial_point(struct outcome *t, json_t *planned, struct fault *fault);

/* Figures of a point. */
double point_rate(const json_t *point); /* operations a second, over the whole phase */
double point_metric_value(const json_t *point, const char *name);          /* NaN: not there */
double point_above(const json_t *point, const char *histogram, double ns); /* samples from ns up */
double point_outside(const json_t *point, const char *key);                /* NaN: not there */
double point_threads(const json_t *point);                                 /* peak, seen from outside */
double point_waiting_share(const json_t *point);                           /* run delay over elapsed time */
double point_reported_ns(const json_t *point); /* warm-up and measured phase, by the driver's clock */

/* A fault that begins delay_ms after the start: at() runs in a thread of its own, which is joined before the
 * process is reaped. `gone` turns true when the process has ended; long faults look at it. */
struct fault {
    struct exec_fault hooks;
    int64_t delay_ms;
    void (*at)(struct fault *f);
    void *arg;
    /* set while it runs */
    pid_t pid;
    pthread_t thread;
    bool running;
    _Atomic bool gone;
    int64_t started_ns, ended_ns; /* of the process, CLOCK_MONOTONIC */
    double done;                  /* what at() reports: ns stopped, flips made */
};
void fault_init(struct fault *f, int64_t delay_ms, void (*at)(struct fault *f), void *arg);

void fault_stop(struct fault *f);    /* SIGSTOP for *(int64_t *)arg ms, SIGCONT; done: ns stopped */
void fault_migrate(struct fault *f); /* the busiest thread to and fro between two CPUs; done: moves */
void fault_burn(struct fault *f);    /* a spinning process on each CPU until the end */

/* A cgroup of its own for the process, whose quota (us of each 50 ms) comes at the delay. */
struct quota_group {
    char dir[1100];
    int version;
    int64_t quota_us;
};
bool quota_make(struct quota_group *q, char *why, size_t bytes); /* false: it cannot be had here */
void quota_join(pid_t pid, void *fault);                         /* hooks.forked */
void fault_quota(struct fault *f);                               /* arg: the group */
void quota_remove(struct quota_group *q);

extern const struct trial trial_clock, trial_stall, trial_closed_loop, trial_slowdown, trial_small_slowdown,
    trial_migration, trial_quota, trial_blocking, trial_flush, trial_counter;

#endif
