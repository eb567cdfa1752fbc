/* The parts of the driver program: command line, description, record. Only main.c uses all of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "point.h"

enum { DRIVER_PROTOCOL = 1 };

/* All workloads, ended by NULL. */
extern const struct workload *const all_workloads[];

/* Fills the point from the command line. False: why holds one line (usage). */
bool driver_arguments(struct point *pt, int argc, char **argv, bool *describe, char *why, size_t why_size);

struct json_t *driver_description(void);
struct json_t *driver_record(const struct point *pt);

/* Whether the backend can run this point without a deadlock; else why holds the reason, otherwise it is empty. */
bool driver_applicable(const struct point *pt, char *why, size_t why_size);
