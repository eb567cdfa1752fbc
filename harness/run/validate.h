/*
 * validate: holds an experiment against what the drivers say that they can do, before anything runs: an
 * unknown workload, backend or parameter and a value out of range are refused with file, line and what was
 * expected.
 */
#ifndef TRINE_HARNESS_VALIDATE_H
#define TRINE_HARNESS_VALIDATE_H

#include "run/catalog.h"
#include "run/sweep.h"

/*
 * Fills `backends` with those that the experiment will run on: its own list, cut down to `wanted` where that
 * is not empty. A well-known backend whose driver is not there becomes a notice, any other an error.
 */
int validate_experiment(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                        const struct strlist *wanted, struct strlist *backends, struct strlist *notices,
                        struct err *e);

/*
 * The same for a plan that must stand whatever one driver cannot do: refuses unknown backends alone, and a
 * workload that no driver has is a notice. What a backend cannot run, validate_on says of it.
 */
int validate_leniently(const struct sweep *s, const struct experiment *x, const struct catalog *c,
                       const struct strlist *wanted, struct strlist *backends, struct strlist *notices,
                       struct err *e);
/* Why the driver cannot run the experiment: no such workload, parameter or value of one. NULL: it can. Caller
 * frees. */
char *validate_on(const struct experiment *x, const struct driver *d);

/* A scheduler that trine is compared with in profile peers alone: `all` does not mean it. */
bool is_peer(const char *backend);

/* --backends: each must be there. */
int validate_backends(const struct strlist *wanted, const struct catalog *c, struct err *e);

#endif
