/*
 * The work of a log pipeline, and the times of its stages.
 *
 * An entry is a line of JSON, made from its number. The first stage parses it, those between add a field
 * each, the last writes it as text and digests it. The digests of all entries are added up, so the sum does
 * not depend on their order.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { STAGES_MAX = 8 };

struct entry {
    uint64_t number;
    int64_t started_ns, done_ns;
    json_t *parsed;              /* of the stage that has the entry */
    uint64_t digest;
};

/* "100+500+2000": microseconds, one a stage. How many there are, or 0 when text is anything else. */
int stages_parse(const char *text, int64_t ns[STAGES_MAX]);

/* What stage of stages does to an entry; false: its line did not parse. */
bool stage_work(struct entry *e, int stage, int stages);
