/*
 * sched_follow.c: GOMAXPROCS follows affinity (and quota, whose reading cgroup_procs.c tests) while the program runs, unless
 * somebody set a number. The monitor is the thread that called trine_run, in a child its main thread, so its affinity is
 * the one that counts: sched_setaffinity(getpid()).
 */
#include "child.h"

#include <errno.h>
#include <sched.h>

static cpu_set_t all_cpus;

static int first_cpu(void)
{
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all_cpus)) cpu++;
    return cpu;
}

static void allow_one(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first_cpu(), &one);
    CHECK(sched_setaffinity(getpid(), sizeof one, &one) == 0);
}

static void allow_all(void) { CHECK(sched_setaffinity(getpid(), sizeof all_cpus, &all_cpus) == 0); }

/* Until GOMAXPROCS is n, for ten seconds at most: a look comes each second. No timer stands meanwhile, so when the world
 * stops every M rests and nothing but the queues of the Ps tells that this is no deadlock. */
static bool becomes(int n)
{
    int64_t until = trine_nanotime() + 10000000000;
    while (trine_gomaxprocs(0) != n && trine_nanotime() < until) trine_yield();
    return trine_gomaxprocs(0) == n;
}

/* Each P's threads are bound to its CPU, wherever the goroutine runs, also after a P was taken in a blocking call. */
static void check_pins(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++) {
        cpu_set_t set;
        trine_yield();
        CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
        CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(first_cpu(), &set));
        trine_syscall_enter();
        usleep(100);
        trine_syscall_exit();
    }
}

static void pinned(void *unused)
{
    for (int i = 0; i < 4; i++) go(check_pins, unused);
    check_pins(unused);
    while (trine_num_goroutine() > 1) trine_sleep(1000000);
}

static void APinIsApplied(void **state)
{
    char cpus[16];
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all_cpus, &all_cpus), 0);
    snprintf(cpus, sizeof cpus, "%d", first_cpu());
    run_in_child(&(trine_config){.gomaxprocs = 2, .cpus = cpus}, pinned, NULL);
}

static atomic_int stop_load;
static void load(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop_load)) trine_yield();
}

static void follow(void *unused)
{
    (void)unused;
    int full = trine_gomaxprocs(0);
    CHECK(full == trine_default_procs() && full > 1 && full <= CPU_COUNT(&all_cpus));
    for (int i = 0; i < 8; i++) go(load, NULL);
    for (int i = 0; i < 2; i++) {
        allow_one();
        CHECK(becomes(1));
        allow_all();
        CHECK(becomes(full)); /* not trine_default_procs() here: a thread made meanwhile has the one CPU of who made it */
    }
    atomic_store(&stop_load, 1);
}

static bool several_cpus(void)
{
    if (sched_getaffinity(0, sizeof all_cpus, &all_cpus) == 0 && CPU_COUNT(&all_cpus) > 1) return true;
    puts("SKIP: this test needs two CPUs");
    return false;
}

static void GomaxprocsFollowsAffinity(void **state)
{
    (void)state;
    if (!several_cpus()) skip();
    unsetenv("TRINE_PROCS");
    run_in_child(&(trine_config){0}, follow, NULL);
}

/* Two looks pass, with the affinity at one CPU. */
static void stays_two(void *unused)
{
    (void)unused;
    if (trine_gomaxprocs(0) != 2) trine_gomaxprocs(2);
    allow_one();
    for (int i = 0; i < 50; i++) {
        trine_sleep(50000000);
        CHECK(trine_gomaxprocs(0) == 2);
    }
}

static void AnExplicitNumberHolds(void **state)
{
    (void)state;
    if (!several_cpus()) skip();
    run_in_child(&(trine_config){.gomaxprocs = 2}, stays_two, NULL);
}

static void ACallHolds(void **state)
{
    (void)state;
    if (!several_cpus()) skip();
    /* starts with 1; the call sets 2 */
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first_cpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    run_in_child(&(trine_config){0}, stays_two, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof all_cpus, &all_cpus), 0);
}

static void TheEnvironmentsNumberHolds(void **state)
{
    (void)state;
    if (!several_cpus()) skip();
    setenv("TRINE_PROCS", "2", 1);
    run_in_child(&(trine_config){0}, stays_two, NULL);
    unsetenv("TRINE_PROCS");
}

/* In a pinned run a thread's own mask is its P's pin; the process has as many CPUs as before. */
static void counts_them_all(void *unused)
{
    (void)unused;
    CHECK(trine_num_cpu() == CPU_COUNT(&all_cpus));
    trine_gomaxprocs(trine_default_procs());
    CHECK(trine_gomaxprocs(0) == trine_default_procs() && trine_default_procs() > 1);
}
static void pinned_then_not(void *unused)
{
    char cpu[16];
    (void)unused;
    snprintf(cpu, sizeof cpu, "%d", first_cpu());
    CHECK(trine_run(&(trine_config){.cpus = cpu}, counts_them_all, NULL) == 0);
    CHECK(trine_num_cpu() == CPU_COUNT(&all_cpus));
    allow_one(); /* what the mask is later is seen again */
    CHECK(trine_num_cpu() == 1);
}
static void APinHidesNoCpus(void **state)
{
    (void)state;
    if (!several_cpus()) skip();
    unsetenv("TRINE_PROCS");
    in_child(pinned_then_not, NULL);
    assert_ended_well("pinned to one CPU");
}

/* ---- a run that ends while one resizes ---- */
/* Not inlined: the compiler may keep the address of a thread's errno, and the call may come back on another thread. */
static __attribute__((noinline)) void set_errno(int e) { errno = e; }
static __attribute__((noinline)) int get_errno(void) { return errno; }

static void resizes(void *arg)
{
    (void)arg;
    for (int i = 0;; i++) {
        set_errno(77);
        CHECK(trine_gomaxprocs(1 + i % 3) > 0);
        CHECK(get_errno() == 77);
    }
}
static void ends_soon(void *arg)
{
    go(resizes, NULL);
    for (int i = 0; i < *(int *)arg % 20; i++) trine_yield();
}
static void many_ends(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(1000); i++) {
        trine_config cfg = {.gomaxprocs = 2};
        CHECK(trine_run(&cfg, ends_soon, &i) == 0);
    }
}
static void ARunEndsWhileOneResizes(void **state)
{
    (void)state;
    in_child(many_ends, NULL);
    if (last.status) print_message("%s", last.text);
    assert_int_equal(last.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ARunEndsWhileOneResizes),
        cmocka_unit_test(GomaxprocsFollowsAffinity),
        cmocka_unit_test(AnExplicitNumberHolds),
        cmocka_unit_test(ACallHolds),
        cmocka_unit_test(TheEnvironmentsNumberHolds),
        cmocka_unit_test(APinHidesNoCpus),
        cmocka_unit_test(APinIsApplied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
