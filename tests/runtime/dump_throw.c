/*
 * dump_throw.c: what a program that ends by a throw says of its goroutines. Each case is a child that must die.
 */
#include "child.h"
#include "sysmon.h"

#include "param.h"
#include "trine_report.h"

#include <fcntl.h>

enum { MANY = 150, SHOWN = 100, SMALL = 64, PIPE_BYTES = 4096 };

static trine_chan *never;
static trine_wg wg;

static void dump_receiver(void *arg)
{
    (void)arg;
    trine_chan_recv(never, NULL);
}
static void dump_sender(void *arg)
{
    (void)arg;
    trine_chan_send(never, NULL);
}
static void dump_waiter(void *arg)
{
    (void)arg;
    trine_wg_wait(&wg);
}
static void dump_selecter(void *arg)
{
    (void)arg;
    trine_select(NULL, 0);
}
static void dump_nil(void *arg)
{
    (void)arg;
    trine_lock_os_thread();
    trine_chan_recv(NULL, NULL);
}

/* ---- helpers ---- */
static size_t times(const char *what)
{
    size_t n = 0;
    for (const char *at = last.text; (at = strstr(at, what)) != NULL; at++) n++;
    return n;
}

static void assert_has(const char *what)
{
    if (!strstr(last.text, what)) fail_msg("`%s` is not in:\n%s", what, last.text);
}

static void assert_times(const char *what, size_t n)
{
    if (times(what) != n) fail_msg("`%s` is %zu times in, not %zu:\n%s", what, times(what), n, last.text);
}

/* ---- a deadlock tells of everybody ---- */
static void deadlock_of_each_kind(void *arg)
{
    never = make_chan(0, 0);
    trine_wg_add(&wg, 1);
    trine_go_with(&(trine_go_opts){.name = "the sender's name"}, dump_sender, (void *)0x1234);
    trine_chan *mine = make_chan(0, 0);
    go(dump_waiter, arg);
    go(dump_selecter, arg);
    go(dump_nil, arg);
    trine_chan_recv(mine, NULL);
}

static void test_deadlock_names_each(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        run_must_die(&(trine_config){.gomaxprocs = procs}, deadlock_of_each_kind, NULL,
                     "fatal error: all goroutines are asleep - deadlock!");
        assert_has("goroutine 1 [chan receive]: main\n");
        assert_has("created by trine_run\n");
        assert_has("[sync.WaitGroup.Wait]:\ndump_waiter(0)\ncreated by deadlock_of_each_kind+0x");
        assert_has("[select (no cases)]:\ndump_selecter(0)\n");
        assert_has("[chan receive (nil chan), locked to thread]:\ndump_nil(0)\n");
        assert_has("[chan send]: the sender's name\ndump_sender(0x1234)\n");
        assert_times("\ngoroutine ", 5);
    }
}

/* ---- at most a hundred ---- */
static void many(void *arg)
{
    never = make_chan(0, 0);
    for (int i = 0; i < MANY; i++) go(dump_receiver, arg);
    trine_chan_recv(never, NULL);
}

static void test_the_number_is_bounded(void **state)
{
    (void)state;
    char more[64];
    run_must_die(&(trine_config){.gomaxprocs = 2}, many, NULL, "fatal error: all goroutines are asleep - deadlock!");
    assert_times("\ngoroutine ", SHOWN);
    snprintf(more, sizeof more, "\n...%d more\n", MANY + 1 - SHOWN);
    assert_has(more);
}

/* ---- a reader that is slow, behind a pipe that does not block ---- */
static void behind_a_slow_reader(void *r)
{
    int out[2], status = 0;
    char part[1024];
    CHECK(pipe(out) == 0 && fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES) == PIPE_BYTES && fcntl(out[1], F_SETFL, O_NONBLOCK) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDERR_FILENO);
        close(out[0]);
        child_run_body(r);
        _exit(1);
    }
    close(out[1]);
    usleep(300000); /* it has filled the pipe by then, or begins later: either way what follows reads all */
    for (ssize_t n; (n = read(out[0], part, sizeof part)) > 0;) CHECK(write(STDERR_FILENO, part, (size_t)n) == n);
    waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void test_a_slow_reader_gets_all(void **state)
{
    (void)state;
    struct child_run r = {{.gomaxprocs = 2}, many, NULL};
    in_child(behind_a_slow_reader, &r);
    assert_said("fatal error: all goroutines are asleep - deadlock!");
    assert_true(last.len > PIPE_BYTES + 1000); /* the pipe did not hold it */
    assert_times("\ngoroutine ", SHOWN);
    assert_has("created by many+0x");
    assert_has(" more\n");
}

