/*
 * accept: regressions that somebody has looked at and takes, for a reason and until a date. The file is
 *   {"schema": "trine-accept", "version": 1,
 *    "accept": [{"metric": "yield/procs 1, tasks ?/trine/yield_ns", "reason": "why", "expires": "2027-01-31",
 * "at_most": 1.2}]} `metric` is a shell pattern over the gate's names, `at_most` (optional) the largest
 * slowdown that is taken; any other key is refused. An expired entry takes nothing and says so. Floor 4; no state
 * beside the struct.
 */
#ifndef TRINE_HARNESS_ACCEPT_H
#define TRINE_HARNESS_ACCEPT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct accept {
    char *metric, *reason, *expires;
    double at_most; /* infinity: any */
    bool expired, used;
};

struct accepts {
    struct accept *v;
    size_t n;
};

/* today: "2026-11-21". 0, or 2 with e filled when the file cannot be read or an entry has no reason, no expiry, or a key that is
 * none. */
int accept_load(struct accepts *a, const char *path, const char *today, struct err *e);
void accept_free(struct accepts *a);

/* The entry that takes this slowdown, marked as used; NULL: none does. */
const struct accept *accept_find(struct accepts *a, const char *metric, double slowdown);

#endif
