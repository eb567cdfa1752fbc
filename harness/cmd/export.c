/* export: a run in the format of another tool, on stdout. */
#include "export/export.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "doors/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMATS_MAX = 32 };

static const struct export_format *find(const char *name, struct err *e) {
    const char *names[FORMATS_MAX];
    struct strlist all = {0};
    char hint[96];
    for (size_t i = 0; i < nexport_formats && i < FORMATS_MAX; i++) {
        if (name && strcmp(export_formats[i].name, name) == 0) {
            strlist_free(&all);
            return &export_formats[i];
        }
        names[i] = export_formats[i].name;
        strlist_add(&all, names[i]);
    }
    char *list = strlist_join(&all, ", ");
    err_set(e, TRINE_EXIT_USAGE, "--to %s: expected one of %s%s", name ? name : "(missing)", list,
            name ? did_you_mean(hint, sizeof hint, name, names, all.n) : "");
    free(list);
    strlist_free(&all);
    return NULL;
}

static int check_only(const struct side *run, const struct strlist *only, struct err *e) {
    struct names_there there = {run->name, "experiment or backend", {0}};
    const json_t *p;
    size_t i;
    json_array_foreach(run->points, i, p) names_add(&there, json_str(p, "experiment", ""));
    json_array_foreach(run->points, i, p) names_add(&there, json_str(p, "backend", ""));
    int rc = names_check("--only", only, &there, e);
    names_free(&there);
    return rc;
}

/* Leaves the points of the named experiments and backends alone. */
static int choose(struct side *run, const struct strlist *only, struct err *e) {
    json_t *kept, *p;
    size_t i;
    int rc = check_only(run, only, e);
    if (rc || only->n == 0) return rc;
    kept = json_array();
    json_array_foreach(run->points, i, p) if (strlist_has(only, json_str(p, "experiment", "")) ||
                                              strlist_has(only, json_str(p, "backend", "")))
        json_array_append(kept, p);
    json_decref(run->points);
    run->points = kept;
    return 0;
}

/* Nothing at all is no export of that format: said, instead of an empty file. */
static int write_all(const struct export_format *f, const struct side *run, struct err *e) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return err_set(e, TRINE_EXIT_INFRA, "cannot write %s: %s", f->name, strerror(errno));
    f->write(out, run);
    int rc = fclose(out) == 0 ? 0 : err_set(e, TRINE_EXIT_INFRA, "cannot write %s: %s", f->name, strerror(errno));
    if (!rc && bytes == 0)
        rc = err_set(e, TRINE_EXIT_INVALID, "%s has no valid point with what %s carries", run->name, f->name);
    if (!rc) fwrite(text, 1, bytes, stdout);
    free(text);
    return rc;
}

int cmd_export(int argc, char **argv) {
    const char *to = NULL, *name = NULL;
    struct strlist only = {0};
    const struct option_spec specs[] = {{.name = "to", .text = &to}, {.name = "only", .list = &only}};
    struct side run = {0};
    struct err e;
    size_t n = 0;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &name, 1, &n);
    if (!rc) {
        const struct export_format *f = find(to, &e);
        rc = !f  ? e.code
             : n ? side_load(&run, name, f->need, &e)
                 : err_set(&e, TRINE_EXIT_USAGE, "which run? (trine export --help)");
        if (!rc) cmd_tell("export", &run.notices);
        if (!rc) rc = choose(&run, &only, &e);
        if (!rc) rc = write_all(f, &run, &e);
        if (rc) cmd_fail("export", &e);
    }
    side_free(&run);
    strlist_free(&only);
    return rc;
}
