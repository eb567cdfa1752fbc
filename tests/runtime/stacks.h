/*
 * stacks.h: what the tests of stack.c and its neighbours share: each begins without an arena.
 */
#ifndef TEST_STACKS_H
#define TEST_STACKS_H

#include "stack_arena.h"

static inline bool keep_none(uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)lo, (void)hi, (void)arg;
    return false;
}

/* A cmocka setup. */
static inline int no_arenas(void **state)
{
    (void)state;
    rt_stackrelease(keep_none, NULL);
    return 0;
}
#endif
