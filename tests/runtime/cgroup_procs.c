/*
 * cgroup_procs.c: CgroupGOMAXPROCS: the default number of Ps from fake trees of /proc and /sys, v1, v2 and hybrid.
 */
#include "cgroup.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/trine-cgroup-XXXXXX";
static char tree[sizeof root + 16]; /* of this test, below root */
static int n_trees;

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char cmd[sizeof root + 16];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
    return system(cmd);
}

static int new_tree(void **state)
{
    (void)state;
    snprintf(tree, sizeof tree, "%s/%d", root, n_trees++);
    return mkdir(tree, 0700);
}

/* A file of the tree with all folders above it. */
static void put(const char *path, const char *text)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof full, "%s%s", tree, path);
    assert_true(n > 0 && (size_t)n < sizeof full);
    for (char *s = full + strlen(tree) + 1; (s = strchr(s, '/')) != NULL; s++) {
        *s = 0;
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
        *s = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void v2(const char *cgroup)
{
    char line[256];
    snprintf(line, sizeof line, "0::%s\n", cgroup);
    put("/proc/self/cgroup", line);
    put("/proc/self/mountinfo",
        "22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        "29 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev shared:8 - cgroup2 cgroup2 rw,nsdelegate\n");
}

static void v1(const char *cgroup)
{
    char lines[512];
    snprintf(lines, sizeof lines, "12:cpuset:/other\n4:cpu,cpuacct:%s\n1:name=systemd:/x\n", cgroup);
    put("/proc/self/cgroup", lines);
    put("/proc/self/mountinfo",
        "33 32 0:29 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"
        "34 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct\n");
}

static int procs(int ncpu) { return rt_procs_rule(ncpu, rt_cgroup_quota(tree)); }

static void test_no_cgroup_is_no_limit(void **state)
{
    (void)state;
    assert_int_equal(procs(7), 7);
    put("/proc/self/cgroup", "0::/a\n");
    assert_int_equal(procs(7), 7); /* nothing is mounted */
}

static void test_the_rule(void **state)
{
    (void)state;
    const struct { int64_t quota, period; int ncpu, procs; } t[] = {
        {50000, 100000, 8, 2},   /* 0.5 CPU is 2 */
        {100000, 100000, 8, 2},  /* 1 is 2 */
        {200000, 100000, 8, 2},
        {200001, 100000, 8, 3},  /* 2.00001 is 3 */
        {350000, 100000, 8, 4},
        {900000, 100000, 8, 8},  /* affinity wins */
        {50000, 100000, 1, 1},   /* also under two */
        {-1, 0, 8, 8},
        {INT64_MAX, 1, 8, 8},
        {0, 100000, 8, 2},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(rt_procs_rule(t[i].ncpu, (struct cpu_quota){t[i].quota, t[i].period}), t[i].procs);
    }
}

static void test_v2(void **state)
{
    (void)state;
    v2("/user.slice/a.service");
    put("/sys/fs/cgroup/user.slice/a.service/cpu.max", "300000 100000\n");
    assert_int_equal(procs(8), 3);
    put("/sys/fs/cgroup/user.slice/a.service/cpu.max", "max 100000\n");
    assert_int_equal(procs(8), 8);
}

/* A place that is kept reads the quota as it is now. */
static void test_a_quota_that_changes(void **state)
{
    (void)state;
    v2("/a/b");
    put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
    struct rt_cgroup *place = rt_cgroup_find(tree);
    assert_non_null(place);
    assert_int_equal(rt_procs_rule(8, rt_cgroup_read(place)), 3);
    put("/sys/fs/cgroup/a/b/cpu.max", "500000 100000\n");
    assert_int_equal(rt_procs_rule(8, rt_cgroup_read(place)), 5);
    put("/sys/fs/cgroup/a/cpu.max", "200000 50000\n"); /* 4, above it */
    assert_int_equal(rt_procs_rule(8, rt_cgroup_read(place)), 4);
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    assert_int_equal(rt_procs_rule(8, rt_cgroup_read(place)), 8);
}

static void test_v2_the_tightest_above_counts(void **state)
{
    (void)state;
    v2("/a/b/c");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "250000 50000\n"); /* 5 */
    put("/sys/fs/cgroup/a/cpu.max", "400000 100000\n");  /* 4 */
    put("/sys/fs/cgroup/cpu.max", "600000 100000\n");
    assert_int_equal(procs(8), 4);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "250000 100000\n"); /* 2.5 */
    assert_int_equal(procs(8), 3);
    put("/sys/fs/cgroup/ab/cpu.max", "200000 100000\n"); /* not above it */
    assert_int_equal(procs(8), 3);
}

