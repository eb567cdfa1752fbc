/* The trine command as a user runs it, on a driver that misbehaves: every ending has its point, one line and
 * a code. */
#include "store/store.h"
#include "support.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The limit is short only where it is meant to be reached: a busy machine must not make a test fail. */
#define SWEEP(extra) SWEEP_WITHIN("30", extra)
#define SWEEP_WITHIN(timeout_s, extra)                                                                       \
    "[profile]\nreruns = 2\n[experiment e]\nworkload = pingpong\nbackends = fake\nprocs = 1\nreps = 1\n"     \
    "warmup_ms = 1\nmeasure_ms = 1\ntimeout_s = " timeout_s "\n" extra

struct ending {
    const char *mode;
    int code;
    const char *status, *reason; /* the reason holds this */
    size_t lines;                /* an invalid point is run again twice */
};
static const struct ending endings[] = {
    {"ok", 0, "ok", "", 1},
    {"orphan", 0, "ok", "", 1},
    {"crash", TRINE_EXIT_INFRA, "failed", "killed by signal 6", 1},
    {"hang", TRINE_EXIT_INFRA, "timeout", "no record within 1 s", 1},
    {"rubbish", TRINE_EXIT_INFRA, "failed", "is not JSON", 1},
    {"cut", TRINE_EXIT_INFRA, "failed", "is cut off", 1},
    {"silent", TRINE_EXIT_INFRA, "failed", "printed nothing", 1},
    {"error", TRINE_EXIT_INFRA, "failed", "it said no", 1},
    {"usage", TRINE_EXIT_INFRA, "failed", "status 2: fake: cannot do that", 1},
    {"flood", TRINE_EXIT_INFRA, "failed", "printed more than 64 MiB", 1},
    {"newer", TRINE_EXIT_INFRA, "failed", "protocol 2, this trine speaks 1", 1},
    {"nosamples", TRINE_EXIT_INFRA, "failed", "\"samples\" is missing", 1},
    {"nochecks", TRINE_EXIT_INFRA, "failed", "\"checks\" lacks the one named operations", 1},
    {"otherwork", TRINE_EXIT_INFRA, "failed", "\"workload\" is 'yield', not 'pingpong'", 1},
    {"otherprocs", TRINE_EXIT_INFRA, "failed", "\"procs\" is 99, not 1", 1},
    {"sideways", TRINE_EXIT_INFRA, "failed", "\"better\" is neither lower nor higher", 1},
    {"badhist", TRINE_EXIT_INFRA, "failed", "\"histograms\": the count of latency is not a whole number", 1},
    {"badmetric", TRINE_EXIT_INFRA, "failed", "\"metrics\": x has no number", 1},
    {"negative", TRINE_EXIT_INFRA, "failed", "\"samples\" holds a time of -100.5 ns", 1},
    {"unsteady", TRINE_EXIT_INVALID, "ok", "", 3},
    {"badcheck", TRINE_EXIT_INVALID, "ok", "", 3},
};

/* The reason says whether something drifted, or scatter hid whether it did. */
static void test_why_the_warmup_did_not_end(void **state) {
    static const char *const cases[][2] = {
        {"unsteady", "warm-up: no three windows within 3 %"},
        {"drifting", "warm-up: the measured batches drifted, by 12 % from third to third"},
        {"scattered",
         "warm-up: no three windows within 3 %: they differ by 8 %, scatter alone explains 31 %"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *dir = scratch_make(),
             *text = xasprintf(SWEEP_WITHIN("%d", "param.mode = %s\n"), 30, cases[i][0]);
        struct child_result r;
        json_t *points = run_sweep(dir, text, &r),
               *because = json_object_get(json_array_get(points, 0), "invalid_because");
        assert_int_equal(json_array_size(because), 1);
        assert_string_equal(json_string_value(json_array_get(because, 0)), cases[i][1]);
        child_result_free(&r);
        json_decref(points);
        free(text);
        scratch_remove(dir);
    }
}

static void test_endings(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const struct ending *x = &endings[i];
        char *dir = scratch_make(),
             *text = xasprintf(SWEEP_WITHIN("%d", "param.mode = %s\nparam.sleep_ms = 20\n"),
                               strcmp(x->mode, "hang") == 0 ? 1 : 30, x->mode);
        struct child_result r;
        json_t *points = run_sweep(dir, text, &r);
        const json_t *last = json_array_get(points, json_array_size(points) - 1);
        if (r.end != CHILD_EXITED || r.code != x->code ||
            strcmp(json_str(last, "status", ""), x->status) != 0 ||
            !strstr(json_str(last, "reason", "?"), x->reason))
            fail_msg("%s: code %d, status %s, reason %s; %s", x->mode, r.code, json_str(last, "status", "-"),
                     json_str(last, "reason", "-"), strbuf_str(&r.err));
        if (x->code != 0) {
            assert_int_equal(json_array_size(points), x->lines);
            assert_false(json_flag(last, "valid", true));
        }
        child_result_free(&r);
        json_decref(points);
        free(text);
        scratch_remove(dir);
    }
}

