/*
 * side: one side of a comparison: a run's folder, or a name in results/reference, read whole. And in what two
 * sides differ that a comparison must not pass over in silence. Floor 4; no state beside the struct.
 */
#ifndef TRINE_HARNESS_SIDE_H
#define TRINE_HARNESS_SIDE_H

#include "base/err.h"
#include "base/text.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct side {
    char *name; /* as the user wrote it; the last part of a path */
    char *dir;
    json_t *manifest, *env;
    bool machine_known; /* env.json is there and whole */
    json_t *points; /* those that count: of each id the last attempt */
    struct store_damage damage; /* of points.jsonl: left out of the points */
    struct strlist notices;     /* what whoever reads the figures must know of how they were read */
};

enum side_need {
    SIDE_FIGURES, /* at least one process was measured, valid or not */
    SIDE_POINTS   /* failures and what could not run tell enough */
};

/* name: a run's folder, or what stands in one of the reference folders. 0 or an exit code with e filled. */
int side_load(struct side *s, const char *name, enum side_need need, struct err *e);
void side_free(struct side *s);

/* The folders of reference results, first hit wins. */
void side_reference_dirs(struct strlist *dirs);

/* "machine: amd-2c against intel-8c" and so on, one for each way in which b is not a's like: schema, machine,
 * profile, clock source. */
void side_differences(const struct side *a, const struct side *b, struct strlist *out);

/* Prints each difference of the sides from the first as a refusal (or a warning when forced). 0, or 2 with e
 * filled. kinds_allowed: names of differences that were asked for ("machine"), by commas; may be "". */
int side_refuse(const struct side *sides, size_t n, const char *kinds_allowed, bool force,
                struct strlist *marked, struct err *e);

#endif
