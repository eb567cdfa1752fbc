/* summary: the table of the main figures that a run ends with: one row a cell, one column a backend. */
#ifndef TRINE_HARNESS_SUMMARY_H
#define TRINE_HARNESS_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

/* points: those that count (store_latest). The figure is the median over the processes of each one's median
 * sample. */
void summary_print(FILE *out, const json_t *points);

#endif
