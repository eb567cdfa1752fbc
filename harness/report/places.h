/* Which series stands where in a figure, and the text of the data behind it. */
#ifndef TRINE_REPORT_PLACES_H
#define TRINE_REPORT_PLACES_H

#include "base/text.h"
#include "report/series.h"

#include <stdint.h>

#define FIGURE_OF_HOGS                                                                                       \
    "load-hogs" /* the only one of points that ran beside computing tasks, and of no others */

enum figure_kind {
    FIGURE_PLACES,
    FIGURE_PROCS, /* places, a panel for each number of Ps */
    FIGURE_STEAL,
    FIGURE_PERCENTILES,
    FIGURE_NOISE,
    FIGURE_THREADS,
    FIGURE_HEATMAP,
    FIGURE_HISTORY,
    FIGURE_PEERS
};

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
    struct strlist panels; /* of small multiples: the title of each */
    struct strlist marks;  /* of each panel "x:TEXT x:TEXT": lines to mark it with; empty where no panel has any */
    struct strbuf dat, csv;
    struct strbuf note; /* what the caption must add: which points were drawn */
    int64_t procs;      /* of the panel that is collected; 0: the figure is a single one */
    const char *experiment;               /* the only one whose series are taken; NULL: of all */
    struct strlist present, raw, invalid; /* backends that have such a block */
    size_t least_n, most_n;               /* repetitions of a place */
    size_t nhidden;                       /* series whose place another one holds */
    size_t ndrawn, ninterval;             /* places with a median; those whose interval is one at 95 % */
};

/* Fills data for one figure; nothing present: there is no such measurement in the run. */
void figure_collect(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d);
/* The blocks of d->procs of d->experiment: BACKEND:PROCS:median, :raw and :invalid. Their names are appended
 * to blocks. */
void figure_collect_panel(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                          const struct strlist *backends, struct strlist *blocks);
void figure_data_free(struct figure_data *d);

bool figure_lists(const char *list, const char *word); /* a word of a list by commas; "*" has them all */
/* Whether a series is of the figure's workloads and has its metric; only the figure over pinning takes pinned ones. */
bool figure_wants(const struct rep_series *s, const struct figure_spec *spec);

/* The backends of the run, the known four first. */
void run_backends(const struct rep_run *run, struct strlist *out);
#endif
