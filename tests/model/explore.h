/*
 * explore.h: the weak-memory explorer, as a model sees it.
 *
 * A model is two to four threads over the operations of atomic.h (compiled with TRINE_MODEL), a setup that makes
 * the initial state and a check of the final one. The explorer runs every behaviour that the memory model permits:
 * which thread moves next, which store each load reads from, where each store lands in its location's modification
 * order. docs: tests/model/README.md.
 *
 * Everything here may be called from a model's threads only, except where a line says otherwise.
 */
#ifndef MODEL_EXPLORE_H
#define MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MAX_THREADS 4

struct model {
    const char *name;
    void (*setup)(void);                     /* before each execution: makes every shared object anew */
    void (*thread[MODEL_MAX_THREADS])(void); /* the threads: up to the first NULL */
    void (*check)(void);                     /* after each complete execution; may be NULL */
    bool (*stuck)(void);                     /* all live threads wait: is that a legal end? NULL: never */
};

struct model_result {
    uint64_t executions; /* complete ones */
    uint64_t pruned;     /* begun, then found to repeat another: a sleeping step, or a loop that read the same again */
    uint64_t cut;        /* longer than the step bound: not exhaustive beyond it */
    uint64_t states;     /* choice points visited */
    bool exhausted;      /* every behaviour was seen (within the step bound, where cut is not 0) */
    char violation[256]; /* "": none */
};

#define MODEL_MAX_STEPS 400 /* transitions of one execution, above which it is cut */

/* Runs all behaviours of m, or as many as fit into max_runs; stops at the first violation, whose steps it prints to
 * stderr when verbose. Called from outside of a model. */
struct model_result model_explore(const struct model *m, uint64_t max_runs, bool verbose);

/* Ends the exploration with a violation unless cond holds. Also legal in check. */
#define model_assert(cond) ((cond) ? (void)0 : model_fail(#cond, __FILE__, __LINE__))
void model_fail(const char *what, const char *file, int line);

int model_choose(int n); /* 0 ... n - 1: every one is explored */
int model_self(void);    /* index of this thread; -1 in setup and check */

/* A name for a location in the printed steps. Legal in setup; the string is kept by reference. */
void model_name(const void *location, const char *name);

/* What this thread loaded last from the pointers in [lo, lo + bytes), where it was value, is used from now on: a store
 * that replaces it must happen after the load. (A machine that runs each thread in order shows the effect of a later
 * store on an earlier load, LB's shape, no other way.) */
void model_settled(const void *lo, size_t bytes, const void *value);

/* Stand-ins for what is outside of atomic.h: they block as the real ones and give the same ordering, no more. */
void model_lock(void *mutex); /* any address; the object itself is not touched */
void model_unlock(void *mutex);
/* The kernel's contract alone: compares and sleeps as one step against wake; a store made before a wake is seen by a
 * wait that comes after it. False: the word had another value. */
bool model_futex_wait(const void *word, uint32_t expected);
void model_futex_wake(const void *word, int n);
/* A level-triggered event of the kernel (an eventfd in an epoll set). wait: true when set, false for a time-out,
 * which is explored as well when timed. */
void model_event_set(void *event);
void model_event_clear(void *event);
bool model_event_wait(void *event, bool timed);
#endif
