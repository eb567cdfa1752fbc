/* Reading /proc/self: see usage.h. */
#include "usage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Sums the kB of the fields named in a /proc file; -1 when none was found. */
static int64_t proc_bytes(const char *path, const char *const *fields) {
    char line[256], format[64];
    int64_t sum = -1;
    FILE *f = fopen(path, "re");
    if (!f) return -1;
    while (fgets(line, sizeof line, f)) {
        for (const char *const *field = fields; *field; field++) {
            long long kib;
            size_t length = strlen(*field);
            if (strncmp(line, *field, length)) continue;
            snprintf(format, sizeof format, "%s", line + length);
            if (sscanf(format, " %lld", &kib) == 1) sum = (sum < 0 ? 0 : sum) + kib * 1024;
        }
    }
    fclose(f);
    return sum;
}

struct usage usage_now(void) {
    static const char *const private[] = {"Private_Clean:", "Private_Dirty:", NULL};
    static const char *const space[] = {"VmSize:", NULL}, *const tables[] = {"VmPTE:", NULL};
    return (struct usage){proc_bytes("/proc/self/smaps_rollup", private), proc_bytes("/proc/self/status", space),
                          proc_bytes("/proc/self/status", tables)};
}

int64_t usage_cpu_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void quote(struct point *pt, const char *name, int64_t before, int64_t peak) {
    if (before < 0 || peak < 0) point_metric_unavailable(pt, name, "/proc/self could not be read");
    else point_metric(pt, name, (double)(peak > before ? peak - before : 0), "bytes", "lower");
}

void usage_quote(struct point *pt, const struct usage *before, const struct usage *peak) {
    quote(pt, "memory_bytes", before->private, peak->private);
    quote(pt, "address_space_bytes", before->space, peak->space);
}

void usage_peak(struct usage *peak, const struct usage *now) {
    if (now->private > peak->private) peak->private = now->private;
    if (now->space > peak->space) peak->space = now->space;
    if (now->tables > peak->tables) peak->tables = now->tables;
}
