/*
 * sweep: a profile, read from an INI file. One [profile] section with what holds for the whole run, then a
 * section a experiment; keys and values in docs of `trine plan --help`. Reading checks the form alone (every
 * error says file, line and what was expected); whether workloads, backends and parameters exist is the
 * plan's question.
 */
#ifndef TRINE_HARNESS_SWEEP_H
#define TRINE_HARNESS_SWEEP_H

#include "base/err.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* A list and the line that it stands on; line 0: not given. */
struct values {
    struct strlist list;
    int line;
};

struct sweep_param {
    char *key;
    struct values values;
};

struct experiment {
    char *name, *title, *doc, *workload;
    int line, workload_line;
    struct values backends, procs, tasks, pins, counters;
    struct sweep_param *params;
    size_t nparams;
    int64_t reps, reps_min; /* reps = 3..10: at least and at most; equal without `until` */
    double until;           /* half-width of the interval, as a share, that ends repeating; 0: not asked */
    int64_t anchor;         /* 1: repeated evenly through the run */
    double quota_cpus;      /* of a cgroup made for each process; 0: none */
    int64_t ready_mib;      /* memory readied before each process (run/ready.h); 0: none */
    int64_t samples;        /* batches a process, neither fewer nor more; 0: the driver's own bounds */
    int64_t measure_ms, warmup_ms, timeout_ms, throttle_expected;
};

struct sweep {
    char *name; /* of the profile: the file's name without its ending */
    char *path; /* for messages */
    char *text; /* the whole file, kept in the manifest */
    char *title;
    int64_t budget_ms; /* 0: none */
    int64_t reruns;    /* of an invalid point, at most */
    int64_t calibrate; /* 1: the machine's limits are measured first, into limits.json */
    struct experiment *experiments;
    size_t n;
};

/* Parses text; path is for messages only. */
int sweep_parse(struct sweep *s, const char *path, const char *text, struct err *e);

/* NAME of a profile that comes with trine, or the path of a file. */
int sweep_load(struct sweep *s, const char *name_or_path, struct err *e);

void sweep_free(struct sweep *s);

/* The folders that profiles are looked for in, first hit wins. */
void sweep_profile_dirs(struct strlist *dirs);

#endif
