/*
 * progress: one line on stderr that says what runs and how long is left. On a terminal alone: there it is rewritten in
 * place, on a dumb one a plain line now and then. Main thread only.
 */
#ifndef TRINE_HARNESS_PROGRESS_H
#define TRINE_HARNESS_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool quiet, rewrites, color;
    size_t total, done;
    int64_t planned_ms, done_planned_ms; /* by the plan's own estimate */
    int64_t start_ns, last_line_ns;
};

void progress_start(struct progress *p, size_t total, int64_t planned_ms, bool quiet);
void progress_point(struct progress *p, const json_t *planned, int attempt); /* about to run */
void progress_done(struct progress *p, int64_t planned_ms);
void progress_more(struct progress *p, size_t points, int64_t planned_ms); /* reruns join the work */
void progress_end(struct progress *p);                                     /* clears the line */
/* A line of its own ("warning: …"), without tearing the progress line. */
void progress_note(struct progress *p, const char *text);

#endif
