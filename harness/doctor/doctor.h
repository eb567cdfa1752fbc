/*
 * doctor: what on this machine spoils measurements. A closed list of checks; each has a section of its own in
 * docs/warnings.md, under the same name, and says what was seen, why it matters and what to do. Everything is
 * read through struct doctor_input, so that a recorded tree of /proc and /sys gives the same answers as a
 * machine. Nothing here changes the machine.
 */
#ifndef TRINE_HARNESS_DOCTOR_H
#define TRINE_HARNESS_DOCTOR_H

#include "probe/pmu.h"
#include "probe/root.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_UNKNOWN,    /* could not be looked at; `seen` says why */
    DOCTOR_WARNING,    /* measuring works, and this bends or scatters the figures */
    DOCTOR_IMPOSSIBLE, /* figures taken here would mean nothing */
};

struct doctor_input {
    const struct probe_root *root;
    const struct pmu_seam *pmu;
    int64_t clock_resolution_ns;   /* of CLOCK_MONOTONIC, as clock_getres says */
    int64_t settle_ms;             /* how long steal is watched; 0: only what has gathered since boot */
    const char *build_type;        /* of trine itself */
    const char *benchmark_library; /* what google-benchmark says of its own build; NULL: not asked */
};

struct doctor_finding {
    enum doctor_level level;
    char seen[240];
};

struct doctor_check {
    const char *name; /* of the section in docs/warnings.md */
    const char *why;  /* what it does to a figure */
    const char *todo;
    void (*look)(const struct doctor_input *in, struct doctor_finding *f);
};

extern const struct doctor_check *const doctor_checks[];
extern const size_t doctor_nchecks;

const char *doctor_level_name(enum doctor_level level);

/* Every check in turn: [{"name","level","seen","why","todo","page"}]; *worst gets the highest level. */
json_t *doctor_run(const struct doctor_input *in, enum doctor_level *worst);

/* For the checks: writes the finding's text and level. */
void doctor_say(struct doctor_finding *f, enum doctor_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A number of a file, or fallback when it is not there or no number. */
int64_t doctor_number(const struct doctor_input *in, const char *path, int64_t fallback);

#endif
