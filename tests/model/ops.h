/*
 * ops.h: the operations of a model's thread: their choices, their effect on memory, and the objects of the kernel.
 * Between machine.c (the threads) and ops.c alone.
 */
#ifndef MODEL_OPS_H
#define MODEL_OPS_H

#include "explore.h"
#include "model_atomic.h"

enum op_kind {
    OP_NONE, OP_LOAD, OP_STORE, OP_RMW, OP_FENCE, OP_LIGHT, OP_HEAVY, OP_CHOOSE, OP_LOCK, OP_UNLOCK,
    OP_FUTEX_WAIT, OP_FUTEX_WAKE, OP_WOKEN, OP_EVENT_SET, OP_EVENT_CLEAR, OP_EVENT_WAIT,
};

struct op {
    enum op_kind kind;
    struct model_site *site; /* of an atomic operation */
    const char *func;
    int loc, object; /* -1: none */
    unsigned order, fail_order;
    enum model_rmw how;
    uint64_t old, x; /* x: the operand; of a choice, how many; of a wake, at most how many */
    uint64_t result;
    size_t bytes;
    bool sleep; /* out: the thread waits */
};

bool op_is_sc(const struct op *op); /* a heavy fence is one, a light one is not */
bool op_writes(const struct op *op, int choice); /* does it change a location, with this choice? */
int op_choices(int t, const struct op *op, int *choice);
void op_perform(int t, struct op *op, int choice);

void op_reset(void); /* before an execution */
void object_forget(void);
void object_reset(void);
unsigned *object_users(int object); /* bit t: thread t uses it in some execution */

uint64_t machine_do(struct op op);
void machine_wake(int t);
bool machine_asleep(int t, int object);
#endif
