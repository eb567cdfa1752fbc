/* Counter groups: recorded buffers through a fake kernel (multiplexed, missing, overflowed), then a real software group. */
#include "base/perf_group.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The fake kernel: "absent…" has no encoding, "enoent…" does not open; every other event is the next descriptor. */
enum { FIRST_FD = 2000 };
static int next_fd, leader_seen[8], nopened, nclosed;
static uint64_t recorded[8];
static ssize_t recorded_bytes;

static int fake_encode(const char *name, struct perf_event_attr *attr, const char **why) {
    *why = "event not found";
    attr->config = strncmp(name, "enoent", 6) == 0;
    return strncmp(name, "absent", 6) == 0 ? -EINVAL : 0;
}

static int fake_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd, unsigned long flags) {
    (void)flags;
    assert_int_equal(pid, 0); /* the calling thread, on any CPU */
    assert_int_equal(cpu, -1);
    assert_true(attr->read_format & PERF_FORMAT_GROUP);
    assert_int_equal(attr->read_format & PMU_TIMES, PMU_TIMES);
    assert_false(attr->inherit); /* the kernel refuses it in a group that is read as one */
    assert_true(attr->exclude_kernel && attr->exclude_hv);
    if (attr->config) return -ENOENT;
    assert_int_equal(attr->disabled, group_fd < 0); /* all start together, with the leader */
    leader_seen[nopened++] = group_fd;
    return FIRST_FD + next_fd++;
}

static ssize_t fake_read(int fd, void *buf, size_t bytes) {
    assert_int_equal(fd, FIRST_FD);
    if (recorded_bytes < 0) return recorded_bytes;
    assert_true((size_t)recorded_bytes <= bytes);
    memcpy(buf, recorded, (size_t)recorded_bytes);
    return recorded_bytes;
}

static void fake_close(int fd) {
    assert_true(fd >= FIRST_FD);
    nclosed++;
}

static int enabled, enable_result;
static int fake_enable(int fd) {
    assert_int_equal(fd, FIRST_FD);
    enabled++;
    return enable_result;
}

static const struct pmu_seam fake = {fake_encode, fake_open, fake_read, fake_close, fake_enable};

static bool open_fake(struct perf_group *g, const struct perf_choice *wanted, size_t n) {
    next_fd = nopened = nclosed = enabled = 0;
    return perf_group_open(g, &fake, wanted, n, true);
}

/* What read() gives: events, time enabled, time running, values. */
static struct perf_reading play(const struct perf_group *g, uint64_t enabled, uint64_t running, uint64_t a, uint64_t b) {
    const uint64_t w[] = {2, enabled, running, a, b};
    struct perf_reading r;
    const char *why = "";
    memcpy(recorded, w, sizeof w);
    recorded_bytes = sizeof w;
    assert_true(perf_group_read(g, &r, &why));
    return r;
}

static void test_choices(void **state) {
    const struct perf_choice wanted[] = {
        {{"absent-exact", "enoent-exact", "generic"}}, {{"enoent-a", "absent-b"}}, {{"third"}}};
    struct perf_group g;
    (void)state;
    assert_true(open_fake(&g, wanted, 3));
    assert_string_equal(g.e[0].name, "generic"); /* the substitute is named, not the event that was wanted */
    assert_string_equal(g.e[0].unavailable, "");
    assert_int_equal(g.e[1].fd, -1);
    assert_string_equal(g.e[1].unavailable, "libpfm4: event not found");
    assert_int_equal(enabled, 1);
    assert_int_equal(leader_seen[0], -1);
    assert_int_equal(leader_seen[1], FIRST_FD); /* the third is in the first one's group */
    struct perf_reading r = play(&g, 100, 100, 7, 9);
    assert_int_equal(r.raw[0], 7);
    assert_int_equal(r.raw[1], 0);
    assert_int_equal(r.raw[2], 9); /* by event, although it is the second in the buffer */
    perf_group_close(&g);
    assert_int_equal(nclosed, 2);
}

static void test_nothing_opens(void **state) {
    const struct perf_choice wanted[] = {{{"enoent"}}};
    struct perf_group g;
    struct perf_reading r;
    const char *why = "";
    (void)state;
    assert_false(open_fake(&g, wanted, 1));
    assert_string_equal(g.e[0].unavailable, "perf_event_open: ENOENT (this machine has no such counter)");
    assert_false(perf_group_read(&g, &r, &why));
    assert_string_equal(why, "no event of the group is open");
    perf_group_close(&g);
    assert_int_equal(nclosed, 0);
}

static void test_not_enabled(void **state) {
    const struct perf_choice wanted[] = {{{"one"}}, {{"enoent"}}};
    struct perf_group g;
    (void)state;
    enable_result = -EINVAL;
    assert_false(open_fake(&g, wanted, 2));
    enable_result = 0;
    assert_string_equal(g.e[0].unavailable, "PERF_EVENT_IOC_ENABLE: EINVAL");
    assert_string_equal(g.e[1].unavailable, "perf_event_open: ENOENT (this machine has no such counter)");
    assert_int_equal(nclosed, 1);
}

