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

/* A terabyte would take minutes: whoever was interrupted does not wait for it. */
static void test_stops_when_asked(void **state) {
    volatile sig_atomic_t stop = 1;
    char *dir = scratch_make();
    (void)state;
    free(scratch_file(dir, "proc/meminfo", "MemAvailable: 2147483648 kB\n"));
    json_t *got = memory_ready(&(struct probe_root){dir}, 1 << 20, &stop);
    assert_true(json_is_unavailable(got));
    json_decref(got);
    scratch_remove(dir);
}

/* The first point of a run of one experiment. */
static json_t *first_point(const char *dir, const char *text) {
    char *file = scratch_file(dir, "s.ini", text), *out = path_join(dir, "out");
    struct child_result r;
    trine(&r, 20000, "run", "--profile", file, "--out", out, "--quiet", NULL);
    assert_int_equal(r.code, 0);
    char *run = only_run(out), *points = path_join(run, "points.jsonl"), *lines = file_read(points, NULL);
    assert_non_null(lines);
    lines[strcspn(lines, "\n")] = '\0';
    json_t *p = json_loads(lines, 0, NULL);
    assert_non_null(p);
    child_result_free(&r);
    free(lines), free(points), free(run), free(out), free(file);
    return p;
}

#define ONE "[experiment e]\nworkload = pingpong\nbackends = fake\nprocs = 1\nreps = 1\nmeasure_ms = 1\nwarmup_ms = 0\n"
static void test_a_point_says_so(void **state) {
    char *dir = scratch_make(), *other = scratch_make();
    json_t *with = first_point(dir, ONE "ready_mib = 64\n"), *without = first_point(other, ONE);
    (void)state;
    assert_int_equal(json_int(json_object_get(with, "outside"), "readied_bytes", 0), 64 << 20);
    assert_null(json_object_get(json_object_get(without, "outside"), "readied_bytes"));
    /* the driver's faults are its own: some hundred, under a sanitizer some thousand, where 16,384 pages were touched */
    assert_true(json_int(json_object_get(with, "outside"), "minor_faults", 0) < (32 << 20) / sysconf(_SC_PAGESIZE));
    json_decref(with);
    json_decref(without);
    scratch_remove(dir);
    scratch_remove(other);
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
