/*
 * sched_fence.c: the side that pays for the fence between submitters and idlers (fence.h) changes with what the program
 * does. That the change itself loses no wake-up is explored in tests/model/test_fence.c.
 */
#include "child.h"

#include "fence.h"
#include "proc.h"

static bool submitters_pay(void) { return at32_load_rlx(&rt_fence.submit_full) != 0; }

static void nothing(void *arg) { trine_wg_done(arg); }

/* Twenty seconds at most: some hundred thousand submissions, or some hundred idlers, are needed, a few looks apart. */
static bool until(bool pays, void (*step)(void))
{
    int64_t end = trine_nanotime() + 20000000000;
    while (submitters_pay() != pays && trine_nanotime() < end) step();
    return submitters_pay() == pays;
}

static void spawn_many(void)
{
    trine_wg wg = {0};
    trine_wg_add(&wg, 1000);
    for (int i = 0; i < 1000; i++) go(nothing, &wg);
    trine_wg_wait(&wg);
}

static void go_idle(void) { trine_sleep(50000); }

static void turns(void *arg)
{
    (void)arg;
    if (!rt_sched.fence_turns) { /* TSan, or no membarrier */
        spawn_many();
        CHECK(submitters_pay());
        return;
    }
    for (int i = 0; i < 2; i++) {
        CHECK(until(false, spawn_many));
        CHECK(until(true, go_idle));
    }
}

static void TheRarerSidePays(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, turns, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(TheRarerSidePays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
