/*
 * formula: the small language of claim records. A quantity is arithmetic over what was measured; a predicate
 * compares quantities. docs/claims-format.md is its manual.
 *
 *   predicate:  and, or, not, ( ), < <= > >=, a == b within 2, a == b within 10 %
 *   arithmetic: + - * / ( ), min(a, b), max(a, b), numbers with a unit (10 ms, 2 KiB, 1.5 us, 10 k)
 *   figure:     EXPERIMENT.PATH or EXPERIMENT.PATH@BACKEND; ncpu; or the name of a quantity above
 */
#ifndef TRINE_HARNESS_FORMULA_H
#define TRINE_HARNESS_FORMULA_H

#include "ledger/interval.h"

#include <stdint.h>

enum formula_op {
    F_NUMBER,
    F_NAME, /* of a quantity */
    F_FIGURE,
    F_ADD,
    F_SUB,
    F_MUL,
    F_DIV,
    F_MIN,
    F_MAX,
    F_LESS,
    F_LESS_EQUAL, /* a > b is b < a */
    F_NEAR,
    F_AND,
    F_OR,
    F_NOT
};

struct formula {
    enum formula_op op;
    struct formula *a, *b;
    double number;               /* of F_NUMBER; the tolerance of F_NEAR */
    bool relative;               /* F_NEAR: the tolerance is a share of b */
    char *name, *path, *backend; /* F_NAME: name; F_FIGURE: experiment, path, backend or NULL */
};

/* A statement (predicate) or a figure (quantity), else NULL with what is wrong, where, and what was expected
 * in `why`. */
struct formula *formula_parse(const char *text, bool predicate, char *why, size_t why_bytes);
void formula_free(struct formula *f);

/* Calls visit for each F_FIGURE and F_NAME. */
void formula_visit(const struct formula *f, void (*visit)(const struct formula *leaf, void *arg), void *arg);

/* How a leaf gets its value. */
struct formula_env {
    struct value (*leaf)(const struct formula *leaf, void *arg);
    void *arg;
};
struct value formula_eval(const struct formula *f, const struct formula_env *env);

#endif
