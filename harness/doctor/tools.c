/* doctor/tools: what of the measuring instruments is there, and the limits on what is measured. No state. */
#include "base/text.h"
#include "doctor/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void look_proc(const struct doctor_input *in, struct doctor_finding *f) {
    static const char *const needed[] = {"/proc/stat", "/proc/self/status"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        char *s = probe_read(in->root, "%s", needed[i]);
        free(s);
        if (!s) {
            doctor_say(f, DOCTOR_IMPOSSIBLE, "%s cannot be read", needed[i]);
            return;
        }
    }
    doctor_say(f, DOCTOR_OK, "/proc can be read");
}

const struct doctor_check doctor_proc = {
    "proc", "threads, waiting and stolen time are seen from there: without it no point can be judged",
    "mount -t proc proc /proc", look_proc};

static void look_counters(const struct doctor_input *in, struct doctor_finding *f) {
    char *names[] = {"cycles", "context-switches"};
    struct pmu_set set;
    pmu_open(&set, in->pmu, names, 2, getpid());
    bool hardware = set.c[0].fd >= 0, software = set.c[1].fd >= 0;
    if (hardware)
        doctor_say(f, DOCTOR_OK, "hardware and software counters can be had");
    else
        doctor_say(f, DOCTOR_WARNING, "%s; %.150s",
                   software ? "software counters only" : "no counters at all", set.c[0].unavailable);
    json_decref(pmu_finish(&set));
}

const struct doctor_check doctor_counters = {
    "counters", "cache misses cannot be counted; what a steal costs is then an estimate from timing",
    "sysctl kernel.perf_event_paranoid=1; in a virtual machine ask for a virtual PMU", look_counters};

/* The soft limit of a row of /proc/self/limits; INT64_MAX: unlimited; -1: not told. */
static int64_t soft_limit(const struct doctor_input *in, const char *row) {
    char *s = probe_read(in->root, "/proc/self/limits");
    const char *at = s ? strstr(s, row) : NULL;
    int64_t v = -1;
    long long number;
    if (at && sscanf(at + strlen(row), "%lld", &number) == 1)
        v = number;
    else if (at && strstr(at, "unlimited"))
        v = INT64_MAX;
    free(s);
    return v;
}

static void look_thread_limit(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t least = INT64_MAX,
            v[3] = {soft_limit(in, "Max processes"), doctor_number(in, "/proc/sys/kernel/threads-max", -1),
                    doctor_number(in, "/proc/sys/kernel/pid_max", -1)};
    for (size_t i = 0; i < 3; i++)
        if (v[i] >= 0 && v[i] < least) least = v[i];
    if (least == INT64_MAX)
        doctor_say(f, DOCTOR_UNKNOWN, "no limit on threads can be read");
    else
        doctor_say(f, least < 12000 ? DOCTOR_WARNING : DOCTOR_OK, "at most %lld threads", (long long)least);
}

const struct doctor_check doctor_thread_limit = {
    "thread-limit", "a thread a task fails at 10,000 tasks, where profiles still compare it",
    "ulimit -u 100000; sysctl kernel.pid_max=4194304", look_thread_limit};

static void look_file_limit(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t v = soft_limit(in, "Max open files");
    if (v < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/self/limits cannot be read");
    else
        doctor_say(f, v < 8192 ? DOCTOR_WARNING : DOCTOR_OK, "at most %lld open files", (long long)v);
}

const struct doctor_check doctor_file_limit = {
    "file-limit", "workloads over thousands of pipes and connections fail",
    "ulimit -n 20000 (drivers raise the soft limit to the hard one themselves)", look_file_limit};

static void look_build(const struct doctor_input *in, struct doctor_finding *f) {
    bool fit = strcmp(in->build_type, "Release") == 0 || strcmp(in->build_type, "RelWithDebInfo") == 0;
    doctor_say(f, fit ? DOCTOR_OK : DOCTOR_WARNING, "trine was built as %s", in->build_type);
}

const struct doctor_check doctor_build = {
    "build", "checks, sanitizers and unoptimised code are measured along with the runtime",
    "cmake --preset release && cmake --build --preset release", look_build};

static void look_benchmark_library(const struct doctor_input *in, struct doctor_finding *f) {
    const char *b = in->benchmark_library;
    if (!b)
        doctor_say(f, DOCTOR_UNKNOWN, "trine-micro was not found, or did not say");
    else
        doctor_say(f, strcmp(b, "release") == 0 ? DOCTOR_OK : DOCTOR_WARNING,
                   "google-benchmark is a %s build", b);
}

const struct doctor_check doctor_benchmark_library = {
    "benchmark-library", "its loop and timers cost more, which shows in micro-benchmarks of few nanoseconds",
    "link a release build of google-benchmark; batches in trine-micro keep the share small",
    look_benchmark_library};
