/* select_left.c: what selects that never return leave behind at the end of their run. */
#include "child.h"

enum { MANY_CASES = 300 }; /* more entries than fit in the goroutine's frame */

static void select_for_good(void *chan)
{
    trine_case cases[MANY_CASES];
    for (int i = 0; i < MANY_CASES; i++) cases[i] = (trine_case){.chan = chan, .op = TRINE_RECV};
    trine_select(cases, MANY_CASES);
    CHECK(!"woken");
}
static void leave_a_select(void *chan)
{
    go(select_for_good, chan);
    for (int i = 0; i < 20; i++) trine_yield(); /* one P: by the second it waits */
}
static long pages_resident(void)
{
    long mapped, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%ld %ld", &mapped, &resident) == 2);
    fclose(f);
    return resident;
}
/* Entries of 72 bytes, so six pages a run, serve the next one: 1,200 pages were lost before. (Not of what is mapped: a
 * thread's first malloc may map an arena at any time.) */
static void runs_that_leave_selects(void *unused)
{
    long before = 0;
    (void)unused;
    for (int i = 0; i < 210; i++) {
        trine_chan *chan = trine_chan_make(1, 0);
        CHECK(trine_run(&(trine_config){.gomaxprocs = 1}, leave_a_select, chan) == 0);
        trine_chan_free(chan);
        if (i == 9) before = pages_resident();
    }
    CHECK(pages_resident() - before < 600);
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
