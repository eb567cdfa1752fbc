/* formula: see formula.h. A parser by recursive descent; each level of precedence is one function. */
#include "ledger/formula.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *text, *at;
    char *why;
    size_t why_bytes;
    bool failed;
    int depth;
};

enum { DEPTH_MAX = 100 };

static struct formula *fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct formula *fail(struct parser *p, const char *fmt, ...) {
    char what[160];
    va_list ap;
    if (p->failed) return NULL;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    snprintf(p->why, p->why_bytes, "%s at '%.40s'", what, *p->at ? p->at : "the end");
    p->failed = true;
    return NULL;
}

static void skip(struct parser *p) {
    p->at += strspn(p->at, " \t");
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* A sign, or a whole word. */
static bool accept(struct parser *p, const char *token) {
    size_t n = strlen(token);
    skip(p);
    if (strncmp(p->at, token, n) != 0 || (is_word(token[0]) && is_word(p->at[n]))) return false;
    p->at += n;
    return true;
}

static struct formula *node(enum formula_op op, struct formula *a, struct formula *b) {
    struct formula *f = xcalloc(1, sizeof *f);
    *f = (struct formula){.op = op, .a = a, .b = b};
    return f;
}

static bool states(const struct formula *f) {
    return f->op >= F_LESS;
}

/* Joins two parts that must both be statements, or both figures; frees them when they are not. */
static struct formula *join(struct parser *p, enum formula_op op, struct formula *a, struct formula *b) {
    bool statements = op >= F_AND;
    if (a && b && states(a) == statements && states(b) == statements) return node(op, a, b);
    if (a && b) fail(p, "%s: expected two %s before it ends", statements ? "and, or" : "an operation",
                     statements ? "comparisons" : "figures");
    formula_free(a);
    formula_free(b);
    return NULL;
}

static const struct unit {
    const char *name;
    double factor;
} units[] = {{"ns", 1},        {"us", 1e3},          {"ms", 1e6},           {"s", 1e9},
             {"min", 60e9},    {"k", 1e3},           {"M", 1e6},            {"bytes", 1},
             {"kB", 1e3},      {"MB", 1e6},          {"GB", 1e9},           {"KiB", 1024},
             {"MiB", 1 << 20}, {"GiB", 1073741824.0}};

static double unit(struct parser *p) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (accept(p, units[i].name)) return units[i].factor;
    return 1;
}

static struct formula *number(struct parser *p) {
    char *end;
    struct formula *f = node(F_NUMBER, NULL, NULL);
    f->number = strtod(p->at, &end);
    p->at = end;
    f->number *= unit(p);
    return f;
}

/* name, experiment.path or experiment.path@backend */
static struct formula *leaf(struct parser *p) {
    size_t n = 0, path;
    while (is_word(p->at[n])) n++;
    struct formula *f = node(F_NAME, NULL, NULL);
    f->name = xstrndup(p->at, n);
    p->at += n;
    if (*p->at != '.') return f;
    f->op = F_FIGURE;
    for (path = 1; is_word(p->at[path]) || (p->at[path] == '.' && p->at[path - 1] != '.');) path++;
    f->path = xstrndup(p->at + 1, path - 1);
    p->at += path;
    if (*p->at == '@') {
        for (n = 1; is_word(p->at[n]) || p->at[n] == '-';) n++;
        f->backend = xstrndup(p->at + 1, n - 1);
        p->at += n;
        if (n == 1) fail(p, "expected a backend behind '@'");
    }
    if (!*f->path) fail(p, "expected a figure behind '%s.'", f->name);
    return f;
}

static struct formula *disjunction(struct parser *p);
static struct formula *sum(struct parser *p);

static struct formula *pair(struct parser *p, enum formula_op op) {
    struct formula *a = accept(p, "(") ? sum(p) : fail(p, "expected '('");
    struct formula *b = accept(p, ",") ? sum(p) : fail(p, "expected ',' and a second figure");
    if (!accept(p, ")")) fail(p, "expected ')'");
    return join(p, op, a, b);
}

