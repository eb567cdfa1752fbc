/*
 * interval: what is known of one quantity: an estimate and a 95 % interval, and whether a statement about it
 * holds over the whole interval, over none of it, or cannot be told. Pure functions.
 */
#ifndef TRINE_HARNESS_INTERVAL_H
#define TRINE_HARNESS_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

enum truth { TRUTH_NO, TRUTH_MAYBE, TRUTH_YES };

/* Why there is no figure, the weightier last. */
enum missing { MISSING_NOTHING, MISSING_HERE, MISSING_BY_NATURE };

enum { REASON_MAX = 400 };

struct value {
    double low, estimate, high;
    enum truth truth; /* of a statement */
    enum missing missing;
    char reason[REASON_MAX]; /* of `missing` */
};

struct value value_exact(double v);
struct value value_missing(enum missing kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * From one figure a process: the median, and an interval for it at `level`. Where the order statistics reach
 * the level (7 processes for one quantity at 95 %, and so in the full form) it is free of any distribution;
 * below that it is Student's t, on logarithms when all figures are positive. One process alone has no
 * interval: low and high are infinite.
 */
struct value value_of_processes(const double *x, size_t n, double level);

/* Two-sided: P(|T| <= result) = level, for df degrees of freedom. */
double student_t(double level, size_t df);

/* The corners of both intervals: covers whenever both do. */
struct value value_add(struct value a, struct value b);
struct value value_sub(struct value a, struct value b);
struct value value_mul(struct value a, struct value b);
struct value value_div(struct value a, struct value b); /* unbounded where b's interval holds 0 */
struct value value_min(struct value a, struct value b);
struct value value_max(struct value a, struct value b);

struct value value_less(struct value a, struct value b, bool or_equal);
/* |a - b| <= tolerance, or <= tolerance x |b| where relative. */
struct value value_near(struct value a, struct value b, double tolerance, bool relative);

struct value value_and(struct value a, struct value b);
struct value value_or(struct value a, struct value b);
struct value value_not(struct value a);

#endif
