/* Figures whose x is no parameter: each fills its blocks of data for the backends given. Used by places.c alone. */
#ifndef TRINE_REPORT_CURVES_H
#define TRINE_REPORT_CURVES_H

#include "report/places.h"

void collect_percentiles(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                         const struct strlist *backends);
void collect_noise(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends);
void collect_threads(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                     const struct strlist *backends);
/* A panel a backend: its valid point with most windows of latency, at the highest load among them (heat.c). */
void collect_heatmap(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                     const struct strlist *backends);
/* A panel for each GOMAXPROCS of the first experiment that sweeps it and the number of tasks (panels.c). */
void collect_procs(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends);
/* What a move costs a task with a payload, and the controls (steal.c). */
void collect_steal(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends);
/* A panel a series of history.json: those whose level changed first (trend.c). */
void collect_history(const struct rep_run *run, struct figure_data *d);
/* A line a row of peers.json, and on it each peer's ratio with its interval and its target (ratios.c). */
void collect_peers(const struct rep_run *run, struct figure_data *d);
#endif
