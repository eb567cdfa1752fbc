/* select_left.c: what selects that never return leave behind at the end of their run. */
#include "chan.h"
#include "child.h"

enum { MANY_CASES = 300 }; /* more entries than fit in the goroutine's frame */

static void select_for_good(void *chan)
{
    trine_case cases[MANY_CASES];
    for (int i = 0; i < MANY_CASES; i++) cases[i] = (trine_case){.chan = chan, .op = TRINE_RECV};
    trine_select(cases, MANY_CASES);
    CHECK(!"woken");
}
static uintptr_t entries; /* where those of the last run's select lie */

static void leave_a_select(void *chan)
{
    go(select_for_good, chan);
    for (int i = 0; i < 20; i++) trine_yield(); /* one P: by the second it waits */
    entries = (uintptr_t)atp_load_rlx(&((struct trine_chan *)chan)->recvq.first);
    CHECK(entries != 0);
}
/* The block that holds the entries, 512 of 72 bytes, serves the next run: without that each run had one of its own. */
static void runs_that_leave_selects(void *unused)
{
    uintptr_t first = 0;
    (void)unused;
    for (int i = 0; i < 50; i++) {
        trine_chan *chan = trine_chan_make(1, 0);
        CHECK(trine_run(&(trine_config){.gomaxprocs = 1}, leave_a_select, chan) == 0);
        trine_chan_free(chan);
        if (i == 0) first = entries;
        CHECK((entries > first ? entries - first : first - entries) < 512 * 72);
    }
}
static void SelectsThatAreLeftCostNoMemory(void **state)
{
    (void)state;
    in_child(runs_that_leave_selects, NULL);
    assert_ended_well("a select left in each run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SelectsThatAreLeftCostNoMemory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
