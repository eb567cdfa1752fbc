/*
 * peers: a run of profile peers as a table: each row a figure of trine, the same of every peer, and the ratios that
 * trine is held to, with their intervals. The rows are declared in rows.ini. Floor 5; pure but for reading that file.
 */
#ifndef TRINE_HARNESS_PEERS_H
#define TRINE_HARNESS_PEERS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { PEERS_MAX = 8 };

/* trine's figure over the peer's is at most `ratio`, or at least where more is better. */
struct peer_target {
    char *backend, *experiment;
    double ratio;
};

struct peer_row {
    char *id, *text, *experiment, *figure, *unit;
    bool higher;
    double at_most; /* NaN: none */
    struct peer_target against[PEERS_MAX];
    size_t nagainst;
};

struct peer_rows {
    struct peer_row *v;
    size_t n;
};

/* path NULL: the rows that come with trine. */
int peer_rows_load(struct peer_rows *rows, const char *path, struct err *e);
int peer_rows_parse(struct peer_rows *rows, const char *path, const char *text, struct err *e);
void peer_rows_free(struct peer_rows *rows);

/*
 * [{id, row, unit, better, figures: {BACKEND: {low, estimate, high} or {unavailable}},
 *   targets: [{against, ratio: {low, estimate, high} or {unavailable}, target, verdict: met | not met | open}]}]
 * A row whose experiment is not in the run is left out. points: those that count. met and not met hold over the
 * whole 95 % interval. Beside an estimate may stand disturbed: true (no process was valid; it decides nothing) and
 * widened: B (its interval is wider by e^B at each end, drift.h).
 */
json_t *peers_judge(const struct peer_rows *rows, const json_t *points);

void peers_print(FILE *out, const json_t *table);
/* The table of docs/PERFORMANCE.md. */
void peers_markdown(FILE *out, const json_t *table);

#endif
