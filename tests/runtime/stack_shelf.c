/*
 * stack_shelf.c: the shelf of warm slots, from inside: which slot goes next, which become cold, and that each is given
 * once. Slots are known by their numbers; their memory is not touched.
 */
#include "g.h"
#include "goroutines.h"
#include "param.h"
#include "stacks.h"

#include <stdlib.h>

enum { SLOTS = 5000, AT_ONCE = 32 }; /* of ordinary stacks: nearly five arenas; of the smallest: 79 words of one */
/* Arenas of 512, 16 and one word, and of a single slot. */
static const size_t sizes[] = {RT_STACK_MIN_BYTES, RT_STACK_BYTES, 4u << 20, 64u << 20};
static struct stackslot slots[SLOTS];
static uint32_t numbers[SLOTS];
static int cls, n;

static uint32_t on_the_shelf(void) { return at32_load_rlx(&rt_arenas.class[cls].nwarm); }

/* As many slots of a class as make it cross an arena, all carved and on the shelf, put there in a mixed order. */
static void fill(size_t bytes)
{
    no_arenas(NULL);
    cls = rt_stackclass(bytes);
    n = bytes > RT_STACK_BYTES ? (int)(RT_ARENA_BYTES / bytes) * 2 + 1 : SLOTS;
    for (int i = 0; i < n; i++) {
        assert_true(rt_stackcarve(cls, &slots[i]));
        assert_int_equal(slots[i].number, i);
        numbers[i] = (uint32_t)i;
    }
    for (int i = n - 1; i > 0; i--) {
        int k = rand() % (i + 1);
        uint32_t t = numbers[i];
        numbers[i] = numbers[k];
        numbers[k] = t;
    }
    for (int i = 0; i < n; i += AT_ONCE) rt_shelfput(cls, numbers + i, (uint32_t)(n - i < AT_ONCE ? n - i : AT_ONCE));
    assert_int_equal(on_the_shelf(), n);
}

/* The next `want` taken are those of the numbers from `from` on, `step` apart. */
static void assert_takes(int want, int from, int step)
{
    uintptr_t lo[AT_ONCE];
    uint32_t got = 0;
    for (int i = 0, at = AT_ONCE; i < want; i++, at++) {
        if (at == AT_ONCE) got = rt_shelftake(cls, lo, (uint32_t)(want - i < AT_ONCE ? want - i : AT_ONCE)), at = 0;
        assert_true((uint32_t)at < got);
        assert_int_equal(lo[at], slots[from + i * step].lo);
    }
}

static void TheLowestGoFirst(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uintptr_t lo;
        fill(sizes[i]);
        assert_takes(n, 0, 1);
        assert_int_equal(rt_shelftake(cls, &lo, 1), 0);
        assert_int_equal(on_the_shelf(), 0);
    }
}

/* A low one that comes back goes before the higher ones that never left. */
static void WhatComesBackLowGoesFirst(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(sizes[i]);
        assert_takes(n - 1, 0, 1);
        rt_shelfput(cls, &slots[0].number, 1);
        assert_takes(2, 0, n - 1);
    }
}

/* Whatever the holes: every third is in use. */
static void HolesArePassedOver(void **state)
{
    (void)state;
    fill(RT_STACK_BYTES);
    assert_takes(n, 0, 1);
    for (int i = 0; i < n; i += 3) rt_shelfput(cls, &slots[i].number, 1);
    assert_takes((n + 2) / 3, 0, 3);
}

/* How many leave the shelf as cold, each once, never more at a time than asked for. */
static int cold(void)
{
    static uint8_t seen[SLOTS];
    struct stackslot out[AT_ONCE];
    int all = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t got; (got = rt_shelfcold(cls, out, AT_ONCE)) != 0; all += (int)got) {
        assert_true(got <= AT_ONCE);
        for (uint32_t i = 0; i < got; i++) {
            assert_int_equal(seen[out[i].number]++, 0);
            assert_int_equal(out[i].lo, slots[out[i].number].lo);
            assert_int_equal(out[i].hi, slots[out[i].number].hi);
        }
    }
    return all;
}

static void put_back(int from, int to)
{
    for (int i = from; i < to; i++) rt_shelfput(cls, &slots[i].number, 1);
}

/* Who was taken and put back within the last period is as young as who died in it. */
static void WhatWasWantedIsYoungAgain(void **state)
{
    (void)state;
    fill(RT_STACK_BYTES);
    assert_true(rt_shelfage(cls));
    assert_int_equal(cold(), 0);
    assert_takes(100, 0, 1);
    put_back(0, 100);
    assert_true(rt_shelfage(cls));
    assert_int_equal(on_the_shelf(), 100);
    assert_int_equal(cold(), n - 100);
}

/* A cold one is not given any more, though it is the lowest. */
static void ColdOnesAreNotGiven(void **state)
{
    (void)state;
    fill(RT_STACK_BYTES);
    assert_takes(n, 0, 1);
    put_back(0, n - 100);
    assert_true(rt_shelfage(cls));
    put_back(n - 100, n);
    assert_true(rt_shelfage(cls));
    assert_takes(100, n - 100, 1);
    assert_int_equal(cold(), n - 100);
}

/* While some are cold nobody ages: the monitor has not given them back yet. */
static void OneAgeAtATime(void **state)
{
    (void)state;
    fill(RT_STACK_BYTES);
    assert_true(rt_shelfage(cls));
    assert_takes(n / 2, 0, 1);
    put_back(0, n / 2);
    for (int i = 0; i < 2; i++) assert_true(rt_shelfage(cls)); /* the first makes half of them cold */
    assert_int_equal(on_the_shelf(), n / 2);
    assert_int_equal(cold(), n - n / 2);
    assert_true(rt_shelfage(cls));
    assert_int_equal(cold(), n / 2);
    assert_false(rt_shelfage(cls));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, no_arenas)
    const struct CMUnitTest tests[] = {
        T(TheLowestGoFirst), T(WhatComesBackLowGoesFirst), T(HolesArePassedOver), T(WhatWasWantedIsYoungAgain),
        T(ColdOnesAreNotGiven), T(OneAgeAtATime),
    };
    srand(7);
    return cmocka_run_group_tests(tests, NULL, no_arenas);
}