/* What is counted, or happens once, asks for no warm-up: then there is none to be judged. */
static void test_no_warmup_asked(void **state) {
    static const struct {
        const char *extra;
        bool valid;
    } cases[] = {{"warmup_ms = 0\n", true}, {"warmup_ms = 1\n", false}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *dir = scratch_make(),
             *text = xasprintf(
                 "[experiment e]\nworkload = pingpong\nbackends = fake\nprocs = 1\nreps = 1\nmeasure_ms = 1\n"
                 "param.mode = unsteady\nparam.sleep_ms = 0\n%s",
                 cases[i].extra);
        struct child_result r;
        json_t *points = run_sweep(dir, text, &r);
        assert_int_equal(json_flag(json_array_get(points, 0), "valid", !cases[i].valid), cases[i].valid);
        json_decref(points);
        child_result_free(&r);
        free(text);
        scratch_remove(dir);
    }
}

/* What is seen from outside: five threads, one of them the main one. */
static void test_outside(void **state) {
    char *dir = scratch_make();
    struct child_result r;
    json_t *points = run_sweep(
        dir, SWEEP("param.threads = 4\nparam.sleep_ms = 200\ncounters = page-faults netburst::TC_deliver_mode\n"), &r);
    const json_t *p = json_array_get(points, 0), *outside = json_object_get(p, "outside");
    const json_t *threads = json_object_get(outside, "threads");
    (void)state;
    assert_int_equal(json_int(threads, "peak", 0), 5);
    assert_int_equal(json_int(threads, "made", 0), 5);
    assert_true(json_num(threads, "mean", 0) > 1 && json_num(threads, "mean", 0) <= 5);
    assert_true(json_int(outside, "max_rss_bytes", 0) > 100000);
    assert_true(json_int(outside, "voluntary_switches", -1) >= 5); /* each thread slept */
    assert_true(json_int(outside, "minor_faults", 0) > 0);
    assert_true(json_is_unavailable(json_object_get(json_object_get(p, "counters"), "netburst::TC_deliver_mode")));
    json_decref(points);
    child_result_free(&r);
    scratch_remove(dir);
}

static void test_pinning_is_verified(void **state) {
    char *dir = scratch_make();
    struct child_result r;
    json_t *points = run_sweep(dir, SWEEP("param.sleep_ms = 100\npin = compact\n"), &r);
    const json_t *p = json_array_get(points, json_array_size(points) - 1);
    (void)state;
    assert_true(json_flag(json_object_get(json_object_get(p, "outside"), "pinning"), "verified", false));
    assert_int_equal(json_array_size(json_object_get(p, "cpus")), 1);
    json_decref(points);
    child_result_free(&r);
    scratch_remove(dir);
}

static void expect_usage(const char *says, const char *a, const char *b, const char *c) {
    struct child_result r;
    trine(&r, 10000, a, b, c, NULL);
    if (r.end != CHILD_EXITED || r.code != TRINE_EXIT_USAGE || !contains(&r.err, says))
        fail_msg("trine %s: code %d, says: %s", a, r.code, strbuf_str(&r.err));
    assert_one_line(&r.err);
    assert_int_equal(r.out.len, 0);
    child_result_free(&r);
}

static void test_usage(void **state) {
    (void)state;
    expect_usage("did you mean 'resume'", "resmue", NULL, NULL);
    expect_usage("did you mean --profile", "run", "--profil", "smoke");
    expect_usage("did you mean 'smoke'", "run", "--profile", "smok");
    expect_usage("did you mean 'fake'", "plan", "--backends", "fakke");
    expect_usage("expected a whole number", "run", "--seed", "x");
    expect_usage("expected a time", "run", "--budget", "soon");
    expect_usage("needs a value", "run", "--seed", NULL);
    expect_usage("expected NAME=PATH", "list", "--driver", "x");
    expect_usage("there is no such executable", "list", "--driver", "x=/nowhere");
    expect_usage("did you mean 'workloads'", "list", "workload", NULL);
    expect_usage("there is no folder", "resume", "/nowhere/at/all", NULL);
    expect_usage("is not a run of trine", "report", "/tmp", NULL);
    expect_usage("no experiment 'swich'; did you mean 'switch'", "plan", "--only", "swich");
}

