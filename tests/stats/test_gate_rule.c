/* The gate's rule: every verdict, from samples made to deserve it. */
#include "gate_rule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define K 10

/* K samples around a level, spread evenly over +-spread; a different phase gives another sample of the same
 * level. */
static const double *around(double *x, double level, double spread, double phase) {
    for (int i = 0; i < K; i++) x[i] = level * (1 + spread * (2 * (i + phase) / K - 1));
    return x;
}

static struct gate_metric metric(const double *a, const double *b, enum gate_kind kind, bool higher) {
    return (struct gate_metric){.baseline = a,
                                .nbaseline = K,
                                .candidate = b,
                                .ncandidate = K,
                                .kind = kind,
                                .higher_is_better = higher};
}

static enum gate_verdict judge_one(double before, double after, double spread, enum gate_kind kind,
                                   bool higher) {
    double a[K], b[K];
    struct gate_metric m =
        metric(around(a, before, spread, 0.2), around(b, after, spread, 0.6), kind, higher);
    struct gate_summary s;

    assert_int_equal(gate_judge(&m, 1, false, &s), 0);
    assert_int_equal(s.verdict, m.verdict);
    assert_true(strlen(m.why) > 0);
    return m.verdict;
}

static void verdicts(void **state) {
    (void)state;
    assert_int_equal(judge_one(100, 100, 0.01, GATE_MEDIAN, false), GATE_PASS);
    assert_int_equal(judge_one(100, 112, 0.01, GATE_MEDIAN, false), GATE_FAIL);
    assert_int_equal(judge_one(100, 80, 0.01, GATE_MEDIAN, false), GATE_PASS);   /* faster is no regression */
    assert_int_equal(judge_one(100, 103, 0.005, GATE_MEDIAN, false), GATE_PASS); /* significant but small */
    assert_int_equal(judge_one(100, 104, 0.4, GATE_MEDIAN, false), GATE_INCONCLUSIVE);
}

static void a_tail_has_more_room(void **state) {
    (void)state;
    assert_int_equal(judge_one(100, 108, 0.01, GATE_MEDIAN, false), GATE_FAIL);
    assert_int_equal(judge_one(100, 108, 0.01, GATE_TAIL, false), GATE_PASS);
    assert_int_equal(judge_one(100, 115, 0.01, GATE_TAIL, false), GATE_FAIL);
}

static void direction(void **state) {
    (void)state;
    assert_int_equal(judge_one(100, 88, 0.01, GATE_MEDIAN, true), GATE_FAIL);
    assert_int_equal(judge_one(100, 120, 0.01, GATE_MEDIAN, true), GATE_PASS);
}

/* The order of the questions: what fails is asked before what passes. */
static void rule_on_figures(void **state) {
    (void)state;
    assert_int_equal(gate_rule(0.01, 1.06, 1.08, GATE_MEDIAN), GATE_FAIL);
    assert_int_equal(gate_rule(0.06, 1.06, 1.08, GATE_MEDIAN), GATE_PASS);
    assert_int_equal(gate_rule(0.06, 1.06, 1.15, GATE_MEDIAN), GATE_INCONCLUSIVE);
    assert_int_equal(gate_rule(0.01, 1.05, 1.20, GATE_MEDIAN), GATE_INCONCLUSIVE);
    assert_int_equal(gate_rule(0.01, 1.05, INFINITY, GATE_TAIL), GATE_INCONCLUSIVE);
    assert_int_equal(gate_rule(0.5, 1.0, 1.24, GATE_TAIL), GATE_PASS);
}

static void refused_when_hopeless(void **state) {
    double a[K], b[K];
    struct gate_metric m = metric(around(a, 100, 0.01, 0.2), around(b, 150, 0.01, 0.6), GATE_MEDIAN, false);
    struct gate_summary s;

    (void)state;
    m.nbaseline = m.ncandidate = 3;
    assert_int_equal(gate_judge(&m, 1, false, &s), 0);
    assert_int_equal(m.verdict, GATE_REFUSED);
    assert_int_equal(s.need_samples, GATE_LEAST_SAMPLES);
    assert_non_null(strstr(m.why, "take 10 a side"));

    m.ncandidate = 0;
    assert_int_equal(gate_judge(&m, 1, false, &s), 0);
    assert_int_equal(s.verdict, GATE_REFUSED);
    assert_int_equal(gate_samples_needed(10000), 11); /* 2/C(22,11) * 10000 = .028; with 10 a side .108 */
}

/* A real regression among many quiet metrics still fails after Holm; a lone lucky p does not. */
static void family(void **state) {
    enum { N = 40 };
    double a[K], b[K], worse[K];
    struct gate_metric m[N];
    struct gate_summary s;

    (void)state;
    around(a, 100, 0.02, 0.2), around(b, 100, 0.02, 0.6), around(worse, 125, 0.02, 0.6);
    for (int i = 0; i < N; i++) m[i] = metric(a, i == 17 ? worse : b, GATE_MEDIAN, false);
    assert_int_equal(gate_judge(m, N, false, &s), 0);
    assert_int_equal(s.verdict, GATE_FAIL);
    assert_true(s.nfail == 1 && s.npass == N - 1 && m[17].verdict == GATE_FAIL);
    assert_true(m[17].p_holm >= m[17].p * (N - 1));
}

static void final_says_so(void **state) {
    double a[K], b[K];
    struct gate_metric m = metric(around(a, 100, 0.4, 0.2), around(b, 104, 0.4, 0.6), GATE_MEDIAN, false);
    struct gate_summary s;

    (void)state;
    assert_int_equal(gate_judge(&m, 1, false, &s), 0);
    assert_int_equal(s.need_samples, 2 * K);
    assert_int_equal(gate_judge(&m, 1, true, &s), 0);
    assert_int_equal(s.verdict, GATE_INCONCLUSIVE);
    assert_int_equal(s.need_samples, 0);
}

static void counts_are_hard(void **state) {
    (void)state;
    assert_int_equal(gate_count_rule(1000, 1000, 0), GATE_PASS);
    assert_int_equal(gate_count_rule(1000, 1001, 0), GATE_FAIL);
    assert_int_equal(gate_count_rule(1000, 1009, 0.01), GATE_PASS);
    assert_int_equal(gate_count_rule(NAN, 1, 0), GATE_INCONCLUSIVE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),      cmocka_unit_test(a_tail_has_more_room),
        cmocka_unit_test(direction),     cmocka_unit_test(rule_on_figures),
        cmocka_unit_test(family),        cmocka_unit_test(refused_when_hopeless),
        cmocka_unit_test(final_says_so), cmocka_unit_test(counts_are_hard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
