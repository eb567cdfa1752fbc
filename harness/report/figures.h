/* The figures of a report: which points each is drawn from, its caption, and the SVG that gnuplot makes of
 * it. */
#ifndef TRINE_REPORT_FIGURES_H
#define TRINE_REPORT_FIGURES_H

#include "base/text.h"
#include "report/places.h"
#include "report/series.h"

#define FIGURE_OF_HISTORY "history"

struct figure {
    const char *name, *title;
    enum figure_kind kind;
    char *see;                      /* what to look for */
    char *note;                     /* how many, which interval, what is absent and why */
    char *svg;                      /* NULL: not drawn, the note says why */
    char *csv;                      /* what it was drawn from; NULL when there is nothing */
};

/* Whether the figure stands beside the table of its own section, not among the others. */
bool figure_beside_table(const struct figure *f);

/* All figures in the report's order, written to run_dir/figures as well. *n of them; free with figures_free.
 */
struct figure *figures_make(const struct rep_run *run, const char *run_dir, size_t *n, FILE *log);
void figures_free(struct figure *f, size_t n);
#endif
