/*
 * measure: the points of a run as what statistics want: for each (experiment, cell, backend, metric) one
 * value a process. Only valid points count; how many were left out is kept beside. Floor 4; pure.
 */
#ifndef TRINE_HARNESS_MEASURE_H
#define TRINE_HARNESS_MEASURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum measure_kind {
    MEASURE_MEDIAN, /* the median of a process's samples */
    MEASURE_TAIL,   /* a process's p99 */
    MEASURE_COUNT,  /* per operation: what no clock touches */
};

struct measure {
    char *name; /* "switch/procs 2, tasks 2/trine/switch_ns": unique together with the build */
    char *experiment, *cell, *metric, *unit;
    char *backend; /* without the build */
    char *build;   /* "a", "b" of an interleaved run; else "" */
    enum measure_kind kind;
    bool higher_is_better;
    double *v; /* one a valid process, in the order of the run */
    size_t n, ninvalid, nfailed;
};

struct measures {
    struct measure *v;
    size_t n;
};

void measures_of(const json_t *points, struct measures *out);
void measures_free(struct measures *m);

/* The one of that name and build, or NULL. */
const struct measure *measures_find(const struct measures *m, const char *name, const char *build);
/* As measures_find, but on whatever backend: by experiment, cell and metric. */
const struct measure *measures_like(const struct measures *m, const struct measure *like,
                                    const char *backend);
bool measures_have_builds(const struct measures *m);

/* "procs 2, tasks 100, ws_kib 16": what tells the cells of an experiment apart. Caller frees. */
char *measure_cell(const json_t *point);
bool measure_positive(const struct measure *m); /* each value is above 0, so that there are ratios */
/* A process's value of its primary metric: the median of its samples; NaN when it has none. */
double measure_primary(const json_t *point);
/* The record's histogram of that name, or NULL. To be freed with hist_free. */
struct hist *measure_histogram(const json_t *point, const char *name);

#endif
