/* The kernel's files as recorded trees: cgroup v1, v2, hybrid and a container's mount; /proc/stat. */
#include "probe/cgroup.h"
#include "probe/kernel.h"
#include "probe/sampler.h"
#include "probe/watch.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void put(const char *dir, const char *name, const char *text) {
    free(scratch_file(dir, name, text));
}

static int64_t throttled_now(const struct probe_root *r, const struct cgroup_cpu *c) {
    struct cgroup_throttled t;
    cgroup_throttled(r, c, &t);
    return cgroup_throttled_most(&t);
}

/* A group of today under one that was throttled long before: what the young one collects is not hidden. */
static void test_throttled_between(void **state) {
    struct cgroup_throttled a = {3, {0, -1, 60000000000}}, b = {3, {400000000, -1, 60000000000}}, none = {2, {-1, -1}};
    (void)state;
    assert_int_equal(cgroup_throttled_between(&a, &b), 400000000);
    assert_int_equal(cgroup_throttled_between(&b, &b), 0);
    assert_int_equal(cgroup_throttled_between(&none, &none), -1);
}

static void test_v1(void **state) {
    char *dir = scratch_make();
    struct probe_root r = {dir};
    struct cgroup_cpu c;
    (void)state;
    put(dir, "proc/self/cgroup", "5:memory:/a\n4:cpuacct,cpu:/jobs/one\n1:name=systemd:/x\n");
    put(dir, "proc/self/mountinfo",
        "20 1 0:1 / /proc rw - proc proc rw\n30 1 0:9 / /sys/fs/cgroup/memory rw shared:4 - cgroup cgroup "
        "rw,memory\n"
        "31 1 0:10 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpuacct,cpu\n");
    put(dir, "sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.stat",
        "nr_periods 10\nnr_throttled 3\nthrottled_time 123456789\n");
    put(dir, "sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_quota_us", "-1\n");
    put(dir, "sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_period_us", "100000\n");
    put(dir, "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "150000\n");
    put(dir, "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
    cgroup_find(&r, &c);
    assert_int_equal(c.version, 1);
    assert_string_equal(c.mode, "v1");
    assert_string_equal(c.dir, "/sys/fs/cgroup/cpu,cpuacct/jobs/one");
    assert_int_equal(throttled_now(&r, &c), 123456789);
    assert_true(cgroup_quota_cpus(&r, &c) == 1.5); /* the parent's */
    scratch_remove(dir);
}

static void test_v2(void **state) {
    char *dir = scratch_make();
    struct probe_root r = {dir};
    struct cgroup_cpu c;
    (void)state;
    put(dir, "proc/self/cgroup", "0::/user.slice/me\n");
    put(dir, "proc/self/mountinfo",
        "31 1 0:10 / /sys/fs/cgroup rw shared:5 - cgroup2 cgroup2 rw,nsdelegate\n");
    put(dir, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n");
    put(dir, "sys/fs/cgroup/user.slice/me/cpu.stat", "usage_usec 5\nnr_throttled 2\nthrottled_usec 2500\n");
    put(dir, "sys/fs/cgroup/user.slice/me/cpu.max", "50000 100000\n");
    put(dir, "sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
    cgroup_find(&r, &c);
    assert_int_equal(c.version, 2);
    assert_string_equal(c.mode, "v2");
    assert_int_equal(throttled_now(&r, &c), 2500000);
    assert_true(cgroup_quota_cpus(&r, &c) == 0.5);
    scratch_remove(dir);
}

static void test_hybrid(void **state) {
    char *dir = scratch_make();
    struct probe_root r = {dir};
    struct cgroup_cpu c;
    (void)state;
    put(dir, "proc/self/cgroup", "2:cpuacct:/\n1:cpu:/\n0::/\n");
    put(dir, "proc/self/mountinfo",
        "31 1 0:10 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 1 0:11 / /sys/fs/cgroup/unified rw - "
        "cgroup2 none rw\n");
    put(dir, "sys/fs/cgroup/cpu/cpu.stat", "nr_periods 0\nthrottled_time 0\n");
    cgroup_find(&r, &c);
    assert_int_equal(c.version, 1);
    assert_string_equal(c.mode, "hybrid");
    assert_string_equal(c.dir, "/sys/fs/cgroup/cpu");
    assert_int_equal(throttled_now(&r, &c), 0);
    assert_true(cgroup_quota_cpus(&r, &c) == 0);
    scratch_remove(dir);
}

/* In a container the mount shows only the container's part: its root is not "/". */
static void test_container_mount(void **state) {
    char *dir = scratch_make();
    struct probe_root r = {dir};
    struct cgroup_cpu c;
    (void)state;
    put(dir, "proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n");
    put(dir, "proc/self/mountinfo",
        "31 1 0:10 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
    put(dir, "sys/fs/cgroup/cpu/cpu.stat", "throttled_time 7\n");
    cgroup_find(&r, &c);
    assert_string_equal(c.dir, "/sys/fs/cgroup/cpu");
    assert_int_equal(throttled_now(&r, &c), 7);
    scratch_remove(dir);
}

static void test_no_cgroup(void **state) {
    char *dir = scratch_make();
    struct probe_root r = {dir};
    struct cgroup_cpu c;
    struct kernel_snapshot s;
    (void)state;
    cgroup_find(&r, &c);
    assert_int_equal(c.version, 0);
    assert_int_equal(throttled_now(&r, &c), -1);
    kernel_snapshot(&r, &c, &s);
    assert_false(s.stat_ok);
    assert_int_equal(cgroup_throttled_most(&s.throttled), -1);
    put(dir, "proc/self/cgroup", "garbage\n:::\n0::");
    put(dir, "proc/self/mountinfo", "x - cgroup2\n\n - \n1 2 3 4 5 - cgroup2");
    cgroup_find(&r, &c);
    assert_int_equal(c.version, 0);
    scratch_remove(dir);
}

/* Only the line `some`: a CPU is never waited for by all. What is not the kernel's form is no figure. */
static void test_pressure(void **state) {
    (void)state;
    assert_int_equal(kernel_parse_pressure("some avg10=50.64 avg60=47.07 avg300=58.77 total=7837540636\n"
                                           "full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"),
                     7837540636);
    assert_int_equal(kernel_parse_pressure("full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"), -1);
    assert_int_equal(kernel_parse_pressure("some avg10=0.00 total=1\n"), -1);
    assert_int_equal(kernel_parse_pressure(""), -1);
    assert_int_equal(kernel_parse_pressure(NULL), -1);
}

/* Each probe says what a look costs and what it is blind to, or why it cannot be had. */
static void test_watch(void **state) {
    static const char *const names[] = {
        "threads",   "run_delay", "binding",  "memory",        "faults_and_switches", "steal",
        "throttled", "pressure",  "counters", "counter_group", "software_group"};
    char *dir = scratch_make();
    struct probe_root bare = {dir}, machine = {""};
    json_t *none = watch_describe(&bare, &pmu_kernel), *here = watch_describe(&machine, &pmu_kernel);
    (void)state;
    assert_int_equal(json_object_size(here), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *p = json_object_get(here, names[i]);
        assert_true(*json_str(p, "by", ""));
        if (!json_object_get(p, "unavailable"))
            assert_true(json_num(p, "cost_us", 0) > 0 && *json_str(p, "blind_to", ""));
    }
    assert_null(json_object_get(json_object_get(here, "threads"), "unavailable"));
    static const char *const files[][2] = {
        {"threads", "No such file"}, {"run_delay", "CONFIG_SCHED_INFO"}, {"memory", "status"},
        {"steal", "no steal time"},  {"throttled", "no cpu controller"}, {"pressure", "CONFIG_PSI"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const json_t *p = json_object_get(none, files[i][0]);
        assert_null(json_object_get(p, "cost_us"));
        assert_non_null(strstr(json_str(p, "unavailable", ""), files[i][1]));
    }
    json_decref(none);
    json_decref(here);
    scratch_remove(dir);
}

static void test_steal(void **state) {
    struct kernel_snapshot a, b;
    double tick;
    (void)state;
    assert_true(kernel_parse_stat("cpu  100 0 50 800 10 0 0 40 5 0\ncpu0 1 2\n", &a));
    assert_int_equal(a.total_ticks, 1000); /* guest time is inside user: not counted twice */
    assert_true(kernel_parse_stat("cpu  150 0 50 840 10 0 0 50 5 0\n", &b));
    assert_true(kernel_steal_fraction(&a, &b, &tick) == 0.1);
    assert_true(tick == 0.01);
    assert_true(kernel_steal_fraction(&b, &a, &tick) == -1);
    /* two busy CPUs of four lose 3 %, as they would of two */
    assert_true(kernel_parse_stat("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0\ncpu1 0\ncpu2 0\ncpu3 0\nintr 1\n", &a));
    assert_true(kernel_parse_stat("cpu  194 0 0 190 10 0 0 6 0 0\ncpu0 0\ncpu1 0\ncpu2 0\ncpu3 0\nintr 1\n", &b));
    assert_int_equal(b.ncpus, 4);
    assert_true(kernel_steal_fraction(&a, &b, &tick) == 0.03 && tick == 0.005);
    /* a tick of an idle machine is measured by one CPU's time, not by the few that were wanted */
    assert_true(kernel_parse_stat("cpu  4 0 0 395 0 0 0 1 0 0\ncpu0 0\ncpu1 0\ncpu2 0\ncpu3 0\nintr 1\n", &b));
    assert_true(kernel_steal_fraction(&a, &b, &tick) == 0.01 && tick == 0.01);
    assert_false(kernel_parse_stat("cpu  1 2 3 4 5 6 7\n", &a)); /* a kernel before 2.6.11 */
    assert_true(kernel_steal_fraction(&a, &b, &tick) == -1);
}

/* 4 threads, 40 more within 5 ms, 10 more 95 ms later; 14 ms behind the last look at the peak there are 20. */
static void test_rise_and_shrink(void **state) {
    static const int64_t series[][2] = {{0, 4},          {1000000, 24},   {5000000, 44},
                                        {100000000, 54}, {200000000, 50}, {214000000, 20}};
    (void)state;
    assert_true(sampler_rise_per_s(series, 6) == 4000);
    assert_int_equal(sampler_shrink_ns(series, 6), 14000000);
    assert_int_equal(sampler_shrink_ns(series, 5), -1);
    assert_true(sampler_rise_per_s(series, 0) == 0);
    assert_int_equal(sampler_shrink_ns(series, 0), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_throttled_between),
        cmocka_unit_test(test_v1),        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_hybrid),    cmocka_unit_test(test_container_mount),
        cmocka_unit_test(test_no_cgroup), cmocka_unit_test(test_rise_and_shrink),
        cmocka_unit_test(test_steal),     cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
