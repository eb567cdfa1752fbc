/*
 * suite.h: what the test programs of the models share: run every scenario, then weaken every order in turn.
 */
#ifndef MODEL_SUITE_H
#define MODEL_SUITE_H

#include "explore.h"
#include "sites.h"

struct suite {
    const char *name;
    const struct model *scenario;
    int nscenarios;
    uint64_t max_runs; /* of one exploration */
    struct site_rules rules;
    bool partial; /* an exploration may stop at max_runs: the printed line says so */
};

/* Fails the current cmocka test unless each scenario is explored to its end without a violation. */
void suite_explore(const struct suite *s);
/* The whole of a test program's main: two tests, `explored` (as above) and `weakened`, which fails unless each weakening is
 * caught or declared. Returns what cmocka does: the number of tests that failed. */
int suite_main(const struct suite *s);
/* The same of a program that has scenarios too large to be explored for each weakening: with the argument `large`, these alone
 * are, once. */
int suite_main_large(int argc, char **argv, const struct suite *s, const struct suite *large);
#endif
