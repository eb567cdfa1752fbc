/* The self-test is broken on purpose, one instrument at a time, and must say so: a clock of the wrong scale,
 * a counter that is not scaled, a closed loop where an open one is asked for. A machine too noisy to judge is
 * a counted skip. */
#include "selftest/selftest.h"
#include "support.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A driver that is the real one with something before or behind its command line. Caller frees. */
static char *wrapped_driver(const char *dir, const char *before, const char *behind) {
    char *text = xasprintf("#!/bin/sh\nexec %s %s \"$@\" %s\n", before, REAL_DRIVER, behind);
    char *path = scratch_file(dir, "trine-driver-wrapped", text);
    free(text);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

/* Runs one trial; its verdict, and what it was decided by on stdout. */
static enum trial_verdict verdict_of(struct selftest_options *o, const char *trial) {
    struct strlist only = {0};
    struct selftest_result r;
    strlist_add(&only, trial);
    o->backend = "trine";
    o->quick = true;
    o->only = &only;
    selftest_run(o, &r);
    assert_int_equal(json_array_size(r.trials), 1);
    print_message("%s: %s (%s)\n", trial, json_str(json_array_get(r.trials, 0), "verdict", ""),
                  json_str(json_array_get(r.trials, 0), "why", ""));
    enum trial_verdict v = r.failed   ? TRIAL_FAIL
                           : r.noisy  ? TRIAL_NOISY
                           : r.passed ? TRIAL_PASS
                                      : TRIAL_SKIPPED;
    json_decref(r.trials);
    strlist_free(&only);
    return v;
}

static void assert_seen(enum trial_verdict v) {
    if (v == TRIAL_NOISY) {
        print_message("SKIP: the machine is too noisy to judge\n");
        skip();
    }
    assert_int_equal(v, TRIAL_FAIL);
}

static void test_wrong_clock_scale(void **state) {
    char *dir = scratch_make(),
         *path = wrapped_driver(dir, "env LD_PRELOAD=" SKEW_LIBRARY " TRINE_CLOCK=monotonic", "");
    struct selftest_options o = {.driver_path = path, .decode = pmu_decode};
    (void)state;
    enum trial_verdict v = verdict_of(&o, "clock");
    free(path);
    scratch_remove(dir);
    assert_seen(v);
}

static void test_closed_loop(void **state) {
    char *dir = scratch_make(), *path = wrapped_driver(dir, "", "--param loop=closed");
    struct selftest_options o = {.driver_path = path, .decode = pmu_decode};
    (void)state;
    enum trial_verdict v = verdict_of(&o, "stall");
    free(path);
    scratch_remove(dir);
    assert_seen(v);
}

/* As libraries do that hand out what the kernel read. */
static int unscaled(uint64_t format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
                    const char **why) {
    int n = pmu_decode(format, buf, bytes, out, max, why);
    for (int i = 0; i < n; i++) out[i].value = (double)out[i].raw;
    return n;
}

static void test_unscaled_counter(void **state) {
    struct selftest_options o = {.driver_path = REAL_DRIVER, .decode = unscaled};
    (void)state;
    assert_int_equal(verdict_of(&o, "counter"), TRIAL_FAIL);
    o.decode = pmu_decode;
    assert_int_equal(verdict_of(&o, "counter"), TRIAL_PASS);
}

/* A driver that dies is no proof of anything: broken, with its reason. */
static void test_dead_driver(void **state) {
    struct selftest_options o = {.driver_path = "/bin/false", .decode = pmu_decode};
    (void)state;
    assert_int_equal(verdict_of(&o, "clock"), TRIAL_FAIL);
}

static void test_usage(void **state) {
    struct child_result r;
    (void)state;
    trine(&r, 20000, "selftest", "--only", "stal", NULL);
    assert_int_equal(r.code, TRINE_EXIT_USAGE);
    assert_one_line(&r.err);
    assert_true(contains(&r.err, "did you mean 'stall'?"));
    child_result_free(&r);
    trine(&r, 20000, "selftest", "--list", NULL);
    assert_int_equal(r.code, 0);
    assert_true(contains(&r.out, "closed-loop"));
    child_result_free(&r);
    trine(&r, 20000, "selftest", "--only", "counter", "--backend", "none", NULL);
    assert_int_equal(r.code, TRINE_EXIT_USAGE);
    child_result_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_clock_scale),
        cmocka_unit_test(test_closed_loop),
        cmocka_unit_test(test_unscaled_counter),
        cmocka_unit_test(test_dead_driver),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
