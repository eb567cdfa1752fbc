/* side: see side.h. */
#include "doors/side.h"
#include "base/file.h"
#include "base/json.h"
#include "base/version.h"
#include "store/manifest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void side_reference_dirs(struct strlist *dirs) {
    char *own = own_dir(), *installed = path_join(own, "../share/trine/reference");
    char *source = path_join(trine_source_dir, "results/reference");
    const char *from_env = getenv("TRINE_REFERENCE");
    if (from_env && *from_env) strlist_add(dirs, from_env);
    strlist_add(dirs, "results/reference");
    strlist_add(dirs, installed);
    strlist_add(dirs, source);
    free(own), free(installed), free(source);
}

static void names_in(const char *dir, struct strlist *names) {
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.' && !strlist_has(names, entries[i]->d_name))
            strlist_add(names, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

/* The folder that a name stands for; NULL and e when there is none. Caller frees. */
static char *resolve(const char *name, struct err *e) {
    struct strlist dirs = {0}, names = {0};
    char *found = NULL, hint[128];
    if (file_exists(name)) return xstrdup(name);
    side_reference_dirs(&dirs);
    for (size_t i = 0; i < dirs.n && !found && !strchr(name, '/'); i++) {
        char *path = path_join(dirs.v[i], name);
        if (file_exists(path))
            found = path;
        else
            free(path);
        names_in(dirs.v[i], &names);
    }
    if (!found)
        err_set(e, TRINE_EXIT_USAGE, "there is no run '%s', as a folder or in results/reference%s", name,
                did_you_mean(hint, sizeof hint, name, (const char *const *)names.v, names.n));
    strlist_free(&dirs), strlist_free(&names);
    return found;
}

static char *last_part(const char *path) {
    char *copy = xstrdup(path);
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) copy[n - 1] = '\0';
    char *slash = strrchr(copy, '/'), *last = xstrdup(slash && slash[1] ? slash + 1 : copy);
    free(copy);
    return last;
}

static void add_notice(struct side *s, char *text) {
    if (text) strlist_add(&s->notices, text);
    free(text);
}

static size_t measured(const json_t *points) {
    const json_t *p;
    size_t i, n = 0;
    json_array_foreach(points, i, p) n += strcmp(json_str(p, "status", ""), "ok") == 0;
    return n;
}

int side_load(struct side *s, const char *name, enum side_need need, struct err *e) {
    *s = (struct side){0};
    s->dir = resolve(name, e);
    if (!s->dir) return e->code;
    s->name = last_part(name);
    s->manifest = manifest_read(s->dir, e);
    char *fault = NULL;
    json_t *all = s->manifest ? store_load(s->dir, &s->damage, e) : NULL;
    if (all) {
        s->env = env_read(s->dir, &fault);
        s->machine_known = !fault;
        s->points = store_latest(all);
        add_notice(s, store_damage_text(s->dir, &s->damage));
        add_notice(s, fault);
    }
    if (s->points && (need == SIDE_POINTS ? json_array_size(s->points) : measured(s->points)) == 0) {
        char *why = strlist_join(&s->notices, "; ");
        err_set(e, TRINE_EXIT_INVALID, "%s holds no measured point: run it, or go on with: trine resume %s%s%s%s",
                s->dir, s->dir, *why ? " (" : "", why, *why ? ")" : "");
        free(why);
        json_decref(s->points);
        s->points = NULL;
    }
    json_decref(all);
    if (s->points) return 0;
    side_free(s);
    return e->code;
}

void side_free(struct side *s) {
    free(s->name), free(s->dir);
    strlist_free(&s->notices);
    json_decref(s->manifest), json_decref(s->env), json_decref(s->points);
    *s = (struct side){0};
}

/* The clock sources that the records of a side name, "tsc" or "monotonic, tsc". Caller frees. */
static char *clock_sources(const struct side *s) {
    struct strlist names = {0};
    const json_t *p;
    size_t i;
    json_array_foreach(s->points, i, p) {
        const json_t *clock = json_object_get(json_object_get(p, "record"), "clock");
        const char *source = json_str(clock, "source", "");
        const char *base = json_str(p, "backend", "");
        if (*source && strcmp(base, "go") != 0 && !strlist_has(&names, source)) strlist_add(&names, source);
    }
    char *joined = strlist_join(&names, ", ");
    strlist_free(&names);
    return joined;
}

static void difference(struct strlist *out, const char *what, const char *a, const char *b) {
    if (strcmp(a, b) == 0) return;
    char *text = xasprintf("%s: %s against %s", what, *a ? a : "none", *b ? b : "none");
    strlist_add(out, text);
    free(text);
}

static const char *machine_of(const struct side *s) {
    return json_str(s->env, "machine", json_str(s->manifest, "machine", ""));
}

void side_differences(const struct side *a, const struct side *b, struct strlist *out) {
    char va[32], vb[32], *ca = clock_sources(a), *cb = clock_sources(b);
    const char *pa = json_str(a->manifest, "profile", ""), *pb = json_str(b->manifest, "profile", "");
    snprintf(va, sizeof va, "%lld", (long long)json_int(a->manifest, "version", 0));
    snprintf(vb, sizeof vb, "%lld", (long long)json_int(b->manifest, "version", 0));
    difference(out, "schema", va, vb);
    difference(out, "machine", machine_of(a), machine_of(b));
    difference(out, "profile", pa, pb);
    if (strcmp(pa, pb) == 0 &&
        strcmp(json_str(a->manifest, "profile_text", ""), json_str(b->manifest, "profile_text", "")) != 0)
        strlist_add(out, "profile: the same name, but its text was edited between the two runs");
    if (measured(a->points) && measured(b->points)) difference(out, "clock source", ca, cb); /* a crash names no clock */
    free(ca), free(cb);
}

/* Does the difference begin with one of the kinds, which stand by commas? */
static bool allowed(const char *difference, const char *kinds) {
    for (const char *k = kinds; *k;) {
        size_t len = strcspn(k, ",");
        if (strncmp(difference, k, len) == 0 && difference[len] == ':') return true;
        k += len + (k[len] == ',');
    }
    return false;
}

/* Joins what is not allowed to the refusal; the rest is marked in the output. */
static void sort_out(const struct strlist *differences, const char *kinds_allowed, bool force, struct strlist *refused,
                     struct strlist *marked) {
    for (size_t k = 0; k < differences->n; k++) {
        const char *d = differences->v[k];
        if (!force && !allowed(d, kinds_allowed))
            strlist_add(refused, d);
        else if (!strlist_has(marked, d))
            strlist_add(marked, d);
    }
}

int side_refuse(const struct side *sides, size_t n, const char *kinds_allowed, bool force,
                struct strlist *marked, struct err *e) {
    int rc = 0;
    for (size_t i = 1; i < n && !rc; i++) {
        struct strlist differences = {0}, refused = {0};
        side_differences(&sides[0], &sides[i], &differences);
        sort_out(&differences, kinds_allowed, force, &refused, marked);
        if (refused.n) {
            char *all = strlist_join(&refused, "; ");
            bool machines = strncmp(refused.v[0], "machine", 7) == 0;
            rc = err_set(e, TRINE_EXIT_USAGE, "%s and %s differ in %s; %s--force goes on and marks it", sides[0].name,
                         sides[i].name, all, machines ? "trine compare --machines sets machines side by side, " : "");
            free(all);
        }
        strlist_free(&differences), strlist_free(&refused);
    }
    return rc;
}
