/* --describe: what this driver can run, with every parameter's type, range and default. */
#include <jansson.h>

#include "driver.h"

static const char *const type_names[] = {"int", "real", "text", "choice"};

static json_t *describe_param(const struct param *p) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "type", type_names[p->type], "default", p->value,
                          "doc", p->doc);
    if (p->type == PARAM_INT) {
        json_object_set_new(o, "min", json_integer((json_int_t)p->min));
        json_object_set_new(o, "max", json_integer((json_int_t)p->max));
    } else if (p->type == PARAM_REAL) {
        json_object_set_new(o, "min", json_real(p->min));
        json_object_set_new(o, "max", json_real(p->max));
    }
    if (p->choices) {
        json_t *choices = json_array();
        for (const char *const *c = p->choices; *c; c++) json_array_append_new(choices, json_string(*c));
        json_object_set_new(o, "choices", choices);
    }
    return o;
}

static json_t *describe_params(const struct param *p) {
    json_t *list = json_array();
    for (; p->name; p++) json_array_append_new(list, describe_param(p));
    return list;
}

/* Applicability is judged with the defaults, on two processors. */
static json_t *describe_workload(const struct workload *w) {
    struct point pt = {.workload = w, .config = {.procs = 2}, .tasks = w->tasks};
    char reason[POINT_REASON_MAX];
    params_init(&pt.params, w->params);
    params_init(&pt.rt_params, be_rt_params);
    pt.config.rt = &pt.rt_params;
    if (w->prepare) w->prepare(&pt);
    bool applicable = driver_applicable(&pt, reason, sizeof reason);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:b, s:s}", "name", w->name, "doc", w->doc,
                     "metric", w->metric, "unit", w->unit, "better", w->better, "tasks", (json_int_t)w->tasks,
                     "tasks_min", (json_int_t)w->tasks_min, "tasks_max", (json_int_t)w->tasks_max, "params",
                     describe_params(w->params), "applicable", applicable, "reason", reason);
    if (w->is_signed) json_object_set_new(o, "signed", json_true());
    return o;
}

json_t *driver_description(void) {
    json_t *workloads = json_array();
    for (size_t i = 0; all_workloads[i]; i++) json_array_append_new(workloads, describe_workload(all_workloads[i]));
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "schema", "trine-driver", "protocol", DRIVER_PROTOCOL,
                     "backend", be_name, "backend_version", be_version, "procs_meaning", be_procs_meaning,
                     "workloads", workloads, "rt_params", describe_params(be_rt_params));
}
