/*
 * ops.c: the operations: atomic ones and those of the kernel. See ops.h.
 *
 * A mutex orders whole critical sections. A futex gives no order beyond its contract: a wait that comes after a wake
 * sees the word as the waker knew it. So a model whose correctness leans on the barriers inside the kernel fails.
 */
#include "ops.h"
#include "machine.h"
#include "memory.h"
#include "sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 16
#define NAMES 64
#define STALL (-1) /* the choice of a futex wait that sleeps is negative: -2 - store */

struct object {
    const void *address;
    struct view view;
    int holder; /* of a mutex: thread + 1 */
    bool set;   /* of an event */
    unsigned users;
};

static struct object object[OBJECTS];
static int nobjects;
static struct { const void *address; const char *name; } name[NAMES];
static int nnames;

void object_forget(void) {
    nobjects = 0;
    nnames = 0;
}

void object_reset(void) {
    for (int i = 0; i < nobjects; i++) {
        memset(&object[i].view, 0, sizeof(object[i].view));
        object[i].holder = 0;
        object[i].set = false;
    }
}

unsigned *object_users(int o) { return &object[o].users; }

static int find_object(const void *address) {
    for (int i = 0; i < nobjects; i++) {
        if (object[i].address == address) return i;
    }
    if (nobjects == OBJECTS) abort();
    object[nobjects] = (struct object){.address = address};
    return nobjects++;
}

void model_name(const void *address, const char *text) {
    for (int i = 0; i < nnames; i++) {
        if (name[i].address == address) return;
    }
    if (nnames < NAMES) name[nnames].address = address, name[nnames++].name = text;
}

static const char *name_of(const void *address) {
    static char text[32];

    for (int i = 0; i < nnames; i++) {
        if (name[i].address == address) return name[i].name;
    }
    snprintf(text, sizeof(text), "%p", address);
    return text;
}

/* ---- what a thread calls ---- */

static uint64_t mask(size_t bytes) { return bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1; }

static struct op atomic_op(enum op_kind kind, struct model_site *s, const char *func, const void *a, size_t bytes) {
    site_seen(s, func);
    return (struct op){.kind = kind, .site = s, .func = func, .bytes = bytes, .object = -1,
                       .loc = a ? mem_location(a, bytes) : -1,
                       .order = s->order & s->keep, .fail_order = s->fail_order & s->keep};
}

static uint64_t raw(const void *a, size_t bytes) {
    uint64_t x = 0;

    memcpy(&x, a, bytes);
    return x;
}

static uint64_t combine(enum model_rmw how, uint64_t was, uint64_t x) {
    switch (how) {
    case RMW_ADD: return was + x;
    case RMW_OR: return was | x;
    case RMW_AND: return was & x;
    case RMW_XCHG:
    case RMW_CAS: break;
    }
    return x;
}

/* Outside of the threads (setup, check) memory is simply the last store. */
uint64_t model_load(struct model_site *s, const char *func, const void *a, size_t bytes) {
    if (model_self() < 0) return raw(a, bytes);
    return machine_do(atomic_op(OP_LOAD, s, func, a, bytes));
}

void model_store(struct model_site *s, const char *func, void *a, size_t bytes, uint64_t x) {
    struct op op;

    if (model_self() < 0) {
        memcpy(a, &x, bytes);
        return;
    }
    op = atomic_op(OP_STORE, s, func, a, bytes);
    op.x = x & mask(bytes);
    machine_do(op);
}

uint64_t model_rmw(struct model_site *s, const char *func, void *a, size_t bytes, enum model_rmw how, uint64_t old,
                   uint64_t x) {
    struct op op;

    if (model_self() < 0) {
        uint64_t was = raw(a, bytes), now = combine(how, was, x);

        if (how != RMW_CAS || was == (old & mask(bytes))) memcpy(a, &now, bytes);
        return was;
    }
    op = atomic_op(OP_RMW, s, func, a, bytes);
    op.how = how;
    op.old = old & mask(bytes);
    op.x = x & mask(bytes);
    return machine_do(op);
}