static void test_v2_in_a_container(void **state)
{
    (void)state;
    /* the mount shows the container's cgroup as its root, and the process sees "/" or the whole path */
    v2("/");
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    assert_int_equal(procs(8), 3);
    put("/proc/self/cgroup", "0::/docker/1234/inner\n");
    put("/proc/self/mountinfo", "29 22 0:25 /docker/1234 /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
    put("/sys/fs/cgroup/inner/cpu.max", "max 100000\n");
    assert_int_equal(procs(8), 3);
    put("/proc/self/cgroup", "0::/docker/12345\n"); /* a sibling whose name begins alike is not below */
    put("/sys/fs/cgroup5/cpu.max", "200000 100000\n");
    assert_int_equal(procs(8), 8);
}

static void test_v1(void **state)
{
    (void)state;
    v1("/docker/x");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(procs(8), 3);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(procs(8), 8);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "500000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
    assert_int_equal(procs(8), 5);
}

static void test_hybrid(void **state)
{
    (void)state;
    const char *mounts = "33 32 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                         "34 32 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
    put("/proc/self/mountinfo", mounts);
    put("/sys/fs/cgroup/unified/u/cpu.max", "600000 100000\n");
    put("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
    put("/proc/self/cgroup", "0::/u\n4:cpu:/c\n"); /* the controller is v1's, whichever line comes first */
    assert_int_equal(procs(8), 3);
    put("/proc/self/cgroup", "4:cpu:/c\n0::/u\n");
    assert_int_equal(procs(8), 3);
    put("/proc/self/cgroup", "5:memory:/c\n0::/u\n"); /* v1 has other controllers, v2 the cpu */
    assert_int_equal(procs(8), 6);
}

static void test_escaped_mount_points(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", "29 22 0:25 / /odd\\040place\\134here rw - cgroup2 cgroup2 rw\n");
    put("/odd place\\here/a/cpu.max", "300000 100000\n");
    assert_int_equal(procs(8), 3);
}

static void test_what_cannot_be_parsed_is_no_limit(void **state)
{
    (void)state;
    const char *bad[] = {"", "\n", "x 100000\n", "100000\n", "300000 0\n", "300000 -5\n", "300000 y\n", "-7 100000\n"};
    v2("/a");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("/sys/fs/cgroup/a/cpu.max", bad[i]);
        assert_int_equal(procs(8), 8);
    }
    const char *lines[] = {"", "0:\n", "::::\n", "0::relative\n", "no colon at all\n", "4:cpu:\n"};
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        put("/proc/self/cgroup", lines[i]);
        assert_int_equal(procs(8), 8);
    }
    const char *mounts[] = {"", "29\n", "29 22 0:25 / /sys/fs/cgroup rw\n", "29 22 0:25 / /sys/fs/cgroup rw -\n",
                            "29 22 0:25 / /sys/fs/cgroup rw - cgroup2\n"};
    put("/proc/self/cgroup", "0::/a\n");
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        put("/proc/self/mountinfo", mounts[i]);
        assert_int_equal(procs(8), 8);
    }
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    errno = 77;
    assert_true(rt_default_procs(NULL) >= 1);
    assert_true(rt_default_procs(tree) >= 1);
    assert_int_equal(errno, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rule),
        cmocka_unit_test_setup(test_no_cgroup_is_no_limit, new_tree),
        cmocka_unit_test_setup(test_v2, new_tree),
        cmocka_unit_test_setup(test_a_quota_that_changes, new_tree),
        cmocka_unit_test_setup(test_v2_the_tightest_above_counts, new_tree),
        cmocka_unit_test_setup(test_v2_in_a_container, new_tree),
        cmocka_unit_test_setup(test_v1, new_tree),
        cmocka_unit_test_setup(test_hybrid, new_tree),
        cmocka_unit_test_setup(test_escaped_mount_points, new_tree),
        cmocka_unit_test_setup(test_what_cannot_be_parsed_is_no_limit, new_tree),
        cmocka_unit_test_setup(test_errno_is_kept, new_tree),
    };
    return cmocka_run_group_tests_name("default number of Ps", tests, make_root, remove_root);
}
