/*
 * sched_signals.c: the program changes its handlers between two runs. The next one has those of the runtime again, and what
 * the program set meanwhile is called for what is not the runtime's, as is what was there before the first run.
 */
#include "child.h"
#include "overflow.h"
#include "proc.h"

#if defined(RT_TSAN)
#define POLL() TRINE_POLL() /* TSan defers signals, so there the flag alone preempts */
enum { SIGNALS = 0, OVERFLOWS = 0 };
#elif defined(RT_ASAN)
#define POLL() at_pause()
enum { SIGNALS = 1, OVERFLOWS = 0 }; /* it reports an overflow itself */
#else
#define POLL() at_pause()
enum { SIGNALS = 1, OVERFLOWS = 1 };
#endif

static atomic_int flag;
static void nothing(void *arg) { (void)arg; }
static void run(trine_fn fn) { CHECK(trine_run(&(trine_config){.gomaxprocs = 1, .slice_ns = 1000000}, fn, NULL) == 0); }

static void spin_until_flag(void *arg)
{
    while (!atomic_load(&flag)) POLL();
    trine_wg_done(arg);
}
/* One P: main comes back to it only if the other is preempted. */
static void beside_a_hog(void *arg)
{
    trine_wg done = {0};
    (void)arg;
    atomic_store(&flag, 0);
    trine_wg_add(&done, 1);
    go(spin_until_flag, &done);
    trine_yield();
    atomic_store(&flag, 1);
    trine_wg_wait(&done);
}

static void quit(void *arg)
{
    (void)arg;
    raise(SIGQUIT);
    trine_sleep(3600ll * 1000000000);
}

/* ---- taken away ---- */
static void (*const by_default[])(int) = {SIG_DFL, SIG_IGN};
static void without_handlers(void *arg)
{
    for (int i = 0; i < 2; i++) {
        signal(SIGQUIT, SIG_DFL); /* a shell may have had it ignored */
        run(nothing);
        signal(SIGURG, by_default[i]);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGQUIT, by_default[i]);
        run(beside_a_hog);
    }
    if (arg) run((trine_fn)arg);
}
static void HandlersAreSetAgain(void **state)
{
    (void)state;
    in_child(without_handlers, NULL);
    assert_ended_well("runs after the handlers were reset");
    if (SIGNALS) {
        in_child(without_handlers, (void *)quit);
        assert_said("SIGQUIT: quit");
    }
    if (OVERFLOWS) {
        in_child(without_handlers, (void *)overflow_stack);
        assert_said("fatal error: stack overflow: goroutine 1 main ");
    }
}

/* ---- replaced by handlers that call what was there ---- */
static volatile sig_atomic_t n_first, n_second;
static struct sigaction before_second[NSIG];
static void first(int sig) { n_first += sig != 0; }
static void second(int sig, siginfo_t *si, void *uc)
{
    n_second++;
    if (before_second[sig].sa_flags & SA_SIGINFO) before_second[sig].sa_sigaction(sig, si, uc);
}
static void with_handlers(void *arg)
{
    struct sigaction f = {.sa_handler = first, .sa_flags = SA_ONSTACK};
    struct sigaction s = {.sa_sigaction = second, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    (void)arg;
    sigaction(SIGURG, &f, NULL);
    run(beside_a_hog);
    raise(SIGURG);
    CHECK(n_first == 1);
    for (int i = 1; i <= 3; i++) {
        sigaction(SIGURG, &s, &before_second[SIGURG]);
        run(beside_a_hog);
        n_first = n_second = 0;
        raise(SIGURG); /* not the runtime's: to the second, which hands it on to us, and we to the first */
        CHECK(n_first == 1 && n_second == 1);
    }
}
static void HandlersOfTheProgramAreCalled(void **state)
{
    (void)state;
    in_child(with_handlers, NULL);
    assert_ended_well("a program with handlers of its own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HandlersAreSetAgain),
        cmocka_unit_test(HandlersOfTheProgramAreCalled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
