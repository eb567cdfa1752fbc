/* The rule by which two builds (or backends) are judged: a pure function of the samples, the same for the
 * gate, for compare and for the tests. A sample is one process's median; the two sets were measured
 * interleaved. */
#ifndef TRINE_GATE_RULE_H
#define TRINE_GATE_RULE_H

#include "stats.h"

enum gate_verdict { GATE_PASS, GATE_FAIL, GATE_INCONCLUSIVE, GATE_REFUSED };
enum gate_kind { GATE_MEDIAN, GATE_TAIL }; /* a typical value, or a p99 and beyond */

/* Thresholds of the rule: alpha after Holm; what slowdown is a regression; what upper bound still passes. */
#define GATE_ALPHA         0.05
#define GATE_FAIL_MEDIAN   1.05
#define GATE_FAIL_TAIL     1.10
#define GATE_BOUND_MEDIAN  1.15
#define GATE_BOUND_TAIL    1.25
#define GATE_LEAST_SAMPLES 10

struct gate_metric {
    /* given */
    const double *baseline, *candidate;
    size_t nbaseline, ncandidate;
    enum gate_kind kind;
    bool higher_is_better;
    /* found */
    double slowdown;  /* the Hodges-Lehmann factor, above 1: worse, whatever the metric's direction */
    double low, high; /* its 95 % interval */
    double p, p_holm;
    enum gate_verdict verdict;
    char why[200]; /* one line: the figures that decided */
};

struct gate_summary {
    enum gate_verdict
        verdict; /* the family's: any FAIL, else any REFUSED, else any INCONCLUSIVE, else PASS */
    size_t npass, nfail, ninconclusive, nrefused;
    size_t need_samples; /* refused or inconclusive: samples a side that a run again should take; else 0 */
};

/* Judges a family of metrics. `final`: this is the one re-run, an INCONCLUSIVE stands. 0 or -errno. */
int gate_judge(struct gate_metric *metrics, size_t n, bool final, struct gate_summary *out);

/* The decision alone, on figures. */
enum gate_verdict gate_rule(double p_holm, double slowdown, double high, enum gate_kind kind);

/* The least samples a side, so that n metrics can be told apart at GATE_ALPHA after Holm. */
size_t gate_samples_needed(size_t n);

/* Counts that no clock touches: FAIL when the candidate does more than the baseline times (1 + tolerance). */
enum gate_verdict gate_count_rule(double baseline, double candidate, double tolerance);

const char *gate_verdict_name(enum gate_verdict v);

#endif
