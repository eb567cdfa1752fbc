/* The table of peers: its own rows are read, faults in a declaration are told by line, and verdicts follow the interval. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_rows),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_disturbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
