/*
 * peers: a run of profile peers as a table: each row a figure of trine, the same of every peer, and the ratios that
 * trine is held to, with their intervals. The rows are declared in rows.ini, and hold for points that are of the same cells
 * as the experiments of profile peers. Floor 6; pure but for reading rows.ini.
 */
#ifndef TRINE_HARNESS_PEERS_H
#define TRINE_HARNESS_PEERS_H

#include "base/err.h"
#include "run/sweep.h"

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
 * The points that are what the profile measures under their experiment's name: workload, procs, tasks, pinning, quota and
 * parameters. Of an experiment that the profile lacks (a row of one's own) all. A new array; the points are shared.
 */
json_t *peers_points(const struct sweep *profile, const json_t *points);
/* Why the run has points of the experiment and peers_points() none: "workload pingpong, not switch". NULL: it has none at
 * all, or some that hold. Caller frees. */
char *peers_absent(const struct sweep *profile, const char *experiment, const json_t *points);

/* How many measured points of experiments whose memory the profile has readied (ready_mib) did not have it at hand; *why of
 * the first, of as long a life as the points. */
size_t peers_unready(const struct sweep *profile, const json_t *points, const char **why);

/*
 * [{id, row, unit, better, figures: {BACKEND: {low, estimate, high} or {unavailable}},
 *   targets: [{against, ratio: {low, estimate, high} or {unavailable}, target, verdict: met | not met | open}]}]
 * A row whose experiment is not among the points is left out. points: those that count, of peers_points(). met and not
 * met hold over the whole 95 % interval. Beside an estimate may stand disturbed: true (no process was valid; it decides
 * nothing) and widened: B (its interval is wider by e^B at each end, drift.h).
 */
json_t *peers_judge(const struct peer_rows *rows, const json_t *points);

void peers_print(FILE *out, const json_t *table);
/* The table of docs/PERFORMANCE.md. */
void peers_markdown(FILE *out, const json_t *table);

#endif
