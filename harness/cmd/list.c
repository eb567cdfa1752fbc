/* list: what was found: backends, workloads, parameters, profiles. */
#include "base/json.h"
#include "cmd/cmd.h"
#include "run/catalog.h"
#include "run/sweep.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *backends_json(const struct catalog *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++) {
        const struct driver *d = &c->v[i];
        json_t *o = json_pack("{s:s,s:s}", "name", d->name, "path", d->path);
        if (d->description)
            json_object_set(o, "description", d->description);
        else
            json_object_set_new(o, "unavailable", json_string(d->why));
        json_array_append_new(list, o);
    }
    return list;
}

static void print_backends(const struct catalog *c) {
    puts("backends");
    for (size_t i = 0; i < c->n; i++) {
        const struct driver *d = &c->v[i];
        printf("  %-10s %-10s %s%s%s\n", d->name, json_str(d->description, "backend_version", "-"), d->path,
               d->why ? ": " : "", d->why ? d->why : "");
    }
    if (c->n == 0) puts("  none found; build the benches, or give --driver NAME=PATH");
}

/* The first description of a workload, and the backends that can run it. */
static void print_workload(const struct catalog *c, const char *name) {
    struct strlist on = {0};
    const json_t *shown = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const json_t *w = driver_workload(&c->v[i], name);
        if (!w) continue;
        if (!shown) shown = w;
        if (json_flag(w, "applicable", true)) strlist_add(&on, c->v[i].name);
    }
    char *backends = strlist_join(&on, " ");
    printf("  %-10s %s (%s, %s) on %s\n", name, json_str(shown, "doc", ""), json_str(shown, "metric", "?"),
           json_str(shown, "unit", "?"), backends);
    free(backends);
    strlist_free(&on);
}

static void print_param(const json_t *p) {
    const json_t *choice;
    size_t i;
    printf("    %-16s %s", json_str(p, "name", "?"), json_str(p, "type", "text"));
    if (json_object_get(p, "min")) printf(" %.15g", json_num(p, "min", 0));
    if (json_object_get(p, "max")) printf(" to %.15g", json_num(p, "max", 0));
    json_array_foreach(json_object_get(p, "choices"), i, choice)
        printf("%s%s", i ? "|" : " ", json_string_value(choice));
    printf(", default %s: %s\n", json_str(p, "default", "-"), json_str(p, "doc", ""));
}

static void print_params(const struct catalog *c, const struct strlist *workloads) {
    const json_t *p;
    size_t i, k;
    puts("parameters");
    for (i = 0; i < workloads->n; i++) {
        const json_t *w = NULL;
        for (k = 0; k < c->n && !w; k++) w = driver_workload(&c->v[k], workloads->v[i]);
        printf("  %s\n", workloads->v[i]);
        json_array_foreach(json_object_get(w, "params"), k, p) print_param(p);
    }
    for (i = 0; i < c->n; i++) {
        const json_t *own = json_object_get(c->v[i].description, "rt_params");
        if (json_array_size(own) == 0) continue;
        printf("  every workload on %s\n", c->v[i].name);
        json_array_foreach(own, k, p) print_param(p);
    }
}

/* [{"name","doc","metric","unit","backends"}] */
static json_t *workloads_json(const struct catalog *c, const struct strlist *workloads) {
    static const char *const told[] = {"name", "doc", "metric", "unit"};
    json_t *list = json_array();
    for (size_t i = 0; i < workloads->n; i++) {
        json_t *o = json_object(), *on = json_array();
        for (size_t k = 0; k < c->n; k++) {
            const json_t *w = driver_workload(&c->v[k], workloads->v[i]);
            for (size_t t = 0; w && t < sizeof told / sizeof *told; t++)
                if (!json_object_get(o, told[t])) json_object_set(o, told[t], json_object_get(w, told[t]));
            if (w && json_flag(w, "applicable", true)) json_array_append_new(on, json_string(c->v[k].name));
        }
        json_object_set_new(o, "backends", on);
        json_array_append_new(list, o);
    }
    return list;
}

/* [{"workload"|"backend","params"}]: those of each workload, as the first driver that has it describes them, then those that
 * every workload has on a backend. */
