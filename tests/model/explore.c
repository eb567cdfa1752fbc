/*
 * explore.c: the search: depth first over the steps of a model, by replay, with sleep sets.
 *
 * Each node of the current path keeps the steps that need not be taken from it: those already explored from it or
 * from a node above, as long as every step since then commutes with them. So each behaviour is run to its end
 * once, and what would repeat one is pruned as soon as every step is asleep. When some thread is alone with its
 * operation (nobody can interfere with it, now or later), only that thread's steps are explored from the node.
 */
#include "explore.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    int16_t thread, choice;
};

#define SLEEPERS 256
#define STEPS 128

struct node {
    struct step taken;
    int nsleep, nstep, next;
    struct step sleep[SLEEPERS];
    struct step step[STEPS]; /* the steps to explore from here; before next: done */
};

static struct node path[MODEL_MAX_STEPS];
static int depth; /* nodes on the path */

enum end { COMPLETE, PRUNED, CUT, STUCK };

static bool asleep(const struct node *n, struct step s) {
    for (int i = 0; i < n->nsleep; i++) {
        if (n->sleep[i].thread == s.thread && n->sleep[i].choice == s.choice) return true;
    }
    return false;
}

static void put_to_sleep(struct node *n, struct step s) {
    if (n->nsleep == SLEEPERS) abort();
    n->sleep[n->nsleep++] = s;
}

static void add_steps(struct node *n, int t) {
    int choice[MACHINE_CHOICES], count = machine_choices(t, choice);

    for (int i = 0; i < count; i++) {
        if (n->nstep == STEPS) abort();
        n->step[n->nstep++] = (struct step){(int16_t)t, (int16_t)choice[i]};
    }
}

/* Lists the steps to explore from here. A thread that is alone stands for all: the others' steps commute with its. */
static void list_steps(struct node *n) {
    n->nstep = n->next = 0;
    for (int t = 0; t < machine.nthreads; t++) {
        if (machine_live(t) && machine_alone(t)) add_steps(n, t);
        if (n->nstep > 0) return;
    }
    for (int t = 0; t < machine.nthreads; t++) {
        if (machine_live(t)) add_steps(n, t);
    }
}

/* Takes the next step that is awake. */
static bool pick(struct node *n) {
    while (n->next < n->nstep) {
        n->taken = n->step[n->next++];
        if (!asleep(n, n->taken)) return true;
    }
    return false;
}

/* What sleeps at n and commutes with the step taken there still sleeps below. Asked before that step is made. */
static void inherit(const struct node *n, struct node *child) {
    child->nsleep = 0;
    for (int i = 0; i < n->nsleep; i++) {
        struct step s = n->sleep[i];

        if (!machine_dependent(s.thread, s.choice, n->taken.thread, n->taken.choice)) put_to_sleep(child, s);
    }
}

static bool all_done(void) {
    for (int t = 0; t < machine.nthreads; t++) {
        if (machine_live(t)) return false;
    }
    return true;
}

/* Runs one execution: the steps of the path again (replay of them), then new ones to the end. */
static enum end run(const struct model *m, int replay, uint64_t *states) {
    machine_start(m);
    for (int at = 0; !machine.violation[0]; at++) {
        if (machine.spun) return PRUNED;
        if (at >= replay) {
            if (all_done()) break;
            if (at == MODEL_MAX_STEPS) return CUT;
            if (at == 0) path[0].nsleep = 0;
            list_steps(&path[at]);
            if (!pick(&path[at])) return path[at].nstep > 0 ? PRUNED : STUCK;
            depth = at + 1;
            ++*states;
        }
        if (at >= replay - 1 && at + 1 < MODEL_MAX_STEPS) inherit(&path[at], &path[at + 1]);
        machine_step(path[at].taken.thread, path[at].taken.choice);
    }
    if (!machine.violation[0]) machine_finish(m);
    return COMPLETE;
}

/* Turns to another step of the last node of the path that has one. */
static bool next_path(void) {
    for (; depth > 0; depth--) {
        struct node *last = &path[depth - 1];

        put_to_sleep(last, last->taken);
        if (pick(last)) return true;
    }
    return false;
}

static void print_steps(const struct model *m) {
    struct machine kept = machine;
    uint64_t states = 0;

    fprintf(stderr, "%s: %s\n", m->name, machine.violation);
    machine.tracing = true;
    run(m, depth, &states);
    machine = kept;
}

static void stuck(const struct model *m) {
    if (m->stuck && m->stuck()) {
        machine_finish(m);
    } else {
        machine_violation("every live thread waits: a wake-up was lost", m->name, 0);
    }
}

struct model_result model_explore(const struct model *m, uint64_t max_runs, bool verbose) {
    struct model_result r = {0};
    int replay = 0;

    machine_forget();
    for (uint64_t runs = 0; runs < max_runs; runs++) {
        enum end end = run(m, replay, &r.states);

        if (machine.learned) { /* some step was taken too freely: from the start, with what is known now */
            r = (struct model_result){0};
            replay = depth = 0;
            continue;
        }
        if (end == STUCK) stuck(m);
        if (machine.violation[0]) {
            memcpy(r.violation, machine.violation, sizeof(r.violation));
            if (verbose) print_steps(m);
            return r;
        }
        r.executions += end == COMPLETE || end == STUCK;
        r.pruned += end == PRUNED;
        r.cut += end == CUT;
        if (!next_path()) {
            r.exhausted = true;
            return r;
        }
        replay = depth;
    }
    return r;
}
