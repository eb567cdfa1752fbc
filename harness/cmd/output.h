/* output: where the data of a verb goes: stdout, or what an option names. Floor 7; no state. */
#ifndef TRINE_HARNESS_OUTPUT_H
#define TRINE_HARNESS_OUTPUT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* Is it stdout: -, /dev/stdout, the file that it was sent to? */
bool output_is_stdout(const char *path);
/* text to a path of the user's. One that is stdout gets it behind what was printed. */
int output_text(const char *path, const char *text, struct err *e);
int output_json(const char *path, const json_t *v, struct err *e);

/* Has all that was printed arrived? 0, or 4 and e. For a verb whose exit code would say more than its output does. */
int output_flush(struct err *e);
/* The end of every verb (NULL: of none): its exit code, or 4 with a line when what it printed is lost. A reader that has gone
 * is no fault, and who failed has said so. */
int output_end(const char *verb, int code);

#endif