/* A variable that leads nowhere would measure other drivers than those that were meant. */
static void test_a_folder_of_drivers_that_is_none(void **state) {
    static const char *const verbs[] = {"list", "plan"};
    char *dir = scratch_make(), *file = scratch_file(dir, "file", ""), *none = path_join(dir, "none");
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char *argv[] = {TRINE_EXE, (char *)verbs[i % 2], NULL};
        struct child_spec spec = {.argv = argv, .timeout_ms = 20000, .max_output_bytes = 1 << 20};
        struct child_result r;
        setenv("TRINE_DRIVERS", i < 2 ? none : file, 1);
        child_run(&spec, &r);
        assert_int_equal(r.code, TRINE_EXIT_USAGE);
        assert_one_line(&r.err);
        assert_true(contains(&r.err, i < 2 ? none : file) && contains(&r.err, "TRINE_DRIVERS"));
        child_result_free(&r);
    }
    free(file), free(none);
    scratch_remove(dir);
}

static void test_help(void **state) {
    static const char *const all[] = {"run", "plan", "list", "resume", "report", "env"};
    struct child_result r;
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        trine(&r, 10000, all[i], "--help", NULL);
        assert_int_equal(r.code, 0);
        assert_true(contains(&r.out, "usage: trine") && contains(&r.out, "Example"));
        child_result_free(&r);
    }
    trine(&r, 10000, "--version", NULL);
    assert_true(r.code == 0 && contains(&r.out, "trine 0."));
    child_result_free(&r);
}

static bool has_points(const char *out) {
    char *pattern = path_join(out, "*/*/points.jsonl");
    glob_t found;
    struct stat st;
    bool has = glob(pattern, 0, NULL, &found) == 0 && stat(found.gl_pathv[0], &st) == 0 && st.st_size > 0;
    globfree(&found);
    free(pattern);
    return has;
}

/* Hooks of a child that reach the running trine itself: interrupted as soon as a point is on the disk. */
static void interrupt_soon(pid_t pid, void *arg) {
    for (int tries = 0; tries < 2000 && !has_points(arg); tries++) usleep(10000);
    kill(pid, SIGINT);
}

static void test_interrupt(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *ini = scratch_file(dir, "s.ini",
                             "[experiment e]\nworkload = pingpong\nprocs = 1\nreps = 100\nwarmup_ms = 1\n"
                             "measure_ms = 1\nparam.sleep_ms = 20\n");
    (void)state;
    char *argv[] = {TRINE_EXE, "run", "--profile", ini, "--out", out, "--backends", "fake", NULL};
    struct child_spec spec = {
        .argv = argv, .timeout_ms = 40000, .max_output_bytes = 1 << 20,
        .hooks = {.started = interrupt_soon, .arg = out}};
    struct child_result r;
    struct err e;
    child_run(&spec, &r);
    assert_int_equal(r.end, CHILD_EXITED);
    assert_int_equal(r.code, TRINE_EXIT_INTERRUPTED);
    assert_true(contains(&r.err, "go on with: trine resume"));
    child_result_free(&r);
    char *run = only_run(out);
    json_t *points = store_load(run, NULL, &e);
    assert_true(json_array_size(points) > 0 && json_array_size(points) < 100);
    trine(&r, 30000, "resume", run, NULL);
    assert_int_equal(r.code, 0);
    json_decref(points);
    points = store_load(run, NULL, &e);
    json_t *latest = store_latest(points);
    assert_int_equal(json_array_size(latest), 100);
    json_decref(points), json_decref(latest);
    child_result_free(&r);
    free(run), free(out), free(ini);
    scratch_remove(dir);
}

/* The limit is inherited by trine: its files cannot grow, as on a full disk. */
static void limit_files(pid_t pid, void *arg) {
    struct rlimit limit = {*(rlim_t *)arg, *(rlim_t *)arg};
    prlimit(pid, RLIMIT_FSIZE, &limit, NULL);
}

static void test_disk_full(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *ini = scratch_file(
        dir, "s.ini",
        "[experiment e]\nworkload = pingpong\nprocs = 1\nreps = 30\nwarmup_ms = 1\nmeasure_ms = 1\n");
    char *argv[] = {TRINE_EXE, "run", "--profile", ini, "--out", out, "--backends", "fake", "--quiet", NULL};
    rlim_t bytes = 32768; /* manifest and env fit, points.jsonl does not */
    struct child_spec spec = {.argv = argv,
                              .timeout_ms = 20000,
                              .max_output_bytes = 1 << 20,
                              .hooks = {.forked = limit_files, .arg = &bytes}};
    struct child_result r;
    struct err e;
    (void)state;
    child_run(&spec, &r);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    assert_true(contains(&r.err, "cannot write") && contains(&r.err, "go on with: trine resume"));
    child_result_free(&r);
    char *run = only_run(out);
    struct store_damage cut;
    json_t *points = store_load(run, &cut, &e);
    assert_true(json_array_size(points) > 0 && json_array_size(points) < 30);
    assert_false(store_damaged(&cut));
    trine(&r, 20000, "resume", run, "--quiet", NULL); /* the disk has room again */
    assert_int_equal(r.code, 0);
    json_decref(points);
    points = store_load(run, &cut, &e);
    json_t *latest = store_latest(points);
    assert_int_equal(json_array_size(latest), 30);
    json_decref(points), json_decref(latest);
    child_result_free(&r);
    free(run), free(out), free(ini);
    scratch_remove(dir);
}

