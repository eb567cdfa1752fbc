/* How a run ends where it is not the measured code's doing: a driver that is gone for a while, a terminal that is closed, a
 * sweep of which nothing can run here; what a driver's last words and checks may hold; and what stands beside a run. */
#include "run/validity.h"
#include "store/store.h"
#include "support.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SWEEP[] = "[profile]\nreruns = 1\n[experiment e]\nworkload = pingpong\nprocs = 1\nreps = 5\nwarmup_ms = 1\n"
                            "measure_ms = 1\n";

/* A driver named x: the fake one for whoever asks what it can, else what the lines say. */
static char *scripted(const char *dir, const char *lines) {
    char *text = xasprintf("#!/bin/sh\n[ \"$1\" = --describe ] && exec " FAKE_DRIVERS "/trine-driver-fake --describe\n%s\n", lines);
    char *path = scratch_file(dir, "driver", text);
    assert_int_equal(chmod(path, 0755), 0);
    free(text);
    return path;
}

static void run_with(struct child_result *r, const char *dir, const char *driver) {
    char *ini = scratch_file(dir, "s.ini", SWEEP), *out = path_join(dir, "out"), *spec = xasprintf("fake=%s", driver);
    trine(r, 30000, "run", "--profile", ini, "--out", out, "--driver", spec, "--backends", "fake", "--quiet", NULL);
    free(ini), free(out), free(spec);
}

static json_t *points_of(const char *dir) {
    char *out = path_join(dir, "out"), *run = only_run(out);
    struct err e;
    json_t *points = store_load(run, NULL, &e), *latest = store_latest(points);
    json_decref(points);
    free(out), free(run);
    return latest;
}

static void assert_npoints(const char *dir, size_t n) {
    json_t *points = points_of(dir);
    assert_int_equal(json_array_size(points), n);
    json_decref(points);
}

/* It is no crash: nothing is written of those points, and they run when it is there again. */
static void test_a_driver_that_is_gone(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *once = scripted(dir, "rm -- \"$0\"\nexec " FAKE_DRIVERS "/trine-driver-fake \"$@\"");
    struct child_result r;
    (void)state;
    run_with(&r, dir, once);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    assert_true(contains(&r.err, "4 points could not be run; the first: ") && contains(&r.err, "No such file or directory"));
    assert_true(contains(&r.err, "trine resume "));
    child_result_free(&r);
    assert_npoints(dir, 1);
    free(once);
    once = scripted(dir, "exec " FAKE_DRIVERS "/trine-driver-fake \"$@\"");
    char *run = only_run(out);
    trine(&r, 30000, "resume", run, "--quiet", NULL);
    assert_int_equal(r.code, 0);
    assert_npoints(dir, 5);
    child_result_free(&r);
    free(once), free(run), free(out);
    scratch_remove(dir);
}

/* An invalid point is run again as long as that is worth trying, not for ever. */
static void test_a_driver_that_goes_before_the_rerun(void **state) {
    char *dir = scratch_make();
    char *driver = scripted(dir, "echo >> \"$0.n\"\n[ $(wc -l < \"$0.n\") -eq 5 ] && rm -- \"$0\"\n"
                                 "exec " FAKE_DRIVERS "/trine-driver-fake \"$@\" --param mode=unsteady");
    struct child_result r;
    (void)state;
    run_with(&r, dir, driver);
    assert_int_equal(r.end, CHILD_EXITED);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    assert_true(contains(&r.err, "5 points could not be run"));
    child_result_free(&r);
    free(driver);
    scratch_remove(dir);
}

/* JSON holds characters alone; a driver's stderr holds what it likes. */
static void test_last_words_of_any_bytes(void **state) {
    char *dir = scratch_make(), *driver = scripted(dir, "printf 'caf\\351 \\303\\251 \\300\\200\\n' >&2\nkill -SEGV $$");
    struct child_result r;
    (void)state;
    run_with(&r, dir, driver);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    json_t *points = points_of(dir);
    const char *reason = json_str(json_array_get(points, 0), "reason", "absent");
    assert_true(strstr(reason, "killed by signal 11") && strstr(reason, ": caf? \303\251 ??"));
    json_decref(points);
    child_result_free(&r);
    free(driver);
    scratch_remove(dir);
}

/* A failed check is a reason, however long its text and wherever it is cut: within a character, JSON takes none of it. */
static void test_a_check_of_long_words(void **state) {
    (void)state;
    for (size_t padding = 0; padding < 4; padding++) {
        struct strbuf words = {0};
        for (size_t i = 0; i < 200; i++) strbuf_puts(&words, "\303\251");
        json_t *point = json_pack("{s:s,s:{s:[{s:s,s:b,s:s,s:i}]}}", "status", "ok", "record", "checks", "name", "four" + padding,
                                  "ok", 0, "expected", words.s, "got", 1);
        validity_judge(point, NULL);
        assert_true(json_is_false(json_object_get(point, "valid")));
        const json_t *why = json_object_get(point, "invalid_because");
        assert_int_equal(json_array_size(why), 1);
        assert_non_null(strstr(json_string_value(json_array_get(why, 0)), "expected \"\303\251"));
        json_decref(point);
        strbuf_free(&words);
    }
}

