/* Which series stands where in a figure, and the text of the data behind it. */
#ifndef TRINE_REPORT_PLACES_H
#define TRINE_REPORT_PLACES_H

#include "base/text.h"
#include "report/series.h"

enum figure_kind { FIGURE_PLACES, FIGURE_PERCENTILES, FIGURE_NOISE, FIGURE_THREADS, FIGURE_HEATMAP };

struct figure_spec {
    const char *name, *title, *see;
    enum figure_kind kind;
    const char *workloads; /* list by commas; "*" any */
    const char *metric;    /* as for rep_value */
    const char *x;         /* a coordinate: "procs", "tasks", "pin", "workload", "p:KEY" */
    double scale;          /* values are divided by it */
    const char *xname, *yname;
};

struct place {
    const char *backend;
    char *label; /* the coordinate as text */
    double x;
    const struct rep_series *series;
};

struct figure_data {
    struct place *places;
    size_t nplaces;
    struct strlist labels; /* of a named axis, in order */
    struct strbuf dat, csv;
    struct strlist present, raw, invalid; /* backends that have such a block */
    size_t least_n, most_n;               /* repetitions of a place */
    size_t ndrawn, ninterval;             /* places with a median; those whose interval is one at 95 % */
};

/* Fills data for one figure; nothing present: there is no such measurement in the run. */
void figure_collect(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d);
void figure_data_free(struct figure_data *d);

/* The backends of the run, the known four first. */
void run_backends(const struct rep_run *run, struct strlist *out);
#endif
