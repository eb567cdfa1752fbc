/* kernel: see kernel.h. No state. */
#include "probe/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kernel_parse_stat(const char *text, struct kernel_snapshot *s) {
    long long v[8]; /* user nice system idle iowait irq softirq steal; guest time is inside user */
    int n = sscanf(text, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2], &v[3], &v[4],
                   &v[5], &v[6], &v[7]);
    s->stat_ok = n == 8;
    s->total_ticks = 0;
    for (int i = 0; i < n; i++) s->total_ticks += v[i];
    s->steal_ticks = n == 8 ? v[7] : 0;
    s->idle_ticks = n == 8 ? v[3] + v[4] : 0;
    s->ncpus = 0;
    for (const char *at = strstr(text, "\ncpu"); at; at = strstr(at + 1, "\ncpu")) s->ncpus++;
    if (s->ncpus == 0) s->ncpus = 1;
    return s->stat_ok;
}

const char *const kernel_pressure_names[KERNEL_PRESSURES] = {"cpu", "memory", "io"};

int64_t kernel_parse_pressure(const char *text) {
    long long total;
    const char *at = text ? strstr(text, "some ") : NULL;
    if (!at || sscanf(at, "some avg10=%*f avg60=%*f avg300=%*f total=%lld", &total) != 1 || total < 0)
        return -1;
    return total;
}

void kernel_snapshot(const struct probe_root *r, const struct cgroup_cpu *c, struct kernel_snapshot *s) {
    char *text = probe_read(r, "/proc/stat");
    *s = (struct kernel_snapshot){0};
    if (text) kernel_parse_stat(text, s);
    free(text);
    for (int i = 0; i < KERNEL_PRESSURES; i++) {
        text = probe_read(r, "/proc/pressure/%s", kernel_pressure_names[i]);
        s->pressure_us[i] = kernel_parse_pressure(text);
        free(text);
    }
    cgroup_throttled(r, c, &s->throttled);
}

double kernel_steal_fraction(const struct kernel_snapshot *a, const struct kernel_snapshot *b,
                             double *resolution) {
    int64_t total = b->total_ticks - a->total_ticks, steal = b->steal_ticks - a->steal_ticks;
    int64_t wanted = total - (b->idle_ticks - a->idle_ticks), one = b->ncpus > 0 ? total / b->ncpus : total;
    if (wanted < one) wanted = one;
    *resolution = wanted > 0 ? 1.0 / (double)wanted : 1;
    if (!a->stat_ok || !b->stat_ok || wanted <= 0 || steal < 0) return -1;
    return (double)steal / (double)wanted;
}
