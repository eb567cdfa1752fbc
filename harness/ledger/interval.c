/*
 * interval: see interval.h. What is missing in an operand is missing in the result; of two reasons the
 * weightier stays.
 */
#include "ledger/interval.h"
#include "base/text.h"
#include "stats/stats.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct value value_exact(double v) {
    return (struct value){.low = v, .estimate = v, .high = v};
}

struct value value_missing(enum missing kind, const char *fmt, ...) {
    struct value v = {.low = NAN, .estimate = NAN, .high = NAN, .truth = TRUTH_MAYBE, .missing = kind};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v.reason, sizeof v.reason, fmt, ap);
    va_end(ap);
    return v;
}

/* P(|T| <= t): the finite sums that hold for a whole number of degrees of freedom. */
static double student_inside(double t, size_t df) {
    double theta = atan(t / sqrt((double)df)), c = cos(theta), s = sin(theta), term = 1, sum = 1;
    if (df % 2) {
        if (df == 1) return 2 / M_PI * theta;
        for (size_t k = 3; k + 2 <= df; k += 2) sum += term *= c * c * (double)(k - 1) / (double)k;
        return 2 / M_PI * (theta + s * c * sum);
    }
    for (size_t k = 2; k + 2 <= df; k += 2) sum += term *= c * c * (double)(k - 1) / (double)k;
    return s * sum;
}

double student_t(double level, size_t df) {
    double low = 0, high = 1;
    while (student_inside(high, df) < level) high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(student_inside(middle, df) < level ? &low : &high) = middle;
    }
    return high;
}

static void by_student(const double *x, size_t n, double level, struct value *v) {
    double sum = 0, squares = 0, mean;
    bool positive = true;
    for (size_t i = 0; i < n; i++) positive &= x[i] > 0;
    for (size_t i = 0; i < n; i++) sum += positive ? log(x[i]) : x[i];
    mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = (positive ? log(x[i]) : x[i]) - mean;
        squares += d * d;
    }
    double half = student_t(level, n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
    v->low = positive ? exp(mean - half) : mean - half;
    v->high = positive ? exp(mean + half) : mean + half;
}

struct value value_of_processes(const double *x, size_t n, double level) {
    struct value v = value_exact(stat_median(x, n));
    struct stat_interval i;
    bool same = true;
    for (size_t k = 1; k < n; k++) same &= x[k] == x[0];
    if (n == 1) {
        v.low = -INFINITY;
        v.high = INFINITY;
    } else if (!same && stat_quantile_interval(x, n, 0.5, level, &i) == 0) {
        v.low = i.low;
        v.high = i.high;
    } else if (!same) {
        by_student(x, n, level, &v);
        v.low = fmin(v.low, v.estimate);
        v.high = fmax(v.high, v.estimate);
    }
    return v;
}

static bool lost(const struct value *a, const struct value *b, struct value *out) {
    if (!a->missing && !b->missing) return false;
    *out = a->missing >= b->missing ? *a : *b;
    return true;
}

struct value value_add(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return (struct value){.low = a.low + b.low, .estimate = a.estimate + b.estimate, .high = a.high + b.high};
}

struct value value_sub(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return (struct value){.low = a.low - b.high, .estimate = a.estimate - b.estimate, .high = a.high - b.low};
}

/* 0 x infinity is 0: an exact nothing stays nothing. */
static double times(double x, double y) {
    return x == 0 || y == 0 ? 0 : x * y;
}

struct value value_mul(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    double c[4] = {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)};
    v = value_exact(c[0]);
    for (int i = 1; i < 4; i++) {
        v.low = fmin(v.low, c[i]);
        v.high = fmax(v.high, c[i]);
    }
    v.estimate = a.estimate * b.estimate;
    return v;
}

struct value value_div(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    if (b.estimate == 0) return value_missing(MISSING_HERE, "a division by a figure that is 0");
    if (b.low <= 0 && b.high >= 0)
        return (struct value){.low = -INFINITY, .estimate = a.estimate / b.estimate, .high = INFINITY};
    struct value inverse = {.low = 1 / b.high, .estimate = 1 / b.estimate, .high = 1 / b.low};
    v = value_mul(a, inverse);
    v.estimate = a.estimate / b.estimate;
    return v;
}

struct value value_min(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return (struct value){.low = fmin(a.low, b.low),
                          .estimate = fmin(a.estimate, b.estimate),
                          .high = fmin(a.high, b.high)};
}

struct value value_max(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return (struct value){.low = fmax(a.low, b.low),
                          .estimate = fmax(a.estimate, b.estimate),
                          .high = fmax(a.high, b.high)};
}

static struct value statement(enum truth t) {
    return (struct value){.low = NAN, .estimate = NAN, .high = NAN, .truth = t};
}

struct value value_less(struct value a, struct value b, bool or_equal) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    bool all = or_equal ? a.high <= b.low : a.high < b.low;
    bool none = or_equal ? a.low > b.high : a.low >= b.high;
    return statement(all ? TRUTH_YES : none ? TRUTH_NO : TRUTH_MAYBE);
}

struct value value_near(struct value a, struct value b, double tolerance, bool relative) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    double most = fmax(a.high - b.low, b.high - a.low), least = fmax(0, fmax(a.low - b.high, b.low - a.high));
    double small = b.low <= 0 && b.high >= 0 ? 0 : fmin(fabs(b.low), fabs(b.high)), large = fmax(fabs(b.low), fabs(b.high));
    bool all = most <= (relative ? tolerance * small : tolerance);
    bool none = least > (relative ? tolerance * large : tolerance);
    return statement(all ? TRUTH_YES : none ? TRUTH_NO : TRUTH_MAYBE);
}

struct value value_and(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return statement(a.truth < b.truth ? a.truth : b.truth);
}

struct value value_or(struct value a, struct value b) {
    struct value v;
    if (lost(&a, &b, &v)) return v;
    return statement(a.truth > b.truth ? a.truth : b.truth);
}

struct value value_not(struct value a) {
    return a.missing ? a : statement((enum truth)(TRUTH_YES - a.truth));
}
