/*
 * record: takes what a driver printed and says whether it is a record of this protocol (docs/protocol.md),
 * and what is wrong with it in words that help whoever wrote the driver.
 */
#ifndef TRINE_HARNESS_RECORD_H
#define TRINE_HARNESS_RECORD_H

#include <jansson.h>
#include <stddef.h>

enum { RECORD_PROTOCOL = 1 };

/* The record, or NULL with why. */
json_t *record_parse(const char *text, size_t len, char *why, size_t why_bytes);

/* The answer to --describe, or NULL with why. */
json_t *description_parse(const char *text, size_t len, char *why, size_t why_bytes);

#endif
