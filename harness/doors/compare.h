/*
 * compare: figures side by side: runs (of builds or machines), or the backends or the two builds of one run.
 * Every column but the first is told as a ratio to the first, with the Hodges-Lehmann interval at 95 % and a
 * verdict; p after Holm over all ratios of the table. Floor 4; no state beside the struct.
 */
#ifndef TRINE_HARNESS_COMPARE_H
#define TRINE_HARNESS_COMPARE_H

#include "doors/limits.h"
#include "doors/measure.h"
#include "doors/side.h"

#include <stdio.h>

enum compare_verdict {
    COMPARE_ABSENT,  /* not measured on one of the sides */
    COMPARE_TOO_FEW, /* so few processes that no difference could be seen */
    COMPARE_NO_RATIO, /* 0 or less in a process of one of the sides */
    COMPARE_UNCLEAR, /* the interval bounds nothing of use */
    COMPARE_SAME,    /* the interval lies within 5 % (p99: 10 %) of the base */
    COMPARE_BETTER,  /* by more than that, p < .05 after Holm */
    COMPARE_WORSE,
};

struct compare_cell {
    const struct measure *m; /* NULL: absent */
    double median;
    double ratio, low, high; /* to the first column; NaN where there is none */
    double p;                /* after Holm */
    double limits;           /* the median as a multiple of the machine's limit; NaN where there is none */
    enum compare_verdict verdict;
};

struct compare_row {
    const char *experiment, *cell, *metric, *unit, *backend; /* backend "": the columns are backends */
    bool higher_is_better;
    struct compare_cell *cells;
};

struct compare {
    struct strlist columns, marked; /* marked: differences that were passed over with --force or --machines */
    struct limits *limits;          /* one a column */
    enum limit limit;               /* the one in use; NLIMITS: no column has one */
    struct compare_row *rows;
    size_t nrows;
    struct measures *measures; /* the rows' strings and figures live here */
    size_t nmeasures;
};

/* Columns from sides; of one side, from its builds, else from its backends with `base` first (NULL: trine).
 */
int compare_make(struct compare *c, const struct side *sides, size_t n, const char *base, const char *limit,
                 struct err *e);
void compare_free(struct compare *c);

/* Keeps rows whose experiment, backend or metric is one of the names. 0, or 2 and e when there is none of a name. */
int compare_only(struct compare *c, const struct strlist *names, struct err *e);
/* By "name" (experiment, then metric), "ratio" (of the last column, furthest from 1 first), "median" or
 * "verdict" (worse first). */
int compare_sort(struct compare *c, const char *key, struct err *e);

const char *compare_verdict_name(enum compare_verdict v);
void compare_print(FILE *out, const struct compare *c);
void compare_print_markdown(FILE *out, const struct compare *c);
/* One HTML file without network, small multiples. Caller frees. */
char *compare_page(const struct compare *c);
json_t *compare_json(const struct compare *c);

#endif
