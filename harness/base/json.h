/*
 * json: the few things that the harness does with jansson, each said once. Every value that was not measured
 * is absent or {"unavailable": "why"}: json_unavailable makes those.
 */
#ifndef TRINE_HARNESS_JSON_H
#define TRINE_HARNESS_JSON_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

json_t *json_unavailable(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool json_is_unavailable(const json_t *v);

/* Members with a fallback; a member of another type counts as missing. */
const char *json_str(const json_t *o, const char *key, const char *fallback);
int64_t json_int(const json_t *o, const char *key, int64_t fallback);
double json_num(const json_t *o, const char *key, double fallback);
bool json_flag(const json_t *o, const char *key, bool fallback);

/* Text of v: one line with the keys in the order of insertion, or indented. Caller frees. */
char *json_line(const json_t *v);
char *json_pretty(const json_t *v);
/* One line with sorted keys: equal values give equal text, so it can be hashed. Caller frees. */
char *json_canonical(const json_t *v);

json_t *json_read_file(const char *path, struct err *e); /* NULL and e when it cannot */
int json_write_file(const char *path, const json_t *v, struct err *e);

/* Takes the text of what should be one JSON object and nothing else; NULL and why otherwise. */
json_t *json_parse_object(const char *text, size_t len, char *why, size_t why_bytes);

#endif
