/* perf_group: see perf_group.h. No state of its own. */
#include "base/perf_group.h"

#include <stdio.h>
#include <string.h>

static const uint64_t GROUP_FORMAT = PMU_TIMES | PERF_FORMAT_GROUP;

/* The first of the choice's names that opens; the reasons of the first and of the last one that does not. */
static void open_choice(struct perf_group *g, struct perf_event *e, const struct perf_choice *wanted, bool user_only) {
    const struct perf_event_attr like = {
        .disabled = g->leader_fd < 0, .read_format = GROUP_FORMAT, .exclude_kernel = user_only, .exclude_hv = user_only};
    *e = (struct perf_event){.fd = -1};
    for (size_t i = 0; i < sizeof wanted->names / sizeof *wanted->names && wanted->names[i] && e->fd < 0; i++) {
        snprintf(e->name, sizeof e->name, "%s", wanted->names[i]);
        e->fd = pmu_open_event(g->seam, e->name, &like, 0, g->leader_fd, e->unavailable, sizeof e->unavailable);
    }
    if (e->fd < 0) return;
    e->unavailable[0] = '\0';
    e->place = g->nopen++;
    if (g->leader_fd < 0) g->leader_fd = e->fd;
}

static void close_events(struct perf_group *g) {
    for (size_t i = g->n; i-- > 0;) { /* the leader last */
        if (g->e[i].fd >= 0) g->seam->close(g->e[i].fd);
        g->e[i].fd = -1;
    }
    g->nopen = 0;
    g->leader_fd = -1;
}

/* The leader starts disabled, and all start together: the kernel leaves an event of another software PMU off until its
 * group is scheduled anew, and it would read 0 without an error. */
bool perf_group_open(struct perf_group *g, const struct pmu_seam *seam, const struct perf_choice *wanted,
                     size_t n, bool user_only) {
    *g = (struct perf_group){
        .seam = seam, .leader_fd = -1, .n = n < PERF_GROUP_EVENTS ? n : PERF_GROUP_EVENTS};
    for (size_t i = 0; i < g->n; i++) open_choice(g, &g->e[i], &wanted[i], user_only);
    if (g->nopen == 0) return false;
    int err = g->seam->enable(g->leader_fd);
    if (err == 0) return true;
    for (size_t i = 0; i < g->n; i++)
        if (g->e[i].fd >= 0)
            snprintf(g->e[i].unavailable, sizeof g->e[i].unavailable, "PERF_EVENT_IOC_ENABLE: %s", strerrorname_np(-err));
    close_events(g);
    return false;
}

void perf_group_close(struct perf_group *g) {
    close_events(g);
    g->n = 0;
}

bool perf_group_read(const struct perf_group *g, struct perf_reading *out, const char **why) {
    uint64_t buf[3 + PERF_GROUP_EVENTS];
    struct pmu_value v[PERF_GROUP_EVENTS];
    *out = (struct perf_reading){0};
    if (g->leader_fd < 0) {
        *why = "no event of the group is open";
        return false;
    }
    ssize_t bytes = g->seam->read(g->leader_fd, buf, sizeof buf);
    if (bytes < 0) {
        *why = strerrorname_np((int)-bytes);
        return false;
    }
    int n = pmu_decode_raw(GROUP_FORMAT, buf, (size_t)bytes, v, PERF_GROUP_EVENTS, why);
    if (n < 0) return false;
    if ((size_t)n != g->nopen) {
        *why = "an event of the group is missing from what was read";
        return false;
    }
    for (size_t i = 0; i < g->n; i++)
        if (g->e[i].fd >= 0) out->raw[i] = v[g->e[i].place].raw;
    out->enabled_ns = v[0].enabled_ns;
    out->running_ns = v[0].running_ns;
    return true;
}

static bool advances(const struct perf_reading *from, const struct perf_reading *to) {
    for (size_t i = 0; i < PERF_GROUP_EVENTS; i++)
        if (to->raw[i] < from->raw[i]) return false;
    return to->running_ns > from->running_ns &&
           to->enabled_ns - from->enabled_ns >= to->running_ns - from->running_ns;
}

void perf_region_add(struct perf_region *r, const struct perf_reading *from, const struct perf_reading *to) {
    if (!advances(from, to)) {
        r->lost++;
        return;
    }
    for (size_t i = 0; i < PERF_GROUP_EVENTS; i++) r->raw[i] += to->raw[i] - from->raw[i];
    r->enabled_ns += to->enabled_ns - from->enabled_ns;
    r->running_ns += to->running_ns - from->running_ns;
    r->stretches++;
}

bool perf_region_mean(const struct perf_region *r, size_t event, struct pmu_value *out, const char **why) {
    *out = (struct pmu_value){.raw = r->raw[event], .enabled_ns = r->enabled_ns, .running_ns = r->running_ns};
    if (r->stretches == 0) {
        *why = r->lost ? "the group was not on the PMU in any stretch of this region"
                       : "no stretch of this region was counted";
        return false;
    }
    if (!pmu_scale(out, why)) return false;
    out->value /= (double)r->stretches;
    return true;
}
