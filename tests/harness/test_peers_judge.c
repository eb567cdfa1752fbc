/* What the table of peers makes of figures: verdicts follow the interval of the ratio, and an interval follows the drift that the
 * processes of a series have in common. */
#include "base/json.h"
#include "peers/peers.h"
#include "run/validity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW "[a]\nrow = a row\nexperiment = x\nfigure = median\nunit = ns\n"

/* Ten processes of a backend around a centre. */
static void add(json_t *points, const char *backend, double centre, bool valid) {
    for (int i = 0; i < 10; i++)
        json_array_append_new(points, json_pack("{s:s, s:s, s:s, s:b, s:{s:s, s:[f]}}", "experiment", "x", "backend", backend,
                                                "status", "ok", "valid", (int)valid, "record", "status", "ok", "samples",
                                                centre * (1 + 0.002 * i)));
}

static void add_points(json_t *points, const char *backend, double centre) { add(points, backend, centre, true); }

static const char *verdict_of(const char *rows_text, const json_t *points) {
    static char verdict[32];
    struct peer_rows rows;
    struct err e = {0};
    if (peer_rows_parse(&rows, "f.ini", rows_text, &e)) fail_msg("%s", e.text);
    json_t *table = peers_judge(&rows, points);
    assert_int_equal(json_array_size(table), 1);
    snprintf(verdict, sizeof verdict, "%s",
             json_str(json_array_get(json_object_get(json_array_get(table, 0), "targets"), 0), "verdict", ""));
    json_decref(table);
    peer_rows_free(&rows);
    return verdict;
}

static void test_verdicts(void **state) {
    json_t *points = json_array();
    (void)state;
    add_points(points, "trine", 30);
    add_points(points, "go", 100);
    assert_string_equal(verdict_of(ROW "against = go 0.4\n", points), "met");
    assert_string_equal(verdict_of(ROW "against = go 0.2\n", points), "not met");
    assert_string_equal(verdict_of(ROW "against = go 0.3\n", points), "open");
    assert_string_equal(verdict_of(ROW "better = higher\nagainst = go 0.2\n", points), "met");
    assert_string_equal(verdict_of(ROW "better = higher\nagainst = go 0.4\n", points), "not met");
    assert_string_equal(verdict_of(ROW "against = tbb 0.4\n", points), "not measured");
    assert_string_equal(verdict_of(ROW "at_most = 40\n", points), "met");
    assert_string_equal(verdict_of(ROW "at_most = 20\n", points), "not met");
    json_decref(points);
}

/* Where no process of a backend was valid, the figure of those that there are is shown, and decides nothing. */
static void test_disturbed(void **state) {
    json_t *points = json_array();
    (void)state;
    add_points(points, "trine", 30);
    add(points, "go", 100, false);
    assert_string_equal(verdict_of(ROW "against = go 0.4\n", points), "open");
    assert_string_equal(verdict_of(ROW "against = go 0.2\n", points), "open");
    struct peer_rows rows;
    struct err e = {0};
    char text[4096] = "";
    assert_int_equal(peer_rows_parse(&rows, "f.ini", ROW "against = go 0.4\n", &e), 0);
    json_t *table = peers_judge(&rows, points);
    FILE *out = fmemopen(text, sizeof text, "w");
    peers_print(out, table);
    fclose(out);
    assert_non_null(strstr(text, "go 101 ns *"));
    assert_non_null(strstr(text, "trine 30.3 ns;"));
    assert_non_null(strstr(text, "decides nothing"));
    json_decref(table);
    peer_rows_free(&rows);
    add_points(points, "go", 200); /* one valid process is enough: the others do not count */
    assert_string_equal(verdict_of(ROW "against = go 0.2\n", points), "met");
    json_decref(points);
}

/* --- series whose processes were not steady --- */

/* What the harness found of a process beside its samples. */
enum found { STEADY, UNSTEADY, STOLEN /* and unsteady */ };

/* A process of `per_third` samples at each of three levels, the last e^drift above the first, its median `centre`. */
static json_t *process(const char *backend, double centre, double drift, int per_third, enum found found) {
    json_t *p = json_pack("{s:s, s:s, s:s, s:{s:f}, s:{s:{s:b, s:b, s:f, s:f}, s:[], s:{s:f}}}", "experiment", "x", "backend",
                          backend, "status", "ok", "outside", "steal_fraction", found == STOLEN ? 0.05 : 0.0, "record", "warmup",
                          "steady", found == STEADY, "drifting", found != STEADY, "drift", 0.2, "noise", 0.1, "samples",
                          "metrics", "create_ns", centre);
    json_t *samples = json_object_get(json_object_get(p, "record"), "samples");
    for (int i = 0; i < 3 * per_third; i++)
        json_array_append_new(samples, json_real(centre * exp(drift * (i / per_third - 1) / 2)));
    validity_judge(p, NULL);
    return p;
}

