/*
 * sched_death.c: how a program ends that cannot go on: deadlocks of every kind (and what is none), too many threads,
 * stacks that overflow; each with its exact line on stderr and exit status 2, in a child.
 */
#include "child.h"
#include "overflow.h"
#include "proc.h"

#include <pthread.h>

#define DEADLOCK "fatal error: all goroutines are asleep - deadlock!"
#define NO_GOROUTINES "fatal error: no goroutines (main called trine_exit) - deadlock!"

static void must_die(trine_fn fn, const char *line) /* at 1, 2 and 4 Ps */
{
    for (int procs = 1; procs <= 4; procs *= 2)
        run_must_die(&(trine_config){.gomaxprocs = procs}, fn, NULL, line);
}

/* ---- deadlocks ---- */
static void recv_for_good(void *arg)
{
    (void)arg;
    recv_int(make_chan(sizeof(int), 0));
}
static void select_nothing(void *arg)
{
    (void)arg;
    trine_select(NULL, 0);
}
static void SimpleDeadlock(void **state)
{
    (void)state;
    must_die(recv_for_good, DEADLOCK);
    must_die(select_nothing, DEADLOCK);
}

static void main_waits_all_wait(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) go(recv_for_good, NULL);
    trine_sleep(1000000);
    recv_for_good(NULL);
}
static void EveryoneWaits(void **state) { (void)state; must_die(main_waits_all_wait, DEADLOCK); }

static void locked_main(void *arg)
{
    trine_lock_os_thread();
    recv_for_good(arg);
}
static void locked_other(void *arg)
{
    go(locked_main, NULL);
    recv_for_good(arg);
}
static void locked_twice(void *arg)
{
    go(locked_main, NULL);
    trine_sleep(1000000);
    locked_main(arg);
}
static void LockedDeadlock(void **state)
{
    (void)state;
    must_die(locked_main, DEADLOCK);
    must_die(locked_other, DEADLOCK);
    must_die(locked_twice, DEADLOCK);
}

static void nothing(void *arg) { (void)arg; }
static void exit_alone(void *arg) { (void)arg; trine_exit(); }
static void exit_before_others(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) go(nothing, NULL);
    trine_exit();
}
static void exit_then_others_wait(void *arg)
{
    (void)arg;
    go(recv_for_good, NULL);
    trine_exit();
}
static void exit_locked(void *arg)
{
    (void)arg;
    trine_lock_os_thread();
    trine_exit();
}
static void GoexitDeadlock(void **state)
{
    (void)state;
    must_die(exit_alone, NO_GOROUTINES);
    must_die(exit_before_others, NO_GOROUTINES);
    must_die(exit_then_others_wait, DEADLOCK);
    must_die(exit_locked, NO_GOROUTINES);
}

/* After main has exited, the others go on as long as they can. */
static void one_more(void *arg) { trine_wg_done(arg); }
static void say_and_leave(void *arg)
{
    static trine_wg wg;
    trine_yield(); /* main has ended: one of these gets its descriptor */
    trine_wg_add(&wg, 3);
    for (int i = 0; i < 3; i++) go(one_more, &wg);
    trine_wg_wait(&wg);
    for (int i = 0; i < 100; i++) trine_yield();
    trine_sleep(1000000);
    fprintf(stderr, "went on\n");
    (void)arg;
}
static void exit_others_go_on(void *arg)
{
    (void)arg;
    go(say_and_leave, NULL);
    trine_exit();
}
static void GoexitInMainLetsOthersGoOn(void **state)
{
    (void)state;
    must_die(exit_others_go_on, NO_GOROUTINES);
    assert_non_null(strstr(last.text, "went on\n"));
}

/* ---- the network and timers in the count ---- */
static int fds[2];
static void open_pipe(void)
{
    CHECK(pipe(fds) == 0 && trine_open_fd(fds[0]) == 0);
}
static void poller_without_waiters(void *arg)
{
    open_pipe();
    recv_for_good(arg);
}
static void poller_whose_waiter_went(void *arg)
{
    char c;
    open_pipe();
    CHECK(trine_fd_deadline(fds[0], trine_nanotime() + 1000000, 0) == 0);
    CHECK(trine_read(fds[0], &c, 1) == -ETIMEDOUT);
    CHECK(trine_close(fds[0]) == 0);
    recv_for_good(arg);
}
static void NetpollDeadlock(void **state)
{
    (void)state;
    must_die(poller_without_waiters, DEADLOCK);
    must_die(poller_whose_waiter_went, DEADLOCK);
}

