/* suite.c: runs the scenarios of a model and its mutations, and prints what was explored. See suite.h. */
#include "suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* $MODEL_RUNS raises the bound of one exploration. */
static uint64_t bound(const struct suite *s) {
    const char *runs = getenv("MODEL_RUNS");

    return runs && atoll(runs) > 0 ? (uint64_t)atoll(runs) : s->max_runs;
}

void suite_explore(const struct suite *s) {
    int failed = 0;

    for (int i = 0; i < s->nscenarios; i++) {
        struct model_result r = model_explore(&s->scenario[i], bound(s), true);

        printf("  %s: %s: %ju executions, %ju pruned, %ju cut at %d steps, %ju choice points: %s\n", s->name,
               s->scenario[i].name, (uintmax_t)r.executions, (uintmax_t)r.pruned, (uintmax_t)r.cut, MODEL_MAX_STEPS,
               (uintmax_t)r.states, r.violation[0] ? r.violation : r.exhausted ? "exhaustive" : "stopped at the bound");
        fflush(stdout);
        if (r.violation[0] || (!r.exhausted && !s->partial)) failed++;
    }
    assert_int_equal(failed, 0);
}

static void suite_mutate(const struct suite *s) {
    printf("  %s: each order weakened in turn\n", s->name);
    assert_int_equal(sites_mutate(s->scenario, s->nscenarios, &s->rules, bound(s)), 0);
}

/* cmocka runs functions, and hands each its state. */
static void explored(void **state) { suite_explore(*state); }
static void weakened(void **state) { suite_mutate(*state); }

int suite_main(const struct suite *s) {
    struct suite of = *s; /* cmocka's state is not const */
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(explored, &of), cmocka_unit_test_prestate(weakened, &of)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int suite_main_large(int argc, char **argv, const struct suite *s, const struct suite *large) {
    struct suite of = *large;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(explored, &of)};

    if (argc > 1 && strcmp(argv[1], "large") == 0) return cmocka_run_group_tests(tests, NULL, NULL);
    return suite_main(s);
}
