/*
 * figure: does an ok record hold what docs/protocol.md says of it? Each member that a figure, a verdict or a
 * drawing is made of is looked at; members that the protocol does not know are passed over. Pure.
 */
#ifndef TRINE_HARNESS_STORE_FIGURE_H
#define TRINE_HARNESS_STORE_FIGURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* True: whole. Else why names the first member that is not, and what is wrong with it. */
bool figure_whole(const json_t *record, char *why, size_t why_bytes);

#endif
