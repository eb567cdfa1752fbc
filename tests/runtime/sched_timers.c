/*
 * sched_timers.c: the timers of a P that is idle. Whoever waits for them in the poller may come back with something to run, and
 * those who sleep on the other P must not wait until that is over. One goroutine on each P sleeps; the one that wakes first
 * goes on until the other has woken. And the timers of a P whose holder does not come to them.
 */
#include "child.h"
#include "goroutines.h"
#include "proc.h"

enum { FIRST_MS = 10, OTHER_MS = 60, GIVE_UP_MS = 4000 };

static atomic_int together;
static atomic_bool other_woke;

static void both_here(void) /* both are on their Ps */
{
    atomic_fetch_add(&together, 1);
    while (atomic_load(&together) < 2) {}
}

static void other(void *unused)
{
    (void)unused;
    both_here();
    trine_sleep(OTHER_MS * 1000000ll);
    atomic_store(&other_woke, true);
}

static bool gives_up(int64_t since) { return trine_nanotime() - since > GIVE_UP_MS * 1000000ll; }

static void go_on_by(void (*turn)(void))
{
    go(other, NULL);
    both_here();
    trine_sleep(FIRST_MS * 1000000ll);
    int64_t since = trine_nanotime();
    while (!atomic_load(&other_woke) && !gives_up(since)) turn();
    CHECK(atomic_load(&other_woke));
}

static void compute(void) {}
static void yielding(void *unused) { (void)unused, go_on_by(trine_yield); }
static void computing(void *unused) { (void)unused, go_on_by(compute); }

static void ATimerOfAnIdlePBesideOneThatYields(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, yielding, NULL);
}

static void ATimerOfAnIdlePBesideOneThatComputes(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, computing, NULL);
}

static atomic_bool asleep;
static trine_wg hogs;

static void beside_a_hog(void *unused)
{
    (void)unused;
    trine_sleep(FIRST_MS * 1000000ll);
    atomic_store(&other_woke, true);
}

/* On the other P, whose timers it keeps from being run: nothing preempts it. */
static void hog(void *unused)
{
    (void)unused;
    both_here();
    go(beside_a_hog, NULL);
    trine_yield();
    atomic_store(&asleep, true);
    for (int64_t since = trine_nanotime(); !atomic_load(&other_woke) && !gives_up(since);) {}
    CHECK(atomic_load(&other_woke)); /* here: its own timers run once it gives way */
    trine_wg_done(&hogs);
}

/* As if an M had been woken to look for work that the kernel has given no CPU yet. */
static void beside_a_spinner_without_a_cpu(void *unused)
{
    (void)unused;
    trine_wg_add(&hogs, 1);
    go(hog, NULL);
    both_here();
    while (!atomic_load(&asleep)) {}
    at32_add_ar(&rt_sched.nmspinning, 1);
    trine_wg_wait(&hogs);
    at32_add_ar(&rt_sched.nmspinning, -1u);
}

static void DueTimersWaitForNoSpinner(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = TRINE_NO_PREEMPT}, beside_a_spinner_without_a_cpu, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ATimerOfAnIdlePBesideOneThatYields),
        cmocka_unit_test(ATimerOfAnIdlePBesideOneThatComputes),
        cmocka_unit_test(DueTimersWaitForNoSpinner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
