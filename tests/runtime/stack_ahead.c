/*
 * stack_ahead.c: memory committed before it is asked for, from inside: whose, how far ahead, how much at most; and that a
 * page in use stays as it is. One thread plays both sides; where the kernel can commit, it is asked what it did (mincore).
 */
#include "child.h"
#include "os_linux.h"
#include "param.h"
#include "stacks.h"

#include <sys/mman.h>

enum { BYTES = RT_STACK_GUARDED_BYTES }; /* four crowds to an arena */
static int cls;

static struct stackslot carve(void)
{
    struct stackslot s;
    assert_true(rt_stackcarve(cls, &s));
    return s;
}

/* n slots of a class, of which nothing is touched; the last of them. */
static struct stackslot crowd(size_t bytes, uint32_t n)
{
    struct stackslot s = {0};
    cls = rt_stackclass(bytes);
    for (uint32_t i = 0; i < n; i++) s = carve();
    return s;
}

static uint32_t until_enough(void)
{
    uint32_t n = 0;
    while (rt_stackahead()) assert_true(++n <= RT_AHEAD_WINDOW);
    return n;
}

static bool resident(uintptr_t page)
{
    unsigned char there;
    assert_int_equal(mincore((void *)page, 1, &there), 0);
    return there & 1;
}

/* The highest page of slot i of the first arena. */
static uintptr_t page_of(uint32_t i)
{
    return (arena_slot(rt_arenas.class[cls].arenas[0].a, i + 1) - 1) & ~(rt_pagesize() - 1);
}
static bool committed(uint32_t i) { return resident(page_of(i)); }

/* Linux 5.14, and no emulator that takes the call and does nothing. */
static bool kernel_can(void)
{
    void *p = rt_sysreserve(rt_pagesize(), rt_pagesize());
    assert_non_null(p);
    bool can = rt_syscommit((uintptr_t)p) && resident((uintptr_t)p);
    rt_sysfree(p, rt_pagesize());
    return can;
}

static void FewGetNoneAhead(void **state)
{
    (void)state;
    assert_false(rt_stackahead());
    crowd(BYTES, RT_AHEAD_FROM - 1);
    assert_false(rt_stackahead());
    carve();
    assert_true(rt_stackahead());
}

static void AheadByAGapWithinAWindow(void **state)
{
    (void)state;
    uint64_t before = rt_stackcounts().ahead;
    crowd(BYTES, RT_AHEAD_FROM);
    uint32_t n = until_enough();
    assert_int_equal(n, RT_AHEAD_WINDOW - RT_AHEAD_GAP);
    if (!kernel_can()) return;
    assert_int_equal(rt_stackcounts().ahead - before, n);
    for (uint32_t i = 0; i < RT_AHEAD_WINDOW + 8; i++)
        assert_int_equal(committed(RT_AHEAD_FROM + i), i >= RT_AHEAD_GAP && i < RT_AHEAD_WINDOW);
}

/* Whoever carves finds the guards there too, and never waits for the one who makes them. */
static void GuardsAreFurtherAheadThanMemory(void **state)
{
    (void)state;
    uint32_t slots = (uint32_t)(RT_ARENA_BYTES / BYTES);
    crowd(BYTES, RT_AHEAD_FROM);
    until_enough();
    struct arena *a = rt_arenas.class[cls].arenas[0].a;
    assert_true(arena_guarded(a, RT_AHEAD_FROM + RT_AHEAD_WINDOW - 1 + RT_GUARD_BATCH));
    for (uint32_t i = RT_AHEAD_FROM; i < slots - RT_AHEAD_GAP - 1; i++) carve();
    until_enough();
    assert_int_equal(at32_load_rlx(&a->guarded), slots);
}

/* Each that is carved makes room for one more, and each page is committed once. */
static void OneMoreForEachCarved(void **state)
{
    (void)state;
    crowd(BYTES, RT_AHEAD_FROM);
    until_enough();
    for (int i = 0; i < 100; i++) {
        carve();
        assert_int_equal(until_enough(), 1);
    }
    for (int i = 0; i < 10; i++) carve();
    assert_int_equal(until_enough(), 10);
}

/* Who was overtaken goes on in front of the one who carves. */
static void OvertakenOnesArePassedOver(void **state)
{
    (void)state;
    crowd(BYTES, RT_AHEAD_FROM);
    assert_true(rt_stackahead());
    for (uint32_t i = 0; i < 2 * RT_AHEAD_WINDOW; i++) carve();
    uint32_t used = RT_AHEAD_FROM + 2 * RT_AHEAD_WINDOW;
    assert_true(rt_stackahead());
    if (!kernel_can()) return;
    assert_true(committed(used + RT_AHEAD_GAP));
    for (uint32_t i = RT_AHEAD_FROM + RT_AHEAD_GAP + 1; i < used + RT_AHEAD_GAP; i++) assert_false(committed(i));
}

