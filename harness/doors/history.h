/*
 * history: every run's figures in time order, in an SQLite file that is a cache: it can be rebuilt from the
 * runs at any time, and is when it is damaged. A run counts once wherever it stands: its copies are the same run.
 * A series is one figure on one machine under one profile; another processor model is another series. Floor 4;
 * one process at a time writes (SQLite's lock).
 */
#ifndef TRINE_HARNESS_HISTORY_H
#define TRINE_HARNESS_HISTORY_H

#include "base/err.h"
#include "base/text.h"
#include "stats/stats.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define HISTORY_P      0.001 /* of a change point */
#define HISTORY_EFFECT 0.05

struct sqlite3;
struct history {
    struct sqlite3 *db;
    char *path, *home;      /* home: the folder that it stands in */
    struct strlist notices; /* what the user must know: a rebuild, runs or lines that cannot be read */
};

/* Opens or makes the file; a damaged one is put aside as PATH.damaged and made anew, with a notice; one of the first
 * schema is made one of this by reading its runs again. */
int history_open(struct history *h, const char *path, struct err *e);
void history_close(struct history *h);
/* Takes in the runs of results/MACHINE/RUN that are new or have changed; forgets those of it that are gone.
 */
int history_sync(struct history *h, const char *results, struct err *e);
/* Takes in one run from anywhere. */
int history_add(struct history *h, const char *run_dir, struct err *e);
/* The folder that a row of the file means. Caller frees. */
char *history_run_dir(const struct history *h, const char *root, const char *place);

struct history_run {
    char *started, *commit, *dir;
    double median;
    size_t n; /* processes */
};

struct history_series {
    char *machine, *cpu, *profile, *name, *backend, *unit;
    bool higher_is_better;
    struct history_run *runs;
    size_t nruns;
    struct stat_change *changes;
    size_t nchanges;
    bool *machine_changed; /* of each change: canaries of this machine moved between the same runs */
};

struct history_table {
    struct history_series *v;
    size_t n;
};

/* The series whose name holds `match` (NULL: all), with their change points. canaries: backends that no
 * change of trine can move (empty: pthread); 2 and e for one that is not there. */
int history_load(struct history *h, const char *match, const struct strlist *canaries,
                 struct history_table *out, struct err *e);
void history_table_free(struct history_table *t);

void history_print(FILE *out, const struct history_table *t);
void history_plot(FILE *out, const struct history_series *s);
json_t *history_json(const struct history_table *t);

#endif
