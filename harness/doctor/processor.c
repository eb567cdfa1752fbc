/* doctor/processor: frequency, threads of a core, sleep states, mitigations, clock. No state. */
#include "base/text.h"
#include "doctor/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_DIR "/sys/devices/system/cpu"

static void look_governor(const struct doctor_input *in, struct doctor_finding *f) {
    char *g = probe_line(in->root, CPU_DIR "/cpu0/cpufreq/scaling_governor");
    if (!g)
        doctor_say(f, DOCTOR_UNKNOWN, "no cpufreq driver: firmware or host sets the frequency, unseen");
    else
        doctor_say(f, strcmp(g, "performance") == 0 ? DOCTOR_OK : DOCTOR_WARNING, "governor is %s", g);
    free(g);
}

const struct doctor_check doctor_governor = {
    "governor", "the clock rate follows the load, so a short or sleepy point is measured at a lower one",
    "cpupower frequency-set -g performance", look_governor};

static void look_turbo(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t no_turbo = doctor_number(in, CPU_DIR "/intel_pstate/no_turbo", -1);
    int64_t boost = doctor_number(in, CPU_DIR "/cpufreq/boost", -1);
    if (no_turbo < 0 && boost < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "neither intel_pstate/no_turbo nor cpufreq/boost is there");
    else if (no_turbo == 0 || boost > 0)
        doctor_say(f, DOCTOR_WARNING, "boost is on");
    else
        doctor_say(f, DOCTOR_OK, "boost is off");
}

const struct doctor_check doctor_turbo = {
    "turbo", "one busy core runs faster than two, so speed-up over processors looks worse than it is",
    "write 1 to intel_pstate/no_turbo, or 0 to cpufreq/boost", look_turbo};

static void look_smt(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t active = doctor_number(in, CPU_DIR "/smt/active", -1);
    if (active < 0)
        doctor_say(f, DOCTOR_UNKNOWN, CPU_DIR "/smt/active is not there");
    else
        doctor_say(f, active ? DOCTOR_WARNING : DOCTOR_OK, "SMT is %s", active ? "active" : "not active");
}

const struct doctor_check doctor_smt = {
    "smt", "two threads of a core share its units, so a figure depends on which CPUs the kernel chose",
    "pin with `pin = cores`, or write off to " CPU_DIR "/smt/control", look_smt};

/* The deepest state's exit latency is what a wake-up from idle can cost on top. */
static void look_idle_states(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t worst_us = -1;
    for (int i = 0; i < 16; i++) {
        char path[96];
        snprintf(path, sizeof path, CPU_DIR "/cpu0/cpuidle/state%d/latency", i);
        int64_t us = doctor_number(in, path, -1);
        snprintf(path, sizeof path, CPU_DIR "/cpu0/cpuidle/state%d/disable", i);
        if (us > worst_us && doctor_number(in, path, 0) == 0) worst_us = us;
    }
    if (worst_us < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "no cpuidle states are shown (usual in a virtual machine)");
    else
        doctor_say(f, worst_us > 10 ? DOCTOR_WARNING : DOCTOR_OK, "the deepest state takes %lld us to leave",
                   (long long)worst_us);
}

const struct doctor_check doctor_idle_states = {
    "idle-states", "a wake-up from a deep sleep state pays its exit, tens to hundreds of microseconds",
    "cpupower idle-set -D 10, or boot with intel_idle.max_cstate=1", look_idle_states};

static void look_mitigations(const struct doctor_input *in, struct doctor_finding *f) {
    static const char *const costly[] = {
        "spectre_v2",        "meltdown", "mds",   "retbleed", "spec_rstack_overflow",
        "spec_store_bypass", "l1tf",     "srbds", "vmscape"};
    struct strbuf on = {0};
    size_t read = 0;
    for (size_t i = 0; i < sizeof costly / sizeof *costly; i++) {
        char *s = probe_line(in->root, CPU_DIR "/vulnerabilities/%s", costly[i]);
        read += s != NULL;
        if (s && strncmp(s, "Mitigation", 10) == 0) strbuf_printf(&on, "%s%s", on.len ? ", " : "", costly[i]);
        free(s);
    }
    if (read == 0)
        doctor_say(f, DOCTOR_UNKNOWN, CPU_DIR "/vulnerabilities is not there");
    else if (on.len)
        doctor_say(f, DOCTOR_WARNING, "mitigated: %s", on.s);
    else
        doctor_say(f, DOCTOR_OK, "no mitigation that costs is on");
    strbuf_free(&on);
}

