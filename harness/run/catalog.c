/* catalog: see catalog.h. Owns the descriptions; read-only after catalog_find. */
#include "run/catalog.h"
#include "base/child.h"
#include "base/file.h"
#include "base/json.h"
#include "store/record.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER_PREFIX "trine-driver-"
enum { DESCRIBE_TIMEOUT_MS = 10000, DESCRIBE_MAX_BYTES = 4 << 20 };

const struct driver *catalog_driver(const struct catalog *c, const char *name) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i].name, name) == 0) return &c->v[i];
    return NULL;
}

static const json_t *named(const json_t *list, const char *name) {
    const json_t *o;
    size_t i;
    json_array_foreach(list, i, o) if (strcmp(json_str(o, "name", ""), name) == 0) return o;
    return NULL;
}

const json_t *driver_workload(const struct driver *d, const char *workload) {
    return named(json_object_get(d->description, "workloads"), workload);
}

const json_t *driver_param(const struct driver *d, const json_t *workload, const char *key) {
    const json_t *own = named(json_object_get(workload, "params"), key);
    return own ? own : named(json_object_get(d->description, "rt_params"), key);
}

static void describe(struct driver *d) {
    char *argv[] = {d->path, "--describe", NULL}, why[512];
    struct child_spec spec = {
        .argv = argv, .timeout_ms = DESCRIBE_TIMEOUT_MS, .max_output_bytes = DESCRIBE_MAX_BYTES};
    struct child_result r;
    child_run(&spec, &r);
    if (r.end == CHILD_EXITED && r.code == 0)
        d->description = description_parse(strbuf_str(&r.out), r.out.len, why, sizeof why);
    else if (r.end == CHILD_NOT_STARTED)
        snprintf(why, sizeof why, "cannot be started: %s", strerror(r.code));
    else if (r.end == CHILD_TIMEOUT)
        snprintf(why, sizeof why, "no answer to --describe within %d s", DESCRIBE_TIMEOUT_MS / 1000);
    else
        snprintf(why, sizeof why, "--describe ended with %s %d",
                 r.end == CHILD_SIGNALED ? "signal" : "status", r.code);
    if (!d->description) d->why = xstrdup(why);
    child_result_free(&r);
}

static struct driver *add(struct catalog *c, const char *name, const char *path) {
    if (catalog_driver(c, name) || !file_executable(path)) return NULL;
    c->v = xrealloc(c->v, (c->n + 1) * sizeof *c->v);
    struct driver *d = &c->v[c->n++];
    *d = (struct driver){.name = xstrdup(name), .path = xstrdup(path)};
    describe(d);
    return d;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* False and errno when it cannot be read. */
static bool add_folder(struct catalog *c, const char *dir) {
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, by_name);
    if (n < 0) return false;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        size_t prefix = strlen(DRIVER_PREFIX);
        if (strncmp(name, DRIVER_PREFIX, prefix) == 0 && name[prefix] && !strchr(name + prefix, '.')) {
            char *path = path_join(dir, name);
            add(c, name + prefix, path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    return true;
}

static int add_explicit(struct catalog *c, const char *spec, struct err *e) {
    const char *equals = strchr(spec, '=');
    if (!equals || equals == spec || !equals[1])
        return err_set(e, TRINE_EXIT_USAGE, "--driver %s: expected NAME=PATH", spec);
    char *name = xstrndup(spec, (size_t)(equals - spec)), *path = realpath(equals + 1, NULL);
    struct driver *d = path ? add(c, name, path) : NULL;
    int rc = 0;
    if (!d)
        rc = err_set(e, TRINE_EXIT_USAGE, "--driver %s: %s", spec,
                     catalog_driver(c, name) ? "this name was given already" : "there is no such executable");
    else if (!d->description)
        rc = err_set(e, TRINE_EXIT_INFRA, "--driver %s: %s", spec, d->why);
    free(name);
    free(path);
    return rc;
}

int catalog_add_given(struct catalog *c, const struct strlist *given, struct err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < given->n; i++) rc = add_explicit(c, given->v[i], e);
    return rc;
}

void catalog_add(struct catalog *c, const char *name, const char *path) {
    add(c, name, path);
}

int catalog_find(struct catalog *c, const struct strlist *given, struct err *e) {
    *c = (struct catalog){0};
    int rc = catalog_add_given(c, given, e);
    return rc ? rc : catalog_add_found(c, e);
}

int catalog_add_found(struct catalog *c, struct err *e) {
    static const char *const places[] = {"../libexec/trine", "../benches", "../benches/backends",
                                         "../benches/backends/go", "../benches/go"};
    const char *from_env = getenv("TRINE_DRIVERS");
    if (from_env && *from_env && !add_folder(c, from_env))
        return err_set(e, TRINE_EXIT_USAGE, "cannot read the folder in TRINE_DRIVERS, %s: %s", from_env, strerror(errno));
    char *own = own_dir();
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *joined = path_join(own, places[i]), *dir = realpath(joined, NULL);
        if (dir) add_folder(c, dir);
        free(joined);
        free(dir);
    }
    free(own);
    return 0;
}

static void driver_free(struct driver *d) {
    free(d->name);
    free(d->path);
    free(d->why);
    json_decref(d->description);
}

static void drop(struct catalog *c, const char *name) {
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->v[i].name, name) != 0) continue;
        driver_free(&c->v[i]);
        memmove(&c->v[i], &c->v[i + 1], (--c->n - i) * sizeof *c->v);
    }
}

static int add_build(struct catalog *c, const char *dir, const char *name, struct err *e) {
    static const char *const places[] = {"libexec/trine", "benches", "benches/backends", "."};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *joined = xasprintf("%s/%s/" DRIVER_PREFIX "trine", dir, places[i]),
             *path = realpath(joined, NULL);
        struct driver *d = path ? add(c, name, path) : NULL;
        int rc =
            d && !d->description ? err_set(e, TRINE_EXIT_INFRA, "--ab %s: %s: %s", dir, path, d->why) : 0;
        free(joined);
        free(path);
        if (d) return rc;
    }
    return err_set(e, TRINE_EXIT_USAGE,
                   "--ab %s: there is no " DRIVER_PREFIX "trine in it, in benches/ or in libexec/trine/",
                   dir);
}

int catalog_add_builds(struct catalog *c, const char *old_dir, const char *new_dir, struct err *e) {
    int rc = add_build(c, old_dir, "trine@a", e);
    if (!rc) rc = add_build(c, new_dir, "trine@b", e);
    drop(c, "trine");
    return rc;
}

void catalog_free(struct catalog *c) {
    for (size_t i = 0; i < c->n; i++) driver_free(&c->v[i]);
    free(c->v);
    *c = (struct catalog){0};
}

void catalog_backends(const struct catalog *c, struct strlist *out) {
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].description) strlist_add(out, c->v[i].name);
}

void catalog_workloads(const struct catalog *c, struct strlist *out) {
    for (size_t i = 0; i < c->n; i++) {
        const json_t *w;
        size_t k;
        json_array_foreach(json_object_get(c->v[i].description, "workloads"), k,
                           w) if (!strlist_has(out, json_str(w, "name", "")))
            strlist_add(out, json_str(w, "name", ""));
    }
}
