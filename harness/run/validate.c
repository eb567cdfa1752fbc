/* validate: see validate.h. No state. */
#include "run/validate.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The backends that trine comes with: a build without Go, say, still runs every profile. */
static const char *const well_known[] = {"trine", "pthread", "pool", "go", "bare", "boost", "tbb", "tokio"};
enum { WELL_KNOWN = sizeof well_known / sizeof *well_known, PEERS_FROM = 4 };

static const char *const known_workloads[] = {"pingpong", "yield", "spawn",  "cpu",     "mix", "block", "net",
                                              "sleepers", "steal", "memory", "latency", "hol", "wake", "locality",
                                              "fib", "skynet", "chanbuf", "select", "mutex", "idle", "switch", "echo"};

static bool among(const char *const *words, size_t n, const char *word) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0) return true;
    return false;
}

static const char *suggest(char *out, size_t bytes, const char *word, const struct strlist *names) {
    return did_you_mean(out, bytes, word, (const char *const *)names->v, names->n);
}

static const char *why_missing(const struct catalog *c, const char *name) {
    const struct driver *d = catalog_driver(c, name);
    return d ? d->why : "no driver found";
}

static bool usable(const struct catalog *c, const char *name) {
    const struct driver *d = catalog_driver(c, name);
    return d && d->description;
}

int validate_backends(const struct strlist *wanted, const struct catalog *c, struct err *e) {
    struct strlist known = {0};
    char hint[96];
    int rc = 0;
    catalog_backends(c, &known);
    for (size_t i = 0; i < wanted->n && !rc; i++) {
        const char *name = wanted->v[i];
        if (usable(c, name)) continue;
        char *all = strlist_join(&known, " ");
        rc = err_set(e, TRINE_EXIT_USAGE, "backend '%s': %s; there are: %s%s", name, why_missing(c, name),
                     *all ? all : "none", suggest(hint, sizeof hint, name, &known));
        free(all);
    }
    strlist_free(&known);
    return rc;
}

static int unknown_backend(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                           const char *name, struct err *e) {
    struct strlist known = {0};
    char hint[96];
    catalog_backends(c, &known);
    for (size_t i = 0; i < WELL_KNOWN; i++)
        if (!strlist_has(&known, well_known[i])) strlist_add(&known, well_known[i]);
    err_set(e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] unknown backend '%s'%s", s->path, x->backends.line,
            x->name, name, suggest(hint, sizeof hint, name, &known));
    strlist_free(&known);
    return e->code;
}

static void notice(struct strlist *notices, const char *name, const char *why) {
    char *text = xasprintf("backend %s is left out: %s", name, why);
    if (!strlist_has(notices, text)) strlist_add(notices, text);
    free(text);
}

/* A name, or where two builds of it are measured, both. */
static void ask(struct strlist *asked, const struct catalog *c, const char *name) {
    bool builds = false;
    for (size_t i = 0; i < c->n; i++) {
        const char *at = strchr(c->v[i].name, '@');
        if (!at || strlen(name) != (size_t)(at - c->v[i].name) ||
            strncmp(c->v[i].name, name, strlen(name)) != 0)
            continue;
        strlist_add(asked, c->v[i].name);
        builds = true;
    }
    if (!builds) strlist_add(asked, name);
}

bool is_peer(const char *backend) {
    return among(well_known + PEERS_FROM, WELL_KNOWN - PEERS_FROM, backend);
}

/* `all` leaves out the peers, which would make every profile longer, unless they are asked for by name. */
static void ask_all(struct strlist *asked, const struct catalog *c, const struct strlist *wanted) {
    struct strlist found = {0};
    catalog_backends(c, &found);
    for (size_t i = 0; i < found.n; i++)
        if (!is_peer(found.v[i]) || strlist_has(wanted, found.v[i])) strlist_add(asked, found.v[i]);
    strlist_free(&found);
}