static atomic_int fired;
static void on_timer(void *arg) { (void)arg; atomic_fetch_add(&fired, 1); }
static void stopped_timer(void *arg)
{
    trine_timer t = {0};
    CHECK(trine_timer_start(&t, 3600ll * 1000000000, on_timer, NULL) == 0);
    CHECK(trine_timer_stop(&t));
    recv_for_good(arg);
}
static void fired_timer(void *arg)
{
    static trine_timer t;
    CHECK(trine_timer_start(&t, 1000000, on_timer, NULL) == 0);
    recv_for_good(arg);
}
static void TimersThatAreGone(void **state)
{
    (void)state;
    must_die(stopped_timer, DEADLOCK);
    must_die(fired_timer, DEADLOCK);
}

/* ---- a goroutine that ends its thread ---- */
static void pthread_exit_as(void *arg)
{
    switch ((intptr_t)arg) {
    case 1: trine_lock_os_thread(); break;
    case 2: trine_syscall_enter(); break;
    }
    pthread_exit(NULL);
}
static void pthread_exit_beside(void *arg)
{
    go(pthread_exit_as, arg);
    recv_for_good(NULL);
}
static void end_locked(void *arg) { trine_lock_os_thread(); trine_wg_done(arg); }
static void *ordinary_thread(void *arg) { pthread_exit(arg); }
static void threads_end(void *arg) /* none of these is told: threads of locked goroutines, and the program's own */
{
    trine_wg wg = {0};
    (void)arg;
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        CHECK(pthread_create(&t, NULL, ordinary_thread, NULL) == 0);
        trine_wg_add(&wg, 1);
        go(end_locked, &wg);
        pthread_join(t, NULL);
    }
    trine_wg_wait(&wg);
}
static void PthreadExitIsNamed(void **state)
{
    (void)state;
#if defined(RT_ASAN) || defined(RT_TSAN)
    puts("SKIP: the sanitizer's own part of pthread_exit does not expect a goroutine's stack");
    skip();
#endif
    for (intptr_t how = 0; how < 3; how++) {
        for (int procs = 1; procs <= 2; procs++) {
            trine_config cfg = {.gomaxprocs = procs};
            run_must_die(&cfg, pthread_exit_as, (void *)how, "fatal error: pthread_exit called in a goroutine");
            run_must_die(&cfg, pthread_exit_beside, (void *)how, "fatal error: pthread_exit called in a goroutine");
        }
    }
}
static void ThreadsThatMayEnd(void **state) { (void)state; run_children(threads_end); }

/* A reader in the poller, a sleeper, a blocking call, a spinner: none of these is a deadlock. */
static void write_later(void *fd)
{
    usleep(30000);
    CHECK(write(*(int *)fd, "x", 1) == 1);
}
static void blocked_call(void *arg)
{
    trine_syscall_enter();
    write_later(&fds[1]);
    trine_syscall_exit();
    (void)arg;
}
static void waits_that_end(void *arg)
{
    char c;
    (void)arg;
    open_pipe();
    go(blocked_call, NULL);
    CHECK(trine_read(fds[0], &c, 1) == 1);
    trine_sleep(20000000);
    trine_syscall_enter();
    usleep(20000);
    trine_syscall_exit();
    trine_lock_os_thread();
    trine_sleep(20000000);
}
static void WaitsThatEndAreNoDeadlock(void **state) { (void)state; run_children(waits_that_end); }

/* ---- threads ---- */
static void block_in_call(void *arg)
{
    char c;
    (void)arg;
    trine_syscall_enter();
    CHECK(read(fds[0], &c, 1) == 1);
    trine_syscall_exit();
}
static void many_blocked(void *arg)
{
    CHECK(pipe(fds) == 0);
    for (intptr_t i = 0; i < (intptr_t)arg; i++) go(block_in_call, NULL);
    for (;;) trine_sleep(1000000);
}
static void ThreadExhaustion(void **state)
{
    (void)state;
    run_must_die(&(trine_config){.gomaxprocs = 2, .maxthreads = 10}, many_blocked, (void *)20,
                 "fatal error: thread exhaustion");
    assert_non_null(strstr(last.text, "runtime: program exceeds 10-thread limit\n"));
}

/* ---- stacks ---- */
static void named_overflow(void *arg)
{
    trine_go_opts o = {.name = "the deep one", .stack_bytes = (size_t)(uintptr_t)arg};
    CHECK(trine_go_with(&o, overflow_stack, NULL) == 0);
    recv_for_good(NULL);
}
static void StackOverflowIsNamed(void **state)
{
    (void)state;
#if defined(RT_ASAN) || defined(RT_TSAN)
    puts("SKIP: the sanitizer reports the overflow itself");
    skip();
#endif
    for (size_t kib = 16; kib <= 1024; kib *= 8) {
        struct child_run r = {{.gomaxprocs = 2}, named_overflow, (void *)(kib << 10)};
        in_child(child_run_body, &r);
        assert_int_equal(last.status, 2);
        assert_ptr_equal(strstr(last.text, "fatal error: stack overflow: goroutine "), last.text);
        assert_non_null(strstr(last.text, " the deep one used more than its "));
    }
}

