/* Repetition until the interval is narrow, and anchors spread over a run: on figures made up here, and
 * through trine run. */
#include "run/plan.h"
#include "run/precision.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *planned(const char *id, int rep) {
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:f,s:b}", "id", id, "series", "s", "experiment", "x",
                     "backend", "b", "rep", rep, "reps_min", 3, "until", 0.02, "anchor", 1);
}

static void feed(struct precision *p, int rep, double median, bool valid) {
    char id[16];
    snprintf(id, sizeof id, "p%d", rep);
    json_t *pl = planned(id, rep);
    precision_add(p, pl, valid, median);
    json_decref(pl);
}

static bool enough(const struct precision *p, int rep) {
    json_t *pl = planned("next", rep);
    bool yes = precision_enough(p, pl);
    json_decref(pl);
    return yes;
}

static void test_narrow_and_wide(void **state) {
    struct precision narrow, wide;
    (void)state;
    precision_init(&narrow);
    precision_init(&wide);
    for (int i = 0; i < 12; i++) {
        /* five values say nothing at 95 %, whatever they are */
        assert_int_equal(enough(&narrow, i), i >= 6);
        assert_false(enough(&wide, i));
        feed(&narrow, i, 100 + 0.1 * (i % 3), true);
        feed(&wide, i, 100 + 10 * (i % 3), true);
    }
    assert_false(enough(&narrow, 2)); /* the least number comes first */
    precision_free(&narrow);
    precision_free(&wide);
}

static void test_invalid_does_not_count(void **state) {
    struct precision p;
    (void)state;
    precision_init(&p);
    for (int i = 0; i < 6; i++) feed(&p, i, 100, i != 3);
    assert_false(enough(&p, 6));
    feed(&p, 3, 100, true); /* the rerun */
    assert_true(enough(&p, 6));
    feed(&p, 3, 100, false);
    assert_false(enough(&p, 6));
    precision_free(&p);
}

static void test_drift(void **state) {
    struct precision p;
    (void)state;
    precision_init(&p);
    for (int i = 0; i < 9; i++) feed(&p, i, 100 + 5 * (i / 3), true);
    json_t *list = precision_json(&p), *o = json_array_get(list, 0);
    assert_int_equal(json_int(o, "processes", 0), 9);
    assert_true(fabs(json_num(o, "drift", 0) - 0.1) < 1e-9);
    assert_true(fabs(json_num(o, "spread", 0) - 10.0 / 105) < 1e-9);
    assert_true(json_is_false(json_object_get(o, "reached")));
    json_decref(list);
    precision_free(&p);
}

static char *sweep(const char *dir, const char *text) {
    return scratch_file(dir, "p.ini", text);
}

/* The fake driver's figures do not differ: six of twelve are enough, and the run says so. */
static void test_run_stops(void **state) {
    char *dir = scratch_make();
    char *path = sweep(dir, "[profile]\ntitle = t\n[experiment x]\nworkload = pingpong\nbackends = "
                            "fake\nprocs = 1\nreps = 3..12\n"
                            "until = 2 %\nwarmup_ms = 1\nmeasure_ms = 1\n");
    struct child_result r;
    struct err e;
    (void)state;
    char *out = path_join(dir, "out");
    trine(&r, 60000, "run", "--profile", path, "--out", out, "--quiet", NULL);
    assert_int_equal(r.code, 0);
    assert_true(contains(&r.out, "1 of 1 series are as narrow as asked ("));
    child_result_free(&r);
    char *run = only_run(out), *manifest = path_join(run, "manifest.json");
    json_t *m = json_read_file(manifest, &e);
    assert_non_null(m);
    assert_string_equal(json_str(m, "ended", ""), "complete");
    int64_t ran = json_int(json_object_get(m, "result"), "ok", 0),
            spared = json_int(json_object_get(m, "result"), "not_needed", 0);
    assert_int_equal(ran + spared, 12);
    assert_in_range(ran, 6, 11); /* above six only where stolen time took one away */
    json_decref(m);
    free(manifest);
    free(run);
    free(out);
    free(path);
    scratch_remove(dir);
}

/* Three anchors among twelve others: never two in a row, one in each third of the run. */
static void test_anchor_order(void **state) {
    char *dir = scratch_make();
    char *path = sweep(
        dir,
        "[profile]\ntitle = t\n[experiment a]\nworkload = pingpong\nbackends = fake\nprocs = 1\nanchor = 1\n"
        "reps = 3\n[experiment b]\nworkload = pingpong\nbackends = fake\nprocs = 1\ntasks = 2 3 4 5\nreps = "
        "3\n");
    struct child_result r;
    size_t i, thirds[3] = {0};
    (void)state;
    trine(&r, 20000, "plan", "--profile", path, "--json", NULL);
    assert_int_equal(r.code, 0);
    json_t *points = json_loads(strbuf_str(&r.out), 0, NULL), *v;
    assert_int_equal(json_array_size(points), 15);
    json_array_foreach(points, i, v) thirds[i / 5] += json_flag(v, "anchor", false);
    for (i = 0; i < 3; i++) assert_int_equal(thirds[i], 1);
    json_decref(points);
    child_result_free(&r);
    free(path);
    scratch_remove(dir);
}

static void test_refused(void **state) {
    static const char *const bad[] = {"reps = 3..10\n",
                                      "until = 2 %\n",
                                      "reps = 10..3\nuntil = 2 %\n",
                                      "reps = 3..\nuntil = 2 %\n",
                                      "reps = 3..10\nuntil = 2\n",
                                      "reps = 3..10\nuntil = 90 %\n",
                                      "anchor = yes\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *dir = scratch_make(), *text = xasprintf("[experiment x]\nworkload = pingpong\n%s", bad[i]),
             *path = sweep(dir, text);
        struct child_result r;
        trine(&r, 20000, "plan", "--profile", path, NULL);
        assert_int_equal(r.code, TRINE_EXIT_USAGE);
        assert_one_line(&r.err);
        child_result_free(&r);
        free(path);
        free(text);
        scratch_remove(dir);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrow_and_wide), cmocka_unit_test(test_invalid_does_not_count),
        cmocka_unit_test(test_drift),           cmocka_unit_test(test_run_stops),
        cmocka_unit_test(test_anchor_order),    cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
