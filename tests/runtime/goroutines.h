/*
 * goroutines.h: how a test of the runtime runs goroutines. For the tests of channels, select and sync.
 *
 * cmocka's assertions jump out of the test function, which a goroutine cannot do from its own stack: inside a run a
 * test says CHECK, which records, and run_goroutines asserts afterwards that nothing was recorded. Every test runs at
 * 1, 2 and 4 Ps. $TRINE_STRESS multiplies the rounds.
 */
#ifndef TEST_GOROUTINES_H
#define TEST_GOROUTINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trine.h"

/* The smallest stack on which code may call the runtime; sanitizers enlarge every frame. */
#if defined(RT_ASAN) || defined(RT_TSAN)
#define SMALL_STACK_BYTES (16u << 10)
#else
#define SMALL_STACK_BYTES (2u << 10)
#endif

/* An allocation that cannot be met returns NULL, as without a sanitizer, and a child ends at once. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
const char *__tsan_default_options(void) { return "allocator_may_return_null=1:atexit_sleep_ms=0"; }

static atomic_int n_failures;

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
static inline void check_failed(const char *what, const char *file, int line)
{
    if (atomic_fetch_add(&n_failures, 1) < 10) fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, what);
}

/* Rounds of a loop: fewer where each is slow. */
static inline int rounds(int n)
{
    const char *stress = getenv("TRINE_STRESS");
    int factor = stress ? atoi(stress) : 1;
#if defined(TRINE_CHAOS) || defined(RT_TSAN) || defined(RT_ASAN)
    n = n / 4 + 1;
#endif
    return n * (factor > 0 ? factor : 1);
}

static inline void run_at(int procs, trine_fn fn, void *arg)
{
    trine_config cfg = {.gomaxprocs = procs};
    atomic_store(&n_failures, 0);
    int result = trine_run(&cfg, fn, arg);
    if (result != 0 || atomic_load(&n_failures) != 0) {
        fail_msg("at %d Ps: trine_run returned %d, %d checks failed", procs, result, atomic_load(&n_failures));
    }
}

/* One P and no time slices: goroutines change places only where they wait or yield. */
static inline void run_in_turn(trine_fn fn)
{
    atomic_store(&n_failures, 0);
    assert_int_equal(trine_run(&(trine_config){.gomaxprocs = 1, .ablate = TRINE_NO_PREEMPT}, fn, NULL), 0);
    assert_int_equal(atomic_load(&n_failures), 0);
}

static inline void run_goroutines(trine_fn fn)
{
    for (int procs = 1; procs <= 4; procs *= 2) run_at(procs, fn, NULL);
}

/* Starts a goroutine, which a test cannot do without. */
static inline void go(trine_fn fn, void *arg)
{
    if (trine_go(fn, arg) != 0) {
        fprintf(stderr, "trine_go failed\n");
        abort();
    }
}

/* Lets every goroutine that can run do so: with one P surely, with several most likely. */
static inline void let_others_run(void)
{
    for (int i = 0; i < 32; i++) trine_yield();
}

/* Two goroutines leave this at about the same time, if there are cores for both. `turn` counts from 1. */
static inline void meet(atomic_int *arrived, int turn)
{
    atomic_fetch_add(arrived, 1);
    for (int i = 1; atomic_load(arrived) < 2 * turn; i++) {
        if (i % 1000 == 0) trine_yield();
    }
}

static inline trine_chan *make_chan(size_t elem_bytes, size_t cap)
{
    trine_chan *c = trine_chan_make(elem_bytes, cap);
    if (!c) abort();
    return c;
}
static inline void send_int(trine_chan *c, int x) { trine_chan_send(c, &x); }
static inline int recv_int(trine_chan *c)
{
    int x = -1;
    trine_chan_recv(c, &x);
    return x;
}
#endif