/* One line of many is damaged: a reader goes on without it and says so, resume measures that point again. */
static void test_damaged_line(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *ini = scratch_file(dir, "s.ini",
                             "[experiment e]\nworkload = pingpong\nprocs = 1\nreps = 5\nwarmup_ms = 1\nmeasure_ms = 1\n");
    static const char *const says = "1 damaged line is left out, the first is line 2: ";
    struct child_result r;
    struct store_damage d;
    struct err e;
    (void)state;
    trine(&r, 30000, "run", "--profile", ini, "--out", out, "--backends", "fake", "--quiet", NULL);
    assert_int_equal(r.code, 0);
    child_result_free(&r);
    char *run = only_run(out), *path = path_join(run, "points.jsonl"), *text = file_read(path, NULL);
    strchr(text, '\n')[1] = '~';
    assert_int_equal(file_write(path, text, strlen(text), &e), 0);
    trine(&r, 30000, "report", run, NULL);
    assert_int_equal(r.code, 0);
    assert_true(contains(&r.err, says) && contains(&r.err, "trine resume"));
    assert_one_line(&r.err); /* once, though several readers see it */
    child_result_free(&r);
    trine(&r, 30000, "resume", run, "--quiet", NULL);
    assert_int_equal(r.code, 0);
    assert_true(contains(&r.err, "1 damaged line of points.jsonl (the first was line 2: "));
    assert_one_line(&r.err);
    child_result_free(&r);
    json_t *points = store_load(run, &d, &e), *latest = store_latest(points);
    assert_int_equal(json_array_size(points), 5);
    assert_int_equal(json_array_size(latest), 5);
    assert_false(store_damaged(&d));
    json_decref(points), json_decref(latest);
    free(run), free(path), free(text), free(out), free(ini);
    scratch_remove(dir);
}

static void test_no_permission(void **state) {
    char *dir = scratch_make(), *ini = scratch_file(dir, "s.ini", SWEEP("")),
         *file = scratch_file(dir, "file", "x");
    struct child_result r;
    (void)state;
    trine(&r, 10000, "run", "--profile", ini, "--out", "/proc/trine", "--quiet", NULL);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    assert_true(contains(&r.err, "cannot make the folder /proc/trine"));
    assert_one_line(&r.err);
    child_result_free(&r);
    trine(&r, 10000, "run", "--profile", ini, "--out", file, "--quiet", NULL);
    assert_int_equal(r.code, TRINE_EXIT_INFRA);
    assert_one_line(&r.err);
    child_result_free(&r);
    free(file), free(ini);
    scratch_remove(dir);
}

static void test_budget(void **state) {
    char *dir = scratch_make(), *out = path_join(dir, "out");
    char *ini = scratch_file(dir, "s.ini",
                             "[experiment e]\nworkload = pingpong\nprocs = 1\nreps = 100\nwarmup_ms = "
                             "50\nmeasure_ms = 1\nparam.sleep_ms = 50\n");
    struct child_result r;
    (void)state;
    trine(&r, 20000, "run", "--profile", ini, "--out", out, "--backends", "fake", "--budget", "500ms",
          "--quiet", NULL);
    assert_int_equal(r.code, 0);
    assert_true(contains(&r.err, "the time budget is used up"));
    child_result_free(&r);
    static const char *const too_short[] = {"0.001s", "0.0001s"}; /* rounded to 0 the second would be no limit */
    for (size_t i = 0; i < 2; i++) {
        trine(&r, 20000, "run", "--profile", ini, "--out", out, "--backends", "fake", "--budget", too_short[i], NULL);
        assert_int_equal(r.code, TRINE_EXIT_INVALID);
        assert_true(contains(&r.err, "the time budget is too short for any of the 100 points; go on with: trine resume "));
        child_result_free(&r);
    }
    free(ini), free(out);
    scratch_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_no_warmup_asked),
        cmocka_unit_test(test_why_the_warmup_did_not_end),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_pinning_is_verified),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_a_folder_of_drivers_that_is_none),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_damaged_line),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_budget),
    };
    unsetenv("HWLOC_SYNTHETIC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