static struct formula *primary(struct parser *p) {
    skip(p);
    if (p->depth >= DEPTH_MAX) return fail(p, "nested more than %d deep", DEPTH_MAX);
    if (accept(p, "(")) {
        p->depth++;
        struct formula *f = disjunction(p);
        p->depth--;
        if (!accept(p, ")")) fail(p, "expected ')'");
        return f;
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.') return number(p);
    if (accept(p, "min")) return pair(p, F_MIN);
    if (accept(p, "max")) return pair(p, F_MAX);
    if (isalpha((unsigned char)*p->at)) return leaf(p);
    return fail(p, "expected a figure, a number or '('");
}

static struct formula *product(struct parser *p) {
    struct formula *f = primary(p);
    while (f && !p->failed) {
        if (accept(p, "*")) f = join(p, F_MUL, f, primary(p));
        else if (accept(p, "/")) f = join(p, F_DIV, f, primary(p));
        else break;
    }
    return f;
}

static struct formula *sum(struct parser *p) {
    struct formula *f = product(p);
    while (f && !p->failed) {
        if (accept(p, "+")) f = join(p, F_ADD, f, product(p));
        else if (accept(p, "-")) f = join(p, F_SUB, f, product(p));
        else break;
    }
    return f;
}

/* The tolerance of ==, which must be said: measured figures are never equal by themselves. */
static struct formula *near(struct parser *p, struct formula *a) {
    struct formula *f = join(p, F_NEAR, a, sum(p));
    if (!f) return NULL;
    f->number = -1;
    if (accept(p, "within")) {
        char *end;
        skip(p);
        f->number = strtod(p->at, &end);
        if (end == p->at) f->number = -1;
        p->at = end;
        f->relative = accept(p, "%");
        f->number *= f->relative ? 0.01 : unit(p);
    }
    if (f->number < 0) fail(p, "expected 'within NUMBER' or 'within NUMBER %%' behind '=='");
    return f;
}

static struct formula *comparison(struct parser *p) {
    if (accept(p, "not")) {
        struct formula *f = primary(p);
        if (f && !states(f)) fail(p, "not: expected a comparison in parentheses behind it");
        return f ? node(F_NOT, f, NULL) : NULL;
    }
    struct formula *f = sum(p);
    if (!f) return NULL;
    if (accept(p, "<=")) return join(p, F_LESS_EQUAL, f, sum(p));
    if (accept(p, ">=")) return join(p, F_LESS_EQUAL, sum(p), f);
    if (accept(p, "==")) return near(p, f);
    if (accept(p, "<")) return join(p, F_LESS, f, sum(p));
    if (accept(p, ">")) return join(p, F_LESS, sum(p), f);
    return f;
}

static struct formula *conjunction(struct parser *p) {
    struct formula *f = comparison(p);
    while (f && !p->failed && accept(p, "and")) f = join(p, F_AND, f, comparison(p));
    return f;
}

static struct formula *disjunction(struct parser *p) {
    struct formula *f = conjunction(p);
    while (f && !p->failed && accept(p, "or")) f = join(p, F_OR, f, conjunction(p));
    return f;
}

struct formula *formula_parse(const char *text, bool predicate, char *why, size_t why_bytes) {
    struct parser p = {.text = text, .at = text, .why = why, .why_bytes = why_bytes};
    struct formula *f = disjunction(&p);
    skip(&p);
    if (f && !p.failed && *p.at) fail(&p, "expected an operator");
    if (f && !p.failed && states(f) != predicate)
        fail(&p, predicate ? "expected a comparison, such as 'x <= 10 ms'" : "expected a figure, no comparison");
    if (!p.failed && f) return f;
    formula_free(f);
    return NULL;
}

void formula_free(struct formula *f) {
    if (!f) return;
    formula_free(f->a);
    formula_free(f->b);
    free(f->name);
    free(f->path);
    free(f->backend);
    free(f);
}

void formula_visit(const struct formula *f, void (*visit)(const struct formula *leaf, void *arg), void *arg) {
    if (f->op == F_NAME || f->op == F_FIGURE) visit(f, arg);
    if (f->a) formula_visit(f->a, visit, arg);
    if (f->b) formula_visit(f->b, visit, arg);
}

struct value formula_eval(const struct formula *f, const struct formula_env *env) {
    if (f->op == F_NUMBER) return value_exact(f->number);
    if (f->op == F_NAME || f->op == F_FIGURE) return env->leaf(f, env->arg);
    struct value a = formula_eval(f->a, env);
    if (f->op == F_NOT) return value_not(a);
    struct value b = formula_eval(f->b, env);
    switch (f->op) {
    case F_ADD: return value_add(a, b);
    case F_SUB: return value_sub(a, b);
    case F_MUL: return value_mul(a, b);
    case F_DIV: return value_div(a, b);
    case F_MIN: return value_min(a, b);
    case F_MAX: return value_max(a, b);
    case F_LESS: return value_less(a, b, false);
    case F_LESS_EQUAL: return value_less(a, b, true);
    case F_NEAR: return value_near(a, b, f->number, f->relative);
    case F_AND: return value_and(a, b);
    default: return value_or(a, b);
    }
}
