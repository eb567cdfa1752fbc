/* Calibration: the chase visits every line once, levels stand in their order, and trine-micro's JSON is read
 * right. Times are compared only where theory puts a factor between them that no neighbour on the machine
 * bridges. */
#include "base/cache_latency.h"
#include "base/chase.h"
#include "base/clock.h"
#include "calibrate/calibrate.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_one_cycle(void **state) {
    (void)state;
    for (size_t n = 2; n < 300; n += 7) {
        struct chase c;
        assert_int_equal(chase_init(&c, n * CHASE_LINE_BYTES, n), 0);
        assert_int_equal(c.n, n);
        struct chase_line *at = c.lines;
        for (size_t i = 1; i < n; i++) {
            at = chase_follow(at, 1);
            assert_ptr_not_equal(at, c.lines); /* closed too early: some line is never visited */
        }
        assert_ptr_equal(chase_follow(at, 1), c.lines);
        chase_free(&c);
    }
}

/* The least of several passes over a warm block, and of several over a flushed one: memory is tens of times
 * L1. */
static void test_flush_is_seen(void **state) {
    struct chase c;
    uint64_t warm = UINT64_MAX, cold = UINT64_MAX;
    (void)state;
    mclock_init();
    assert_int_equal(chase_init(&c, 16 << 10, 7), 0);
    if (!chase_flush(&c)) {
        print_message("SKIP: this processor has no instruction that drops a line\n");
        chase_free(&c);
        skip();
    }
    for (int i = 0; i < 50; i++) {
        chase_flush(&c);
        uint64_t ns = chase_pass_ns(&c);
        if (ns < cold) cold = ns;
        ns = chase_pass_ns(&c);
        if (ns < warm) warm = ns;
    }
    if (cold < 3 * warm)
        fail_msg("flushed %llu ns, warm %llu ns", (unsigned long long)cold, (unsigned long long)warm);
    chase_free(&c);
}

static void test_levels_in_order(void **state) {
    struct cache_latency l;
    struct cache_sizes sizes;
    (void)state;
    mclock_init();
    cache_sizes_get(&sizes);
    int err = cache_latency_measure(&l, &sizes, (size_t)16 << 20);
    assert_true(err == 0 || err == -ENODEV);
    assert_true(l.l1.bytes > 0 && l.l1.least_ns > 0 && l.l1.least_ns <= l.l1.median_ns);
    if (l.l2.bytes) assert_true(l.l2.least_ns > l.l1.least_ns);
    if (l.memory.bytes) assert_true(l.memory.least_ns > l.l1.least_ns);
    if (err == -ENODEV)
        assert_int_equal(l.remote.bytes, 0);
    else
        assert_true(l.remote.bytes > 0 && l.remote.least_ns > 0);
}

static const char recorded[] =
    "{\"context\":{\"library_build_type\":\"debug\"},\"benchmarks\":["
    "{\"name\":\"switch/bare/real_time\",\"run_type\":\"iteration\",\"real_time\":3.0,\"time_unit\":\"ns\"},"
    "{\"name\":\"switch/bare/real_time\",\"run_type\":\"iteration\",\"real_time\":1.0,\"time_unit\":\"ns\"},"
    "{\"name\":\"switch/bare/real_time\",\"run_type\":\"iteration\",\"real_time\":2.0,\"time_unit\":\"ns\"},"
    "{\"name\":\"switch/bare/"
    "real_time_mean\",\"run_type\":\"aggregate\",\"real_time\":99.0,\"time_unit\":\"ns\"},"
    "{\"name\":\"limit/atomic_add/"
    "real_time\",\"run_type\":\"iteration\",\"real_time\":2.5,\"time_unit\":\"ns\"},"
    "{\"name\":\"limit/atomic_add_contended/real_time/"
    "threads:2\",\"run_type\":\"iteration\",\"real_time\":7.5,"
    "\"time_unit\":\"ns\"},"
    "{\"name\":\"limit/page_first_touch/"
    "real_time\",\"run_type\":\"iteration\",\"real_time\":1.5,\"time_unit\":\"us\"},"
    "{\"name\":\"limit/cache_line/"
    "real_time\",\"run_type\":\"iteration\",\"error_occurred\":true,\"real_time\":0.0,"
    "\"time_unit\":\"ns\"}]}";

static double value_of(const json_t *limits, const char *name) {
    return json_num(json_object_get(limits, name), "value", -1);
}

static void test_micro_json(void **state) {
    char why[128];
    json_t *micro = json_parse_object(recorded, strlen(recorded), why, sizeof why), *limits = json_object();
    (void)state;
    assert_non_null(micro);
    calibrate_from_micro(limits, micro);
    assert_true(value_of(limits, "register_swap") == 2.0); /* the median; aggregates left out */
    assert_true(json_num(json_object_get(limits, "register_swap"), "least", -1) == 1.0);
    assert_true(value_of(limits, "atomic_add") == 2.5);
    assert_true(value_of(limits, "atomic_add_contended") == 7.5);
    assert_true(value_of(limits, "page_fault") == 1500.0);
    assert_true(json_is_unavailable(json_object_get(limits, "cache_line"))); /* it said that it could not */
    assert_true(json_is_unavailable(json_object_get(limits, "system_call")));
    json_decref(limits);
    json_decref(micro);
}

/* As a user runs it: every part is there, as a figure or as a reason. */
static void test_verb(void **state) {
    static const char *const parts[] = {"clock", "loads", "limits", "probes"};
    char why[128], *dir = scratch_make(), *path = path_join(dir, "limits.json");
    struct child_result r;
    struct err e;
    (void)state;
    trine(&r, 60000, "calibrate", "--quick", "--json", "--out", path, NULL);
    assert_true(r.end == CHILD_EXITED && (r.code == 0 || r.code == TRINE_EXIT_INVALID));
    json_t *printed = json_parse_object(strbuf_str(&r.out), r.out.len, why, sizeof why);
    json_t *written = json_read_file(path, &e);
    assert_non_null(printed);
    assert_true(json_equal(printed, written));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_true(json_is_object(json_object_get(printed, parts[i])));
    const json_t *wake = json_object_get(json_object_get(printed, "limits"), "futex_wake_same_cpu");
    assert_true(json_num(wake, "value", 0) > 0);
    json_decref(printed);
    json_decref(written);
    child_result_free(&r);
    free(path);
    scratch_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_flush_is_seen),
        cmocka_unit_test(test_levels_in_order),
        cmocka_unit_test(test_micro_json),
        cmocka_unit_test(test_verb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
