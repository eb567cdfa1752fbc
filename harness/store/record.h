/*
 * record: takes what a driver printed and says whether it is a record of this protocol (docs/protocol.md),
 * and what is wrong with it in words that help whoever wrote the driver.
 */
#ifndef TRINE_HARNESS_RECORD_H
#define TRINE_HARNESS_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_PROTOCOL = 1 };

/* The record, or NULL with why. */
json_t *record_parse(const char *text, size_t len, char *why, size_t why_bytes);

/* Is an ok record one of the point that was asked for? False with why: the driver measured something else. */
bool record_answers(const json_t *record, const char *workload, int64_t procs, char *why, size_t why_bytes);

/* The answer to --describe, or NULL with why. */
json_t *description_parse(const char *text, size_t len, char *why, size_t why_bytes);

#endif