/* n processes around a centre. Their drifts are common + either and common - either by turns. */
static void add_series(json_t *points, const char *backend, double centre, int n, double common, double either,
                       enum found found) {
    for (int i = 0; i < n; i++)
        json_array_append_new(points, process(backend, centre * (1 + 0.002 * i), common + (i % 2 ? -either : either), 3, found));
}

/* The first ratio of the table, and what is printed of it in both forms. The caller frees nothing. */
static struct {
    double low, estimate, high, widened; /* widened NaN: it is not */
    bool disturbed;
    char text[4096], markdown[4096];
} seen;

static void print_into(char *to, size_t bytes, void (*print)(FILE *, const json_t *), const json_t *table) {
    FILE *out = fmemopen(to, bytes, "w");
    print(out, table);
    fclose(out);
}

static void look(const char *rows_text, const json_t *points) {
    struct peer_rows rows;
    struct err e = {0};
    if (peer_rows_parse(&rows, "f.ini", rows_text, &e)) fail_msg("%s", e.text);
    json_t *table = peers_judge(&rows, points);
    const json_t *target = json_array_get(json_object_get(json_array_get(table, 0), "targets"), 0),
                 *ratio = json_object_get(target, "ratio");
    memset(&seen, 0, sizeof seen);
    seen.low = json_num(ratio, "low", NAN), seen.high = json_num(ratio, "high", NAN);
    seen.estimate = json_num(ratio, "estimate", NAN), seen.widened = json_num(ratio, "widened", NAN);
    seen.disturbed = json_flag(ratio, "disturbed", false);
    print_into(seen.text, sizeof seen.text, peers_print, table);
    print_into(seen.markdown, sizeof seen.markdown, peers_markdown, table);
    json_decref(table);
    peer_rows_free(&rows);
}

/* trine steady at 30, go as `found` says at 100. */
static json_t *beside_go(int n, double common, double either, enum found found) {
    json_t *points = json_array();
    add_points(points, "trine", 30);
    add_series(points, "go", 100, n, common, either, found);
    return points;
}

/* Also fails where there is no figure. */
static void near(double got, double want, double within, int line) {
    if (!(fabs(got - want) <= within)) fail_msg("line %d: %.9g, expected %.9g", line, got, want);
}

#define assert_near(got, want, within) near(got, want, within, __LINE__)
#define HELD ROW "against = go 0.35\n"
#define BY_HAND 1e-6

/* Student's t at 95 % two-sided for 9 and for 5 degrees of freedom, from the printed tables. */
static const double t9 = 2.262157, t5 = 2.570582;

/* Drifts of +0.12 and -0.12: mean 0, standard error sqrt(10 x 0.12^2 / 9 / 10) = 0.04. */
static void test_drift_both_ways(void **state) {
    json_t *points = beside_go(10, 0, 0.12, STEADY);
    (void)state;
    look(HELD, points);
    double low = seen.low, estimate = seen.estimate, high = seen.high, b = t9 * 0.04;
    assert_true(low < estimate && estimate < high);
    assert_true(isnan(seen.widened) && !strstr(seen.text, "~") && !strstr(seen.markdown, "~"));
    json_decref(points);
    points = beside_go(10, 0, 0.12, UNSTEADY);
    look(HELD, points);
    assert_near(seen.widened, b, BY_HAND);
    assert_near(seen.estimate, estimate, 1e-12);
    assert_near(seen.low, low / exp(b), BY_HAND);
    assert_near(seen.high, high * exp(b), BY_HAND);
    assert_false(seen.disturbed);
    assert_string_equal(verdict_of(HELD, points), "met");
    assert_string_equal(verdict_of(ROW "against = go 0.2\n", points), "not met");
    assert_non_null(strstr(seen.text, "go 101 ns ~\n"));
    assert_non_null(strstr(seen.text, "] ~\n"));
    assert_non_null(strstr(seen.text, "\n~ some of its processes"));
    assert_non_null(strstr(seen.markdown, "| go 101 ns ~ |"));
    assert_non_null(strstr(seen.markdown, "] ~ |"));
    assert_non_null(strstr(seen.markdown, "\n`~`: some of its processes"));
    assert_null(strstr(seen.text, "ns *"));
    json_decref(points);
}

