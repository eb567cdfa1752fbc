/* perf_event: see perf_event.h. No state but libpfm's own, started once. */
#include "base/perf_event.h"

#include <errno.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_once_t pfm_once = PTHREAD_ONCE_INIT;
static bool pfm_started; /* written once, under pfm_once */

static void start_pfm(void) {
    pfm_started = pfm_initialize() == PFM_SUCCESS;
}

static int kernel_encode(const char *name, struct perf_event_attr *attr, const char **why) {
    pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof arg};
    pthread_once(&pfm_once, start_pfm);
    if (!pfm_started) {
        *why = "libpfm4 cannot start";
        return -ENOSYS;
    }
    int rc = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
    if (rc == PFM_SUCCESS) return 0;
    *why = pfm_strerror(rc);
    return -EINVAL;
}

/* Is `name` (len characters) an event of the PMU? */
static bool among_events(const pfm_pmu_info_t *pmu, const char *name, size_t len) {
    for (int i = pmu->first_event; i != -1; i = pfm_get_event_next(i)) {
        pfm_event_info_t event = {.size = sizeof event};
        if (pfm_get_event_info(i, PFM_OS_NONE, &event) != PFM_SUCCESS) continue;
        if (strncasecmp(event.name, name, len) == 0 && !event.name[len]) return true;
    }
    return false;
}

bool pmu_event_known(const char *name) {
    struct perf_event_attr attr = {.size = sizeof attr};
    const char *why, *colons = strstr(name, "::"), *event = colons ? colons + 2 : name;
    size_t len = strcspn(event, ":."), pmu_len = colons ? (size_t)(colons - name) : 0;
    if (kernel_encode(name, &attr, &why) == 0 || !pfm_started) return true;
    bool trace_point = !colons && event[len] == ':' && strlen(event + len) > 2; /* sched:sched_switch; no :u or :k */
    bool pmu_known = false;
    for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; i++) {
        pfm_pmu_info_t pmu = {.size = sizeof pmu};
        if (pfm_get_pmu_info((pfm_pmu_t)i, &pmu) != PFM_SUCCESS) continue;
        bool meant = !colons || (strncasecmp(pmu.name, name, pmu_len) == 0 && !pmu.name[pmu_len]);
        pmu_known |= colons && meant;
        if (meant && among_events(&pmu, event, len)) return true;
    }
    return trace_point || (colons && !pmu_known);
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

static int kernel_enable(int fd) {
    return ioctl(fd, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) ? -errno : 0;
}

const struct pmu_seam pmu_kernel = {kernel_encode, kernel_open, kernel_read, kernel_close, kernel_enable};

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

int pmu_open_event(const struct pmu_seam *seam, const char *name, const struct perf_event_attr *like,
                   pid_t pid, int group_fd, char *why, size_t why_bytes) {
    struct perf_event_attr attr = *like;
    const char *reason = "";
    attr.size = sizeof attr;
    if (seam->encode(name, &attr, &reason) < 0) {
        snprintf(why, why_bytes, "libpfm4: %s", reason);
        return -1;
    }
    attr.size = sizeof attr;
    attr.disabled = like->disabled;
    attr.inherit = like->inherit;
    attr.enable_on_exec = like->enable_on_exec;
    attr.read_format = like->read_format;
    attr.exclude_kernel |= like->exclude_kernel;
    attr.exclude_hv |= like->exclude_hv;
    int fd = seam->open(&attr, pid, -1, group_fd, PERF_FLAG_FD_CLOEXEC);
    if ((fd == -EACCES || fd == -EPERM) && !attr.exclude_kernel) { /* an ordinary user may still count user space */
        attr.exclude_kernel = attr.exclude_hv = 1;
        fd = seam->open(&attr, pid, -1, group_fd, PERF_FLAG_FD_CLOEXEC);
    }
    if (fd >= 0) return fd;
    snprintf(why, why_bytes, "perf_event_open: %s (%s)", strerrorname_np(-fd), open_hint(-fd));
    return -1;
}

/* The scaled value: raw x enabled / running, in 128 bits because the product passes 64 within seconds. */
bool pmu_scale(struct pmu_value *v, const char **why) {
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
    }
    return (int)n;
}

int pmu_decode_raw(uint64_t format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
                   const char **why) {
    uint64_t w[3 + 3 * PMU_MAX_COUNTERS];
    size_t words = bytes / sizeof *w;
    if ((format & PMU_TIMES) != PMU_TIMES) {
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
    return 1;
}

int pmu_decode(uint64_t format, const void *buf, size_t bytes, struct pmu_value *out, size_t max,
               const char **why) {
    int n = pmu_decode_raw(format, buf, bytes, out, max, why);
    for (int i = 0; i < n; i++)
        if (!pmu_scale(&out[i], why)) return -1;
    return n;
}