static json_t *params_json(const struct catalog *c, const struct strlist *workloads) {
    json_t *list = json_array();
    for (size_t i = 0; i < workloads->n; i++) {
        const json_t *w = NULL;
        for (size_t k = 0; k < c->n && !w; k++) w = driver_workload(&c->v[k], workloads->v[i]);
        json_array_append_new(list, json_pack("{s:s,s:O?}", "workload", workloads->v[i], "params", json_object_get(w, "params")));
    }
    for (size_t i = 0; i < c->n; i++) {
        json_t *own = json_object_get(c->v[i].description, "rt_params");
        if (json_array_size(own))
            json_array_append_new(list, json_pack("{s:s,s:O}", "backend", c->v[i].name, "params", own));
    }
    return list;
}

static int is_profile(const struct dirent *d) {
    size_t n = strlen(d->d_name);
    return n > 4 && strcmp(d->d_name + n - 4, ".ini") == 0;
}

/* [{"name","title","path"}]; of a name in two folders the first. */
static json_t *profiles_json(void) {
    struct strlist dirs = {0}, seen = {0};
    json_t *list = json_array();
    sweep_profile_dirs(&dirs);
    for (size_t i = 0; i < dirs.n; i++) {
        struct dirent **entries;
        int n = scandir(dirs.v[i], &entries, is_profile, alphasort);
        for (int k = 0; k < n; k++) {
            char *path = xasprintf("%s/%s", dirs.v[i], entries[k]->d_name);
            struct sweep s;
            struct err e;
            if (!strlist_has(&seen, entries[k]->d_name) && sweep_load(&s, path, &e) == 0) {
                json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", s.name, "title", s.title ? s.title : "",
                                                      "path", path));
                strlist_add(&seen, entries[k]->d_name);
                sweep_free(&s);
            }
            free(path);
            free(entries[k]);
        }
        if (n >= 0) free(entries);
    }
    strlist_free(&dirs);
    strlist_free(&seen);
    return list;
}

static void print_profiles(void) {
    json_t *list = profiles_json();
    const json_t *p;
    size_t i;
    puts("profiles");
    json_array_foreach(list, i, p) printf("  %-10s %s\n", json_str(p, "name", ""), json_str(p, "title", ""));
    json_decref(list);
}

static int check_what(const char *what) {
    static const char *const known[] = {"backends", "workloads", "parameters", "profiles"};
    char hint[96];
    struct err e;
    for (size_t i = 0; what && i < 4; i++)
        if (strcmp(known[i], what) == 0) return 0;
    if (!what) return 0;
    err_set(&e, TRINE_EXIT_USAGE, "'%s': expected backends, workloads, parameters or profiles%s", what,
            did_you_mean(hint, sizeof hint, what, known, 4));
    return cmd_fail("list", &e);
}

static bool wants(const char *what, const char *part) {
    return !what || strcmp(what, part) == 0;
}

static void print_all(const struct catalog *c, const struct strlist *workloads, const char *what) {
    if (wants(what, "backends")) print_backends(c);
    if (wants(what, "workloads")) {
        puts("workloads");
        for (size_t i = 0; i < workloads->n; i++) print_workload(c, workloads->v[i]);
    }
    if (what && wants(what, "parameters")) print_params(c, workloads);
    if (wants(what, "profiles")) print_profiles();
}

static void print_json(const struct catalog *c, const struct strlist *workloads, const char *what) {
    json_t *o = !what || strcmp(what, "backends") == 0   ? backends_json(c)
                : strcmp(what, "workloads") == 0  ? workloads_json(c, workloads)
                : strcmp(what, "parameters") == 0 ? params_json(c, workloads)
                                                  : profiles_json();
    char *text = json_pretty(o);
    puts(text);
    free(text);
    json_decref(o);
}

int cmd_list(int argc, char **argv) {
    const char *what = NULL;
    struct strlist drivers = {0}, workloads = {0};
    bool as_json = false;
    const struct option_spec specs[] = {{.name = "json", .flag = &as_json},
                                        {.name = "driver", .list = &drivers}};
    struct catalog c = {0};
    struct err e;
    int rc = options_parse(argc, argv, specs, 2, &what, 1, NULL);
    if (!rc) rc = check_what(what);
    if (!rc && catalog_find(&c, &drivers, &e)) rc = cmd_fail("list", &e);
    catalog_workloads(&c, &workloads);
    if (!rc && as_json) print_json(&c, &workloads, what);
    else if (!rc) print_all(&c, &workloads, what);
    strlist_free(&workloads);
    strlist_free(&drivers);
    catalog_free(&c);
    return rc;
}
