/*
 * Parameters of workloads and backends: their declaration, and values checked against it.
 * A set is filled before the run and only read afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type { PARAM_INT, PARAM_REAL, PARAM_TEXT, PARAM_CHOICE };

struct param {
    const char *name;            /* NULL ends a table */
    enum param_type type;
    double min, max;             /* of INT and REAL */
    const char *value;           /* the default */
    const char *const *choices;  /* of CHOICE, ended by NULL; of TEXT: the words that `+` may join, or NULL */
    const char *doc;
};

enum { PARAM_MAX = 24, PARAM_TEXT_MAX = 128 };

struct param_set {
    const struct param *defs;
    size_t n;
    char values[PARAM_MAX][PARAM_TEXT_MAX];
};

void params_init(struct param_set *set, const struct param *defs);

/* Sets one value; on bad input writes one line without a newline into why and returns false. */
bool params_set(struct param_set *set, const char *name, const char *value, char *why, size_t why_size);

/* The value of a declared parameter; asking for an undeclared one is a bug and aborts. */
const char *params_text(const struct param_set *set, const char *name);
int64_t params_int(const struct param_set *set, const char *name);
double params_real(const struct param_set *set, const char *name);

/* A whole decimal integer; false when text is anything else or does not fit. */
bool parse_int(const char *text, int64_t *out);

/* The candidate nearest to word by edit distance, or NULL when none is near. next() gives NULL at the end. */
const char *nearest_word(const char *word, const char *(*next)(const void *ctx, size_t i), const void *ctx);
