/*
 * store: points.jsonl, the one file of a run that grows. A point is one line, written whole and synced before
 * the next one starts; so after any kill at most the last line is cut off, and that point alone is run again.
 * A bad disk or an editor may damage other lines: each costs its own point and no other. A reader leaves them
 * out and says so; who opens the store to write puts them aside, and their points are run again.
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

/* What of points.jsonl is no point. Empty lines are nothing. */
struct store_damage {
    size_t lines;     /* whole ones that are no point */
    size_t first;     /* the number of the first of them, from 1 */
    char why[256];    /* what is wrong with that one */
    size_t cut_bytes; /* of a last line that is cut off; 0: none */
};
bool store_damaged(const struct store_damage *d);
/* What was left out of the run and what to do about it, in one line; NULL when nothing was. Caller frees. */
char *store_damage_text(const char *run_dir, const struct store_damage *d);

/*
 * Opens (and creates, where `create`) the run's points.jsonl for appending, and mends it: a cut-off last line is
 * removed, one that only lacks its newline gets it, damaged lines go to points.jsonl.damaged. *d is what it was.
 */
int store_open(struct store *s, const char *run_dir, bool create, struct store_damage *d, struct err *e);
int store_append(struct store *s, const json_t *point, struct err *e);
void store_close(struct store *s);

/* Every point of a run, in the order written, attempts included, as a JSON array; NULL and e when it cannot.
 * What is damaged is left out and told through *d (which may be NULL: whoever has the store open has mended it). */
json_t *store_load(const char *run_dir, struct store_damage *d, struct err *e);

/* The points that count: of each id the last attempt. A new array; the points are shared. */
json_t *store_latest(const json_t *points);

#endif