void model_fence(struct model_site *s, const char *func) {
    if (model_self() < 0) return;
    site_seen(s, func);
    if (!s->dropped) machine_do(atomic_op(OP_FENCE, s, func, NULL, 0));
}

void model_fence_light(struct model_site *s, const char *func) {
    if (model_self() < 0) return;
    site_seen(s, func);
    if (!s->dropped) machine_do(atomic_op(OP_LIGHT, s, func, NULL, 0));
}

void model_fence_heavy(struct model_site *s, const char *func) {
    if (model_self() < 0) return;
    site_seen(s, func);
    if (!s->dropped) machine_do(atomic_op(OP_HEAVY, s, func, NULL, 0));
}

static uint64_t kernel(enum op_kind kind, const void *address, uint64_t x) {
    return machine_do((struct op){.kind = kind, .loc = -1, .object = find_object(address), .x = x});
}

int model_choose(int n) { return (int)machine_do((struct op){.kind = OP_CHOOSE, .loc = -1, .object = -1, .x = (uint64_t)n}); }
void model_lock(void *mutex) { if (model_self() >= 0) kernel(OP_LOCK, mutex, 0); }
void model_unlock(void *mutex) { if (model_self() >= 0) kernel(OP_UNLOCK, mutex, 0); }
void model_futex_wake(const void *word, int n) {
    struct op op = {.kind = OP_FUTEX_WAKE, .loc = -1, .object = find_object(word), .x = (uint64_t)n};

    op.old = (uint64_t)mem_location(word, 4); /* the word that the wake publishes */
    machine_do(op);
}
bool model_futex_wait(const void *word, uint32_t expected) {
    return machine_do((struct op){.kind = OP_FUTEX_WAIT, .loc = mem_location(word, 4), .object = find_object(word),
                                  .old = expected});
}
void model_event_set(void *event) { kernel(OP_EVENT_SET, event, 0); }
void model_event_clear(void *event) { kernel(OP_EVENT_CLEAR, event, 0); }
bool model_event_wait(void *event, bool timed) { return kernel(OP_EVENT_WAIT, event, timed); }

/* ---- what the search asks ---- */

bool op_is_sc(const struct op *op) {
    bool access = op->kind == OP_LOAD || op->kind == OP_STORE || op->kind == OP_RMW;

    return op->kind == OP_FENCE || op->kind == OP_HEAVY || (access && op->order == MO_SC);
}

static bool swaps(const struct op *op, int choice) {
    return op->how != RMW_CAS || mem_value(op->loc, choice) == op->old;
}

bool op_writes(const struct op *op, int choice) {
    return op->kind == OP_STORE || (op->kind == OP_RMW && swaps(op, choice));
}

static int rmw_choices(int t, const struct op *op, int *choice) {
    int n = mem_readable(t, op->loc, op->order == MO_SC, choice, MACHINE_CHOICES), kept = 0;

    for (int i = 0; i < n; i++) {
        if (!swaps(op, choice[i]) || mem_slot_free(op->loc, choice[i])) choice[kept++] = choice[i];
    }
    return kept;
}

/* A wait reads the word under the kernel's own lock: no older than what an earlier wake knew. */
static int futex_choices(int t, const struct op *op, int *choice) {
    struct view kept = mem_thread[t].now;
    int n;

    view_join(&mem_thread[t].now, &object[op->object].view);
    n = mem_readable(t, op->loc, false, choice, MACHINE_CHOICES);
    mem_thread[t].now = kept;
    return n;
}

static int wake_choices(const struct op *op, int *choice) {
    int n = 0;

    for (int u = 0; u < machine.nthreads; u++) {
        if (machine_asleep(u, op->object)) choice[n++] = u;
    }
    if (n <= (int)op->x) { /* all of them, or nobody sleeps */
        choice[0] = STALL;
        return 1;
    }
    return n; /* op->x is 1 then: one of them */
}