static const struct perf_choice two[] = {{{"one"}}, {{"two"}}};

static void test_region(void **state) {
    struct perf_group g;
    struct perf_region region = {0};
    struct pmu_value v;
    const char *why = "";
    (void)state;
    assert_true(open_fake(&g, two, 2));
    assert_false(perf_region_mean(&region, 0, &v, &why));
    assert_string_equal(why, "no stretch of this region was counted");
    /* two stretches: on the PMU all the time, then a quarter of it */
    struct perf_reading a = play(&g, 1000, 1000, 50, 5), b = play(&g, 1100, 1100, 150, 5),
                        c = play(&g, 1400, 1175, 250, 25);
    perf_region_add(&region, &a, &b);
    assert_true(perf_region_mean(&region, 0, &v, &why));
    assert_true(v.value == 100 && v.running_share == 1);
    perf_region_add(&region, &b, &c);
    assert_true(perf_region_mean(&region, 0, &v, &why)); /* 200 in 175 of 400 ns: 457 scaled, over two stretches */
    assert_true(v.value == 228.5 && v.running_share == 175.0 / 400);
    assert_true(perf_region_mean(&region, 1, &v, &why));
    assert_true(v.value == 22.5);
    perf_group_close(&g);
}

static void test_lost(void **state) {
    struct perf_group g;
    struct perf_region region = {0};
    struct pmu_value v;
    const char *why = "";
    (void)state;
    assert_true(open_fake(&g, two, 2));
    struct perf_reading a = play(&g, 1000, 500, 50, 5), off = play(&g, 1200, 500, 50, 5),
                        back = play(&g, 1300, 600, 40, 9);
    perf_region_add(&region, &a, &off);  /* never on the PMU in between */
    perf_region_add(&region, &a, &back); /* a counter that overflowed */
    assert_int_equal(region.lost, 2);
    assert_int_equal(region.stretches, 0);
    assert_false(perf_region_mean(&region, 0, &v, &why));
    assert_string_equal(why, "the group was not on the PMU in any stretch of this region");
    struct perf_reading huge = play(&g, 1000000, 501, UINT64_C(1) << 62, 5);
    perf_region_add(&region, &a, &huge);
    assert_false(perf_region_mean(&region, 0, &v, &why));
    assert_string_equal(why, "the counter overflowed");
    perf_group_close(&g);
}

static void test_bad_reads(void **state) {
    const uint64_t one_missing[] = {1, 100, 100, 7};
    struct perf_group g;
    struct perf_reading r;
    const char *why = "";
    (void)state;
    assert_true(open_fake(&g, two, 2));
    memcpy(recorded, one_missing, sizeof one_missing);
    recorded_bytes = sizeof one_missing;
    assert_false(perf_group_read(&g, &r, &why));
    assert_string_equal(why, "an event of the group is missing from what was read");
    recorded_bytes = 16;
    assert_false(perf_group_read(&g, &r, &why));
    assert_string_equal(why, "the group's buffer is cut off");
    recorded_bytes = -EIO;
    assert_false(perf_group_read(&g, &r, &why));
    assert_string_equal(why, "EIO");
    perf_group_close(&g);
}

/* 64 pages touched between two readings are 64 faults and some time, in one group. */
static void test_real(void **state) {
    enum { PAGES = 64 };
    const struct perf_choice wanted[] = {{{"task-clock"}}, {{"page-faults"}}, {{"no-such-event"}}};
    struct perf_group g;
    struct perf_region region = {0};
    struct perf_reading before, after;
    struct pmu_value clock, faults;
    const char *why = "";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    if (!perf_group_open(&g, &pmu_kernel, wanted, 3, true) || g.e[1].fd < 0) {
        print_message("SKIP: software events: %s\n", g.e[1].unavailable);
        perf_group_close(&g);
        skip();
    }
    assert_string_equal(g.e[2].unavailable, "libpfm4: event not found");
    char *block = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    assert_int_equal(madvise(block, PAGES * page, MADV_NOHUGEPAGE), 0);
    assert_true(perf_group_read(&g, &before, &why));
    for (size_t i = 0; i < PAGES; i++) ((volatile char *)block)[i * page] = 1;
    assert_true(perf_group_read(&g, &after, &why));
    perf_region_add(&region, &before, &after);
    assert_true(perf_region_mean(&region, 0, &clock, &why) && perf_region_mean(&region, 1, &faults, &why));
    assert_true(clock.value > 0);
    assert_true(faults.value >= PAGES && faults.value < PAGES + 16);
    munmap(block, PAGES * page);
    perf_group_close(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choices), cmocka_unit_test(test_nothing_opens),
                                       cmocka_unit_test(test_not_enabled),
                                       cmocka_unit_test(test_region),  cmocka_unit_test(test_lost),
                                       cmocka_unit_test(test_bad_reads), cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
