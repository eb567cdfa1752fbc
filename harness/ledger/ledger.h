/*
 * ledger: all claims together: found, planned so that equal experiments run once, judged. Main thread only.
 */
#ifndef TRINE_HARNESS_LEDGER_H
#define TRINE_HARNESS_LEDGER_H

#include "ledger/claim.h"
#include "probe/topo.h"
#include "run/catalog.h"
#include "run/plan.h"

#include <jansson.h>
#include <stdio.h>

struct ledger {
    struct claim *v; /* in the order of groups, then of ids */
    size_t n;
    bool full;
};

/* dir NULL: those that come with trine. ids: empty for all; an unknown one is refused with a suggestion. */
int ledger_load(struct ledger *l, const char *dir, const struct strlist *ids, bool full, struct err *e);
void ledger_free(struct ledger *l);
/* With the negative controls in the quick form too. */
void ledger_ask_controls(struct ledger *l);

/* Drops the claims that are not of a run: those that are not among ids (NULL: the run does not say which it was made
 * for), or those that none of its points is of. */
void ledger_keep_run(struct ledger *l, const json_t *ids, const json_t *points);

/* The points of all claims as one plan, repetition by repetition. A plan without points is no error: claims
 * with a verdict of their own need none. o->backends: those to judge; a backend that one of them is compared with is
 * measured too. */
int ledger_plan(struct plan *p, const struct ledger *l, const struct catalog *c, const struct topo *t,
                const struct plan_options *o, struct err *e);

/*
 * The array that claims.json holds. points: those that count. backends: those to judge. drivers: what the
 * manifest says of them: backend -> {"version", "why" it did not answer}; a backend without one was not there.
 * ncpu: what "the number of CPUs" of a criterion means: of the machine that was measured, as far as the run could use them.
 * options: what the command that repeats a verdict must say beside the claim and its form: " --backends a,b", or "".
 */
json_t *ledger_judge(const struct ledger *l, const json_t *points, const struct strlist *backends,
                     const json_t *drivers, int ncpu, const char *options);

/* What claims.json holds after a further judgement: rows and backends of `old` (NULL: none) that are not in `fresh` stay as
 * they are. */
json_t *ledger_merge(const json_t *fresh, const json_t *old);

/* The order in which people read claims: by group, then by id. Below, at or above 0. */
int ledger_order(const char *group_a, const char *id_a, const char *group_b, const char *id_b);

/* The ledger as text for a terminal; the claims as a page (docs/claims.md). */
void ledger_print(FILE *out, const json_t *claims, const struct strlist *backends);
void ledger_document(FILE *out, const struct ledger *l);

/* 0, or 2 for a word of `needs` that is none; *why is set (to be freed) when the machine lacks it. */
int needs_check(const char *need, char **why);
/* All that the machine lacks of what a claim needs, or NULL. Caller frees. */
char *needs_lacking(const struct claim *c);

#endif
