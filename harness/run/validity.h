/*
 * validity: may this point's figure be trusted? The reasons why not are a closed list, each a short text that
 * a report can print. Nothing is dropped for them: an invalid point is run again, then kept and shown as
 * such.
 */
#ifndef TRINE_HARNESS_VALIDITY_H
#define TRINE_HARNESS_VALIDITY_H

#include <jansson.h>
#include <stdbool.h>

/* Adds "valid" and "invalid_because" to a point that has its status, record and outside view. planned says what was
 * expected of it: throttling, or no warm-up. */
void validity_judge(json_t *point, const json_t *planned);

/* Of a judged point: not valid, and for nothing but its warm-up. */
bool validity_only_warmup(const json_t *point);

#endif
