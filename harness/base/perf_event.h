/*
 * perf_event: one door to perf_event_open and to what read() gives, for counters of a whole process
 * (probe/pmu.h) and for groups of one thread (perf_group.h). Names go through libpfm4. Everything that
 * touches the kernel goes through struct pmu_seam, so that tests can play back recorded buffers. Any thread
 * may call.
 */
#ifndef TRINE_BASE_PERF_EVENT_H
#define TRINE_BASE_PERF_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pmu_seam {
    /* both: result, or -errno */
    int (*encode)(const char *name, struct perf_event_attr *attr, const char **why);
    int (*open)(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd, unsigned long flags);
    ssize_t (*read)(int fd, void *buf, size_t bytes);
    void (*close)(int fd);
    int (*enable)(int fd); /* a whole group, by its leader; 0 or -errno */
};
extern const struct pmu_seam pmu_kernel;

enum { PMU_MAX_COUNTERS = 32 };
/* Both times: what is read without them cannot be scaled, and is refused. */
#define PMU_TIMES (PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING)

/* One value decoded from what read() gave. */
struct pmu_value {
    uint64_t raw, enabled_ns, running_ns, id;
    double value, running_share; /* scaled; the share of the enabled time that it was on the PMU */
};
/*
 * Decodes a buffer laid out by read_format (single, or PERF_FORMAT_GROUP; both times must be in it). Returns
 * the number of values (at most max), or -1 with *why: cut off, a count that does not fit, never scheduled.
 */
int pmu_decode(uint64_t read_format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
               const char **why);
/* The same without scaling: for differences of two readings, which pmu_scale() is then asked about. */
int pmu_decode_raw(uint64_t read_format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
                   const char **why);
/* Fills value and running_share from the rest, or says why there is none. */
bool pmu_scale(struct pmu_value *v, const char **why);

/*
 * Does libpfm4 have the event, for this machine or another? Also true where it cannot tell: of a PMU that it does not know,
 * a trace point, or where it does not start. What is behind the event's name (unit masks, :u) is left to its opening.
 */
bool pmu_event_known(const char *name);

/* Opens the named event: a descriptor, or -1 with the reason in why. An ordinary user who may not count the
 * kernel gets user space. attr holds what libpfm4 does not: format, inherit, excludes. */
int pmu_open_event(const struct pmu_seam *seam, const char *name, const struct perf_event_attr *like,
                   pid_t pid, int group_fd, char *why, size_t why_bytes);

#endif
