/*
 * precision: when has a series been repeated enough, and did the machine drift meanwhile? Follows the process
 * medians of the series that ask for it: `until` (repeat until the 95 % interval of the median is that
 * narrow, or the repetitions are used up) and `anchor` (repeated evenly through the run: its figures in time
 * order show drift). Main thread only.
 */
#ifndef TRINE_HARNESS_PRECISION_H
#define TRINE_HARNESS_PRECISION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct precision {
    json_t *series; /* series -> {"experiment","backend","until","anchor","medians":{id: median}} */
    size_t spared;  /* planned points that were not needed */
};

void precision_init(struct precision *p);
void precision_free(struct precision *p);

/* The median of a point's samples; NaN where it has none. */
double process_median(const json_t *point);

/* A point of the plan that has run, and its median; one that is not valid takes its id's earlier value away. */
void precision_add(struct precision *p, const json_t *planned, bool valid, double median);

/* Is this planned point a repetition that its series no longer needs? */
bool precision_enough(const struct precision *p, const json_t *planned);

/* [{"series","experiment","backend","processes","half_width","until","reached","anchor","spread","drift"}] */
json_t *precision_json(const struct precision *p);
/* What of it a user should read, in a line a fact; nothing when no series asked. */
void precision_print(FILE *out, const json_t *list, size_t spared);

#endif
