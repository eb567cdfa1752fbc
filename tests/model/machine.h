/*
 * machine.h: the threads of a model as coroutines, each stopped before its next operation. Called by the search alone.
 *
 * A step performs the pending operation of one thread with one choice (the store to read from, the place to land,
 * the sleeper to wake) and lets it run up to its next operation that others can tell apart. An operation that no
 * other live thread can interfere with, and that has one choice, is performed on the way.
 */
#ifndef MODEL_MACHINE_H
#define MODEL_MACHINE_H

#include "explore.h"

#define MACHINE_CHOICES 128

struct machine {
    int nthreads;
    bool learned;        /* a thread wrote where none was known to: earlier steps may have been taken too freely */
    bool spun;           /* a thread went round a loop and read the same stores: the execution repeats another */
    bool tracing;        /* prints each operation */
    char violation[256]; /* "": none */
};
extern struct machine machine;

void machine_forget(void);                 /* before an exploration */
void machine_start(const struct model *m); /* before an execution: setup, then each thread to its first operation */
int machine_choices(int t, int *choice);   /* of the pending operation; 0: t waits or is done */
void machine_step(int t, int choice);
bool machine_live(int t);
bool machine_last(int t); /* no other thread is live */
bool machine_alone(int t); /* no other live thread can interfere with t's pending operation, now or later */
bool machine_dependent(int t, int tchoice, int u, int uchoice); /* does the order of these two steps matter? */
void machine_finish(const struct model *m); /* all are done: the check */
void machine_violation(const char *what, const char *where, int line);

/* plain.c: races of plain accesses. */
void plain_reset(void);
#endif
