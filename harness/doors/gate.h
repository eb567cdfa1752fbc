/*
 * gate: is the candidate a regression against the baseline? The rule of stats/gate_rule.h over every figure
 * that both have, counts that no clock touches on top, and canaries: figures that the change cannot have
 * touched. When a canary moves, the machine has changed and no clock's verdict stands. Floor 4; no state
 * beside the struct.
 *
 * Verdicts, the strongest first: a count that grew or a candidate that crashes FAILs; a moved canary makes
 * the rest INCONCLUSIVE; any FAIL; anything refused or inconclusive, or lines of the candidate's points that
 * are damaged, since they may hide a crash; PASS. What is accepted never fails, but a
 * crash is not accepted.
 */
#ifndef TRINE_HARNESS_GATE_H
#define TRINE_HARNESS_GATE_H

#include "doors/accept.h"
#include "doors/measure.h"
#include "doors/side.h"
#include "stats/gate_rule.h"

#include <stdio.h>

#define GATE_COUNT_STEADY 0.01 /* a count is gated when the baseline's own processes agree to 1 % */
#define GATE_COUNT_SLACK  1e-3 /* per operation: one stray steal in a thousand is chance, not work */
#define GATE_AA_ROUNDS    200
#define GATE_POWER        0.8 /* the smallest visible effect is seen in this share of tries */

struct gate_row {
    const struct measure *baseline, *candidate; /* candidate NULL: not measured */
    enum gate_verdict verdict;
    double slowdown, low, high, p_holm; /* of a clock's figure; a count has its ratio in slowdown */
    double visible;                     /* smallest slowdown that this gate would see; NaN: not computed */
    bool canary, crashed; /* crashed: of the candidate's processes where none of the baseline's was */
    bool ungated;         /* a clock's figure that is not above 0 in each process: it has no slowdown */
    char why[256];
    const struct accept *accepted;
};

struct gate_options {
    struct strlist backends; /* gated; empty: trine */
    struct strlist canaries; /* empty: pthread, where it was measured; "none" alone: there are none */
    struct strlist only;     /* experiments or metrics; empty: all */
    struct accepts *accepts; /* may be NULL */
    bool final;              /* this is the re-run */
    uint64_t seed;           /* of A against A */
};

struct gate {
    struct measures baseline, candidate; /* the rows point into them */
    struct gate_row *rows;
    size_t nrows, ntimed, ncounts, nunsteady, ncanaries, naccepted;
    enum gate_verdict verdict;
    bool machine_changed, interleaved;
    size_t least_n,
        planned_n;       /* of any figure: fewest valid processes of a side; most processes, valid or not */
    size_t need_samples; /* 0: enough */
    double false_alarm;  /* share of A-against-A rounds that fail; NaN: none could be made */
    struct strlist marked;
    struct strlist damaged; /* of a side's points.jsonl: what is left out */
    bool hidden;            /* of the candidate's: what is left out may be a crash */
    char why[256];  /* one line: what decided */
    char note[512]; /* of a re-run that failed; "": none */
};

/* candidate NULL: the baseline is an interleaved run, its build a against its build b. 0 or an exit code and
 * e: 2 for a name in o that chooses nothing. */
int gate_make(struct gate *g, const struct side *baseline, const struct side *candidate,
              const struct gate_options *o, struct err *e);
void gate_free(struct gate *g);
int gate_exit_code(const struct gate *g); /* 0, 1 or 3 */
/* Does its verdict come from a clock, so that a moved canary unsettles it? */
bool gate_by_clock(const struct gate_row *r);

/* A against A, from the baseline's processes drawn anew (gate_power.c): fills false_alarm and rows' visible.
 */
void gate_know_itself(struct gate *g, uint64_t seed);

void gate_print(FILE *out, const struct gate *g);
char *gate_markdown(const struct gate *g);
char *gate_junit(const struct gate *g);
json_t *gate_json(const struct gate *g);

#endif
