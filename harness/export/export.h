/*
 * export: a run in the formats of other tools, on a stream. One function a format, in a file of its own; the
 * table is in export.c. Only points that were measured are exported as figures; invalid ones are left out,
 * except where the format can mark them (csv, junit). Floor 4; no state.
 */
#ifndef TRINE_HARNESS_EXPORT_H
#define TRINE_HARNESS_EXPORT_H

#include "doors/measure.h"
#include "doors/side.h"

#include <stdio.h>

struct export_format {
    const char *name, *doc;
    void (*write)(FILE *out, const struct side *run);
    enum side_need need; /* SIDE_POINTS: failures have a place in it */
};
extern const struct export_format export_formats[];
extern const size_t nexport_formats;

void export_gobench(FILE *out, const struct side *run);
void export_gbench(FILE *out, const struct side *run);
void export_csv(FILE *out, const struct side *run);
void export_junit(FILE *out, const struct side *run);
void export_gha(FILE *out, const struct side *run);
void export_gha_bigger(FILE *out, const struct side *run);
void export_openmetrics(FILE *out, const struct side *run);
void export_hgrm(FILE *out, const struct side *run);

/* "switch/procs=2/tasks=2/backend=trine": a name without blanks. Caller frees. */
char *export_name(const json_t *point);
/* The operations that a process counted, at least 1. */
int64_t export_operations(const json_t *point);
bool export_usable(const json_t *point); /* measured and valid */
const char *export_machine(const struct side *run);

#endif
