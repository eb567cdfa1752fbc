/* A run as the report sees it: its points (the last attempt of each), grouped into series of repetitions. */
#ifndef TRINE_REPORT_SERIES_H
#define TRINE_REPORT_SERIES_H

#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rep_series {
    const json_t *first;   /* a point of it: its parameters speak for all */
    const json_t **points; /* one a repetition */
    size_t npoints;
    size_t nok, ninvalid; /* of those: measured, and among them not to be trusted */
    int64_t order;        /* its place in the profile, before the plan was shuffled; INT64_MAX: the manifest does not say */
    size_t ran;           /* how many others ran first */
};

struct rep_run {
    json_t *manifest, *env, *claims, *peers, *history; /* NULL where the file is absent; env then is empty */
    char *env_fault;                 /* why env is empty, or NULL */
    json_t *points;                  /* array, the last attempt of each */
    struct store_damage damage;      /* what of points.jsonl is left out */
    size_t attempts;                 /* points in it, those included that a later attempt replaced */
    struct rep_series *series;
    size_t nseries;
};

/* The figures of repetitions together. */
struct rep_summary {
    size_t n;
    double median, low, high;
    bool interval; /* low to high is an interval of the median at 95 %; else the range of the values */
};

/* 0, or -1 with one line on log. */
int rep_load(const char *run_dir, struct rep_run *run, FILE *log);
void rep_free(struct rep_run *run);

bool rep_measured(const json_t *point); /* status ok */
bool rep_valid(const json_t *point);    /* and to be trusted */

/* One process's value of a metric; false where it was not measured.
 *   ""          the primary one: the median of its samples
 *   "m:NAME"    a further metric of the record
 *   "h:NAME:P"  percentile P of a histogram (only with ten samples beyond it)
 *   "o:threads.peak"  seen from outside */
bool rep_value(const json_t *point, const char *metric, double *out);
struct rep_summary rep_summarise(const double *values, size_t n);
/* The same over a series' valid points, or over its invalid ones where there is no valid one. */
struct rep_summary rep_series_summary(const struct rep_series *s, const char *metric);

/* "procs", "tasks", "pin" or "p:KEY" as text; "" when the point has none. Caller frees. */
char *rep_coordinate(const json_t *point, const char *key);

/* The histogram of a record added into h (a struct hist *); false when it is absent or unreadable. */
struct hist;
struct hist *rep_histogram(const json_t *point, const char *name);
#endif
