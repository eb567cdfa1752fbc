/* report.html of a run's folder: one file that needs no network, with the figures inside it. */
#ifndef TRINE_REPORT_H
#define TRINE_REPORT_H

#include <stdio.h>

/* Writes run_dir/report.html (aside, then renamed) and run_dir/figures. What is missing (gnuplot, a backend,
 * a file) is said in the report and, in a line each, on log. 0, or -1 when nothing could be written. */
int report_write(const char *run_dir, FILE *log);

#endif
