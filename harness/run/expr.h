/*
 * expr: the numbers of a sweep file. "8", "10k", "n", "2n", "n/2", "n+1", "n-1", "3n/2", where n is the
 * number of CPUs that the run may use; k and M are 1000 and 1,000,000. Division rounds down, and the result
 * is at least 1.
 */
#ifndef TRINE_HARNESS_EXPR_H
#define TRINE_HARNESS_EXPR_H

#include <stdbool.h>
#include <stdint.h>

enum { EXPR_MAX = 100000000 };
bool expr_eval(const char *text, int64_t n, int64_t *out);
/* The same without the least of 1. */
bool expr_raw(const char *text, int64_t n, int64_t *out);

#endif
