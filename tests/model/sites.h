/*
 * sites.h: the textual uses of atomic operations, and the mutation run that weakens each of them in turn.
 */
#ifndef MODEL_SITES_H
#define MODEL_SITES_H

#include "explore.h"
#include "model_atomic.h"

void site_seen(struct model_site *s, const char *func); /* called by each operation */

/* A weakening that no scenario notices, and the reason why it may stay or what to do about it. */
struct site_waiver {
    const char *func, *op;
    const char *weaker; /* as printed: "relaxed", "no fence", ... */
    const char *why;
};

/* Weakens each order of each site that the scenarios reach, one at a time, and prints a table. Returns how many went
 * unnoticed without a waiver, plus how many waivers do not apply. Called from outside of a model, when every
 * scenario passes as written. */
int sites_mutate(const struct model *scenario, int n, const struct site_waiver *waiver, int nwaivers,
                 uint64_t max_runs);
#endif