int op_choices(int t, const struct op *op, int *choice) {
    const struct object *o = op->object >= 0 ? &object[op->object] : NULL;
    int n = 0;

    choice[0] = 0;
    switch (op->kind) {
    case OP_LOAD: return mem_readable(t, op->loc, op->order == MO_SC, choice, MACHINE_CHOICES);
    case OP_STORE: return mem_slots(t, op->loc, op->order == MO_SC, choice, MACHINE_CHOICES);
    case OP_RMW: return rmw_choices(t, op, choice);
    case OP_CHOOSE:
        for (; n < (int)op->x; n++) choice[n] = n;
        return n;
    case OP_LOCK: return o->holder == 0;
    case OP_FUTEX_WAIT: return futex_choices(t, op, choice);
    case OP_FUTEX_WAKE: return wake_choices(op, choice);
    case OP_EVENT_WAIT:
        if (o->set) choice[n++] = 1;
        if (op->x) choice[n++] = 0;
        return n;
    case OP_NONE: case OP_FENCE: case OP_LIGHT: case OP_HEAVY: case OP_UNLOCK: case OP_WOKEN: case OP_EVENT_SET:
    case OP_EVENT_CLEAR: break;
    }
    return 1;
}

static void trace(int t, const struct op *op, int choice) {
    static const char *const word[] = {[OP_CHOOSE] = "choose", [OP_LOCK] = "lock", [OP_UNLOCK] = "unlock",
        [OP_FUTEX_WAIT] = "futex_wait", [OP_FUTEX_WAKE] = "futex_wake", [OP_WOKEN] = "woken",
        [OP_EVENT_SET] = "event_set", [OP_EVENT_CLEAR] = "event_clear", [OP_EVENT_WAIT] = "event_wait"};

    fprintf(stderr, "  T%d %-14s", t, op->site ? op->site->op : word[op->kind]);
    if (op->loc >= 0) {
        fprintf(stderr, " %-12s = %llx", name_of(mem_address(op->loc)),
                (unsigned long long)(op->kind == OP_STORE ? op->x : op->result));
        if (op->kind == OP_RMW) fprintf(stderr, op->result == op->old || op->how != RMW_CAS ? " -> %llx" : " failed",
                                        (unsigned long long)combine(op->how, op->result, op->x));
        if (op->kind != OP_STORE && choice >= 0 && choice != mem_newest(op->loc) && op->kind != OP_RMW) {
            fprintf(stderr, " (stale)");
        }
    } else if (op->object >= 0) {
        fprintf(stderr, " %s", name_of(object[op->object].address));
    }
    if (op->site) fprintf(stderr, "   %s:%d", op->func, op->site->line);
    fprintf(stderr, "\n");
}

static const char unordered[] = "a value in use is overwritten by a store that is not ordered behind its load";

static void write_or_fail(int t, const struct op *op, int behind, uint64_t x, bool is_rmw) {
    if (mem_write(t, op->loc, behind, x, op->order, is_rmw) < 0) machine_violation(unordered, op->func, 0);
}

void model_settled(const void *lo, size_t bytes, const void *value) {
    const char *p = lo;

    if (model_self() < 0) return;
    for (size_t i = 0; i < bytes; i += sizeof(void *)) {
        int loc = mem_known(p + i);

        if (loc < 0 || !mem_last_load_was(model_self(), loc, (uintptr_t)value)) continue;
        if (!mem_settle(model_self(), loc)) model_fail(unordered, "model_settled", 0);
    }
}

/* ---- loops that wait ---- */

/* What a thread read last at a site, and how much it had done then. */
struct visit {
    unsigned run, done, at;
    int loc, store, again;
};

#define LOOPS 8 /* times around: a second call of the same function, or a walk over all Ps, is not a wait */
static struct visit visit[MODEL_MAX_THREADS][SITES];
static unsigned done[MODEL_MAX_THREADS]; /* writes, fences, calls, and loads that read something new */
static unsigned reads[MODEL_MAX_THREADS], stale[MODEL_MAX_THREADS]; /* how many; the last one not of the newest */
static unsigned run;

void op_reset(void) {
    run++;
    memset(done, 0, sizeof(done));
    memset(reads, 0, sizeof(reads));
    memset(stale, 0, sizeof(stale));
}

