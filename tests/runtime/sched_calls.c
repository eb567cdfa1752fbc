/*
 * sched_calls.c: blocking calls in a row. None of them lasts until the monitor's second look, and yet together they are no more
 * than a slice: who waits behind them, for the P or for a timer of it, is served. By counts of calls, not by time.
 */
#include "child.h"

enum { CALL_US = 2000, SETTLE = 100, MOST = 1000 };

static atomic_bool second_began, served, stop;

static void call(void)
{
    trine_syscall_enter();
    usleep(CALL_US);
    trine_syscall_exit();
}

static void second(void *unused)
{
    (void)unused;
    atomic_store(&second_began, true);
    while (!atomic_load(&stop)) call();
}

/* Wants a P, and then that somebody looks at its timers. */
static void starved(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) trine_sleep(1000000);
    atomic_store(&served, true);
}

/* Alone first, beside an idle P: the monitor has nothing to do, and comes to look only every 10 ms. Then at both Ps. */
static void calls_in_a_row(void *unused)
{
    int n = 0;
    for (int i = 0; i < SETTLE; i++) call();
    go(second, unused);
    while (!atomic_load(&second_began)) call();
    go(starved, unused);
    for (; n < MOST && !atomic_load(&served); n++) call();
    CHECK(n < MOST); /* 20 to 50 seen; a slice is five calls */
    atomic_store(&stop, true);
    while (trine_num_goroutine() > 1) trine_sleep(1000000);
}

static void ShortCallsInARowEndWithTheSlice(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, calls_in_a_row, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ShortCallsInARowEndWithTheSlice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
