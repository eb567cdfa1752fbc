/*
 * catalog: the drivers that were found and what each said of itself (--describe). First hit of a name wins,
 * in this order: --driver NAME=PATH, the folder $TRINE_DRIVERS, <trine's folder>/../libexec/trine, the build
 * tree.
 */
#ifndef TRINE_HARNESS_CATALOG_H
#define TRINE_HARNESS_CATALOG_H

#include "base/err.h"
#include "base/text.h"

#include <jansson.h>

struct driver {
    char *name, *path;
    json_t *description; /* NULL: it did not answer, and `why` says how */
    char *why;
};

struct catalog {
    struct driver *v;
    size_t n;
};

/* given: "NAME=PATH" each. Fails only for what was asked for: one of those that is malformed or does not answer,
 * $TRINE_DRIVERS that cannot be read. */
int catalog_find(struct catalog *c, const struct strlist *given, struct err *e);
/* Its two halves, and what may come between them, where one that does not answer or whose name is taken is no fault. c begins
 * as {0}. */
int catalog_add_given(struct catalog *c, const struct strlist *given, struct err *e);
void catalog_add(struct catalog *c, const char *name, const char *path);
int catalog_add_found(struct catalog *c, struct err *e);
/* Puts the drivers trine@a and trine@b in the place of trine: that of each folder, a build or an install tree. */
int catalog_add_builds(struct catalog *c, const char *old_dir, const char *new_dir, struct err *e);
void catalog_free(struct catalog *c);

const struct driver *catalog_driver(const struct catalog *c, const char *name);
/* A workload of a driver's description, or NULL. */
const json_t *driver_workload(const struct driver *d, const char *workload);
/* A parameter of a workload, or (rt.…) of the backend; NULL when it has none of that name. */
const json_t *driver_param(const struct driver *d, const json_t *workload, const char *key);

/* Names of all backends or of all workloads of any backend, sorted, for messages and lists. */
void catalog_backends(const struct catalog *c, struct strlist *out);
void catalog_workloads(const struct catalog *c, struct strlist *out);

#endif
