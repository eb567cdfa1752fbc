/* Memory readied before a process: how much is touched, what keeps from it, and where a point says so. */
#include "run/ready.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 32 };

static int64_t faults_of_children(void) {
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return u.ru_minflt;
}

static void test_so_much_is_touched(void **state) {
    int64_t before = faults_of_children();
    json_t *got = memory_ready(&(struct probe_root){""}, MIB, NULL);
    (void)state;
    assert_int_equal(json_integer_value(got), (json_int_t)MIB << 20);
    assert_true(faults_of_children() - before >= ((int64_t)MIB << 20) / sysconf(_SC_PAGESIZE));
    json_decref(got);
}

static void assert_nothing(const char *meminfo, const volatile sig_atomic_t *stop, const char *says) {
    char *dir = scratch_make();
    if (meminfo) free(scratch_file(dir, "proc/meminfo", meminfo));
    json_t *got = memory_ready(&(struct probe_root){dir}, MIB, stop);
    assert_true(json_is_unavailable(got));
    assert_non_null(strstr(json_str(got, "unavailable", ""), says));
    json_decref(got);
    scratch_remove(dir);
}

/* An eighth to spare: 36 MiB for 32. */
static void test_what_others_need_is_left(void **state) {
    (void)state;
    assert_nothing(NULL, NULL, "does not tell");
    assert_nothing("MemTotal: 99999999 kB\nMemAvailable: 36863 kB\n", NULL, "32 MiB wanted, and an eighth to spare; 35 are");
    char *dir = scratch_make();
    free(scratch_file(dir, "proc/meminfo", "MemAvailable: 36864 kB\n"));
    json_t *got = memory_ready(&(struct probe_root){dir}, MIB, NULL);
    assert_true(json_is_integer(got));
    json_decref(got);
    scratch_remove(dir);
}

/* Whoever was interrupted does not wait for what would take a second. */
static void test_stops_when_asked(void **state) {
    enum { MANY_MIB = 1024 };
    volatile sig_atomic_t stop = 1;
    int64_t before = faults_of_children();
    char *dir = scratch_make();
    (void)state;
    free(scratch_file(dir, "proc/meminfo", "MemAvailable: 2097152 kB\n"));
    json_t *got = memory_ready(&(struct probe_root){dir}, MANY_MIB, &stop);
    assert_string_equal(json_str(got, "unavailable", ""), "interrupted");
    assert_true(faults_of_children() - before < ((int64_t)MANY_MIB << 20) / sysconf(_SC_PAGESIZE));
    json_decref(got);
    scratch_remove(dir);
}

#define ONE "[experiment e]\nworkload = pingpong\nbackends = fake\nprocs = 1\nreps = 1\nmeasure_ms = 1\nwarmup_ms = 0\n"
static void test_a_point_says_so(void **state) {
    static const char *const sweeps[] = {ONE, ONE "ready_mib = 64\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *dir = scratch_make();
        struct child_result r;
        json_t *points = run_sweep(dir, sweeps[i], &r);
        const json_t *outside = json_object_get(json_array_get(points, 0), "outside");
        assert_int_equal(r.code, 0);
        assert_int_equal(json_int(outside, "readied_bytes", 0), i ? 64 << 20 : 0);
        /* the driver's faults are its own: some hundred, under a sanitizer some thousand, where 16,384 pages were touched */
        assert_in_range(json_int(outside, "minor_faults", 0), 1, (32 << 20) / sysconf(_SC_PAGESIZE));
        child_result_free(&r);
        json_decref(points);
        scratch_remove(dir);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_much_is_touched),
        cmocka_unit_test(test_what_others_need_is_left),
        cmocka_unit_test(test_stops_when_asked),
        cmocka_unit_test(test_a_point_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