/* What goes one way in every process, up or down, is in the width though the processes agree on it to 0.01. */
static void test_drift_one_way(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        json_t *points = beside_go(10, sign * 0.2, 0.03, UNSTEADY);
        look(HELD, points);
        assert_near(seen.widened, 0.2 + t9 * 0.01, BY_HAND);
        assert_string_equal(verdict_of(HELD, points), "open");
        json_decref(points);
    }
}

/* Of a ratio both sides may be at their worst. */
static void test_drift_of_both_sides(void **state) {
    json_t *points = json_array();
    (void)state;
    add_series(points, "trine", 30, 10, 0, 0.06, UNSTEADY);
    add_series(points, "go", 100, 10, 0, 0.12, UNSTEADY);
    look(HELD, points);
    assert_near(seen.widened, t9 * (0.02 + 0.04), BY_HAND);
    assert_non_null(strstr(seen.text, "trine 30.3 ns ~;"));
    look(ROW "at_most = 40\n", points);
    assert_near(seen.widened, t9 * 0.02, BY_HAND);
    assert_string_equal(verdict_of(ROW "at_most = 40\n", points), "met");
    json_decref(points);
}

static void assert_disturbed(const char *row, const json_t *points) {
    look(row, points);
    assert_true(seen.disturbed);
    assert_true(isnan(seen.widened));
    assert_string_equal(verdict_of(row, points), "open");
    assert_null(strstr(seen.text, "~"));
}

/* Six processes that may count are the least: of +-0.06 the standard error is sqrt(6 x 0.06^2 / 5 / 6) = 0.0268. */
static void test_drift_needs_six(void **state) {
    json_t *points = beside_go(5, 0, 0.06, UNSTEADY);
    (void)state;
    assert_disturbed(HELD, points);
    json_decref(points);
    points = beside_go(6, 0, 0.06, UNSTEADY);
    look(HELD, points);
    assert_false(seen.disturbed);
    assert_near(seen.widened, t5 * 0.06 / sqrt(5), BY_HAND);
    json_decref(points);
}

/* Steal is another reason: such a process neither helps to reach six nor moves the figure. */
static void test_drift_not_of_steal(void **state) {
    json_t *points = beside_go(5, 0, 0.06, UNSTEADY);
    (void)state;
    add_series(points, "go", 100, 5, 0, 0.06, STOLEN);
    assert_disturbed(HELD, points);
    json_decref(points);
    points = beside_go(6, 0, 0.06, UNSTEADY);
    look(HELD, points);
    double low = seen.low, estimate = seen.estimate;
    add_series(points, "go", 1000, 4, 0.5, 0, STOLEN);
    look(HELD, points);
    assert_near(seen.estimate, estimate, 1e-12);
    assert_near(seen.low, low, 1e-12);
    json_decref(points);
}

/* Thirds of one sample each are no medians, and a level of 0 has no logarithm. */
static void test_drift_needs_samples(void **state) {
    json_t *points = json_array();
    (void)state;
    add_points(points, "trine", 30);
    for (int i = 0; i < 10; i++) json_array_append_new(points, process("go", 100, i % 2 ? 0.06 : -0.06, 1, UNSTEADY));
    assert_disturbed(HELD, points);
    json_decref(points);
    points = beside_go(10, 0, 0.06, UNSTEADY);
    json_t *samples = json_object_get(json_object_get(json_array_get(points, 12), "record"), "samples");
    for (size_t i = 0; i < 3; i++) json_array_set_new(samples, i, json_real(0));
    assert_disturbed(HELD, points);
    json_decref(points);
}

/* With six valid ones the others do not count, as before. */
static void test_drift_not_beside_six_valid(void **state) {
    json_t *points = beside_go(6, 0, 0.06, STEADY);
    (void)state;
    look(HELD, points);
    double low = seen.low, estimate = seen.estimate, high = seen.high;
    add_series(points, "go", 1000, 4, 0.5, 0, UNSTEADY);
    look(HELD, points);
    assert_true(isnan(seen.widened) && !seen.disturbed && !strstr(seen.text, "~"));
    assert_near(seen.low, low, 1e-12);
    assert_near(seen.estimate, estimate, 1e-12);
    assert_near(seen.high, high, 1e-12);
    json_decref(points);
}

