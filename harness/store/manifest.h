/*
 * manifest: manifest.json of a run's folder: what was asked, the plan, and how it ended. Written whole at the
 * start (ended: "running") and again at the end; a run that still says "running" was killed, and can be
 * resumed. And env.json beside it, which is written once.
 */
#ifndef TRINE_HARNESS_MANIFEST_H
#define TRINE_HARNESS_MANIFEST_H

#include "base/err.h"

#include <jansson.h>

enum { MANIFEST_VERSION = 1 };

/* The manifest of a run's folder; NULL and e when it is no run, or of a newer schema. */
json_t *manifest_read(const char *run_dir, struct err *e);
int manifest_write(const char *run_dir, const json_t *m, struct err *e);

/* What env.json of a run's folder says of the machine. An absent or damaged one costs no figure: it is empty then,
 * and *fault (else NULL; caller frees) is the line that whoever reads the run must print. Never NULL. */
json_t *env_read(const char *run_dir, char **fault);

/* "2026-11-21T04:00:00Z" of now. */
void utc_now(char out[32]);
/* out/<machine>/<UTC>-<sha>-<profile>, made; a number is put behind it when it is taken. NULL and e on
 * failure. */
char *run_dir_make(const char *out, const char *machine, const char *profile, struct err *e);

#endif
