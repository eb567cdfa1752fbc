/* The doctor on recorded trees of /proc and /sys: each check sees its own fault and no other, and has its
 * page. */
#include "doctor/doctor.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPU "sys/devices/system/cpu"

static const struct {
    const char *name, *text;
} healthy[] = {
    {"proc/stat", "cpu  100 0 50 800 10 0 0 0 5 0\n"},
    {"proc/self/status", "Name:\ttrine\nCpus_allowed_list:\t0-7\n"},
    {"proc/self/cgroup", "0::/x\n"},
    {"proc/self/mountinfo", "31 1 0:10 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
    {"sys/fs/cgroup/cgroup.controllers", "cpu memory\n"},
    {"sys/fs/cgroup/x/cpu.max", "max 100000\n"},
    {"sys/fs/cgroup/x/cpu.stat", "throttled_usec 0\n"},
    {"proc/self/timerslack_ns", "50000\n"},
    {"proc/self/limits", "Max processes             96365   96365   processes\n"
                         "Max open files            20000   20000   files\n"},
    {"proc/sys/kernel/threads-max", "200000\n"},
    {"proc/sys/kernel/pid_max", "4194304\n"},
    {"proc/sys/kernel/sched_autogroup_enabled", "0\n"},
    {"proc/sys/kernel/randomize_va_space", "0\n"},
    {"proc/sys/kernel/numa_balancing", "0\n"},
    {"proc/sys/vm/overcommit_memory", "0\n"},
    {"proc/sys/vm/max_map_count", "1000000\n"},
    {"proc/loadavg", "0.05 0.10 0.10 1/300 4711\n"},
    {"proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"},
    {"proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 12000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"},
    {"proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc\n"},
    {CPU "/online", "0-7\n"},
    {CPU "/isolated", "\n"},
    {CPU "/smt/active", "0\n"},
    {CPU "/cpu0/cpufreq/scaling_governor", "performance\n"},
    {CPU "/intel_pstate/no_turbo", "1\n"},
    {CPU "/cpu0/cpuidle/state0/latency", "0\n"},
    {CPU "/cpu0/cpuidle/state1/latency", "2\n"},
    {CPU "/vulnerabilities/meltdown", "Not affected\n"},
    {"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
};

/* One fault each: the file that differs (text NULL: it is gone) and the one check that must say so. */
static const struct fault {
    const char *check, *file, *text;
    enum doctor_level level;
} faults[] = {
    {"proc", "proc/stat", NULL, DOCTOR_IMPOSSIBLE},
    {"clock-source", "sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n",
     DOCTOR_WARNING},
    {"governor", CPU "/cpu0/cpufreq/scaling_governor", "schedutil\n", DOCTOR_WARNING},
    {"governor", CPU "/cpu0/cpufreq/scaling_governor", NULL, DOCTOR_UNKNOWN},
    {"turbo", CPU "/intel_pstate/no_turbo", "0\n", DOCTOR_WARNING},
    {"turbo", CPU "/cpufreq/boost", "1\n", DOCTOR_WARNING},
    {"smt", CPU "/smt/active", "1\n", DOCTOR_WARNING},
    {"idle-states", CPU "/cpu0/cpuidle/state2/latency", "133\n", DOCTOR_WARNING},
    {"mitigations", CPU "/vulnerabilities/retbleed", "Mitigation: untrained return thunk\n", DOCTOR_WARNING},
    {"affinity", CPU "/online", "0-15\n", DOCTOR_WARNING},
    {"virtual-machine", "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor tsc\n", DOCTOR_WARNING},
    {"steal", "proc/stat", "cpu  100 0 50 800 10 0 0 40 5 0\n", DOCTOR_WARNING},
    {"quota", "sys/fs/cgroup/x/cpu.max", "50000 100000\n", DOCTOR_WARNING},
    {"load", "proc/loadavg", "3.05 0.10 0.10 1/300 4711\n", DOCTOR_WARNING},
    {"load", "proc/loadavg", "0.05 0.10 0.10 5/300 4711\n", DOCTOR_WARNING},
    {"pressure", "proc/pressure/cpu", "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\n", DOCTOR_WARNING},
    {"autogroup", "proc/sys/kernel/sched_autogroup_enabled", "1\n", DOCTOR_WARNING},
    {"timer-slack", "proc/self/timerslack_ns", "1000000\n", DOCTOR_WARNING},
    {"isolated-cpus", CPU "/isolated", "2-3\n", DOCTOR_WARNING},
    {"huge-pages", "sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n", DOCTOR_WARNING},
    {"address-randomization", "proc/sys/kernel/randomize_va_space", "2\n", DOCTOR_WARNING},
    {"swap", "proc/meminfo", "MemAvailable: 9000000 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
     DOCTOR_WARNING},
    {"swap", "proc/meminfo", "MemAvailable: 100000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", DOCTOR_WARNING},
    {"overcommit", "proc/sys/vm/overcommit_memory", "2\n", DOCTOR_WARNING},
    {"guard-pages", "proc/sys/vm/max_map_count", "65530\n", DOCTOR_WARNING},
    {"numa-balancing", "proc/sys/kernel/numa_balancing", "1\n", DOCTOR_WARNING},
    {"thread-limit", "proc/sys/kernel/pid_max", "4096\n", DOCTOR_WARNING},
};

static int pmu_encode(const char *name, struct perf_event_attr *attr, const char **why) {
    (void)name, (void)why;
    memset(attr, 0, sizeof *attr);
    return 0;
}
static int pmu_there(struct perf_event_attr *a, pid_t pid, int cpu, int group, unsigned long flags) {
    (void)a, (void)pid, (void)cpu, (void)group, (void)flags;
    return 1000000; /* a descriptor that nobody has */
}
static int pmu_absent(struct perf_event_attr *a, pid_t pid, int cpu, int group, unsigned long flags) {
    (void)a, (void)pid, (void)cpu, (void)group, (void)flags;
    return -ENOENT;
}
static ssize_t pmu_read(int fd, void *buf, size_t bytes) {
    (void)fd;
    memset(buf, 0, bytes);
    return -EIO;
}
static void pmu_close(int fd) {
    (void)fd;
}
static const struct pmu_seam counters_there = {pmu_encode, pmu_there, pmu_read, pmu_close, NULL};
static const struct pmu_seam counters_absent = {pmu_encode, pmu_absent, pmu_read, pmu_close, NULL};

static char *healthy_tree(void) {
    char *dir = scratch_make();
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
        free(scratch_file(dir, healthy[i].name, healthy[i].text));
    return dir;
}

static struct doctor_input input(const struct probe_root *r) {
    return (struct doctor_input){.root = r,
                                 .pmu = &counters_there,
                                 .clock_resolution_ns = 1,
                                 .build_type = "Release",
                                 .benchmark_library = "release"};
}

/* Every check but the named one must be in order. */
static void assert_only(const struct doctor_input *in, const char *name, enum doctor_level level) {
    enum doctor_level worst;
    json_t *list = doctor_run(in, &worst), *f;
    size_t i, named = 0;
    json_array_foreach(list, i, f) {
        bool is_it = name && strcmp(json_str(f, "name", ""), name) == 0;
        const char *want = doctor_level_name(is_it ? level : DOCTOR_OK);
        if (strcmp(json_str(f, "level", ""), want) != 0)
            fail_msg("fault %s: check %s says %s (%s), expected %s", name ? name : "none",
                     json_str(f, "name", ""), json_str(f, "level", ""), json_str(f, "seen", ""), want);
        assert_true(*json_str(f, "seen", "") && *json_str(f, "why", "") && *json_str(f, "todo", ""));
        named += is_it;
    }
    assert_int_equal(named, name ? 1 : 0);
    assert_int_equal(worst, name ? level : DOCTOR_OK);
    json_decref(list);
}

static void test_healthy(void **state) {
    char *dir = healthy_tree();
    struct probe_root r = {dir};
    struct doctor_input in = input(&r);
    (void)state;
    assert_only(&in, NULL, DOCTOR_OK);
    scratch_remove(dir);
}

static void test_each_fault_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *dir = healthy_tree();
        struct probe_root r = {dir};
        struct doctor_input in = input(&r);
        if (faults[i].text) {
            free(scratch_file(dir, faults[i].file, faults[i].text));
        } else {
            char *path = path_join(dir, faults[i].file);
            assert_int_equal(remove(path), 0);
            free(path);
        }
        /* without /proc/stat nothing is said of steal either */
        if (strcmp(faults[i].file, "proc/stat") == 0 && !faults[i].text) {
            enum doctor_level worst;
            json_decref(doctor_run(&in, &worst));
            assert_int_equal(worst, DOCTOR_IMPOSSIBLE);
        } else {
            assert_only(&in, faults[i].check, faults[i].level);
        }
        scratch_remove(dir);
    }
}

