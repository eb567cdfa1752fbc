/*
 * selftest: the instrument proves itself. A fault of known size is put in from outside the measured code; the
 * size that arithmetic predicts is written down before the run; the figure that should move must move by
 * about that, another must not, and a control without the fault stays silent. The points run through
 * run/exec, as those of any run do.
 *
 * Verdicts: an effect outside its range with a silent control means that the instrument is broken; a control
 * that is not silent means that the machine is too noisy to judge. Either makes the whole invalid (exit 3),
 * by different words.
 */
#ifndef TRINE_HARNESS_SELFTEST_H
#define TRINE_HARNESS_SELFTEST_H

#include "base/text.h"
#include "probe/pmu.h"

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

enum trial_verdict { TRIAL_PASS, TRIAL_FAIL, TRIAL_NOISY, TRIAL_SKIPPED };

struct selftest_options {
    const char *driver_path, *backend; /* of the driver that is measured */
    bool quick;
    const struct strlist *only; /* names of trials; NULL or empty: all */
    const volatile sig_atomic_t *stop;
    FILE *log; /* predictions and findings as they come; NULL: none */
    /* the decoder of counter groups under test: pmu_decode */
    int (*decode)(uint64_t read_format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
                  const char **why);
};

struct selftest_result {
    size_t passed, failed, noisy, skipped;
    bool interrupted;
    json_t *trials; /* [{"name","verdict","why","attempts","expectations":[…]}] */
};

struct trial {
    const char *name, *doc;
    void (*run)(const struct selftest_options *o, void *outcome); /* see trial.h */
    bool full_only;
};
extern const struct trial *const selftest_trials[];
extern const size_t selftest_ntrials;

void selftest_run(const struct selftest_options *o, struct selftest_result *r);
const char *trial_verdict_name(enum trial_verdict v);

/* A against A: `metrics` figures of the same driver under two names, judged by the gate's own rule, `runs`
 * times. */
struct aa_options {
    const struct selftest_options *base;
    size_t metrics, runs, samples; /* samples: processes a side, 10 at least */
    int64_t measure_ms;
};
struct aa_result {
    size_t metrics, runs, alarms, inconclusive; /* alarms: runs with a FAIL; inconclusive: where it could not say */
    bool interrupted;
};
/* 0, or -EINVAL when the cells give fewer metrics than asked for. */
int selftest_aa(const struct aa_options *a, struct aa_result *r);

#endif