/* --backends trine means both builds of it. */
static bool wants(const struct strlist *wanted, const char *name) {
    char *base = xstrndup(name, strcspn(name, "@"));
    bool yes = wanted->n == 0 || strlist_has(wanted, name) || strlist_has(wanted, base);
    free(base);
    return yes;
}

static int choose_backends(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                           const struct strlist *wanted, struct strlist *out, struct strlist *notices,
                           struct err *e) {
    struct strlist asked = {0};
    int rc = 0;
    for (size_t i = 0; i < x->backends.list.n; i++) {
        if (strcmp(x->backends.list.v[i], "all") == 0)
            ask_all(&asked, c, wanted);
        else
            ask(&asked, c, x->backends.list.v[i]);
    }
    for (size_t i = 0; i < asked.n && !rc; i++) {
        const char *name = asked.v[i];
        bool known = among(well_known, WELL_KNOWN, name);
        if (!wants(wanted, name)) continue;
        if (usable(c, name) && !strlist_has(out, name))
            strlist_add(out, name);
        else if (!usable(c, name) && !known && !catalog_driver(c, name))
            rc = unknown_backend(s, x, c, name, e);
        else if (!usable(c, name))
            notice(notices, name, why_missing(c, name));
    }
    strlist_free(&asked);
    return rc;
}

static void leave_out(const struct experiment *x, struct strlist *notices) {
    char *text = xasprintf("experiment %s is left out: no driver has the workload %s", x->name, x->workload);
    if (!strlist_has(notices, text)) strlist_add(notices, text);
    free(text);
}

/* *there: some driver has it. A workload of trine's own that no driver has is left out with a notice: whoever
 * brings a driver with three workloads can still run every profile. */
static int check_workload(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                          bool *there, struct strlist *notices, struct err *e) {
    struct strlist known = {0};
    char hint[96];
    int rc = 0;
    catalog_workloads(c, &known);
    *there = strlist_has(&known, x->workload);
    if (!*there && among(known_workloads, sizeof known_workloads / sizeof *known_workloads, x->workload)) {
        leave_out(x, notices);
    } else if (!*there) {
        rc = err_set(e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] no driver has a workload '%s'%s", s->path,
                     x->workload_line, x->name, x->workload, suggest(hint, sizeof hint, x->workload, &known));
    }
    strlist_free(&known);
    return rc;
}

/* NULL, or what was expected instead of the value. */
static const char *value_fault(const json_t *param, const char *value, char *out, size_t bytes) {
    const char *type = json_str(param, "type", "text");
    const json_t *choices = json_object_get(param, "choices"), *choice;
    size_t i;
    if (strcmp(type, "int") == 0 || strcmp(type, "real") == 0) {
        double min = json_num(param, "min", -9e18), max = json_num(param, "max", 9e18);
        char *end;
        double v = strtod(value, &end);
        int64_t whole;
        bool number = *value && !*end && (type[0] == 'r' || parse_int(value, INT64_MIN, INT64_MAX, &whole));
        if (number && v >= min && v <= max) return NULL;
        snprintf(out, bytes, "expected %s from %.15g to %.15g",
                 type[0] == 'i' ? "a whole number" : "a number", min, max);
        return out;
    }
    if (strcmp(type, "choice") != 0) return NULL;
    struct strbuf all = {0};
    json_array_foreach(choices, i, choice) {
        if (json_is_string(choice) && strcmp(json_string_value(choice), value) == 0) {
            strbuf_free(&all);
            return NULL;
        }
        strbuf_printf(&all, "%s%s", i ? " " : "", json_is_string(choice) ? json_string_value(choice) : "?");
    }
    snprintf(out, bytes, "expected one of: %s", strbuf_str(&all));
    strbuf_free(&all);
    return out;
}

static void param_names(const struct driver *d, const json_t *w, struct strlist *out) {
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(w, "params"), i, p) strlist_add(out, json_str(p, "name", ""));
    json_array_foreach(json_object_get(d->description, "rt_params"), i, p)
        strlist_add(out, json_str(p, "name", ""));
}

