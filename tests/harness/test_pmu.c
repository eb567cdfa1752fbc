/* Counters: recorded buffers decoded, a fake kernel behind the seam, and a real software counter. */
#include "probe/pmu.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMES (PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING)
#define GROUP (TIMES | PERF_FORMAT_GROUP | PERF_FORMAT_ID)

static void test_single(void **state) {
    struct pmu_value v;
    const char *why = "";
    (void)state;
    const uint64_t plain[] = {1000, 500, 500};
    assert_int_equal(pmu_decode(TIMES, plain, sizeof plain, &v, 1, &why), 1);
    assert_true(v.value == 1000 && v.running_share == 1);
    const uint64_t multiplexed[] = {1000, 400, 100};
    assert_int_equal(pmu_decode(TIMES, multiplexed, sizeof multiplexed, &v, 1, &why), 1);
    assert_true(v.value == 4000 && v.running_share == 0.25);
    const uint64_t big[] = {UINT64_C(1) << 62, 10, 10}; /* the product passes 64 bits, the result does not */
    assert_int_equal(pmu_decode(TIMES, big, sizeof big, &v, 1, &why), 1);
    assert_true(v.value == 0x1p62);
}

static void expect_refused(uint64_t format, const uint64_t *w, size_t bytes, const char *reason) {
    struct pmu_value v[2];
    const char *why = "";
    assert_int_equal(pmu_decode(format, w, bytes, v, 2, &why), -1);
    assert_non_null(strstr(why, reason));
}

static void test_refused(void **state) {
    (void)state;
    expect_refused(TIMES, (const uint64_t[]){5, 100, 0}, 24, "never on the PMU");
    expect_refused(TIMES, (const uint64_t[]){0, 0, 0}, 24, "never enabled");
    expect_refused(TIMES, (const uint64_t[]){5, 100, 200}, 24, "above time enabled");
    expect_refused(TIMES, (const uint64_t[]){UINT64_C(1) << 62, 100, 1}, 24, "overflowed");
    expect_refused(TIMES, (const uint64_t[]){UINT64_MAX, 1, 1}, 24, "overflowed");
    expect_refused(TIMES, (const uint64_t[]){5, 100, 100}, 16, "cut off");
    expect_refused(TIMES, (const uint64_t[]){0}, 0, "cut off");
    expect_refused(0, (const uint64_t[]){5, 100, 100}, 24, "without its times");
}

static void test_group(void **state) {
    struct pmu_value v[4];
    const char *why = "";
    const uint64_t good[] = {2, 400, 200, 1000, 7, 30, 8};
    (void)state;
    assert_int_equal(pmu_decode(GROUP, good, sizeof good, v, 4, &why), 2);
    assert_true(v[0].value == 2000 && v[1].value == 60 && v[1].running_share == 0.5);
    assert_int_equal(v[1].id, 8);
    expect_refused(GROUP, good, sizeof good - 8, "cut off");
    expect_refused(GROUP, (const uint64_t[]){UINT64_MAX, 4, 4, 1, 1}, 40, "cut off");
    expect_refused(GROUP, (const uint64_t[]){3, 4, 4, 1, 1, 1, 1, 1, 1}, 72, "more events");
    expect_refused(GROUP, (const uint64_t[]){1, 4, 0, 1, 1}, 40, "never on the PMU");
}

/* The fake kernel: the counter's name decides what happens to it. */
static int fake_encode(const char *name, struct perf_event_attr *attr, const char **why) {
    if (strcmp(name, "unknown") == 0) {
        *why = "event not found";
        return -EINVAL;
    }
    attr->config = (uint64_t)name[0];
    return 0;
}

static int fake_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group, unsigned long flags) {
    (void)flags;
    assert_int_equal(pid, 42);
    assert_int_equal(cpu, -1);
    assert_int_equal(group, -1);
    assert_true(attr->inherit && attr->enable_on_exec && attr->disabled);
    if (attr->config == 'e') return -ENOENT;
    if (attr->config == 'p') return attr->exclude_kernel ? 1000 : -EACCES; /* an ordinary user */
    return 1000 + (int)attr->config;
}

static ssize_t fake_read(int fd, void *buf, size_t bytes) {
    const uint64_t w[] = {fd == 1000 ? 11 : 50, 200, fd == 1000 ? 200 : 100};
    assert_true(bytes >= sizeof w);
    if (fd == 1000 + 'r') return -EIO;
    memcpy(buf, w, sizeof w);
    return fd == 1000 + 's' ? 8 : (ssize_t)sizeof w;
}

static int nclosed;
static void fake_close(int fd) {
    (void)fd, nclosed++;
}

static void test_seam(void **state) {
    static const struct pmu_seam seam = {fake_encode, fake_open, fake_read, fake_close, NULL};
    char *names[] = {"unknown", "enoent", "permitted", "multiplexed", "readfails", "short"};
    struct pmu_set set;
    (void)state;
    pmu_open(&set, &seam, names, 6, 42);
    json_t *o = pmu_finish(&set);
    assert_string_equal(json_str(json_object_get(o, "unknown"), "unavailable", ""),
                        "libpfm4: event not found");
    assert_string_equal(json_str(json_object_get(o, "enoent"), "unavailable", ""),
                        "perf_event_open: ENOENT (this machine has no such counter)");
    assert_int_equal(json_int(json_object_get(o, "permitted"), "value", -1), 11);
    assert_int_equal(json_int(json_object_get(o, "multiplexed"), "value", -1), 100);
    assert_true(json_num(json_object_get(o, "multiplexed"), "running_share", 0) == 0.5);
    assert_string_equal(json_str(json_object_get(o, "readfails"), "unavailable", ""),
                        "read of the counter: EIO");
    assert_string_equal(json_str(json_object_get(o, "short"), "unavailable", ""), "the buffer is cut off");
    assert_int_equal(nclosed, 4); /* every one that was opened */
    json_decref(o);
}

static void open_hook(pid_t pid, void *arg) {
    char *names[] = {"page-faults", "task-clock"};
    pmu_open(arg, &pmu_kernel, names, 2, pid);
}

/* Software events open everywhere: a program that runs must have faulted pages in. */
static void test_real(void **state) {
    char *argv[] = {"/bin/true", NULL};
    struct pmu_set set;
    struct child_result r;
    struct child_spec spec = {.argv = argv,
                              .timeout_ms = 10000,
                              .max_output_bytes = 10,
                              .hooks = {.forked = open_hook, .arg = &set}};
    (void)state;
    child_run(&spec, &r);
    child_result_free(&r);
    json_t *o = pmu_finish(&set);
    const json_t *faults = json_object_get(o, "page-faults");
    if (json_is_unavailable(faults)) {
        print_message("SKIP: software counters: %s\n", json_str(faults, "unavailable", ""));
        json_decref(o);
        skip();
    }
    assert_true(json_int(faults, "value", 0) > 0);
    assert_true(json_num(faults, "running_share", 0) > 0);
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_single), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_group), cmocka_unit_test(test_seam),
                                       cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
