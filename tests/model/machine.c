/*
 * machine.c: coroutines, pending operations, and what each choice does to memory. See machine.h.
 *
 * Two steps are dependent when both are sequentially consistent, one is a light and the other a heavy fence, both
 * write one location, or both use one object of the kernel. A read of an existing store does not depend on a new
 * store: the choice to read the new one is another step. Which threads write a location is learned; an
 * exploration starts anew whenever it learns more.
 */
#include "machine.h"
#include "memory.h"
#include "ops.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STACK_BYTES (128u << 10)

enum status { DONE, READY, ASLEEP };

struct thread {
    enum status status;
    struct op op;
    void (*entry)(void);
    jmp_buf jump;
    ucontext_t start;
    _Alignas(64) char stack[STACK_BYTES];
};

struct machine machine;
static struct thread thread[MODEL_MAX_THREADS];
static int current = -1;
static jmp_buf search_jump;
static ucontext_t search_context;
static unsigned writers[MEM_LOCATIONS]; /* bit t: thread t writes it in some execution */
static unsigned sc_users, light_users, heavy_users;

int model_self(void) { return current; }
bool machine_live(int t) { return thread[t].status != DONE; }

void machine_violation(const char *what, const char *where, int line) {
    if (machine.violation[0]) return;
    if (line) {
        snprintf(machine.violation, sizeof(machine.violation), "%s (%s:%d)", what, where, line);
    } else {
        snprintf(machine.violation, sizeof(machine.violation), "%s (%s)", what, where);
    }
}

static void to_search(void) {
    if (_setjmp(thread[current].jump) == 0) _longjmp(search_jump, 1);
}

static void body(void) {
    thread[current].entry();
    thread[current].status = DONE;
    _longjmp(search_jump, 1);
}

static void resume(int t, bool first) {
    current = t;
    if (_setjmp(search_jump) == 0) {
        if (first) swapcontext(&search_context, &thread[t].start);
        _longjmp(thread[t].jump, 1);
    }
    current = -1;
}

void model_fail(const char *what, const char *file, int line) {
    const char *base = strrchr(file, '/');

    machine_violation(what, base ? base + 1 : file, line);
    if (current >= 0) {
        thread[current].status = DONE;
        _longjmp(search_jump, 1);
    }
}

void machine_forget(void) {
    mem_forget();
    object_forget();
    memset(writers, 0, sizeof(writers));
    sc_users = light_users = heavy_users = 0;
}

void machine_start(const struct model *m) {
    machine.violation[0] = 0;
    machine.learned = machine.spun = false;
    machine.nthreads = 0;
    while (machine.nthreads < MODEL_MAX_THREADS && m->thread[machine.nthreads]) machine.nthreads++;
    mem_reset(machine.nthreads);
    op_reset();
    object_reset();
    plain_reset();
    if (m->setup) m->setup();
    for (int t = 0; t < machine.nthreads; t++) {
        struct thread *th = &thread[t];

        getcontext(&th->start);
        th->start.uc_stack.ss_sp = th->stack;
        th->start.uc_stack.ss_size = STACK_BYTES;
        th->start.uc_link = NULL;
        makecontext(&th->start, body, 0);
        th->entry = m->thread[t];
        th->status = READY; /* all are live before the first one runs */
        th->op = (struct op){.kind = OP_NONE};
    }
    for (int t = 0; t < machine.nthreads && !machine.violation[0]; t++) resume(t, true);
}

static void learn_user(unsigned *users, unsigned bit, bool is) {
    if (is && !(*users & bit)) *users |= bit, machine.learned = true;
}

static void learn(int t, const struct op *op) {
    unsigned bit = 1u << t, *mask = NULL;

    if (op->kind == OP_STORE || op->kind == OP_RMW) mask = &writers[op->loc];
    if (op->object >= 0) mask = object_users(op->object);
    if (mask && !(*mask & bit)) *mask |= bit, machine.learned = true;
    learn_user(&sc_users, bit, op_is_sc(op));
    learn_user(&light_users, bit, op->kind == OP_LIGHT);
    learn_user(&heavy_users, bit, op->kind == OP_HEAVY);
}

static unsigned live_others(int t) {
    unsigned mask = 0;

    for (int u = 0; u < machine.nthreads; u++) {
        if (u != t && machine_live(u)) mask |= 1u << u;
    }
    return mask;
}

bool machine_last(int t) { return live_others(t) == 0; }

bool machine_alone(int t) {
    const struct op *op = &thread[t].op;
    unsigned who = 0;

    if (op->loc >= 0) who |= writers[op->loc];
    if (op->object >= 0) who |= *object_users(op->object);
    if (op_is_sc(op)) who |= sc_users;
    if (op->kind == OP_LIGHT) who |= heavy_users;
    if (op->kind == OP_HEAVY) who |= light_users;
    return (who & live_others(t)) == 0;
}

int machine_choices(int t, int *choice) {
    return thread[t].status == READY ? op_choices(t, &thread[t].op, choice) : 0;
}

bool machine_dependent(int t, int tchoice, int u, int uchoice) {
    const struct op *a = &thread[t].op, *b = &thread[u].op;

    if (t == u || (op_is_sc(a) && op_is_sc(b))) return true;
    if ((a->kind == OP_LIGHT && b->kind == OP_HEAVY) || (a->kind == OP_HEAVY && b->kind == OP_LIGHT)) return true;
    if (a->object >= 0 && a->object == b->object) return true;
    return a->loc >= 0 && a->loc == b->loc && op_writes(a, tchoice) && op_writes(b, uchoice);
}

void machine_wake(int t) { thread[t].status = READY; }
bool machine_asleep(int t, int object) { return thread[t].status == ASLEEP && thread[t].op.object == object; }

void machine_step(int t, int choice) {
    struct op *op = &thread[t].op;

    op_perform(t, op, choice);
    if (machine.spun) return;
    if (op->sleep) {
        op->sleep = false;
        thread[t].status = ASLEEP;
        op->kind = OP_WOKEN;
        return;
    }
    resume(t, false);
}

/* A thread comes to an operation: performs it at once when nobody can interfere, else asks the search. */
uint64_t machine_do(struct op op) {
    int choice[MACHINE_CHOICES];
    struct thread *th = &thread[current];

    th->op = op;
    learn(current, &op);
    if (op.kind == OP_UNLOCK || (op.kind != OP_FUTEX_WAIT && machine_alone(current) &&
                                 op_choices(current, &th->op, choice) == 1)) {
        if (op.kind == OP_UNLOCK) choice[0] = 0; /* nobody can do anything with the mutex before */
        op_perform(current, &th->op, choice[0]);
        if (machine.spun) to_search();
    } else {
        to_search();
    }
    return thread[current].op.result;
}

void machine_finish(const struct model *m) {
    if (m->check) m->check();
}
