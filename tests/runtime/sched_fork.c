/*
 * sched_fork.c: a fork between two runs. Of what outlives a run (the thread that makes threads, those left in foreign code,
 * the one that writes a trace) the child has only the memory: its own runs must not wait for any of them.
 */
#include "child.h"
#include "proc.h"

#include <sys/prctl.h>

static atomic_int release_all, in_place;
static int fds[2];

static void run(trine_fn fn, void *arg)
{
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = 1000000}, fn, arg) == 0);
}

/* Loops without a call, more than there are Ps: the main goroutine goes on only if they are stopped. */
static void hog(void *arg)
{
    while (!atomic_load(&release_all)) at_pause();
    trine_wg_done(arg);
}
static void hogs(void *arg)
{
    trine_wg done = {0};
    (void)arg;
    atomic_store(&release_all, 0);
    trine_wg_add(&done, 6);
    for (int i = 0; i < 6; i++) go(hog, &done);
    for (int i = 0; i < 10; i++) trine_yield();
    atomic_store(&release_all, 1);
    trine_wg_wait(&done);
}

static void assert_no_tsan(void)
{
#if defined(RT_TSAN)
    puts("SKIP: TSan starts no thread in the child of a process that had several");
    skip();
#endif
}

/* Forks; `mine` in the parent, `child` in the child, both at once. */
static void fork_and(void (*mine)(void), void (*childs)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should it hang */
        childs();
        _exit(atomic_load(&n_failures) != 0);
    }
    mine();
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
static void no_more(void) {}
static void hogs_again(void)
{
    for (int i = 0; i < 3; i++) run(hogs, NULL);
}

static void child_alone(void *arg)
{
    (void)arg;
    run(hogs, NULL); /* there is a maker now */
    fork_and(no_more, hogs_again);
}
static void both(void *arg)
{
    (void)arg;
    run(hogs, NULL);
    fork_and(hogs_again, hogs_again);
    run(hogs, NULL);
}
static void ForkAfterHogs(void **state)
{
    (void)state;
    assert_no_tsan();
    in_child(child_alone, NULL);
    assert_ended_well("runs of a child after hogs in the parent");
    in_child(both, NULL);
    assert_ended_well("runs of both after hogs in the parent");
}

/* ---- threads that a run left in foreign code ---- */
static void reader(void *arg)
{
    char c;
    (void)arg;
    trine_syscall_enter();
    atomic_fetch_add(&in_place, 1);
    if (read(fds[0], &c, 1) != 1) _exit(1);
    trine_syscall_exit();
    _exit(1); /* its run is over */
}
static void leave_readers_and_hogs(void *arg)
{
    static trine_wg never;
    (void)arg;
    atomic_store(&in_place, 0);
    atomic_store(&release_all, 0);
    trine_wg_add(&never, 3);
    for (int i = 0; i < 3; i++) go(reader, NULL);
    for (int i = 0; i < 3; i++) go(hog, &never);
    while (atomic_load(&in_place) < 3) trine_yield();
    trine_sleep(3000000);
}
static void nothing(void *arg) { (void)arg; }
static void none_is_left(void)
{
    const trine_config one_thread = {.gomaxprocs = 1, .maxthreads = 1, .ablate = TRINE_NO_PREEMPT};
    struct trine_stats s;
    CHECK(trine_run(&one_thread, nothing, NULL) == 0); /* the parent's count for nothing */
    for (int i = 0; i < 2; i++) run(hogs, NULL);
    trine_stats(&s);
    CHECK(s.threads == 0 && s.threads_preempt_parked == 0);
}
static void readers_are_let_go(void)
{
    struct trine_stats s;
    atomic_store(&release_all, 1);
    CHECK(write(fds[1], "xyz", 3) == 3);
    do {
        usleep(1000);
        trine_stats(&s);
    } while (s.threads > 0);
}
static void leave_and_fork(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        CHECK(pipe(fds) == 0);
        run(leave_readers_and_hogs, NULL);
        fork_and(readers_are_let_go, none_is_left);
        run(hogs, NULL);
    }
}
static void ForkWithLeftovers(void **state)
{
    (void)state;
    assert_no_tsan();
    in_child(leave_and_fork, NULL);
    assert_ended_well("a child of a process with threads in foreign code");
}

/* ---- a trace that goes on over the end of a run ---- */
static char path[64];

static void traces_anew(void)
{
    char own[80];
    snprintf(own, sizeof own, "%s.child", path);
    CHECK(trine_trace_stop() == -EINVAL); /* it is the parent's */
    CHECK(trine_trace_start(own) == 0);
    run(hogs, NULL);
    CHECK(trine_trace_stop() == 0);
    unlink(own);
}
static void traces_on(void)
{
    run(hogs, NULL);
    CHECK(trine_trace_stop() == 0);
    unlink(path);
}
static void trace_and_fork(void *arg)
{
    (void)arg;
    snprintf(path, sizeof path, "/tmp/trine-fork-%d.json", (int)getpid());
    CHECK(trine_trace_start(path) == 0);
    run(hogs, NULL);
    fork_and(traces_on, traces_anew);
}
static void ForkBesideATrace(void **state)
{
    (void)state;
    assert_no_tsan();
    in_child(trace_and_fork, NULL);
    assert_ended_well("a child of a process that is traced");
}

/* ---- during a run ---- */
static void fork_inside(void *arg)
{
    int status = -1;
    (void)arg;
    pid_t pid = fork();
    if (pid == 0) _exit(trine_run(NULL, hogs, NULL) != -EBUSY);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
static void AChildForkedDuringARunCannotRun(void **state)
{
    (void)state;
    run_children(fork_inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ForkAfterHogs),
        cmocka_unit_test(ForkWithLeftovers),
        cmocka_unit_test(ForkBesideATrace),
        cmocka_unit_test(AChildForkedDuringARunCannotRun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
