/*
 * store: points.jsonl, the one file of a run that grows. A point is one line, written whole and synced before
 * the next one starts; so after any kill at most the last line is cut off, and that point alone is run again.
 * One writer at a time: the file is locked while a store is open.
 */
#ifndef TRINE_HARNESS_STORE_H
#define TRINE_HARNESS_STORE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct store {
    int fd;
    char *path;
    off_t length; /* of the whole lines */
};

/*
 * Opens (and creates, where `create`) the run's points.jsonl for appending. A cut-off last line is removed
 * and *cut_bytes says how long it was; one that only lacks its newline gets it.
 */
int store_open(struct store *s, const char *run_dir, bool create, size_t *cut_bytes, struct err *e);
int store_append(struct store *s, const json_t *point, struct err *e);
void store_close(struct store *s);

/* Every point of a run, in the order written, attempts included, as a JSON array; NULL and e when it cannot.
 * A cut-off last line is left out and reported through *cut (which may be NULL). */
json_t *store_load(const char *run_dir, bool *cut, struct err *e);

/* The points that count: of each id the last attempt. A new array; the points are shared. */
json_t *store_latest(const json_t *points);

#endif
