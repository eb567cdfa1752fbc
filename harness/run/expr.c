/* expr: see expr.h. No state. */
#include "run/expr.h"

#include <ctype.h>
#include <stdlib.h>

/* Digits with an optional k or M; false without a digit or above EXPR_MAX. */
static bool number(const char **p, int64_t *out) {
    int64_t v = 0;
    if (!isdigit((unsigned char)**p)) return false;
    for (; isdigit((unsigned char)**p); (*p)++) {
        v = v * 10 + (**p - '0');
        if (v > EXPR_MAX) return false;
    }
    if (**p == 'k' || **p == 'M') v *= *(*p)++ == 'k' ? 1000 : 1000000;
    *out = v;
    return v <= EXPR_MAX;
}

bool expr_raw(const char *text, int64_t n, int64_t *out) {
    const char *p = text;
    int64_t v = 1, operand;
    bool digits = isdigit((unsigned char)*p);
    if (digits && !number(&p, &v)) return false;
    if (!digits && *p != 'n') return false;
    if (*p == '*' && p[1] == 'n') p++;
    if (*p == 'n') {
        p++;
        v *= n;
    }
    while (*p) {
        char op = *p++;
        if (!number(&p, &operand)) return false;
        if (op == '/' && operand > 0)
            v /= operand;
        else if (op == '*')
            v *= operand;
        else if (op == '+')
            v += operand;
        else if (op == '-')
            v -= operand;
        else
            return false;
        if (v > EXPR_MAX || v < -EXPR_MAX) return false;
    }
    *out = v;
    return v <= EXPR_MAX;
}

bool expr_eval(const char *text, int64_t n, int64_t *out) {
    int64_t v;
    if (!expr_raw(text, n, &v)) return false;
    *out = v < 1 ? 1 : v;
    return true;
}
