/* support: what the harness's tests share: a scratch folder, and the trine command run as a user runs it. */
#ifndef TRINE_TESTS_HARNESS_SUPPORT_H
#define TRINE_TESTS_HARNESS_SUPPORT_H

#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

/* cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

char *scratch_make(void);       /* a new empty folder; caller frees the name */
void scratch_remove(char *dir); /* with all that is in it; frees the name */
char *scratch_file(const char *dir, const char *name,
                   const char *text); /* writes it (folders too); caller frees the path */

/* Runs `trine ARGS…` (NULL ends the list) with the fake driver's folder in TRINE_DRIVERS; killed after
 * timeout_ms. */
void trine(struct child_result *r, int64_t timeout_ms, ...) __attribute__((sentinel));
/* The only run below out, or NULL. Caller frees. */
char *only_run(const char *out);
/* Runs a sweep below dir, on the fake driver; the points of its run, or NULL. */
json_t *run_sweep(const char *dir, const char *text, struct child_result *r);
bool contains(const struct strbuf *b, const char *needle);
void assert_one_line(const struct strbuf *b); /* and it begins with "trine" */

#endif
