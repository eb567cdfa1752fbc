/*
 * pmu: see pmu.h. PERF_FORMAT_GROUP cannot be had together with inherit, and the driver's threads are not
 * ours to open counters in: so each event is opened singly, with both times, and scaled singly. No state.
 */
#include "probe/pmu.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

void pmu_open(struct pmu_set *set, const struct pmu_seam *seam, char *const *names, size_t n, pid_t pid) {
    const struct perf_event_attr like = {
        .disabled = 1, .inherit = 1, .enable_on_exec = 1, .read_format = PMU_TIMES};
    memset(set, 0, sizeof *set);
    set->seam = seam;
    set->n = n < PMU_MAX_COUNTERS ? n : PMU_MAX_COUNTERS;
    for (size_t i = 0; i < set->n; i++) {
        struct pmu_counter *c = &set->c[i];
        snprintf(c->name, sizeof c->name, "%s", names[i]);
        c->fd = pmu_open_event(seam, c->name, &like, pid, -1, c->unavailable, sizeof c->unavailable);
    }
}

static json_t *finish_one(const struct pmu_set *set, const struct pmu_counter *c) {
    uint64_t buf[3];
    struct pmu_value v;
    const char *why = "";
    if (c->fd < 0) return json_unavailable("%s", c->unavailable);
    ssize_t n = set->seam->read(c->fd, buf, sizeof buf);
    set->seam->close(c->fd);
    if (n < 0) return json_unavailable("read of the counter: %s", strerrorname_np((int)-n));
    if (pmu_decode(PMU_TIMES, buf, (size_t)n, &v, 1, &why) != 1) return json_unavailable("%s", why);
    return json_pack("{s:I,s:f}", "value", (json_int_t)v.value, "running_share", v.running_share);
}

json_t *pmu_finish(struct pmu_set *set) {
    json_t *o = json_object();
    for (size_t i = 0; i < set->n; i++) json_object_set_new(o, set->c[i].name, finish_one(set, &set->c[i]));
    set->n = 0;
    return o;
}
