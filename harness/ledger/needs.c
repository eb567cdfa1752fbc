/* needs: the resources that a claim may ask for, and whether this machine has them. */
#include "base/file.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "probe/cgroup.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *cpus(const char *n) {
    cpu_set_t set; /* those that this process may use, as the plan counts them; a set too small for the kernel's: all */
    long have = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    if (have >= atol(n)) return NULL;
    return xasprintf("needs %s CPUs, this process may use %ld", n, have);
}

static char *memory(const char *gib) {
    int64_t told = probe_available_kib(&(struct probe_root){""}), kib = told < 0 ? 0 : told;
    if (kib >= atoll(gib) * 1048576) return NULL;
    return xasprintf("needs %s GiB of free memory, this machine has %.1f", gib, (double)kib / 1048576);
}

static char *smt(const char *unused) {
    (void)unused;
    char *line = file_read_line("/sys/devices/system/cpu/smt/active");
    bool on = line && strcmp(line, "1") == 0;
    free(line);
    return on ? NULL : xstrdup("needs a machine with SMT: here each core has one hardware thread");
}

static char *pmu(const char *unused) {
    (void)unused;
    if (file_exists("/sys/bus/event_source/devices/cpu") || file_exists("/sys/bus/event_source/devices/armv8_pmuv3_0"))
        return NULL;
    return xstrdup("needs hardware counters: perf_event_open has none on this machine");
}

static char *root(const char *unused) {
    (void)unused;
    return geteuid() == 0 ? NULL : xstrdup("needs root");
}

/* Made and removed at once: permission is what the kernel does, not what mode bits say. */
static char *cgroup(const char *unused) {
    static const struct probe_root machine = {""};
    struct cgroup_cpu c;
    (void)unused;
    cgroup_find(&machine, &c);
    char *dir = xasprintf("%s/trine-probe-%d", c.version ? c.dir : "/nonexistent", (int)getpid());
    int made = mkdir(dir, 0755);
    if (!made) rmdir(dir);
    free(dir);
    return made ? xstrdup("needs root or a delegated cgroup") : NULL;
}

static char *program(const char *name) {
    const char *path = getenv("PATH");
    struct strlist dirs = {0};
    bool found = false;
    strlist_split(&dirs, path ? path : "/usr/bin:/bin", ":");
    for (size_t i = 0; i < dirs.n && !found; i++) {
        char *file = path_join(dirs.v[i], name);
        found = file_executable(file);
        free(file);
    }
    strlist_free(&dirs);
    return found ? NULL : xasprintf("needs the program %s", name);
}

static const struct need {
    const char *name;
    char *(*lacking)(const char *argument);
} known[] = {{"cpus", cpus}, {"memory_gib", memory}, {"smt", smt},         {"pmu", pmu},
             {"root", root}, {"cgroup", cgroup},     {"program", program}};

int needs_check(const char *need, char **why) {
    size_t n = strcspn(need, ":");
    *why = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != n || strncmp(known[i].name, need, n) != 0) continue;
        *why = known[i].lacking(need[n] ? need + n + 1 : "");
        return 0;
    }
    return TRINE_EXIT_USAGE;
}

char *needs_lacking(const struct claim *c) {
    struct strbuf b = {0};
    char *why;
    for (size_t i = 0; i < c->needs.n; i++) {
        if (needs_check(c->needs.v[i], &why)) why = xasprintf("the record needs '%s', which is no resource", c->needs.v[i]);
        if (why) strbuf_printf(&b, "%s%s", b.len ? "; " : "", why);
        free(why);
    }
    return b.s;
}