/* With fewer all count; where even all are too few, the three valid ones decide, as before. */
static void test_drift_beside_few_valid(void **state) {
    json_t *points = beside_go(5, 0, 0.12, STEADY);
    (void)state;
    add_series(points, "go", 200, 5, 0, 0.12, UNSTEADY);
    look(HELD, points);
    assert_false(isnan(seen.widened));
    /* Half of the quotients lie about 0.3, half about 0.15: between the least of those and the greatest of these. */
    assert_near(seen.estimate, sqrt(30 / 100.8 * 30.54 / 200), BY_HAND);
    json_decref(points);
    points = beside_go(3, 0, 0.06, STEADY);
    add_series(points, "go", 200, 2, 0, 0.06, UNSTEADY);
    look(HELD, points);
    assert_true(isnan(seen.widened) && !seen.disturbed);
    assert_near(seen.estimate, 30.27 / 100.2, BY_HAND);
    json_decref(points);
}

/* --- the ratio of two series --- */

static void add_figures(json_t *points, const char *backend, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) json_array_append_new(points, process(backend, x[i], 0, 3, STEADY));
}

/* Four a side: the test accepts all but the one order of 70 at each end, so the interval is that of all quotients. Of the
 * sixteen the eighth and ninth are 31/101 and 31/100. */
static void test_ratio_by_hand(void **state) {
    static const double own[] = {30, 31, 32, 33}, go[] = {100, 101, 103, 106};
    json_t *points = json_array();
    (void)state;
    add_figures(points, "trine", own, 4);
    add_figures(points, "go", go, 4);
    look(HELD, points);
    assert_near(seen.low, 30.0 / 106, BY_HAND);
    assert_near(seen.high, 33.0 / 100, BY_HAND);
    assert_near(seen.estimate, sqrt(31.0 / 101 * 31 / 100), BY_HAND);
    json_decref(points);
}

/* Three a side order themselves by chance too often: the corners of both intervals, wider than all quotients. */
static void test_ratio_of_three(void **state) {
    static const double own[] = {30, 31, 32}, go[] = {100, 101, 103};
    json_t *points = json_array();
    (void)state;
    add_figures(points, "trine", own, 3);
    add_figures(points, "go", go, 3);
    look(HELD, points);
    assert_near(seen.estimate, 31.0 / 101, BY_HAND);
    assert_true(seen.low < 30.0 / 103 && seen.high > 32.0 / 100 && isfinite(seen.high));
    json_decref(points);
}

/* A count may be 0, which has no logarithm: no quotient is invented, and 0 is at most anything. */
static void test_ratio_of_nothing(void **state) {
    static const double own[] = {0, 0, 0, 0, 0, 0, 0, 0}, go[] = {5, 5, 6, 6, 7, 7, 8, 8};
    json_t *points = json_array();
    (void)state;
    add_figures(points, "trine", own, 8);
    add_figures(points, "go", go, 8);
    look(HELD, points);
    assert_near(seen.estimate, 0, 0);
    assert_string_equal(verdict_of(HELD, points), "met");
    json_decref(points);
}

/* The samples are of another figure than this one: how it moved nobody knows. */
static void test_drift_not_of_other_figures(void **state) {
    json_t *points = json_array();
    (void)state;
    add_series(points, "trine", 30, 10, 0, 0.06, STEADY);
    add_series(points, "go", 100, 10, 0, 0.06, UNSTEADY);
    assert_disturbed("[a]\nrow = a row\nexperiment = x\nfigure = metrics.create_ns\nunit = ns\nagainst = go 0.35\n", points);
    json_decref(points);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_disturbed),
        cmocka_unit_test(test_drift_both_ways),
        cmocka_unit_test(test_drift_one_way),
        cmocka_unit_test(test_drift_of_both_sides),
        cmocka_unit_test(test_drift_needs_six),
        cmocka_unit_test(test_drift_not_of_steal),
        cmocka_unit_test(test_drift_needs_samples),
        cmocka_unit_test(test_drift_not_beside_six_valid),
        cmocka_unit_test(test_drift_beside_few_valid),
        cmocka_unit_test(test_ratio_by_hand),
        cmocka_unit_test(test_ratio_of_three),
        cmocka_unit_test(test_ratio_of_nothing),
        cmocka_unit_test(test_drift_not_of_other_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
