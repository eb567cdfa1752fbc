/* Small multiples over GOMAXPROCS: of one experiment, since a figure that takes its panels from several would
 * show what else differs between them. */
#include "report/curves.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { PANELS_MAX = 6 };

/* Different values of a number among the figure's series of an experiment; at most `room`, in the order of
 * the plan. */
static size_t different(const struct rep_run *run, const struct figure_spec *spec, const char *experiment,
                        const char *key, int64_t *values, size_t room) {
    size_t n = 0;

    for (size_t i = 0; i < run->nseries; i++) {
        const json_t *first = run->series[i].first;
        int64_t v = json_int(first, key, 0);
        size_t k = 0;

        if (strcmp(json_str(first, "experiment", ""), experiment) != 0 ||
            !figure_wants(&run->series[i], spec))
            continue;
        while (k < n && values[k] != v) k++;
        if (k == n && n < room) values[n++] = v;
    }
    return n;
}

/* The first experiment, by the figure's order of workloads and then the plan's, that sweeps both; NULL: there
 * is none. */
static const char *choose(const struct rep_run *run, const struct figure_spec *spec) {
    struct strlist workloads = {0};
    const char *found = NULL;
    int64_t two[2];

    strlist_split(&workloads, spec->workloads, ",");
    for (size_t w = 0; w < workloads.n && found == NULL; w++)
        for (size_t i = 0; i < run->nseries && found == NULL; i++) {
            const char *experiment = json_str(run->series[i].first, "experiment", "");

            if (strcmp(json_str(run->series[i].first, "workload", ""), workloads.v[w]) == 0 &&
                different(run, spec, experiment, "procs", two, 2) == 2 &&
                different(run, spec, experiment, "tasks", two, 2) == 2)
                found = experiment;
        }
    strlist_free(&workloads);
    return found;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void panel(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                  const struct strlist *backends, int64_t procs) {
    struct strlist blocks = {0};
    char *title = xasprintf("GOMAXPROCS %lld", (long long)procs), *names;

    d->procs = procs;
    figure_collect_panel(run, spec, d, backends, &blocks);
    names = strlist_join(&blocks, " ");
    strlist_add(&d->panels, title), strlist_add(&d->marks, names);
    for (size_t i = 0; i < d->nplaces; i++) free(d->places[i].label);
    d->nplaces = 0;
    strlist_free(&blocks), free(title), free(names);
}

void collect_procs(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends) {
    int64_t procs[PANELS_MAX];

    d->experiment = choose(run, spec);
    if (d->experiment == NULL) return;
    size_t n = different(run, spec, d->experiment, "procs", procs, PANELS_MAX);
    qsort(procs, n, sizeof procs[0], ascending);
    strbuf_puts(&d->csv, "backend,kind,procs,tasks,value,low,high,n\n");
    for (size_t i = 0; i < n; i++) panel(run, spec, d, backends, procs[i]);
    strbuf_printf(&d->note, "All of experiment %s, the panels on the same axes. ", d->experiment);
}
