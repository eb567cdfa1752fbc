/* The rows of the table of peers and the points that they take: a fault in a declaration is told by line. */
#include "base/json.h"
#include "peers/peers.h"
#include "run/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW "[a]\nrow = a row\nexperiment = x\nfigure = median\nunit = ns\n"

static bool has_experiment(const struct sweep *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->experiments[i].name, name) == 0) return true;
    return false;
}

/* Every row reads an experiment that profile peers has. */
static void test_own_rows(void **state) {
    struct peer_rows rows;
    struct sweep s;
    struct err e = {0};
    (void)state;
    if (peer_rows_load(&rows, NULL, &e)) fail_msg("%s", e.text);
    if (sweep_load(&s, "peers", &e)) fail_msg("%s", e.text);
    assert_true(rows.n >= 20);
    for (size_t i = 0; i < rows.n; i++) {
        if (!has_experiment(&s, rows.v[i].experiment)) fail_msg("row %s: no experiment %s", rows.v[i].id, rows.v[i].experiment);
        for (size_t k = 0; k < rows.v[i].nagainst; k++) assert_true(has_experiment(&s, rows.v[i].against[k].experiment));
    }
    sweep_free(&s);
    peer_rows_free(&rows);
}

/* A ratio means the same on every machine: nothing in the profile depends on the number of CPUs. */
static void test_numbers_of_any_machine(void **state) {
    struct sweep s;
    struct err e = {0};
    (void)state;
    if (sweep_load(&s, "peers", &e)) fail_msg("%s", e.text);
    for (size_t i = 0; i < s.n; i++) {
        const struct strlist *lists[] = {&s.experiments[i].procs.list, &s.experiments[i].tasks.list};
        for (size_t k = 0; k < 2; k++)
            for (size_t j = 0; j < lists[k]->n; j++)
                if (strcmp(lists[k]->v[j], "default") != 0 && strchr(lists[k]->v[j], 'n'))
                    fail_msg("%s: %s", s.experiments[i].name, lists[k]->v[j]);
    }
    sweep_free(&s);
}

static const char cells[] = "[experiment x]\nworkload = w\nprocs = 2\ntasks = 10k\nparam.n = 30 31\nparam.rt.slice_ns = 5\n"
                            "pin = compact\n[experiment own]\nworkload = v\nprocs = 1\n";

/* What the profile says of one point, given as JSON: NULL, it is of a cell of its. */
static char *judged(const char *text) {
    struct sweep s;
    struct err e = {0};
    json_t *points = json_loads(text, 0, NULL);
    assert_non_null(points);
    if (sweep_parse(&s, "f.ini", cells, &e)) fail_msg("%s", e.text);
    json_t *kept = peers_points(&s, points);
    char *why = peers_absent(&s, json_str(json_array_get(points, 0), "experiment", ""), points);
    assert_int_equal(json_array_size(kept), why ? 0 : 1);
    json_decref(kept);
    json_decref(points);
    sweep_free(&s);
    return why;
}

#define POINT_AT(workload, procs, tasks, params, pin, more)                                                            \
    "[{\"experiment\":\"x\",\"workload\":\"" workload "\",\"procs\":" procs ",\"tasks\":" tasks ",\"params\":{" params        \
    "},\"pin\":\"" pin "\"" more "}]"
#define BOTH "\"n\":\"30\",\"rt.slice_ns\":\"5\""

static void test_points_of_the_profile(void **state) {
    static const char *const good[] = {
        POINT_AT("w", "2", "10000", BOTH, "compact", ""),
        POINT_AT("w", "2", "10000", "\"n\":\"31\"", "compact", ""), /* a backend without that knob */
        "[{\"experiment\":\"own\",\"workload\":\"v\",\"procs\":1,\"tasks\":null,\"params\":{},\"pin\":\"none\"}]",
        "[{\"experiment\":\"of rows of one's own\",\"workload\":\"u\",\"procs\":7,\"tasks\":7,\"params\":{},\"pin\":\"none\"}]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *why = judged(good[i]);
        if (why) fail_msg("case %zu: %s", i, why);
    }
}

static void test_points_of_other_cells(void **state) {
    static const char *const bad[][2] = {
        {POINT_AT("u", "2", "10000", BOTH, "compact", ""), "workload u, not w"},
        {POINT_AT("w", "1", "10000", BOTH, "compact", ""), "procs 1, not 2"},
        {POINT_AT("w", "2", "1000", BOTH, "compact", ""), "tasks 1000, not 10k"},
        {POINT_AT("w", "2", "null", BOTH, "compact", ""), "tasks default, not 10k"},
        {POINT_AT("w", "2", "10000", "\"n\":\"29\"", "compact", ""), "n 29, not 30 or 31"},
        {POINT_AT("w", "2", "10000", "", "compact", ""), "n unset, not 30 or 31"},
        {POINT_AT("w", "2", "10000", BOTH ",\"small\":\"1\"", "compact", ""), "small 1, not unset"},
        {POINT_AT("w", "2", "10000", BOTH, "none", ""), "pin none, not compact"},
        {POINT_AT("w", "2", "10000", BOTH, "compact", ",\"quota_cpus\":0.5"), "quota 0.5, not 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *why = judged(bad[i][0]);
        if (!why || strcmp(why, bad[i][1]) != 0) fail_msg("case %zu: %s", i, why ? why : "taken");
        free(why);
    }
}

static void test_unready(void **state) {
    struct sweep s;
    struct err e = {0};
    const char *why = NULL;
    json_t *points = json_loads("[{\"experiment\":\"x\",\"status\":\"ok\",\"outside\":{\"readied_bytes\":5}},"
                                "{\"experiment\":\"x\",\"status\":\"ok\",\"outside\":{\"readied_bytes\":{\"unavailable\":\"no room\"}}},"
                                "{\"experiment\":\"x\",\"status\":\"ok\",\"outside\":{}},"
                                "{\"experiment\":\"x\",\"status\":\"not_applicable\"},"
                                "{\"experiment\":\"own\",\"status\":\"ok\",\"outside\":{}}]", 0, NULL);
    (void)state;
    assert_non_null(points);
    if (sweep_parse(&s, "f.ini", "[experiment x]\nworkload = w\nready_mib = 7\n[experiment own]\nworkload = v\n", &e)) fail_msg("%s", e.text);
    assert_int_equal(peers_unready(&s, points, &why), 2);
    assert_string_equal(why, "no room");
    json_decref(points);
    sweep_free(&s);
}

static void test_faults(void **state) {
    static const char *const bad[][2] = {
        {ROW, "needs row, experiment"},       {"", "no row"},
        {ROW "against = go\n", "f.ini:6"},    {ROW "against = go fast\n", "f.ini:6"},
        {ROW "against = go -1\n", "f.ini:6"}, {ROW "at_most = much\n", "f.ini:6"},
        {ROW "better = more\n", "f.ini:6"},   {ROW "colour = red\n", "f.ini:6"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct peer_rows rows;
        struct err e = {0};
        assert_int_equal(peer_rows_parse(&rows, "f.ini", bad[i][0], &e), TRINE_EXIT_USAGE);
        if (!strstr(e.text, bad[i][1])) fail_msg("'%s' said '%s'", bad[i][0], e.text);
        peer_rows_free(&rows);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_rows),
        cmocka_unit_test(test_numbers_of_any_machine),
        cmocka_unit_test(test_points_of_the_profile),
        cmocka_unit_test(test_points_of_other_cells),
        cmocka_unit_test(test_unready),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