static void test_faults_without_a_file(void **state) {
    char *dir = healthy_tree();
    struct probe_root r = {dir};
    struct doctor_input in = input(&r);
    (void)state;
    in.clock_resolution_ns = 4000000;
    assert_only(&in, "clock-resolution", DOCTOR_IMPOSSIBLE);
    in = input(&r);
    in.pmu = &counters_absent;
    assert_only(&in, "counters", DOCTOR_WARNING);
    in = input(&r);
    in.build_type = "Debug";
    assert_only(&in, "build", DOCTOR_WARNING);
    in = input(&r);
    in.benchmark_library = "debug";
    assert_only(&in, "benchmark-library", DOCTOR_WARNING);
    in.benchmark_library = NULL;
    assert_only(&in, "benchmark-library", DOCTOR_UNKNOWN);
    in = input(&r);
    free(scratch_file(dir, "proc/self/status", "Name:\ttrine\nCpus_allowed_list:\t0,1\n"));
    free(scratch_file(dir, CPU "/online", "0-1\n"));
    assert_only(&in, "few-cpus", DOCTOR_WARNING);
    scratch_remove(dir);
}

/* The list of checks and the sections of the page are the same, in the same order. */
static void test_pages(void **state) {
    char *text = file_read(WARNINGS_MD, NULL), *at = text;
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < doctor_nchecks; i++) {
        at = strstr(at, "\n## ");
        if (!at) fail_msg("docs/warnings.md has no section for %s", doctor_checks[i]->name);
        at += 4;
        char *title = xstrndup(at, strcspn(at, "\n"));
        assert_string_equal(title, doctor_checks[i]->name);
        free(title);
    }
    assert_null(strstr(at, "\n## "));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_each_fault_alone),
        cmocka_unit_test(test_faults_without_a_file),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
