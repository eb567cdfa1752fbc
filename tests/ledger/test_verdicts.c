/* The judge on measurements that never were: each verdict has data that must give it, and what it says is checked. */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM                                                                                                          \
    "[claim]\ngroup = Cost of a task\nstatement = s\nclaimed = about 100\nsource = S0\nfalsifier = f\nmeaning = m\n"   \
    "show = x\nunit = ns\n[experiment e]\nworkload = w\nprocs = 1\ntasks = 2\n"                                        \
    "[experiment other]\nworkload = w\nprocs = 1\ntasks = 3\n[quantities]\nx = e.median\ny = e.metrics.y\n"
#define CONTROL "[control]\nreplace = e:other\n"

static json_t *judged(const char *text, const char *figures, int processes, bool full, const char *backend) {
    struct claim c;
    struct err e = {0};
    if (claim_parse(&c, "/synthetic/made-up.ini", text, full, &e)) fail_msg("%s", e.text);
    json_t *points = synthetic_points(&c, figures, processes), *one = synthetic_verdict(&c, points, backend);
    json_decref(points);
    claim_free(&c);
    return one;
}

static void expect(const char *predicates, const char *figures, int processes, const char *verdict, const char *says) {
    char *text = xasprintf(CLAIM "[predicates]\n%s\n" CONTROL, predicates);
    json_t *one = judged(text, figures, processes, false, "trine");
    if (strcmp(json_str(one, "verdict", "-"), verdict) != 0 || !strstr(json_str(one, "reason", "-"), says))
        fail_msg("%s on %s: '%s' (%s), not '%s' (…%s…)", predicates, figures, json_str(one, "verdict", "-"),
                 json_str(one, "reason", "-"), verdict, says);
    json_decref(one);
    free(text);
}

/* Five processes that spread by 1 % have a Student interval of 0.5 % either way. */
static void test_each_verdict(void **state) {
    (void)state;
    expect("p = x <= 200", "e.median@trine=100", 5, "reproduced", "");
    expect("p = x <= 200", "e.median@trine=300", 5, "contradicted", "fails: p (x <= 200)");
    expect("p = x <= 200\nq = y >= 10", "e.median@trine=100 e.metrics.y@trine=5", 5, "partly", "fails: q (y >= 10)");
    expect("p = x <= 200", "e.median@trine=200", 5, "inconclusive", "straddles the line: p (x <= 200)");
    expect("p = x <= 200", "", 5, "not measurable here", "e on trine: it was not run");
    expect("p = x <= 200", "e.metrics.y@trine=5", 5, "not measurable here", "the record holds no samples");
    expect("p = x <= 200", "e.ok@trine=0", 5, "not measurable here", "failed");
    expect("p = x <= 200 \n[not applicable]\ntrine = it has none", "", 5, "not applicable", "it has none");
    expect("p = x <= 200 \n[not measurable]\nall = an anecdote", "", 5, "not measurable here", "an anecdote");
}

/* A statement needs its whole interval on its side: an estimate there is not enough, and one process has none. */
static void test_the_whole_interval(void **state) {
    (void)state;
    expect("p = x <= 200", "e.median@trine=198", 5, "reproduced", "");
    expect("p = x <= 200", "e.median@trine=198~10", 5, "inconclusive", "p");
    expect("p = x <= 200", "e.median@trine=202~10", 5, "inconclusive", "p");
    expect("p = x <= 200", "e.median@trine=100", 1, "inconclusive", "p");
    expect("p = x <= 200", "e.median@trine=200~0", 5, "reproduced", "");
    expect("p = x < 200", "e.median@trine=200~0", 5, "contradicted", "p");
    expect("p = x == 100 within 10 %", "e.median@trine=105", 5, "reproduced", "");
    expect("p = x == 100 within 10 %", "e.median@trine=110", 5, "inconclusive", "p");
    expect("p = x == 100 within 10 %", "e.median@trine=120", 5, "contradicted", "p");
    expect("p = x == 100 within 10 %", "e.median@trine=80", 5, "contradicted", "p");
    expect("p = x == y within 10 %", "e.median@trine=105 e.metrics.y@trine=105", 1, "inconclusive", "p");
    expect("p = x == 61 within 0", "e.median@trine=61~0", 5, "reproduced", "");
    expect("p = x == 61 within 0", "e.median@trine=60~0", 5, "contradicted", "p");
}

