/*
 * dump_quit.c: SIGQUIT, $TRINE_DEBUG and the word about handlers without SA_ONSTACK. Each case is a child.
 */
#include "child.h"

#include <pthread.h>
#include <regex.h>

static const int64_t ms = 1000000;

static atomic_int there; /* goroutines that are where the dump is to find them, or one step before */

static void quit_sleeper(void *arg)
{
    (void)arg;
    atomic_fetch_add(&there, 1);
    trine_sleep(3600000 * ms);
}
static void quit_reader(void *arg)
{
    char c;
    atomic_fetch_add(&there, 1);
    trine_read(*(int *)arg, &c, 1);
}
static void quit_spinner(void *arg) /* foreign code that calls nothing */
{
    (void)arg;
    atomic_fetch_add(&there, 1);
    for (volatile unsigned i = 0;; i++) {
    }
}
static void quit_blocked(void *arg)
{
    (void)arg;
    trine_syscall_enter();
    atomic_fetch_add(&there, 1);
    for (unsigned left = 60; left;) left = sleep(left); /* a preemption on its way when the call began ends a sleep early */
    trine_syscall_exit();
}

static void assert_matches(const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB), 0);
    int found = regexec(&re, last.text, 0, NULL, 0);
    regfree(&re);
    if (found != 0) fail_msg("nothing matches `%s` in:\n%s", pattern, last.text);
}

static void assert_status(int status)
{
    if (last.late || last.status != status) fail_msg("%sstatus %d:\n%s", last.late ? "late, " : "", last.status, last.text);
}

/* ---- SIGQUIT ---- */
static void *quit_soon(void *unused) /* a thread that the runtime does not know */
{
    (void)unused;
    while (atomic_load(&there) < 3) usleep(1000);
    usleep(100000); /* the step */
    kill(getpid(), SIGQUIT);
    return NULL;
}

static void ask_for_the_end(void)
{
    pthread_t t;
    if (pthread_create(&t, NULL, quit_soon, NULL)) abort();
    pthread_detach(t);
}

static void all_asleep(void *arg)
{
    static int fd[2];
    if (pipe(fd) || trine_open_fd(fd[0])) abort();
    go(quit_sleeper, arg);
    go(quit_reader, &fd[0]);
    ask_for_the_end();
    quit_sleeper(arg);
}

static void all_busy(void *arg)
{
    go(quit_blocked, arg);
    go(quit_spinner, arg);
    go(quit_spinner, arg);
    ask_for_the_end();
    for (;;) trine_yield();
}

/* TSan delivers signals at calls that it intercepts, and preempts nothing that calls nothing. */
static void not_under_tsan(void)
{
#ifdef RT_TSAN
    print_message("SKIP: TSan defers signals\n");
    skip();
#endif
}

static void test_quit_while_all_sleep(void **state)
{
    not_under_tsan();
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct child_run r = {{.gomaxprocs = procs}, all_asleep, NULL};
        in_child(child_run_body, &r);
        assert_status(2);
        assert_matches("^SIGQUIT: quit$");
        assert_matches("^goroutine 1 \\[sleep\\]: main$");
        assert_matches("^goroutine [0-9]+ \\[IO wait\\]:$");
        assert_matches("^quit_reader\\(0x[0-9a-f]+\\)$");
        assert_matches("^SCHED [0-9]+ms: gomaxprocs=[124] idleprocs=[0-4] threads=");
        assert_matches("^  P0: status=[0-3] schedtick=");
        assert_matches("^  M[0-9]+: p=nil curg=nil .* blocked=true lockedg=nil$");
    }
}

static void test_quit_while_all_run(void **state)
{
    not_under_tsan();
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct child_run r = {{.gomaxprocs = procs}, all_busy, NULL};
        in_child(child_run_body, &r);
        assert_status(2);
        assert_matches("^SIGQUIT: quit$");
        assert_matches("^goroutine 1 \\[(running|runnable)\\]: main$");
        assert_matches("^goroutine [0-9]+ \\[syscall\\]:$");
        assert_matches("^goroutine [0-9]+ \\[(running|runnable|preempted)\\]:$");
        assert_matches("^quit_spinner\\(0\\)$");
    }
}

static void nothing(void *arg) { (void)arg; }

static void quit_after_a_run(void *arg)
{
    (void)arg;
    signal(SIGQUIT, SIG_DFL); /* a shell that put this test into the background had it ignored */
    if (trine_run(NULL, nothing, NULL)) abort();
    raise(SIGQUIT);
}

static void quit_ignored(void *arg)
{
    signal(SIGQUIT, SIG_IGN);
    if (trine_run(NULL, nothing, NULL)) abort();
    raise(SIGQUIT); /* no run: still ignored */
    trine_run(NULL, all_asleep, arg);
}

