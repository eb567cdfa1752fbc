/*
 * watch: see watch.h. No state. Costs are the least of several looks at this process, which has few threads:
 * what the look itself takes, without what the machine did beside it. The sampler stretches its period so as
 * to stay below a twentieth of a CPU whatever its looks cost (sampler.c).
 */
#include "probe/watch.h"

#include "base/child.h"
#include "base/json.h"
#include "base/perf_group.h"
#include "probe/cgroup.h"
#include "probe/kernel.h"
#include "probe/pmu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOOKS = 50, WHY_BYTES = 192 };

struct watch {
    const struct probe_root *root;
    const struct pmu_seam *pmu;
    struct cgroup_cpu cgroup;
    struct perf_group group; /* open while its readings are timed */
};

struct probe {
    const char *name, *by, *blind_to;
    /* One look; false with why where it saw nothing. */
    bool (*look)(struct watch *w, char *why);
};

static bool readable(const struct watch *w, const char *path, const char *needs, char *why) {
    char *full = probe_path(w->root, "%s", path), *text = probe_read(w->root, "%s", path);
    bool ok = text != NULL && *text;
    if (!ok)
        snprintf(why, WHY_BYTES, "%s: %s (%s)", path, access(full, R_OK) == 0 ? "empty" : strerror(errno),
                 needs);
    free(full);
    free(text);
    return ok;
}

static bool threads(struct watch *w, char *why) {
    char *path = probe_path(w->root, "/proc/self/task");
    DIR *d = opendir(path);
    if (!d) snprintf(why, WHY_BYTES, "/proc/self/task: %s", strerror(errno));
    while (d && readdir(d)) continue;
    if (d) closedir(d);
    free(path);
    return d != NULL;
}

static bool run_delay(struct watch *w, char *why) {
    return readable(w, "/proc/self/schedstat", "the kernel needs CONFIG_SCHED_INFO", why);
}

static bool binding(struct watch *w, char *why) {
    cpu_set_t set;
    (void)w;
    if (sched_getaffinity(getpid(), sizeof set, &set) == 0) return true;
    snprintf(why, WHY_BYTES, "sched_getaffinity: %s", strerror(errno));
    return false;
}

static bool resident(struct watch *w, char *why) {
    return readable(w, "/proc/self/status", "", why);
}

static bool usage(struct watch *w, char *why) {
    struct rusage u;
    (void)w;
    if (getrusage(RUSAGE_SELF, &u) == 0) return true;
    snprintf(why, WHY_BYTES, "getrusage: %s", strerror(errno));
    return false;
}

static bool steal(struct watch *w, char *why) {
    struct kernel_snapshot s = {0};
    char *text = probe_read(w->root, "/proc/stat");
    if (!text || !kernel_parse_stat(text, &s)) snprintf(why, WHY_BYTES, "/proc/stat has no steal time");
    free(text);
    return s.stat_ok;
}

static bool throttled(struct watch *w, char *why) {
    struct cgroup_throttled levels;
    cgroup_throttled(w->root, &w->cgroup, &levels);
    if (cgroup_throttled_most(&levels) >= 0) return true;
    if (w->cgroup.version == 0)
        snprintf(why, WHY_BYTES, "no cpu controller is mounted");
    else
        snprintf(why, WHY_BYTES, "cgroup %s: no throttled time in %.80s/cpu.stat", w->cgroup.mode,
                 w->cgroup.dir);
    return false;
}

static bool pressure(struct watch *w, char *why) {
    return readable(w, "/proc/pressure/cpu",
                    "the kernel needs CONFIG_PSI, and psi=1 where it is off by default", why);
}

static bool counters(struct watch *w, char *why) {
    char *names[] = {"context-switches"};
    struct pmu_set set;
    pmu_open(&set, w->pmu, names, 1, getpid());
    bool ok = set.c[0].fd >= 0;
    if (!ok) snprintf(why, WHY_BYTES, "%s", set.c[0].unavailable);
    json_decref(pmu_finish(&set));
    return ok;
}

static bool group_of(struct watch *w, const struct perf_choice *wanted, char *why) {
    struct perf_reading reading;
    const char *text = "";
    if (!perf_group_open(&w->group, w->pmu, wanted, 2, true)) {
        snprintf(why, WHY_BYTES, "%s", w->group.e[0].unavailable);
        return false;
    }
    bool ok = perf_group_read(&w->group, &reading, &text);
    if (!ok) snprintf(why, WHY_BYTES, "%s", text);
    perf_group_close(&w->group);
    return ok;
}

static bool hardware_group(struct watch *w, char *why) {
    static const struct perf_choice wanted[] = {{{"cycles"}}, {{"instructions"}}};
    return group_of(w, wanted, why);
}

static bool software_group(struct watch *w, char *why) {
    static const struct perf_choice wanted[] = {{{"task-clock"}}, {{"page-faults"}}};
    return group_of(w, wanted, why);
}

static const struct probe probes[] = {
    {"threads", "/proc/PID/task, each millisecond", "a thread that lives between two looks", threads},
    {"run_delay", "/proc/PID/task/TID/schedstat, each 10 ms",
     "what a thread waited since the last look when it ends", run_delay},
    {"binding", "sched_getaffinity of each thread, each 10 ms",
     "where a thread that is bound to several CPUs ran", binding},
    {"memory", "/proc/PID/status, each 10 ms; wait4 where that is above trine's own",
     "a peak between two looks", resident},
    {"faults_and_switches", "wait4: exact, all threads", "which of them were the warm-up's", usage},
    {"steal", "/proc/stat, before and after",
     "less than a tick of 10 ms; whose time it was; a hypervisor that does not tell", steal},
    {"throttled", "cpu.stat of the process's cgroup and those above, before and after",
     "a group held on two CPUs, which counts twice; groups above the container's own", throttled},
    {"pressure", "/proc/pressure/{cpu,memory,io}, before and after",
     "who waited: it is the whole machine's, the point itself in it", pressure},
    {"counters", "perf_event_open, inherited from exec to exit: opened, read, closed",
     "warm-up and measuring apart", counters},
    {"counter_group", "perf_event_open, cycles and instructions of a thread: opened, read, closed",
     "the kernel's part of a stretch", hardware_group},
    {"software_group", "the same with task-clock and page-faults", "caches", software_group},
};

json_t *watch_describe(const struct probe_root *r, const struct pmu_seam *pmu) {
    struct watch w = {.root = r, .pmu = pmu};
    json_t *all = json_object();
    cgroup_find(r, &w.cgroup);
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        const struct probe *p = &probes[i];
        char why[WHY_BYTES] = "";
        json_t *o = json_pack("{s:s}", "by", p->by);
        double least = 0;
        bool ok = true;
        for (int k = 0; k < LOOKS && ok; k++) {
            int64_t start = monotonic_ns();
            ok = p->look(&w, why);
            double us = (double)(monotonic_ns() - start) / 1e3;
            if (k == 0 || us < least) least = us;
        }
        if (ok) {
            json_object_set_new(o, "cost_us", json_real(least));
            json_object_set_new(o, "blind_to", json_string(p->blind_to));
        } else {
            json_object_set_new(o, "unavailable", json_string(why));
        }
        json_object_set_new(all, p->name, o);
    }
    return all;
}