/* What some predicates leave open never hides what another has settled. */
static void test_open_and_settled(void **state) {
    (void)state;
    expect("p = x <= 200\nq = y >= 10", "e.median@trine=100 e.metrics.y@trine=10", 5, "inconclusive", "q");
    expect("p = x <= 200\nq = y >= 10", "e.median@trine=300 e.metrics.y@trine=10", 5, "contradicted",
           "fails: p (x <= 200); the interval straddles the line: q");
    expect("p = x <= 200\nq = y >= 10", "e.median@trine=300 e.metrics.y@trine=5", 5, "contradicted", "p (x <= 200), q");
    expect("p = not (x <= 200)", "e.median@trine=300", 5, "reproduced", "");
    expect("p = x <= 200 or y >= 10", "e.median@trine=300 e.metrics.y@trine=20", 5, "reproduced", "");
    expect("p = x <= 200 and y >= 10", "e.median@trine=300 e.metrics.y@trine=20", 5, "contradicted", "p");
}

/* Several figures in one predicate share the 5 %: 0.49 % either way for one becomes 0.62 % for two. */
static void test_shared_level(void **state) {
    (void)state;
    expect("p = x <= 100.55", "e.median@trine=100", 5, "reproduced", "");
    expect("p = x + y - y <= 100.55", "e.median@trine=100 e.metrics.y@trine=1~0", 5, "inconclusive", "p");
}

/* A ratio to a backend whose processes fail has no value, and says whose fault that is. */
static void test_another_backend(void **state) {
    (void)state;
    expect("p = x / e.median@pthread <= 2", "e.median@trine=100 e.median@pthread=90", 5, "reproduced", "");
    expect("p = x / e.median@pthread <= 2", "e.median@trine=100 e.ok@pthread=0", 5, "not measurable here", "e on pthread");
    expect("p = e.ok@pthread <= 0", "e.ok@pthread=0~0", 2, "reproduced", "");
    expect("p = x / y <= 2", "e.median@trine=100 e.metrics.y@trine=0~0", 5, "not measurable here", "division");
}

static void expect_control(const char *control, const char *figures, const char *verdict, const char *says, bool proves) {
    char *text = xasprintf(CLAIM "[predicates]\np = x <= 200\n[control]\n%s\n", control);
    json_t *one = judged(text, figures, 10, true, "trine"), *k = json_object_get(one, "control");
    if (strcmp(json_str(one, "verdict", "-"), verdict) != 0 || !strstr(json_str(one, "reason", "-"), says) ||
        json_flag(k, "proves", !proves) != proves)
        fail_msg("%s on %s: '%s' (%s)", control, figures, json_str(one, "verdict", "-"), json_str(one, "reason", "-"));
    json_decref(one);
    free(text);
}

/* Where the control comes out like the claim, the measurement cannot tell, whatever it says. */
static void test_controls(void **state) {
    (void)state;
    expect_control("replace = e:other", "e.median@trine=100 other.median@trine=300", "reproduced", "", true);
    expect_control("replace = e:other", "e.median@trine=100 other.median@trine=110", "inconclusive", "negative control", false);
    expect_control("replace = e:other", "e.median@trine=300 other.median@trine=310", "contradicted", "", true);
    expect_control("backend = pthread", "e.median@trine=100 e.median@pthread=300", "reproduced", "", true);
    expect_control("replace = e:e@pthread", "e.median@trine=100 e.median@pthread=150", "inconclusive", "control", false);
    expect_control("replace = e:other\nexpect = reproduced", "e.median@trine=300 other.median@trine=100", "contradicted", "",
                   true);
    expect_control("replace = e:other", "e.median@trine=100", "reproduced", "", false); /* it was not run: no proof, no doubt */
}

/* The figure that the ledger shows, with its interval and unit, is that of the measurements. */
static void test_what_is_shown(void **state) {
    json_t *one = judged(CLAIM "[predicates]\np = x <= 200\n" CONTROL, "e.median@trine=100~10", 5, false, "trine");
    (void)state;
    assert_float_equal(json_num(one, "measured", 0), 100, 1e-9);
    assert_true(json_num(one, "low", 100) < 96 && json_num(one, "low", 0) > 90);
    assert_true(json_num(one, "high", 100) > 104 && json_num(one, "high", 200) < 110);
    assert_string_equal(json_str(one, "unit", ""), "ns");
    assert_string_equal(json_str(json_array_get(json_object_get(one, "predicates"), 0), "holds", ""), "yes");
    json_decref(one);
}