/* A frame larger than a page may step over the guard without a touch: the next call of the runtime, or the next fault, tells. */
static __attribute__((noinline)) void large_frame(void *calls)
{
    volatile char frame[70000];
    frame[sizeof frame - 1] = 1; /* not its low end, which lies past the guard */
    if (calls) trine_yield();
    for (size_t i = sizeof frame; i-- > 0;) frame[i] = 1; /* into the guard */
}
static __attribute__((noinline)) void huge_frame(void *unused)
{
    volatile char frame[300000];
    (void)unused;
    const volatile char *at = frame;
    __asm__("" : "+r"(at)); /* never written: the compiler is not to know; nor is it kept in the frame, which is others' memory */
    for (size_t i = 0; i < sizeof frame; i += 1024) (void)at[i]; /* from below: the guard hit is a neighbour's, or no stack's */
}
static void large_frames(void *arg)
{
    const struct trine_go_opts o = {.name = "the large one"};
    CHECK(trine_go_with(&o, (trine_fn)arg, arg == (void *)huge_frame ? NULL : arg) == 0);
    recv_for_good(NULL);
}
static void over_without_a_call(void *unused)
{
    (void)unused;
    large_frame(NULL);
}
static void LargeFramesOverflowByName(void **state)
{
    (void)state;
#if defined(RT_ASAN) || defined(RT_TSAN)
    puts("SKIP: the sanitizer reports the overflow itself");
    skip();
#endif
    trine_fn frames[] = {large_frame, over_without_a_call, huge_frame};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct child_run r = {{.gomaxprocs = 1}, large_frames, (void *)frames[i]};
        in_child(child_run_body, &r);
        assert_int_equal(last.status, 2);
        assert_ptr_equal(strstr(last.text, "fatal error: stack overflow: goroutine "), last.text);
        assert_non_null(strstr(last.text, " the large one used more than its "));
    }
}

/* Below 16 KiB there is no guard page: a canary at the end tells, at the next switch. */
static void spoil_canary(void *arg)
{
    struct g *gp = rt_getg();
    (void)arg;
    CHECK(!gp->guarded);
    *(volatile uint64_t *)gp->stack_lo = 0;
    trine_yield();
    trine_sleep(1000000);
}
static void small_stack(void *arg)
{
    trine_go_opts o = {.name = "the small one", .stack_bytes = SMALL_STACK_BYTES > 8192 ? 8192 : 4096};
    (void)arg;
    CHECK(trine_go_with(&o, spoil_canary, NULL) == 0);
    recv_for_good(NULL);
}
static void SmallStackCanary(void **state)
{
    (void)state;
    struct child_run r = {{.gomaxprocs = 1}, small_stack, NULL};
    in_child(child_run_body, &r);
    assert_int_equal(last.status, 2);
    assert_ptr_equal(strstr(last.text, "fatal error: stack overflow: goroutine "), last.text);
    assert_non_null(strstr(last.text, " the small one used more than its "));
}

/* A fault that is not a stack's end stays what it is. */
static void touch_nothing(void *arg)
{
    (void)arg;
    volatile int *volatile at = (volatile int *)(uintptr_t)8; /* the compiler is not to know */
    *at = 1;
}
static void ignore_and_run(void *arg)
{
    signal(SIGSEGV, SIG_IGN);
    child_run_body(arg);
}
static void OtherFaultsStaySegv(void **state)
{
    (void)state;
#if defined(RT_ASAN) || defined(RT_TSAN)
    puts("SKIP: the sanitizer reports faults itself");
    skip();
#endif
    for (int ignored = 0; ignored < 2; ignored++) { /* the kernel ends a program that ignores its own fault, too */
        struct child_run r = {{.gomaxprocs = 2}, touch_nothing, NULL};
        void (*was)(int) = signal(SIGSEGV, SIG_DFL);
        in_child(ignored ? ignore_and_run : child_run_body, &r);
        signal(SIGSEGV, was);
        assert_int_equal(last.status, 128 + SIGSEGV);
        assert_null(strstr(last.text, "stack overflow"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SimpleDeadlock),       cmocka_unit_test(EveryoneWaits),
        cmocka_unit_test(LockedDeadlock),       cmocka_unit_test(GoexitDeadlock),
        cmocka_unit_test(GoexitInMainLetsOthersGoOn), cmocka_unit_test(NetpollDeadlock),
        cmocka_unit_test(TimersThatAreGone),    cmocka_unit_test(WaitsThatEndAreNoDeadlock),
        cmocka_unit_test(ThreadExhaustion),     cmocka_unit_test(StackOverflowIsNamed),
        cmocka_unit_test(LargeFramesOverflowByName),
        cmocka_unit_test(SmallStackCanary),     cmocka_unit_test(OtherFaultsStaySegv),
        cmocka_unit_test(PthreadExitIsNamed),   cmocka_unit_test(ThreadsThatMayEnd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
