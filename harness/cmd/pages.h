/* pages: what a run's folder shows to a reader: report.html, compare.html beside it, and the history that the report
 * draws. Floor 7; no state. */
#ifndef TRINE_HARNESS_PAGES_H
#define TRINE_HARNESS_PAGES_H

#include "base/err.h"

/* Writes them anew. What cannot be made but is not the report itself costs a line on stderr, no more.
 * 0, or an exit code and e. */
int pages_write(const char *run_dir, struct err *e);

#endif