/* What stands beside a verdict is in its row or says why not, and settles nothing. */
static void test_beside(void **state) {
    static const char record[] = CLAIM "[predicates]\np = x <= 200\n" CONTROL "[beside]\nnote = read it so\ny = 1/s\n";
    json_t *there = judged(record, "e.median@trine=100 e.metrics.y@trine=7", 5, false, "trine");
    json_t *absent = judged(record, "e.median@trine=100", 5, false, "trine");
    const json_t *y = json_array_get(json_object_get(there, "beside"), 0), *none = json_array_get(json_object_get(absent, "beside"), 0);
    (void)state;
    assert_string_equal(json_str(y, "name", ""), "y");
    assert_string_equal(json_str(y, "unit", ""), "1/s");
    assert_float_equal(json_num(y, "value", 0), 7, 1e-9);
    assert_true(json_num(y, "low", 9) < 7 && json_num(y, "high", 0) > 7);
    assert_string_equal(json_str(none, "name", ""), "y");
    assert_non_null(strstr(json_str(none, "unavailable", ""), "the record holds no metrics.y"));
    assert_string_equal(json_str(there, "verdict", ""), "reproduced");
    assert_string_equal(json_str(absent, "verdict", ""), "reproduced");
    json_decref(there);
    json_decref(absent);
}

/* Points that are not valid count when there are not three others, and the verdict says so. */
static void test_invalid_points(void **state) {
    struct claim c;
    struct err e = {0};
    (void)state;
    assert_int_equal(claim_parse(&c, "made-up.ini", CLAIM "[predicates]\np = x <= 200\n" CONTROL, false, &e), 0);
    json_t *points = synthetic_points(&c, "e.median@trine=100", 5), *p;
    size_t i;
    json_array_foreach(points, i, p) json_object_set_new(p, "valid", json_boolean(i < 3));
    json_t *mostly = synthetic_verdict(&c, points, "trine");
    assert_null(strstr(json_str(mostly, "reason", ""), "not valid"));
    json_array_foreach(points, i, p) json_object_set_new(p, "valid", json_boolean(i < 2));
    json_t *none = synthetic_verdict(&c, points, "trine");
    assert_non_null(strstr(json_str(none, "reason", ""), "from points that are not valid"));
    json_decref(mostly);
    json_decref(none);
    json_decref(points);
    claim_free(&c);
}

static void refuse(const char *text, const char *says) {
    struct claim c;
    struct err e = {0};
    if (claim_parse(&c, "made-up.ini", text, false, &e) != TRINE_EXIT_USAGE || !strstr(e.text, says))
        fail_msg("said '%s', not '%s'", e.text, says);
}

static void test_faults_in_records(void **state) {
    (void)state;
    refuse(CLAIM "[predicates]\np = x <= 200\n", "no [control]");
    refuse(CLAIM CONTROL, "no [predicates]");
    refuse(CLAIM "[predicates]\np = z <= 200\n" CONTROL, "no quantity above this line of the name z");
    refuse(CLAIM "[predicates]\np = f.median <= 200\n" CONTROL, "there is no [experiment NAME] of the name f");
    refuse(CLAIM "[predicates]\np = x <=\n" CONTROL, "made-up.ini:22");
    refuse(CLAIM "[predicates]\np = x <= 2 furlongs\n" CONTROL, "made-up.ini:22");
    refuse(CLAIM "[predicates]\np = x\n" CONTROL, "made-up.ini:22");
    refuse(CLAIM "[predicates]\np = x <= 200\n[control]\nreplace = e:nothing\n", "no such experiment: nothing");
    refuse(CLAIM "[predicates]\np = x <= 200\n" CONTROL "[beside]\nnote = n\nz = ns\n", "no quantity of the name z");
    refuse(CLAIM "[predicates]\np = x <= 200\n" CONTROL "[beside]\ny = ns\n", "lacks the key note");
    refuse(CLAIM "[predicates]\np = x <= 200\n" CONTROL "[beside]\nnote = n\ny =\n", "expected QUANTITY = UNIT");
    refuse(CLAIM "[predictions]\np = x <= 200\n" CONTROL, "unknown section [predictions]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_verdict),   cmocka_unit_test(test_the_whole_interval),
        cmocka_unit_test(test_open_and_settled), cmocka_unit_test(test_shared_level),
        cmocka_unit_test(test_another_backend), cmocka_unit_test(test_controls),
        cmocka_unit_test(test_what_is_shown),  cmocka_unit_test(test_invalid_points),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_faults_in_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