/* Two of the smallest share a page; it is committed for both. */
static void SmallStacksShareAPage(void **state)
{
    (void)state;
    uint32_t per = (uint32_t)(rt_pagesize() / RT_STACK_MIN_BYTES);
    crowd(RT_STACK_MIN_BYTES, RT_AHEAD_FROM);
    assert_int_equal(until_enough(), (RT_AHEAD_WINDOW - RT_AHEAD_GAP) / per);
}

/* Nothing behind the last slot of an arena; from the next arena's first on, as before. */
static void ArenasEnd(void **state)
{
    (void)state;
    uint32_t slots = (uint32_t)(RT_ARENA_BYTES / BYTES);
    crowd(BYTES, slots - RT_AHEAD_GAP - 2);
    assert_int_equal(until_enough(), 2);
    for (uint32_t i = 0; i < RT_AHEAD_GAP + 2; i++) {
        carve();
        assert_false(rt_stackahead());
    }
    carve();
    assert_int_equal(until_enough(), RT_AHEAD_WINDOW - RT_AHEAD_GAP);
}

/* The slot was carved and is in use by the time that its page is committed. */
static void PagesInUseStayAsTheyAre(void **state)
{
    (void)state;
    struct stackslot s = crowd(BYTES, 1);
    uint8_t *top = (uint8_t *)(s.hi - rt_pagesize());
    for (size_t i = 0; i < rt_pagesize(); i++) top[i] = (uint8_t)(i * 7);
    rt_syscommit((uintptr_t)top);
    for (size_t i = 0; i < rt_pagesize(); i++) assert_int_equal(top[i], (uint8_t)(i * 7));
}

/* The run is over: what was committed for nobody goes back too, also from an arena that stays for a goroutine in it. */
static bool keep_slot(uintptr_t lo, uintptr_t hi, void *arg) { return lo <= *(uintptr_t *)arg && *(uintptr_t *)arg < hi; }
static void NothingIsLeftBehind(void **state)
{
    (void)state;
    uintptr_t in_use = crowd(BYTES, RT_AHEAD_FROM).lo, ahead = page_of(RT_AHEAD_FROM + RT_AHEAD_GAP);
    assert_true(rt_stackahead());
    assert_int_equal(resident(ahead), kernel_can());
    rt_stackrelease(keep_slot, &in_use);
    assert_false(rt_stackahead());
    assert_false(resident(ahead));
}

/* ---- in a run: an M that finds nothing to run does it ---- */
enum { PARKED = 2 * RT_AHEAD_FROM };
static trine_wg ready, open, left;
static void park(void *arg)
{
    (void)arg;
    trine_wg_done(&ready);
    trine_wg_wait(&open);
    trine_wg_done(&left);
}
static void make_crowd(void *arg)
{
    uint64_t before = rt_stackcounts().ahead;
    trine_wg_add(&open, 1);
    trine_wg_add(&ready, PARKED);
    trine_wg_add(&left, PARKED);
    for (int i = 0; i < PARKED; i++) go(park, NULL);
    trine_wg_wait(&ready);
    bool wanted = arg;
    if (wanted) /* the other P has an M that looks for work, in vain by now */
        while (rt_stackcounts().ahead == before) trine_sleep(1000000);
    else CHECK(rt_stackcounts().ahead == before);
    trine_wg_done(&open);
    trine_wg_wait(&left);
}
static void IdlersCommit(void **state)
{
    (void)state;
    if (!kernel_can()) { /* it would wait for a count that stays */
        puts("SKIP: the kernel commits no memory before it is touched (MADV_POPULATE_WRITE, Linux 5.14)");
        skip();
    }
    run_in_child(&(trine_config){.gomaxprocs = 2}, make_crowd, &ready);
}
/* A lone P has other work, and no_spin says that who finds nothing parks at once. */
static void OthersDoNot(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, make_crowd, NULL);
    run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = TRINE_NO_SPIN}, make_crowd, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(FewGetNoneAhead, no_arenas),
        cmocka_unit_test_setup(AheadByAGapWithinAWindow, no_arenas),
        cmocka_unit_test_setup(GuardsAreFurtherAheadThanMemory, no_arenas),
        cmocka_unit_test_setup(OneMoreForEachCarved, no_arenas),
        cmocka_unit_test_setup(OvertakenOnesArePassedOver, no_arenas),
        cmocka_unit_test_setup(SmallStacksShareAPage, no_arenas),
        cmocka_unit_test_setup(ArenasEnd, no_arenas),
        cmocka_unit_test_setup(PagesInUseStayAsTheyAre, no_arenas),
        cmocka_unit_test_setup(NothingIsLeftBehind, no_arenas),
        cmocka_unit_test(IdlersCommit),
        cmocka_unit_test(OthersDoNot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