/* A line that was damaged since may be ok and hold no figure: none is shown, rather than what lies before an empty array. */
static void test_a_point_without_a_figure(void **state) {
    char *dir = scratch_make(), *driver = scripted(dir, "exec " FAKE_DRIVERS "/trine-driver-fake \"$@\""), *out = path_join(dir, "out");
    struct child_result r;
    (void)state;
    run_with(&r, dir, driver);
    child_result_free(&r);
    char *run = only_run(out), *path = path_join(run, "points.jsonl");
    json_t *points = points_of(dir), *p;
    struct strbuf text = {0};
    size_t i;
    json_array_foreach(points, i, p) {
        json_object_del(json_object_get(p, "record"), "samples");
        char *line = json_line(p);
        strbuf_printf(&text, "%s\n", line);
        free(line);
    }
    struct err e;
    assert_int_equal(file_write(path, text.s, text.len, &e), 0);
    trine(&r, 30000, "report", run, NULL);
    assert_int_equal(r.end, CHILD_EXITED);
    child_result_free(&r);
    trine(&r, 30000, "resume", run, NULL);
    assert_true(r.end == CHILD_EXITED && r.code == 0);
    assert_true(contains(&r.out, " -\n"));
    child_result_free(&r);
    json_decref(points);
    strbuf_free(&text);
    free(path), free(run), free(out), free(driver);
    scratch_remove(dir);
}

/* What stood beside the run and never answered is no reason not to go on with it. */
static void test_a_broken_driver_beside(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out"), *beside = path_join(dir, "drivers");
    char *broken = scratch_file(dir, "drivers/trine-driver-broken", "#!/bin/sh\nexit 1\n");
    char *once = scripted(dir, "rm -- \"$0\"\nexec " FAKE_DRIVERS "/trine-driver-fake \"$@\"");
    char *ini = scratch_file(dir, "s.ini", SWEEP), *spec = xasprintf("fake=%s", once);
    struct child_result r;
    (void)state;
    assert_int_equal(chmod(broken, 0755), 0);
    setenv("TRINE_DRIVERS", beside, 1);
    trine(&r, 30000, "run", "--profile", ini, "--out", out, "--driver", spec, "--backends", "fake", "--quiet", NULL);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    child_result_free(&r);
    free(once);
    once = scripted(dir, "exec " FAKE_DRIVERS "/trine-driver-fake \"$@\"");
    char *run = only_run(out);
    trine(&r, 30000, "resume", run, "--quiet", NULL);
    unsetenv("TRINE_DRIVERS");
    if (r.code != 0) fail_msg("resume: %d, %s", r.code, strbuf_str(&r.err));
    assert_false(contains(&r.err, "broken"));
    assert_npoints(dir, 5);
    child_result_free(&r);
    free(once), free(run), free(out), free(beside), free(broken), free(ini), free(spec);
    scratch_remove(dir);
}

/* As under nohup when the terminal is closed: the hook reaches the running trine. */
static void hang_up_soon(pid_t pid, void *arg) {
    glob_t found = {0};
    for (int tries = 0; tries < 2000 && glob(arg, 0, NULL, &found) != 0; tries++) usleep(10000);
    globfree(&found);
    kill(pid, SIGHUP);
}

static void test_nohup(void **state) {
    char *dir = scratch_make(), *ini = scratch_file(dir, "s.ini", SWEEP), *out = path_join(dir, "out");
    char *pattern = path_join(out, "*/*/points.jsonl");
    char *argv[] = {TRINE_EXE, "run", "--profile", ini, "--out", out, "--backends", "fake", "--quiet", NULL};
    struct child_spec spec = {.argv = argv, .timeout_ms = 30000, .max_output_bytes = 1 << 20,
                              .hooks = {.started = hang_up_soon, .arg = pattern}};
    struct child_result r;
    (void)state;
    setenv("TRINE_DRIVERS", FAKE_DRIVERS, 1);
    signal(SIGHUP, SIG_IGN); /* inherited */
    child_run(&spec, &r);
    signal(SIGHUP, SIG_DFL);
    assert_int_equal(r.end, CHILD_EXITED);
    assert_int_equal(r.code, 0);
    assert_npoints(dir, 5);
    child_result_free(&r);
    free(ini), free(out), free(pattern);
    scratch_remove(dir);
}

static void test_nothing_to_measure(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *ini = scratch_file(dir, "s.ini", "[experiment e]\nworkload = never\nprocs = 1\nreps = 2\n");
    struct child_result r;
    (void)state;
    trine(&r, 30000, "run", "--profile", ini, "--out", out, "--backends", "fake", "--quiet", NULL);
    assert_int_equal(r.code, TRINE_EXIT_INVALID);
    assert_true(contains(&r.err, "nothing was measured: 0 points skipped, 1 not applicable"));
    child_result_free(&r);
    free(ini), free(out);
    scratch_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_that_is_gone),
        cmocka_unit_test(test_a_driver_that_goes_before_the_rerun),
        cmocka_unit_test(test_last_words_of_any_bytes),
        cmocka_unit_test(test_a_check_of_long_words),
        cmocka_unit_test(test_a_point_without_a_figure),
        cmocka_unit_test(test_a_broken_driver_beside),
        cmocka_unit_test(test_nohup),
        cmocka_unit_test(test_nothing_to_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
