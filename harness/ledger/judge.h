/*
 * judge: from a claim and the points of a run to its verdict on one backend. Pure: what it says follows from
 * record and points alone, so a run that stands on the disk is judged again to the same words.
 */
#ifndef TRINE_HARNESS_LEDGER_JUDGE_H
#define TRINE_HARNESS_LEDGER_JUDGE_H

#include "ledger/claim.h"

#include <jansson.h>

/* experiment (by the name of its cell, see plan.h) -> backend -> array of points. */
struct evidence {
    json_t *cells;
    int ncpu;
};
void evidence_make(struct evidence *v, const json_t *points, int ncpu);
void evidence_free(struct evidence *v);

/*
 * {"verdict","reason","measured","low","high","unit","quantities":{name:{"value","low","high"}},
 *  "beside":[{"name","unit","value","low","high" or "unavailable"}],
 *  "predicates":[{"name","text","holds":"yes|no|unclear"}],"control":{...}}; what is absent was not measured.
 * lacking: a resource that the claim needs and this machine has not, or NULL; what was measured all the same is judged.
 */
json_t *judge(const struct claim *c, const struct evidence *v, const char *backend, const char *lacking);

#endif
