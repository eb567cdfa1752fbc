/*
 * A start gate: tasks gather, the clock starts, all run, the clock stops when the last has left.
 * So the cost of making tasks stays outside of what is measured. One gate serves one batch.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "point.h"

struct gate {
    struct be_wg ready, open, left;
};

static inline void gate_init(struct gate *g, uint64_t tasks) {
    *g = (struct gate){0};
    be_wg_add(&g->ready, (int)tasks);
    be_wg_add(&g->left, (int)tasks);
    be_wg_add(&g->open, 1);
}

/* Tasks that wait for each other cannot be half made: when one is missing the rest would hang, so the driver says
 * why and ends with the exit status of a failed workload. */
static inline void gate_go(struct point *pt, struct gate *g, be_fn fn, void *arg) {
    (void)g;
    if (point_go(pt, fn, arg)) return;
    fprintf(stderr, "trine-driver-%s: %s: %s\n", be_name, pt->workload->name, pt->reason);
    exit(1);
}

static inline void gate_wait(struct gate *g) {
    be_wg_done(&g->ready);
    be_wg_wait(&g->open);
}

static inline void gate_leave(struct gate *g) { be_wg_done(&g->left); }

/* Opens the gate when all are there; returns the time until all have left. */
static inline int64_t gate_run(struct gate *g) {
    be_wg_wait(&g->ready);
    int64_t start_ns = point_now();
    be_wg_done(&g->open);
    be_wg_wait(&g->left);
    return point_now() - start_ns;
}
