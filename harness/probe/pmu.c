/*
 * pmu: see pmu.h. PERF_FORMAT_GROUP cannot be had together with inherit, and the driver's threads are not
 * ours to open counters in: so each event is opened singly, with both times, and scaled singly. No state but
 * libpfm's own.
 */
#include "probe/pmu.h"
#include "base/json.h"

#include <errno.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t FORMAT = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;

static int kernel_encode(const char *name, struct perf_event_attr *attr, const char **why) {
    static int initialized; /* 0: not yet, 1: yes, -1: failed; only the main thread comes here */
    pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof arg};
    if (!initialized) initialized = pfm_initialize() == PFM_SUCCESS ? 1 : -1;
    if (initialized < 0) {
        *why = "libpfm4 cannot start";
        return -ENOSYS;
    }
    int rc = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
    if (rc == PFM_SUCCESS) return 0;
    *why = pfm_strerror(rc);
    return -EINVAL;
}

static int kernel_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd, unsigned long flags) {
    long fd = syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, flags);
    return fd < 0 ? -errno : (int)fd;
}

static ssize_t kernel_read(int fd, void *buf, size_t bytes) {
    ssize_t n = read(fd, buf, bytes);
    return n < 0 ? -errno : n;
}

static void kernel_close(int fd) {
    close(fd);
}

const struct pmu_seam pmu_kernel = {kernel_encode, kernel_open, kernel_read, kernel_close};

/* What an errno of perf_event_open means to the reader of a report. */
static const char *open_hint(int errnum) {
    switch (errnum) {
    case ENOENT:
        return "this machine has no such counter";
    case EACCES:
    case EPERM:
        return "not permitted: see /proc/sys/kernel/perf_event_paranoid";
    case EOPNOTSUPP:
        return "the PMU does not support it";
    case EMFILE:
        return "too many open files";
    case ENOSYS:
        return "the kernel was built without perf events";
    default:
        return strerror(errnum);
    }
}

static void open_one(struct pmu_set *set, struct pmu_counter *c, pid_t pid) {
    struct perf_event_attr attr = {.size = sizeof attr};
    const char *why = "";
    c->fd = -1;
    if (set->seam->encode(c->name, &attr, &why) < 0) {
        snprintf(c->unavailable, sizeof c->unavailable, "libpfm4: %s", why);
        return;
    }
    attr.size = sizeof attr;
    attr.disabled = 1;
    attr.inherit = 1;
    attr.enable_on_exec = 1;
    attr.read_format = FORMAT;
    int fd = set->seam->open(&attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd == -EACCES || fd == -EPERM) { /* an ordinary user may still count user space */
        attr.exclude_kernel = attr.exclude_hv = 1;
        fd = set->seam->open(&attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    }
    if (fd < 0)
        snprintf(c->unavailable, sizeof c->unavailable, "perf_event_open: %s (%s)", strerrorname_np(-fd),
                 open_hint(-fd));
    else
        c->fd = fd;
}

void pmu_open(struct pmu_set *set, const struct pmu_seam *seam, char *const *names, size_t n, pid_t pid) {
    memset(set, 0, sizeof *set);
    set->seam = seam;
    set->n = n < PMU_MAX_COUNTERS ? n : PMU_MAX_COUNTERS;
    for (size_t i = 0; i < set->n; i++) {
        snprintf(set->c[i].name, sizeof set->c[i].name, "%s", names[i]);
        open_one(set, &set->c[i], pid);
    }
}

/* The scaled value: raw x enabled / running, in 128 bits because the product passes 64 within seconds. */
static bool scale(struct pmu_value *v, const char **why) {
    if (v->running_ns == 0) {
        *why = v->enabled_ns ? "never on the PMU while enabled" : "never enabled";
        return false;
    }
    if (v->running_ns > v->enabled_ns) {
        *why = "time running is above time enabled";
        return false;
    }
    unsigned __int128 scaled = (unsigned __int128)v->raw * v->enabled_ns / v->running_ns;
    if (scaled > INT64_MAX) {
        *why = "the counter overflowed";
        return false;
    }
    v->value = (double)(uint64_t)scaled;
    v->running_share = (double)v->running_ns / (double)v->enabled_ns;
    return true;
}

static int decode_group(uint64_t format, const uint64_t *w, size_t words, struct pmu_value *out, size_t max,
                        const char **why) {
    size_t each = 1 + !!(format & PERF_FORMAT_ID) + !!(format & PERF_FORMAT_LOST);
    uint64_t n = words ? w[0] : 0;
    if (words < 3 || n > (words - 3) / each) {
        *why = "the group's buffer is cut off";
        return -1;
    }
    if (n > max) {
        *why = "more events in the group than asked for";
        return -1;
    }
    for (uint64_t i = 0; i < n; i++) {
        out[i] = (struct pmu_value){.raw = w[3 + i * each], .enabled_ns = w[1], .running_ns = w[2]};
        if (format & PERF_FORMAT_ID) out[i].id = w[3 + i * each + 1];
        if (!scale(&out[i], why)) return -1;
    }
    return (int)n;
}

int pmu_decode(uint64_t format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
               const char **why) {
    uint64_t w[3 + 3 * PMU_MAX_COUNTERS];
    size_t words = bytes / sizeof *w;
    if ((format & FORMAT) != FORMAT) {
        *why = "read without its times";
        return -1;
    }
    if (words > sizeof w / sizeof *w) words = sizeof w / sizeof *w;
    memcpy(w, buf, words * sizeof *w);
    if (format & PERF_FORMAT_GROUP) return decode_group(format, w, words, out, max, why);
    if (words < 3 || max < 1) {
        *why = "the buffer is cut off";
        return -1;
    }
    out[0] = (struct pmu_value){.raw = w[0], .enabled_ns = w[1], .running_ns = w[2]};
    return scale(out, why) ? 1 : -1;
}

static json_t *finish_one(const struct pmu_set *set, const struct pmu_counter *c) {
    uint64_t buf[3];
    struct pmu_value v;
    const char *why = "";
    if (c->fd < 0) return json_unavailable("%s", c->unavailable);
    ssize_t n = set->seam->read(c->fd, buf, sizeof buf);
    set->seam->close(c->fd);
    if (n < 0) return json_unavailable("read of the counter: %s", strerrorname_np((int)-n));
    if (pmu_decode(FORMAT, buf, (size_t)n, &v, 1, &why) != 1) return json_unavailable("%s", why);
    return json_pack("{s:I,s:f}", "value", (json_int_t)v.value, "running_share", v.running_share);
}

json_t *pmu_finish(struct pmu_set *set) {
    json_t *o = json_object();
    for (size_t i = 0; i < set->n; i++) json_object_set_new(o, set->c[i].name, finish_one(set, &set->c[i]));
    set->n = 0;
    return o;
}
