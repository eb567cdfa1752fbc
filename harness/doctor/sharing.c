/* doctor/sharing: who else takes the processor's time, and when the kernel gives it. No state. */
#include "base/text.h"
#include "doctor/parts.h"
#include "probe/cgroup.h"
#include "probe/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void look_virtual_machine(const struct doctor_input *in, struct doctor_finding *f) {
    char *info = probe_read(in->root, "/proc/cpuinfo");
    const char *flags = info ? strstr(info, "\nflags") : NULL;
    char *line = flags ? xstrndup(flags + 1, strcspn(flags + 1, "\n")) : NULL;
    if (!line)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/cpuinfo has no flags");
    else if (strstr(line, " hypervisor"))
        doctor_say(f, DOCTOR_WARNING, "the processor says that a hypervisor is below");
    else
        doctor_say(f, DOCTOR_OK, "no hypervisor is seen");
    free(line);
    free(info);
}

const struct doctor_check doctor_virtual_machine = {
    "virtual-machine", "page faults, interrupts and wake-ups cost more, and neighbours are invisible",
    "measure on the metal where absolute figures count; ratios within one run stay usable",
    look_virtual_machine};

static void nap_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static void look_steal(const struct doctor_input *in, struct doctor_finding *f) {
    struct cgroup_cpu c;
    struct kernel_snapshot now, before = {.stat_ok = true};
    double tick;
    cgroup_find(in->root, &c);
    if (in->settle_ms > 0) {
        kernel_snapshot(in->root, &c, &before);
        nap_ms(in->settle_ms);
    }
    kernel_snapshot(in->root, &c, &now);
    double share = kernel_steal_fraction(&before, &now, &tick);
    if (share < 0) {
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/stat tells no steal time");
        return;
    }
    const char *when = in->settle_ms > 0 ? "while we looked" : "since boot";
    doctor_say(f, share - tick > 0.01 ? DOCTOR_WARNING : DOCTOR_OK, "%.1f %% of the CPU time that was wanted was stolen %s",
               100 * share, when);
}

const struct doctor_check doctor_steal = {
    "steal", "another virtual machine ran instead: whatever was measured in that moment is too long",
    "come back later, or use a dedicated host; points with above 1 % are marked not valid and run again",
    look_steal};

static void look_quota(const struct doctor_input *in, struct doctor_finding *f) {
    struct cgroup_cpu c;
    cgroup_find(in->root, &c);
    if (c.version == 0) {
        doctor_say(f, DOCTOR_OK, "no cpu controller, so no quota");
        return;
    }
    double cpus = cgroup_quota_cpus(in->root, &c);
    struct cgroup_throttled levels;
    cgroup_throttled(in->root, &c, &levels);
    int64_t throttled = cgroup_throttled_most(&levels);
    if (cpus > 0)
        doctor_say(f, DOCTOR_WARNING, "a quota of %.2f CPUs; throttled for %.1f s so far", cpus,
                   throttled > 0 ? (double)throttled / 1e9 : 0);
    else
        doctor_say(f, DOCTOR_OK, "cgroup %s without a quota", c.mode);
}

const struct doctor_check doctor_quota = {
    "quota", "when the quota is used up every thread stops for the rest of the period, up to 100 ms",
    "lift cpu.max (v2) or cpu.cfs_quota_us (v1) of the group; throttled points are marked not valid",
    look_quota};

/* "0.52 0.58 0.59 3/467 1234": the fourth field's first number counts those that run now, ourselves too. */
static void look_load(const struct doctor_input *in, struct doctor_finding *f) {
    char *s = probe_line(in->root, "/proc/loadavg");
    double one;
    int running;
    if (!s || sscanf(s, "%lf %*s %*s %d/", &one, &running) != 2)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/loadavg cannot be read");
    else
        doctor_say(f, one > 0.5 || running > 2 ? DOCTOR_WARNING : DOCTOR_OK,
                   "load %.2f over a minute, %d runnable now", one, running);
    free(s);
}

const struct doctor_check doctor_load = {
    "load", "other programs take turns on the CPUs: tails grow first, then medians",
    "stop them (top shows which), and wait until the load is below 0.5", look_load};

static void look_pressure(const struct doctor_input *in, struct doctor_finding *f) {
    char *s = probe_line(in->root, "/proc/pressure/cpu");
    double ten;
    if (!s || sscanf(s, "some avg10=%lf", &ten) != 1)
        doctor_say(f, DOCTOR_UNKNOWN, "no pressure information (PSI is off)");
    else
        doctor_say(f, ten > 1 ? DOCTOR_WARNING : DOCTOR_OK,
                   "some task waited for a CPU in %.1f %% of the last 10 s", ten);
    free(s);
}

const struct doctor_check doctor_pressure = {
    "pressure", "somebody waits for a processor already, before the measuring begins",
    "wait until it falls below 1 %", look_pressure};

static void look_autogroup(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t on = doctor_number(in, "/proc/sys/kernel/sched_autogroup_enabled", -1);
    if (on < 0)
        doctor_say(f, DOCTOR_OK, "the kernel has no autogroups");
    else
        doctor_say(f, on ? DOCTOR_WARNING : DOCTOR_OK, "autogroups are %s", on ? "on" : "off");
}

const struct doctor_check doctor_autogroup = {
    "autogroup",
    "time is shared between sessions, not threads: a busy neighbour takes half, whatever its size",
    "sysctl kernel.sched_autogroup_enabled=0", look_autogroup};

static void look_timer_slack(const struct doctor_input *in, struct doctor_finding *f) {
    int64_t ns = doctor_number(in, "/proc/self/timerslack_ns", -1);
    if (ns < 0)
        doctor_say(f, DOCTOR_UNKNOWN, "/proc/self/timerslack_ns cannot be read");
    else
        doctor_say(f, ns > 50000 ? DOCTOR_WARNING : DOCTOR_OK, "a timer may be up to %lld ns late",
                   (long long)ns);
}

const struct doctor_check doctor_timer_slack = {
    "timer-slack", "every sleep ends later by up to this much; drivers inherit it",
    "start trine from a shell with the default of 50,000 ns", look_timer_slack};

static void look_tickless(const struct doctor_input *in, struct doctor_finding *f) {
    char *isolated = probe_line(in->root, "/sys/devices/system/cpu/isolated");
    char *nohz = probe_line(in->root, "/sys/devices/system/cpu/nohz_full");
    bool any = (isolated && *isolated) || (nohz && *nohz && strcmp(nohz, "(null)") != 0);
    doctor_say(f, any ? DOCTOR_WARNING : DOCTOR_OK, "isolated: %s; without tick: %s",
               isolated && *isolated ? isolated : "none", nohz && *nohz ? nohz : "none");
    free(isolated);
    free(nohz);
}

const struct doctor_check doctor_tickless = {
    "isolated-cpus", "the kernel moves no thread onto or between isolated CPUs: unpinned points use fewer",
    "pin the points onto them, or boot without isolcpus and nohz_full", look_tickless};