/* ---- the report does not fit the stack of the one who throws: nobody beside it may suffer ---- */
static void dump_breaker(void *arg)
{
    (void)arg;
    trine_wg_done(&wg);
}

static void throw_on_a_small_stack(void *arg)
{
    trine_go_opts small = {.name = "small", .stack_bytes = SMALL_STACK_BYTES};
    never = make_chan(0, 0);
    for (int i = 0; i < SMALL; i++) trine_go_with(&small, dump_receiver, arg);
    let_others_run();
    trine_sleep(20000000);
    small.name = "the one who breaks";
    trine_go_with(&small, dump_breaker, arg);
    trine_chan_recv(never, NULL);
}

static void test_small_stack_throws(void **state)
{
    (void)state;
    run_must_die(&(trine_config){.gomaxprocs = 1}, throw_on_a_small_stack, NULL,
                 "fatal error: sync: negative WaitGroup counter");
    const char *first = strstr(last.text, "\ngoroutine ");
    assert_non_null(first);
    char line[128] = "";
    sscanf(first + 1, "%127[^\n]", line);
    if (!strstr(line, " [running]: the one who breaks")) fail_msg("first is `%s`", line);
    assert_times("[chan receive]: small\ndump_receiver(0)\ncreated by throw_on_a_small_stack+0x", SMALL);
}

/* ---- how long they wait: the monitor's walk, called with times of our own ---- */
static void three_minutes_on(void *arg)
{
    never = make_chan(0, 0);
    go(dump_receiver, arg);
    trine_sleep(20000000);
    int64_t seen = rt_nanotime() + 2 * RT_AGE_PERIOD_NS; /* a walk is due by then, whatever the monitor did */
    rt_age_waiters(rt_nanotime()); /* the first call only begins the period */
    rt_age_waiters(seen);
    rt_dump_goroutines(seen + 3 * 60000000000ll + 1);
    trine_chan_send(never, NULL); /* a new wait begins without the stamp */
    go(dump_receiver, arg);
    trine_sleep(20000000);
    rt_dump_goroutines(seen + 3 * 60000000000ll + 1);
}

static void nothing(void *unused) { (void)unused; }
static bool silent(int64_t now)
{
    (void)now;
    return false;
}
/* The walk is one thread's: in this run the monitor's rounds leave it alone. */
static void without_the_monitors_walk(void *r)
{
    CHECK(trine_run(NULL, nothing, NULL) == 0); /* hands the monitor its own round, once for the process */
    rt_sysmon_report = silent;
    child_run_body(r);
}

static void test_waiting_times(void **state)
{
    (void)state;
    struct child_run r = {{.gomaxprocs = 1}, three_minutes_on, NULL};
    in_child(without_the_monitors_walk, &r);
    assert_ended_well("waiting times");
    assert_times("[chan receive, 3 minutes]:\ndump_receiver(0)\n", 1);
    assert_times("[chan receive]:\ndump_receiver(0)\n", 1);
}

/* ---- the main goroutine left ---- */
static void main_leaves(void *arg)
{
    (void)arg;
    trine_exit();
}

static void test_no_goroutine_is_no_dump(void **state)
{
    (void)state;
    run_must_die(&(trine_config){.gomaxprocs = 2}, main_leaves, NULL,
                 "fatal error: no goroutines (main called trine_exit) - deadlock!");
    assert_times("\ngoroutine ", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlock_names_each),
        cmocka_unit_test(test_the_number_is_bounded),
        cmocka_unit_test(test_a_slow_reader_gets_all),
        cmocka_unit_test(test_small_stack_throws),
        cmocka_unit_test(test_waiting_times),
        cmocka_unit_test(test_no_goroutine_is_no_dump),
    };
    return cmocka_run_group_tests_name("what a throw tells", tests, NULL, NULL);
}
