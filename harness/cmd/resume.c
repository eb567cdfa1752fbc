/* resume: goes on with a run from its own manifest and points. */
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "store/manifest.h"

#include <stdio.h>
#include <string.h>

/* The figures of two versions of a driver in one run would be compared without anybody knowing. */
static void warn_of_changes(const json_t *manifest, const struct catalog *c) {
    const char *name;
    const json_t *then;
    json_object_foreach((json_t *)json_object_get(manifest, "drivers"), name, then) {
        const struct driver *d = catalog_driver(c, name);
        const char *was = json_str(then, "version", "unknown");
        const char *is = d && d->description ? json_str(d->description, "backend_version", "unknown") : NULL;
        if (json_object_get(then, "why")) continue; /* it did not answer then either: it has no points */
        if (!is)
            fprintf(stderr, "trine resume: backend %s %s%s; its points stay open\n", name,
                    d ? "does not answer: " : "is not there any more", d ? d->why : "");
        else if (strcmp(was, is) != 0)
            fprintf(stderr, "trine resume: backend %s was version %s when the run began and is %s now\n",
                    name, was, is);
    }
}

/* The drivers given come first, then those of the run itself, from where they were, then those found. One of the run that does
 * not answer any more is no fault of this command: others may have points left. */
static int find_drivers(struct catalog *c, const json_t *manifest, const struct strlist *given, struct err *e) {
    const char *name;
    const json_t *then;
    int rc = catalog_add_given(c, given, e);
    json_object_foreach((json_t *)json_object_get(manifest, "drivers"), name, then)
        if (!rc) catalog_add(c, name, json_str(then, "path", ""));
    return rc ? rc : catalog_add_found(c, e);
}

int cmd_resume(int argc, char **argv) {
    const char *dir = NULL, *budget = NULL, *reruns = NULL;
    struct strlist drivers = {0};
    bool quiet = false;
    const struct option_spec specs[] = {{.name = "budget", .text = &budget},
                                        {.name = "reruns", .text = &reruns},
                                        {.name = "driver", .list = &drivers},
                                        {.name = "quiet", .flag = &quiet}};
    struct catalog catalog = {0};
    int64_t budget_ms = -1, nreruns = -1;
    struct err e;
    size_t n;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &dir, 1, &n);
    if (rc) {
        strlist_free(&drivers);
        return rc;
    }
    cmd_catch_signals();
    if (!n) err_set(&e, TRINE_EXIT_USAGE, "which run? (trine resume --help)");
    json_t *manifest = n ? manifest_read(dir, &e) : NULL;
    rc = manifest ? parse_limits(budget, reruns, &budget_ms, &nreruns, &e) : e.code;
    if (!rc) rc = find_drivers(&catalog, manifest, &drivers, &e);
    if (rc) {
        cmd_fail("resume", &e);
    } else {
        warn_of_changes(manifest, &catalog);
        rc = session_measure("resume", dir, manifest, &catalog, budget_ms, nreruns, quiet);
    }
    catalog_free(&catalog);
    json_decref(manifest);
    strlist_free(&drivers);
    return rc;
}
