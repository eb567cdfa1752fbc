/*
 * arch_switch.c: the switch alone, without a runtime: two contexts that hand each other the processor. What each had in
 * registers is there again, its stack is its own and aligned as the ABI wants it, and a call on another stack comes back.
 *
 * Without cmocka, so that it is also cross-built and run under qemu-user (tests/cross). As many values are live over each switch
 * as there are registers that a function must keep: ten and eight on AArch64, where the switch saves them itself; on x86-64 the
 * compiler does, told by the clobbers.
 */
#include "arch.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 1000, STACK_BYTES = 64 << 10 };

static struct ctx home, away;
static int failures;
static _Alignas(16) char stack[STACK_BYTES], other_stack[STACK_BYTES];

#define CHECK(cond) ((cond) ? (void)0 : fail(#cond, __LINE__))
static void fail(const char *what, int line)
{
    if (failures++ < 10) printf("arch_switch.c:%d: CHECK(%s) failed\n", line, what);
}

static uintptr_t where(void) { return arch_sp(); }
static uintptr_t (*volatile stack_now)(void) = where; /* volatile: called, not inlined */

static int on(const char *base) { return stack_now() - (uintptr_t)base < STACK_BYTES; }

/* An aligned local of a function: where it lies when the stack came in misaligned shows it. */
static __attribute__((noinline)) int aligned(void)
{
    _Alignas(16) volatile char here[16] = {0};
    volatile uintptr_t at = (uintptr_t)here;
    return at % 16 == 0;
}

static volatile long whole[2][12];
static volatile double real[2][10];

/* Takes turns with the other side; every value comes from a volatile and is compared with it again after each switch. */
static __attribute__((noinline)) void turns(int side, struct ctx *self, struct ctx *peer, int n)
{
    long a = whole[side][0], b = whole[side][1], c = whole[side][2], d = whole[side][3], e = whole[side][4], f = whole[side][5],
         g = whole[side][6], h = whole[side][7], i = whole[side][8], j = whole[side][9], k = whole[side][10], l = whole[side][11];
    double p = real[side][0], q = real[side][1], r = real[side][2], s = real[side][3], t = real[side][4], u = real[side][5],
           v = real[side][6], w = real[side][7], x = real[side][8], y = real[side][9];
    for (int round = 0; round < n; round++) {
        arch_switch(self, peer);
        const volatile long *is = whole[side];
        const volatile double *as = real[side];
        CHECK(a == is[0] && b == is[1] && c == is[2] && d == is[3] && e == is[4] && f == is[5]);
        CHECK(g == is[6] && h == is[7] && i == is[8] && j == is[9] && k == is[10] && l == is[11]);
        CHECK(p <= as[0] && p >= as[0] && q <= as[1] && q >= as[1] && r <= as[2] && r >= as[2] && s <= as[3] && s >= as[3]);
        CHECK(t <= as[4] && t >= as[4] && u <= as[5] && u >= as[5] && v <= as[6] && v >= as[6] && w <= as[7] && w >= as[7]);
        CHECK(x <= as[8] && x >= as[8] && y <= as[9] && y >= as[9]);
        CHECK(on(stack) == side);
    }
}

static int began;
static void begin(void)
{
    began++;
    CHECK(on(stack) && aligned());
    for (;;) turns(1, &away, &home, ROUNDS);
}

static void called(void *arg)
{
    CHECK(on(other_stack) && aligned());
    ++*(int *)arg;
}

static void test_turns(void)
{
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < 12; i++) whole[side][i] = 1000 * (side + 1) + i;
        for (int i = 0; i < 10; i++) real[side][i] = 0.5 * (side + 1) + i;
    }
    rt_goroutine_main = begin;
    arch_ctx_make(&away, stack + STACK_BYTES);
    turns(0, &home, &away, ROUNDS);
    CHECK(began == 1);
}

/* From an ordinary stack, from one that was switched to, and with a top that is not aligned. */
static void test_calls_on(void)
{
    int n = 0;
    long kept = whole[0][3];
    for (int off = 0; off < 16; off++) arch_call_on(other_stack + STACK_BYTES - off, called, &n);
    CHECK(n == 16 && kept == whole[0][3] && !on(other_stack));
}

int main(void)
{
    test_turns();
    test_calls_on();
    printf("%d switches each way, %d failures\n", ROUNDS, failures);
    return failures != 0;
}
