/* env: see env.h. No state. */
#include "probe/env.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "probe/cgroup.h"
#include "probe/pmu.h"
#include "probe/watch.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Adds the first line of a file when it is there. */
static void add_line(json_t *o, const char *key, char *line) {
    if (line && *line) json_object_set_new(o, key, json_string(line));
    free(line);
}

static void add_number(json_t *o, const char *key, char *line) {
    int64_t v;
    if (line && parse_int(line, INT64_MIN, INT64_MAX, &v)) json_object_set_new(o, key, json_integer(v));
    free(line);
}

/* "key\t: value" of /proc/cpuinfo, first processor. Caller frees. */
static char *cpuinfo_field(const char *text, const char *key) {
    size_t n = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, key, n) != 0) continue;
        const char *p = line + n + strspn(line + n, " \t");
        if (*p != ':') continue;
        p += 1 + strspn(p + 1, " \t");
        return xstrndup(p, strcspn(p, "\n"));
    }
    return NULL;
}

static bool has_flag(const char *flags, const char *flag) {
    size_t n = strlen(flag);
    for (const char *p = flags; p && (p = strstr(p, flag)); p += n)
        if ((p == flags || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

static json_t *cpu_json(const struct probe_root *r) {
    static const char *const wanted[] = {"constant_tsc", "nonstop_tsc", "tsc_known_freq", "hypervisor",
                                         "rdtscp"};
    json_t *o = json_object(), *flags = json_array();
    char *info = probe_read(r, "/proc/cpuinfo");
    char *list = cpuinfo_field(info, "flags");
    char *model = cpuinfo_field(info, "model name");
    if (!model) model = cpuinfo_field(info, "CPU part"); /* AArch64 names a part number only */
    add_line(o, "model", model);
    add_line(o, "vendor", cpuinfo_field(info, "vendor_id"));
    add_line(o, "family", cpuinfo_field(info, "cpu family"));
    add_line(o, "model_number", cpuinfo_field(info, "model\t"));
    add_line(o, "stepping", cpuinfo_field(info, "stepping"));
    add_line(o, "microcode", cpuinfo_field(info, "microcode"));
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (has_flag(list, wanted[i])) json_array_append_new(flags, json_string(wanted[i]));
    json_object_set_new(o, "flags", flags);
    json_object_set_new(o, "online", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    add_line(o, "governor", probe_line(r, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    add_line(o, "smt_control", probe_line(r, "/sys/devices/system/cpu/smt/control"));
    add_line(o, "no_turbo", probe_line(r, "/sys/devices/system/cpu/intel_pstate/no_turbo"));
    add_line(o, "boost", probe_line(r, "/sys/devices/system/cpu/cpufreq/boost"));
    add_line(o, "isolated", probe_line(r, "/sys/devices/system/cpu/isolated"));
    free(list);
    free(info);
    return o;
}

/* Of the boot options those that change what is measured; the rest may tell of the site. */
static void add_boot_options(json_t *o, const struct probe_root *r) {
    static const char *const telling[] = {"mitigations",
                                          "isolcpus",
                                          "nohz_full",
                                          "rcu_nocbs",
                                          "idle",
                                          "nosmt",
                                          "intel_idle.max_cstate",
                                          "processor.max_cstate",
                                          "preempt"};
    char *line = probe_line(r, "/proc/cmdline");
    struct strlist words = {0};
    json_t *kept = json_array();
    if (line) strlist_split(&words, line, " ");
    for (size_t i = 0; i < words.n; i++)
        for (size_t k = 0; k < sizeof telling / sizeof *telling; k++)
            if (strcspn(words.v[i], "=") == strlen(telling[k]) &&
                strncmp(words.v[i], telling[k], strlen(telling[k])) == 0)
                json_array_append_new(kept, json_string(words.v[i]));
    json_object_set_new(o, "boot_options", kept);
    strlist_free(&words);
    free(line);
}

static json_t *kernel_json(const struct probe_root *r) {
    json_t *o = json_object();
    struct utsname u;
    if (uname(&u) == 0) {
        json_object_set_new(o, "release", json_string(u.release));
        json_object_set_new(o, "version", json_string(u.version));
        json_object_set_new(o, "architecture", json_string(u.machine));
    }
    add_boot_options(o, r);
    add_line(o, "clocksource",
             probe_line(r, "/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    add_line(o, "transparent_hugepage", probe_line(r, "/sys/kernel/mm/transparent_hugepage/enabled"));
    add_line(o, "preempt", probe_line(r, "/sys/kernel/debug/sched/preempt"));
    add_number(o, "randomize_va_space", probe_line(r, "/proc/sys/kernel/randomize_va_space"));
    add_number(o, "perf_event_paranoid", probe_line(r, "/proc/sys/kernel/perf_event_paranoid"));
    add_number(o, "max_map_count", probe_line(r, "/proc/sys/vm/max_map_count"));
    add_number(o, "threads_max", probe_line(r, "/proc/sys/kernel/threads-max"));
    add_number(o, "pid_max", probe_line(r, "/proc/sys/kernel/pid_max"));
    add_number(o, "numa_balancing", probe_line(r, "/proc/sys/kernel/numa_balancing"));
    add_number(o, "sched_autogroup", probe_line(r, "/proc/sys/kernel/sched_autogroup_enabled"));
    return o;
}

static json_t *cgroup_json(const struct probe_root *r) {
    struct cgroup_cpu c;
    cgroup_find(r, &c);
    json_t *o = json_pack("{s:s}", "mode", c.mode);
    if (c.version == 0) {
        json_object_set_new(o, "cpu", json_unavailable("no cpu controller is mounted"));
        return o;
    }
    double quota = cgroup_quota_cpus(r, &c);
    json_object_set_new(o, "cpu_version", json_integer(c.version));
    json_object_set_new(o, "cpu_dir", json_string(c.dir));
    json_object_set_new(o, "quota_cpus", quota > 0 ? json_real(quota) : json_null());
    return o;
}

static json_t *software_json(const struct probe_root *r) {
    json_t *o = json_object();
    char *release = probe_read(r, "/etc/os-release");
    const char *name = release ? strstr(release, "PRETTY_NAME=\"") : NULL;
    if (name) json_object_set_new(o, "distribution", json_stringn(name + 13, strcspn(name + 13, "\"")));
    free(release);
    json_object_set_new(o, "libc", json_string(gnu_get_libc_version()));
    json_object_set_new(o, "trine", json_string(trine_version));
    json_object_set_new(o, "commit", json_string(trine_commit));
    json_object_set_new(o, "build_type", json_string(trine_build_type));
    json_object_set_new(o, "compiler", json_string(trine_compiler));
    return o;
}

/* Can the common counters be had here? Tried on this process itself, for real. */
static json_t *counters_json(void) {
    char *names[] = {"cycles", "instructions", "cache-misses", "context-switches", "cpu-migrations"};
    struct pmu_set set;
    json_t *o = json_object();
    pmu_open(&set, &pmu_kernel, names, sizeof names / sizeof *names, getpid());
    for (size_t i = 0; i < set.n; i++) {
        json_object_set_new(o, names[i],
                            set.c[i].fd >= 0 ? json_string("available")
                                             : json_unavailable("%s", set.c[i].unavailable));
        if (set.c[i].fd >= 0) set.seam->close(set.c[i].fd);
    }
    return o;
}

json_t *env_collect(const struct probe_root *r, const struct topo *t) {
    json_t *o = json_pack("{s:s,s:i}", "schema", "trine-env", "version", 1);
    char *meminfo = probe_read(r, "/proc/meminfo"), *load = probe_line(r, "/proc/loadavg");
    int64_t kib = meminfo ? probe_keyed(meminfo, "MemTotal", -1) : -1;
    json_object_set_new(o, "cpu", cpu_json(r));
    json_object_set_new(o, "topology", topo_json(t));
    if (kib > 0) json_object_set_new(o, "memory_bytes", json_integer(kib * 1024));
    json_object_set_new(o, "kernel", kernel_json(r));
    json_object_set_new(o, "cgroup", cgroup_json(r));
    json_object_set_new(o, "software", software_json(r));
    json_object_set_new(o, "counters", counters_json());
    json_object_set_new(o, "probes", watch_describe(r, &pmu_kernel));
    add_line(o, "virtualization", probe_line(r, "/sys/class/dmi/id/product_name"));
    if (load) json_object_set_new(o, "load_average", json_real(atof(load)));
    free(meminfo);
    free(load);
    char *machine = env_machine_name(o);
    json_object_set_new(o, "machine", json_string(machine));
    free(machine);
    return o;
}

char *env_machine_name(const json_t *env) {
    const json_t *cpu = json_object_get(env, "cpu"), *topology = json_object_get(env, "topology");
    char *model = slug(json_str(cpu, "model", "unknown-cpu"));
    int64_t cpus = json_int(topology, "cpus", 0);
    /* memory in GiB, rounded: the kernel's own share of it changes with every version */
    char *facts = xasprintf("%s|%s|%s|%lld|%lld|%lld|%s", json_str(cpu, "model", ""),
                            json_str(cpu, "family", ""), json_str(cpu, "model_number", ""), (long long)cpus,
                            (long long)json_int(topology, "cores", 0),
                            (long long)((json_int(env, "memory_bytes", 0) + (1 << 29)) >> 30),
                            json_str(json_object_get(env, "kernel"), "architecture", ""));
    char hex[17];
    hash_hex(hash_bytes(facts, strlen(facts)), hex);
    if (strlen(model) > 32) model[32] = '\0';
    char *name = xasprintf("%s-%lldc-%.8s", model, (long long)cpus, hex);
    free(facts);
    free(model);
    return name;
}