/* On one backend. *known says whether it has the parameter at all. */
static int check_param(const struct sweep *s, const struct experiment *x, const struct sweep_param *p,
                       const struct driver *d, bool *known, struct err *e) {
    const json_t *w = driver_workload(d, x->workload);
    const json_t *param = driver_param(d, w, p->key);
    char expected[256], hint[96];
    if (!param && (!w || strncmp(p->key, "rt.", 3) == 0)) return 0;
    if (!param) {
        struct strlist names = {0};
        param_names(d, w, &names);
        err_set(e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] workload %s on %s has no parameter '%s'%s",
                s->path, p->values.line, x->name, x->workload, d->name, p->key,
                suggest(hint, sizeof hint, p->key, &names));
        strlist_free(&names);
        return e->code;
    }
    *known = true;
    for (size_t i = 0; i < p->values.list.n; i++)
        if (value_fault(param, p->values.list.v[i], expected, sizeof expected))
            return err_set(e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] param.%s = %s: %s", s->path,
                           p->values.line, x->name, p->key, p->values.list.v[i], expected);
    return 0;
}

static bool workload_among(const struct experiment *x, const struct catalog *c, const struct strlist *backends) {
    for (size_t k = 0; k < backends->n; k++)
        if (driver_workload(catalog_driver(c, backends->v[k]), x->workload)) return true;
    return false;
}

static int check_params(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                        const struct strlist *backends, bool some_left_out, struct err *e) {
    for (size_t i = 0; i < x->nparams; i++) {
        const struct sweep_param *p = &x->params[i];
        bool known = some_left_out && strncmp(p->key, "rt.", 3) == 0; /* it may be theirs */
        if (!workload_among(x, c, backends)) known = true;            /* so are all of its parameters */
        for (size_t k = 0; k < backends->n; k++) {
            int rc = check_param(s, x, p, catalog_driver(c, backends->v[k]), &known, e);
            if (rc) return rc;
        }
        /* a knob of a backend that is left out of this run is no mistake, a knob that nobody has is */
        bool elsewhere = false;
        for (size_t k = 0; k < c->n; k++) elsewhere |= driver_param(&c->v[k], NULL, p->key) != NULL;
        if (!known && !elsewhere && backends->n)
            return err_set(e, TRINE_EXIT_USAGE, "%s:%d: [experiment %s] no backend has a parameter '%s'",
                           s->path, p->values.line, x->name, p->key);
    }
    return 0;
}

int validate_experiment(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                        const struct strlist *wanted, struct strlist *backends, struct strlist *notices,
                        struct err *e) {
    bool there;
    int rc = check_workload(s, x, c, &there, notices, e);
    if (!rc && !there) return 0;
    if (!rc) rc = choose_backends(s, x, c, wanted, backends, notices, e);
    if (!rc) rc = check_params(s, x, c, backends, notices->n > 0, e);
    return rc;
}

int validate_leniently(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                       const struct strlist *wanted, struct strlist *backends, struct strlist *notices,
                       struct err *e) {
    struct strlist known = {0};
    catalog_workloads(c, &known);
    bool there = strlist_has(&known, x->workload);
    strlist_free(&known);
    if (there) return choose_backends(s, x, c, wanted, backends, notices, e);
    leave_out(x, notices);
    return 0;
}

char *validate_on(const struct experiment *x, const struct driver *d) {
    const json_t *w = driver_workload(d, x->workload);
    char expected[256];
    if (!w) return xasprintf("%s has no workload %s", d->name, x->workload);
    for (size_t i = 0; i < x->nparams; i++) {
        const struct sweep_param *p = &x->params[i];
        const json_t *param = driver_param(d, w, p->key);
        if (!param && strncmp(p->key, "rt.", 3) != 0)
            return xasprintf("workload %s on %s has no parameter '%s'", x->workload, d->name, p->key);
        for (size_t k = 0; param && k < p->values.list.n; k++)
            if (value_fault(param, p->values.list.v[k], expected, sizeof expected))
                return xasprintf("param.%s = %s on %s: %s", p->key, p->values.list.v[k], d->name, expected);
    }
    return NULL;
}