/* A loop that only reads, and reads once more what it read the last time around, is back in its earlier state: what
 * follows was explored from there. When all that it reads is the newest, and nobody is left to change that, it never
 * ends; an old store is read forever by no machine. */
static void note_read(int t, const struct op *op, int store) {
    struct visit *v = &visit[t][op->site->id];
    bool same = v->run == run && v->loc == op->loc && v->store == store;
    int again;

    reads[t]++;
    if (store != mem_newest(op->loc)) stale[t] = reads[t];
    if (!same) done[t]++;
    again = same && v->done == done[t] ? v->again + 1 : 0;
    if (again == LOOPS) {
        machine.spun = true;
        if (stale[t] <= v->at && machine_last(t)) {
            machine_violation("a thread polls for good", op->func, op->site->line);
        }
    }
    *v = (struct visit){run, done[t], reads[t], op->loc, store, again};
}

static void perform_rmw(int t, struct op *op, int choice) {
    bool swap = swaps(op, choice);

    op->result = mem_value(op->loc, choice);
    mem_read(t, op->loc, choice, swap ? op->order : op->fail_order);
    if (!swap) note_read(t, op, choice);
    if (swap) done[t]++;
    if (swap) write_or_fail(t, op, choice, combine(op->how, op->result, op->x) & mask(op->bytes), true);
}

static void join(int t, const struct view *v) {
    view_join(&mem_thread[t].now, v);
    view_join(&mem_thread[t].fetched, v);
}

static void publish_word(int t, struct object *o, int loc) {
    struct view word = {.at = {0}};

    word.at[loc] = mem_thread[t].now.at[loc];
    view_join(&o->view, &word);
}

static void perform_kernel(int t, struct op *op, int choice) {
    struct object *o = &object[op->object];

    switch (op->kind) {
    case OP_LOCK: o->holder = t + 1; join(t, &o->view); break;
    case OP_UNLOCK:
        if (o->holder != t + 1) machine_violation("unlock of a mutex held by another", "model", 0);
        o->holder = 0;
        o->view = mem_thread[t].now;
        mem_tick(t);
        break;
    case OP_FUTEX_WAKE:
        publish_word(t, o, (int)op->old);
        for (int u = 0; u < machine.nthreads; u++) {
            if (machine_asleep(u, op->object) && (choice == STALL || choice == u)) machine_wake(u);
        }
        break;
    case OP_EVENT_SET: o->set = true; view_join(&o->view, &mem_thread[t].now); mem_tick(t); break;
    case OP_EVENT_CLEAR: o->set = false; join(t, &o->view); break;
    case OP_EVENT_WAIT:
        if (choice) join(t, &o->view);
        op->result = (uint64_t)choice;
        break;
    default: break;
    }
}

void op_perform(int t, struct op *op, int choice) {
    if (op->kind != OP_LOAD && op->kind != OP_RMW) done[t]++;
    switch (op->kind) {
    case OP_LOAD:
        op->result = mem_value(op->loc, choice);
        mem_read(t, op->loc, choice, op->order);
        note_read(t, op, choice);
        break;
    case OP_STORE: write_or_fail(t, op, choice, op->x, false); break;
    case OP_RMW: perform_rmw(t, op, choice); break;
    case OP_FENCE: mem_fence_sc(t); break;
    case OP_LIGHT: mem_fence_light(t); break;
    case OP_HEAVY: mem_fence_heavy(t); break;
    case OP_CHOOSE: op->result = (uint64_t)choice; break;
    case OP_FUTEX_WAIT:
        op->result = mem_value(op->loc, choice);
        op->sleep = op->result == op->old;
        mem_read(t, op->loc, choice, MO_RLX);
        if (machine.tracing) trace(t, op, choice);
        op->result = op->sleep; /* true: it slept and was woken */
        return;
    case OP_WOKEN: op->result = true; break;
    default: perform_kernel(t, op, choice); break;
    }
    if (machine.tracing) trace(t, op, choice);
}
