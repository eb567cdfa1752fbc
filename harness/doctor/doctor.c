/* doctor: see doctor.h. The order of the list is the order in which it is printed. No state. */
#include "doctor/doctor.h"
#include "base/text.h"
#include "doctor/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct doctor_check *const doctor_checks[] = {
    /* whether one can measure at all */
    &doctor_proc,
    &doctor_clock_resolution,
    &doctor_clock_source,
    /* the processor */
    &doctor_governor,
    &doctor_turbo,
    &doctor_smt,
    &doctor_idle_states,
    &doctor_mitigations,
    &doctor_few_cpus,
    &doctor_affinity,
    /* who else is there */
    &doctor_virtual_machine,
    &doctor_steal,
    &doctor_quota,
    &doctor_load,
    &doctor_pressure,
    &doctor_autogroup,
    &doctor_timer_slack,
    &doctor_tickless,
    /* memory */
    &doctor_huge_pages,
    &doctor_address_randomization,
    &doctor_swap,
    &doctor_overcommit,
    &doctor_guard_pages,
    &doctor_numa_balancing,
    /* the tools */
    &doctor_counters,
    &doctor_thread_limit,
    &doctor_file_limit,
    &doctor_build,
    &doctor_benchmark_library,
};
const size_t doctor_nchecks = sizeof doctor_checks / sizeof *doctor_checks;

const char *doctor_level_name(enum doctor_level level) {
    static const char *const names[] = {"ok", "unknown", "warning", "impossible"};
    return names[level];
}

void doctor_say(struct doctor_finding *f, enum doctor_level level, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->seen, sizeof f->seen, fmt, ap);
    va_end(ap);
    f->level = level;
}

int64_t doctor_number(const struct doctor_input *in, const char *path, int64_t fallback) {
    char *line = probe_line(in->root, "%s", path);
    int64_t v = fallback;
    if (line) parse_int(trim(line), INT64_MIN, INT64_MAX, &v);
    free(line);
    return v;
}

json_t *doctor_run(const struct doctor_input *in, enum doctor_level *worst) {
    json_t *list = json_array();
    *worst = DOCTOR_OK;
    for (size_t i = 0; i < doctor_nchecks; i++) {
        const struct doctor_check *c = doctor_checks[i];
        struct doctor_finding f = {0};
        char page[128];
        c->look(in, &f);
        if (f.level > *worst) *worst = f.level;
        snprintf(page, sizeof page, "docs/warnings.md#%s", c->name);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", c->name, "level",
                                              doctor_level_name(f.level), "seen", f.seen, "why", c->why,
                                              "todo", c->todo, "page", page));
    }
    return list;
}
