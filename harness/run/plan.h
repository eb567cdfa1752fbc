/*
 * plan: every point of a run, decided before the first one runs, and their order. A function of (sweep,
 * drivers' descriptions, topology, seed) alone. It is stored in the manifest: a run is resumed from there, so
 * an edited profile or a new driver cannot change a run that has begun.
 *
 * Order: repetition by repetition, so that a run that is broken off has measured everything a little. Inside
 * one, the cells (all that differ in more than the backend) are shuffled, and inside a cell the backends:
 * those that will be compared stand next to each other in time.
 */
#ifndef TRINE_HARNESS_PLAN_H
#define TRINE_HARNESS_PLAN_H

#include "probe/topo.h"
#include "run/catalog.h"
#include "run/sweep.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct plan_options {
    uint64_t seed;
    int64_t reps;            /* of every experiment; 0: the sweep's own */
    struct strlist only;     /* experiments; empty: all */
    struct strlist backends; /* empty: those of the sweep */
    bool lenient;            /* a backend that cannot run an experiment gets points that say so, not a refusal */
};

struct plan {
    json_t *points;         /* array of planned points, in running order; see plan.c */
    json_t *experiments;    /* name -> {title, doc, workload}: what a report needs to caption them */
    struct strlist notices; /* backends that were asked for and are not there */
};

int plan_make(struct plan *p, const struct sweep *s, const struct catalog *c, const struct topo *t,
              const struct plan_options *o, struct err *e);
void plan_free(struct plan *p);

/* The time that a planned point should take, in ms, from its own settings. */
int64_t plan_point_ms(const json_t *planned);
int64_t plan_total_ms(const json_t *points);

#endif