static void test_quit_that_the_shell_ignored(void **state)
{
    not_under_tsan();
    (void)state;
    in_child(quit_ignored, NULL);
    assert_status(2);
    assert_matches("^SIGQUIT: quit$");
}

static void test_quit_outside_of_a_run_is_the_kernels(void **state)
{
    (void)state;
    in_child(quit_after_a_run, NULL);
    assert_status(128 + SIGQUIT);
}

static void own_handler(int sig) { _exit(40 + (sig == SIGQUIT)); }

static void quit_with_a_handler(void *arg)
{
    (void)arg;
    struct sigaction sa = {.sa_handler = own_handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGQUIT, &sa, NULL);
    trine_run(NULL, all_asleep, NULL);
}

static void test_quit_of_the_programs_own(void **state)
{
    (void)state;
    in_child(quit_with_a_handler, NULL);
    assert_status(41);
}

/* ---- $TRINE_DEBUG ---- */
static void sleep_a_little(void *arg)
{
    (void)arg;
    go(quit_sleeper, NULL);
    trine_sleep(60 * ms);
}

static void with_debug(void *setting)
{
    setenv("TRINE_DEBUG", setting, 1);
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2}, sleep_a_little, NULL) == 0);
}

static void test_schedtrace(void **state)
{
    (void)state;
    in_child(with_debug, "schedtrace=5");
    assert_status(0);
    assert_matches("^SCHED [0-9]+ms: gomaxprocs=2 idleprocs=[0-2] threads=[0-9]+ spinningthreads=[0-2] needspinning=[01] "
                   "idlethreads=[0-9]+ runqueue=[0-9]+ \\[ [0-9]+ [0-9]+ \\] schedticks=\\[ [0-9]+ [0-9]+ \\]$");
    in_child(with_debug, "scheddetail=1,schedtrace=5");
    assert_status(0);
    assert_matches("^SCHED .* runqueue=[0-9]+ gcwaiting=false nmidlelocked=0 stopwait=[0-9]+ sysmonwait=(true|false)$");
    assert_matches("^  P1: status=[0-3] schedtick=[0-9]+ syscalltick=[0-9]+ m=(nil|[0-9]+) runqsize=[0-9]+ gfreecnt=");
    assert_matches("^  M[0-9]+: p=(nil|[01]) curg=(nil|[0-9]+) dying=");
    assert_matches("^  G1: status=4\\(sleep\\) m=nil lockedm=nil$");
}

static void test_settings_that_are_not(void **state)
{
    (void)state;
    in_child(with_debug, "schedtrac=5,scheddetail=1");
    assert_status(0);
    assert_matches("^trine: TRINE_DEBUG: unknown setting \"schedtrac\" is ignored; known are schedtrace=MILLISECONDS and");
    static const char *const bad[] = {"schedtrace", "schedtrace=", "schedtrace=5x", "schedtrace=-5", "=5x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char pattern[128];
        in_child(with_debug, (void *)(uintptr_t)bad[i]);
        assert_status(0);
        snprintf(pattern, sizeof pattern, "^trine: TRINE_DEBUG: \"%s\" is ignored; it must be NAME=NUMBER$", bad[i]);
        assert_matches(pattern);
    }
    in_child(with_debug, ",");
    assert_status(0);
    assert_int_equal(last.len, 0);
}

/* ---- handlers ---- */
static void on_usr1(int sig) { (void)sig; }

static void run_with_a_handler(void *flags)
{
    struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = *(int *)flags};
    sigaction(SIGUSR1, &sa, NULL);
    CHECK(trine_run(NULL, nothing, NULL) == 0);
    CHECK(trine_run(NULL, nothing, NULL) == 0);
}

static void test_a_handler_without_onstack_is_told(void **state)
{
    (void)state;
    int flags = 0;
    const char *line = "trine: the handler of signal 10 (SIGUSR1) was set without SA_ONSTACK";
    in_child(run_with_a_handler, &flags);
    assert_status(0);
    const char *at = strstr(last.text, line);
    if (!at || strstr(at + 1, line)) fail_msg("not once in:\n%s", last.text);
    flags = SA_ONSTACK;
    in_child(run_with_a_handler, &flags);
    assert_status(0);
    if (last.len) fail_msg("said:\n%s", last.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quit_while_all_sleep),
        cmocka_unit_test(test_quit_while_all_run),
        cmocka_unit_test(test_quit_outside_of_a_run_is_the_kernels),
        cmocka_unit_test(test_quit_of_the_programs_own),
        cmocka_unit_test(test_quit_that_the_shell_ignored),
        cmocka_unit_test(test_schedtrace),
        cmocka_unit_test(test_settings_that_are_not),
        cmocka_unit_test(test_a_handler_without_onstack_is_told),
    };
    return cmocka_run_group_tests_name("SIGQUIT and schedtrace", tests, NULL, NULL);
}
