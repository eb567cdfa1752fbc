/*
 * cells: which points of a run are what profile peers measures. The name of an experiment promises nothing: other
 * profiles have a `switch` and a `memory` too, of other workloads and sizes. See peers.h.
 */
#include "base/json.h"
#include "base/text.h"
#include "peers/peers.h"
#include "run/expr.h"

#include <stdlib.h>
#include <string.h>

static const struct experiment *experiment_of(const struct sweep *profile, const char *name) {
    for (size_t i = 0; i < profile->n; i++)
        if (strcmp(profile->experiments[i].name, name) == 0) return &profile->experiments[i];
    return NULL;
}

/* Is the point's value (NULL: the driver's own) among the experiment's? Its numbers do not depend on the machine. */
static bool has_number(const struct strlist *values, const json_t *v) {
    for (size_t i = 0; i < values->n; i++) {
        int64_t n;
        if (!json_is_integer(v) ? strcmp(values->v[i], "default") == 0
                                : expr_eval(values->v[i], 1, &n) && n == json_integer_value(v))
            return true;
    }
    return false;
}

static char *differs(const char *what, const char *here, const struct strlist *there) {
    char *all = strlist_join(there, " or ");
    char *text = xasprintf("%s %s, not %s", what, *here ? here : "unset", *all ? all : "unset");
    free(all);
    return text;
}

static char *number_differs(const char *what, const json_t *v, const struct strlist *there) {
    char here[32] = "default";
    if (json_is_integer(v)) snprintf(here, sizeof here, "%lld", (long long)json_integer_value(v));
    return differs(what, here, there);
}

/* A knob of another backend's runtime does not stand in the point. */
static char *param_differs(const struct experiment *x, const json_t *params) {
    static const struct strlist none = {0};
    const char *key;
    json_t *v;
    for (size_t i = 0; i < x->nparams; i++) {
        const char *name = x->params[i].key, *here = json_str(params, name, "");
        if (strlist_has(&x->params[i].values.list, here) || (!*here && strncmp(name, "rt.", 3) == 0)) continue;
        return differs(name, here, &x->params[i].values.list);
    }
    json_object_foreach((json_t *)params, key, v) {
        bool known = false;
        for (size_t i = 0; i < x->nparams; i++) known |= strcmp(x->params[i].key, key) == 0;
        if (!known) return differs(key, json_str(params, key, "?"), &none);
    }
    return NULL;
}

/* "tasks 10000, not 1000000"; NULL: the point is of the experiment. Caller frees. */
static char *difference(const struct experiment *x, const json_t *p) {
    const json_t *procs = json_object_get(p, "procs"), *tasks = json_object_get(p, "tasks");
    const char *workload = json_str(p, "workload", ""), *pin = json_str(p, "pin", "none");
    if (strcmp(workload, x->workload) != 0) return xasprintf("workload %s, not %s", workload, x->workload);
    if (!has_number(&x->procs.list, procs)) return number_differs("procs", procs, &x->procs.list);
    if (!has_number(&x->tasks.list, tasks)) return number_differs("tasks", tasks, &x->tasks.list);
    if (!strlist_has(&x->pins.list, pin)) return differs("pin", pin, &x->pins.list);
    double quota = json_num(p, "quota_cpus", 0);
    if (quota < x->quota_cpus || quota > x->quota_cpus) return xasprintf("quota %g, not %g", quota, x->quota_cpus);
    return param_differs(x, json_object_get(p, "params"));
}

json_t *peers_points(const struct sweep *profile, const json_t *points) {
    json_t *kept = json_array(), *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p) {
        const struct experiment *x = experiment_of(profile, json_str(p, "experiment", ""));
        char *why = x ? difference(x, p) : NULL;
        if (!why) json_array_append(kept, p);
        free(why);
    }
    return kept;
}

char *peers_absent(const struct sweep *profile, const char *experiment, const json_t *points) {
    const struct experiment *x = experiment_of(profile, experiment);
    char *why = NULL;
    json_t *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p) {
        if (strcmp(json_str(p, "experiment", ""), experiment) != 0) continue;
        char *this = x ? difference(x, p) : NULL;
        if (!this) {
            free(why);
            return NULL;
        }
        if (why) free(this);
        else why = this;
    }
    return why;
}

size_t peers_unready(const struct sweep *profile, const json_t *points, const char **why) {
    size_t i, n = 0;
    json_t *p;
    json_array_foreach((json_t *)points, i, p) {
        const struct experiment *x = experiment_of(profile, json_str(p, "experiment", ""));
        const json_t *bytes = json_object_get(json_object_get(p, "outside"), "readied_bytes");
        if (!x || !x->ready_mib || strcmp(json_str(p, "status", ""), "ok") != 0 || json_is_integer(bytes)) continue;
        if (!n++) *why = json_str(bytes, "unavailable", "it was not asked for");
    }
    return n;
}
