/*
 * sched_ablation.c: trine_config.ablate. A mixed workload ends under every ablation; what is switched off does not
 * happen, by the counters; and what the part alone would have done is still done by somebody.
 */
#include "child.h"
#include "m.h"
#include "proc.h"

static trine_wg all;

/* ---- a mixed workload, each part off in turn ---- */
static void fan(void *arg)
{
    trine_chan *c = arg;
    for (int i = 0; i < 50; i++) {
        send_int(c, 1);
        if (i % 10 == 0) trine_yield();
        if (i % 25 == 0) trine_sleep(20000);
        if (i % 20 == 0) {
            trine_syscall_enter();
            usleep(20);
            trine_syscall_exit();
        }
    }
    trine_wg_done(&all);
}
static void slicer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) TRINE_POLL();
    trine_wg_done(&all);
}
static void mixed(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 4);
    int sum = 0, x;
    (void)arg;
    trine_wg_add(&all, 44);
    for (int i = 0; i < 40; i++) go(fan, c);
    for (int i = 0; i < 4; i++) go(slicer, NULL);
    while (sum < 40 * 50 && trine_chan_recv(c, &x)) sum += x;
    trine_wg_wait(&all);
    CHECK(sum == 40 * 50);
}
enum { ABLATIONS = 12 }; /* bits of trine_config.ablate; behind them: none */

static void EveryAblationCompletes(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= ABLATIONS; bit++)
        for (int procs = 1; procs <= 4; procs *= 2)
            run_in_child(&(trine_config){.gomaxprocs = procs, .ablate = bit < ABLATIONS ? 1u << bit : 0}, mixed, NULL);
}

/* What each switches off does not happen. */
static void counts(void *arg)
{
    struct trine_stats s;
    unsigned ablate = (unsigned)(uintptr_t)arg;
    mixed(NULL);
    trine_stats(&s);
    if (ablate & (TRINE_NO_STEAL | TRINE_LOCAL_ONLY | TRINE_GLOBAL_ONLY)) CHECK(s.steals == 0);
    if (ablate & (TRINE_NO_RUNNEXT | TRINE_GLOBAL_ONLY)) CHECK(s.runnext_hits == 0);
    if (ablate & TRINE_NO_PREEMPT) CHECK(s.preemptions == 0);
    if (ablate == 0) CHECK(s.runnext_hits > 0 && s.parks > 0 && s.wakes > 0 && s.syscalls >= 40 * 3);
}
static void AblationsSwitchOff(void **state)
{
    static const unsigned which[] = {0, TRINE_NO_STEAL, TRINE_LOCAL_ONLY, TRINE_GLOBAL_ONLY, TRINE_NO_RUNNEXT, TRINE_NO_PREEMPT};
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof *which; i++)
        run_in_child(&(trine_config){.gomaxprocs = 3, .slice_ns = 1000000, .ablate = which[i]}, counts,
                     (void *)(uintptr_t)which[i]);
}

/* ---- the look at the global queue, every 61st schedule ---- */
/* More than a ring holds: half of it goes to the global queue, and both have work for the whole of the run. */
enum { OVERFLOWING = 3 * RT_RUNQ_SIZE };
static void yield_on(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) trine_yield();
    trine_wg_done(&all);
}
static void overflow(void *arg)
{
    struct trine_stats s;
    trine_wg_add(&all, OVERFLOWING);
    for (int i = 0; i < OVERFLOWING; i++) go(yield_on, NULL);
    trine_wg_wait(&all);
    trine_stats(&s);
    CHECK((s.tick61 == 0) == ((unsigned)(uintptr_t)arg == TRINE_NO_GLOBAL_TICK));
}
static void TickSwitchedOff(void **state)
{
    static const unsigned which[] = {0, TRINE_NO_GLOBAL_TICK};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        run_in_child(&(trine_config){.gomaxprocs = 1, .ablate = which[i]}, overflow, (void *)(uintptr_t)which[i]);
}

/* ---- timers of an idle P, where nothing is stolen ---- */
/* Which P an M takes when a timer is due is the last that went idle, and the timer may be another's. The sleeper's P goes idle
 * before that of the one who waits for it: a blocking call gives the sleeper a P of its own, since nobody steals it
 * (under TRINE_LOCAL_ONLY it would not: there is no hand-off either). */
static atomic_int running, out_of_call, on_p, slept;
static void sleep_on_another_p(void *arg)
{
    (void)arg;
    atomic_store(&running, 1);
    while (!atomic_load(&out_of_call)) TRINE_POLL();
    atomic_store(&on_p, (int)rt_getg()->m->p->id);
    trine_sleep(50000000);
    atomic_store(&slept, 1);
    trine_wg_done(&all);
}
static void wait_for_it(void *arg)
{
    (void)arg;
    atomic_store(&on_p, -1);
    trine_wg_add(&all, 1);
    go(sleep_on_another_p, NULL);
    trine_syscall_enter();
    while (!atomic_load(&running)) usleep(100);
    trine_syscall_exit();
    atomic_store(&out_of_call, 1);
    int p;
    while ((p = atomic_load(&on_p)) < 0 || !(rt_idlemask((uint32_t)p) || atomic_load(&slept))) TRINE_POLL();
    trine_wg_wait(&all);
}
static void IdleTimersAreRun(void **state)
{
    static const unsigned which[] = {TRINE_NO_STEAL, TRINE_GLOBAL_ONLY};
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof *which; i++)
        run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = which[i]}, wait_for_it, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(EveryAblationCompletes),
        cmocka_unit_test(AblationsSwitchOff),
        cmocka_unit_test(TickSwitchedOff),
        cmocka_unit_test(IdleTimersAreRun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
