/*
 * sites.h: the textual uses of atomic operations, and the mutation run that weakens each of them in turn.
 */
#ifndef MODEL_SITES_H
#define MODEL_SITES_H

#include "explore.h"
#include "model_atomic.h"

#define SITES 256

void site_seen(struct model_site *s, const char *func); /* called by each operation */

/* A weakening that no scenario notices, and the reason why it may stay or what to do about it. */
struct site_waiver {
    const char *func, *op;
    int nth;            /* of this operation in this function, from 1 */
    const char *weaker; /* as printed: "relaxed", "no fence", ... */
    const char *why;
};

/* A file whose orders are tried and told, but judged elsewhere: only its fences must be needed here. */
struct site_guest {
    const char *file, *why;
};

/* Weakens each order of each site that the scenarios reach, one at a time, and prints a table. Returns how many went
 * unnoticed without a waiver, plus how many were noticed in spite of one. Called from outside of a model, when every
 * scenario passes as written. */
struct site_rules {
    const struct site_waiver *waiver;
    int nwaivers;
    const struct site_guest *guest;
    int nguests;
};
int sites_mutate(const struct model *scenario, int n, const struct site_rules *rules, uint64_t max_runs);
#endif