const struct doctor_check doctor_mitigations = {
    "mitigations",
    "system calls, thread switches and indirect calls cost more; two machines may differ in it",
    "leave it as your users have it; compare only machines that agree, or boot with mitigations=off",
    look_mitigations};

/* CPUs of a list such as "0-3,8". */
static int64_t count_list(const char *s) {
    int64_t n = 0;
    while (s && *s) {
        char *end;
        long from = strtol(s, &end, 10), to = from;
        if (end == s) break;
        if (*end == '-') to = strtol(end + 1, &end, 10);
        n += to >= from ? to - from + 1 : 0;
        s = *end == ',' ? end + 1 : "";
    }
    return n;
}

/* The value behind a key of /proc/self/status, to the line's end. Caller frees. */
static char *status_field(const struct doctor_input *in, const char *key) {
    char *text = probe_read(in->root, "/proc/self/status"), *value = NULL;
    char *at = text ? strstr(text, key) : NULL;
    if (at) value = xstrndup(at + strlen(key), strcspn(at + strlen(key), "\n"));
    free(text);
    return value;
}

static int64_t allowed_cpus(const struct doctor_input *in) {
    char *list = status_field(in, "\nCpus_allowed_list:");
    int64_t n = list ? count_list(list + strspn(list, " \t")) : -1;
    free(list);
    return n;
}

static void look_few_cpus(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t n = allowed_cpus(in);
    if (n < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/self/status has no Cpus_allowed_list");
    else
        doctor_say(f, n < 3 ? DOCTOR_WARNING : DOCTOR_OK, "%lld CPU%s may be used", (long long)n,
                   n == 1 ? "" : "s");
}

const struct doctor_check doctor_few_cpus = {
    "few-cpus", "the sampler and the kernel's own threads take time from what is measured",
    "use a machine with a CPU more than the largest GOMAXPROCS; here trust medians, and shares over totals",
    look_few_cpus};

static void look_affinity(const struct doctor_input *in, struct doctor_finding *f) {
    char *online = probe_line(in->root, CPU_DIR "/online");
    int64_t all = count_list(online), ours = allowed_cpus(in);
    if (all <= 0 || ours < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "the list of online or of allowed CPUs cannot be read");
    else
        doctor_say(f, ours < all ? DOCTOR_WARNING : DOCTOR_OK, "%lld of %lld online CPUs may be used",
                   (long long)ours, (long long)all);
    free(online);
}

const struct doctor_check doctor_affinity = {
    "affinity",
    "`n` in a profile means the allowed CPUs: this run cannot be compared with one on all of them",
    "start trine without taskset, or outside the container", look_affinity};

static void look_clock_source(const struct doctor_input *in, struct doctor_finding *f) {
    char *s = probe_line(in->root, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (!s) {
        doctor_say(f, DOCTOR_UNKNOWN, "the clock source cannot be read");
        return;
    }
    bool fast = strcmp(s, "tsc") == 0 || strcmp(s, "arch_sys_counter") == 0 || strcmp(s, "kvm-clock") == 0;
    doctor_say(f, fast ? DOCTOR_OK : DOCTOR_WARNING, "clock source is %s", s);
    free(s);
}

const struct doctor_check doctor_clock_source = {
    "clock-source", "reading the time becomes a system call or a bus access of a microsecond and more",
    "boot with clocksource=tsc where the TSC is sound (trine calibrate shows what a reading costs)",
    look_clock_source};

static void look_clock_resolution(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t ns = in->clock_resolution_ns;
    if (ns <= 0)
        doctor_say(f, DOCTOR_IMPOSSIBLE, "there is no CLOCK_MONOTONIC");
    else
        doctor_say(f, ns > 1000 ? DOCTOR_IMPOSSIBLE : DOCTOR_OK, "CLOCK_MONOTONIC has steps of %lld ns",
                   (long long)ns);
}

const struct doctor_check doctor_clock_resolution = {
    "clock-resolution", "with steps above a microsecond neither a switch nor a wake-up can be timed",
    "use a kernel with high-resolution timers (CONFIG_HIGH_RES_TIMERS, no highres=off)",
    look_clock_resolution};
