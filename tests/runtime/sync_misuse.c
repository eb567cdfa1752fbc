/* Misuse ends the program with Go's words and exit status 2. Each case runs in a child; the parent never runs a
 * goroutine, so the fork is of a single thread. */
#include "goroutines.h"

#include <sys/wait.h>
#include <unistd.h>

/* Runs fn as a main goroutine in a child; its first line on stderr must be `line`, its exit status 2. */
static void expect_fatal(trine_fn fn, const char *line)
{
    for (int procs = 1; procs <= 4; procs *= 2) {
        int out[2];
        char text[4096];
        size_t n = 0;
        assert_int_equal(pipe(out), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            trine_config cfg = {.gomaxprocs = procs};
            dup2(out[1], STDERR_FILENO);
            close(out[0]);
            alarm(20);
            trine_run(&cfg, fn, NULL);
            _exit(0);
        }
        close(out[1]);
        for (ssize_t got; n < sizeof text - 1 && (got = read(out[0], text + n, sizeof text - 1 - n)) > 0;) {
            n += (size_t)got;
        }
        close(out[0]);
        text[n] = '\0';
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        char *first = text;
#ifdef RT_ASAN
        char *own = strstr(text, "fatal error: "); /* behind AddressSanitizer's remarks on the scheduler's stacks */
        first = own ? own : text;
#endif
        first[strcspn(first, "\n")] = '\0';
        assert_string_equal(first, line);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 2);
    }
}

/* ---- channels ---- */
static void send_closed(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 1);
    (void)arg;
    trine_chan_close(c);
    send_int(c, 1);
}
static void try_send_closed(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    trine_chan_close(c);
    trine_chan_try_send(c, &(int){1});
}
static void close_arg(void *arg) { trine_chan_close(arg); }
static void send_closed_while_waiting(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    go(close_arg, c);
    send_int(c, 1);
}
static void close_twice(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    trine_chan_close(c);
    trine_chan_close(c);
}
static void close_null(void *arg) { (void)arg, trine_chan_close(NULL); }
static void send_null_elem(void *arg) { (void)arg, trine_chan_send(make_chan(4, 1), NULL); }
static void TestChanMisuse(void **state)
{
    (void)state;
    expect_fatal(send_closed, "fatal error: send on closed channel");
    expect_fatal(try_send_closed, "fatal error: send on closed channel");
    expect_fatal(send_closed_while_waiting, "fatal error: send on closed channel");
    expect_fatal(close_twice, "fatal error: close of closed channel");
    expect_fatal(close_null, "fatal error: close of nil channel");
    expect_fatal(send_null_elem,
                 "fatal error: trine_chan_send: elem is NULL, and the elements of this channel are not empty");
}

/* ---- select ---- */
static void select_send_closed(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 1);
    int x = 1;
    trine_case k[] = {{c, TRINE_SEND, &x, false}, {NULL, TRINE_RECV, NULL, false}};
    (void)arg;
    trine_chan_close(c);
    trine_select(k, 2);
}
static void select_closed_while_waiting(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0), *quiet = make_chan(sizeof(int), 0);
    int x = 1;
    trine_case k[] = {{quiet, TRINE_RECV, &x, false}, {c, TRINE_SEND, &x, false}};
    (void)arg;
    go(close_arg, c);
    trine_select(k, 2);
}
static void select_bad_op(void *arg)
{
    trine_case k[] = {{NULL, TRINE_RECV, NULL, false}, {make_chan(4, 1), (int)7, NULL, false}};
    (void)arg;
    trine_try_select(k, 2);
}
static void select_null_elem(void *arg)
{
    trine_case k[] = {{make_chan(4, 1), TRINE_SEND, NULL, false}};
    (void)arg;
    trine_select(k, 1);
}
static void select_negative(void *arg) { (void)arg, trine_select(NULL, -1); }
static void select_null(void *arg) { (void)arg, trine_select(NULL, 2); }
static void select_nothing(void *arg) { (void)arg, trine_select(NULL, 0); }
static void TestSelectMisuse(void **state)
{
    (void)state;
    expect_fatal(select_send_closed, "fatal error: send on closed channel");
    expect_fatal(select_closed_while_waiting, "fatal error: send on closed channel");
    expect_fatal(select_bad_op, "fatal error: select: case 1 is neither a send nor a receive");
    expect_fatal(select_null_elem, "fatal error: select: case 0 sends from a NULL elem");
    expect_fatal(select_negative, "fatal error: trine_select: -1 cases (0 to 65536 are possible)");
    expect_fatal(select_null, "fatal error: trine_select: cases is NULL");
    expect_fatal(select_nothing, "fatal error: all goroutines are asleep - deadlock!");
}

/* ---- wait group: Go's TestWaitGroupMisuse ---- */
static void wg_negative(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    trine_wg_add(&wg, 1);
    trine_wg_done(&wg);
    trine_wg_done(&wg);
}
static void wg_wait_arg(void *arg) { trine_wg_wait(arg); }
static void wg_add_during_wait(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    trine_wg_add(&wg, 1);
    go(wg_wait_arg, &wg);
    while ((__atomic_load_n(&wg.state, __ATOMIC_ACQUIRE) & 0xffffffff) == 0) trine_yield();
    /* the counter passes through 0 unseen: from -1 in another's hands to 1 */
    __atomic_fetch_sub(&wg.state, (uint64_t)1 << 32, __ATOMIC_ACQ_REL);
    trine_wg_add(&wg, 1);
}
static void TestWaitGroupMisuse(void **state)
{
    (void)state;
    expect_fatal(wg_negative, "fatal error: sync: negative WaitGroup counter");
    expect_fatal(wg_add_during_wait,
                 "fatal error: sync: WaitGroup misuse: Add called concurrently with Wait");
}

/* ---- locks: Go's TestMutexMisuse ---- */
static void unlock_unlocked(void *arg)
{
    trine_mutex m = {0};
    (void)arg;
    trine_mutex_unlock(&m);
}
static void unlock_twice(void *arg)
{
    trine_mutex m = {0};
    (void)arg;
    trine_mutex_lock(&m);
    trine_mutex_unlock(&m);
    trine_mutex_unlock(&m);
}
static void rw_unlock_unlocked(void *arg)
{
    trine_rwmutex rw = {0};
    (void)arg;
    trine_rwmutex_unlock(&rw);
}
static void rw_unlock_read(void *arg)
{
    trine_rwmutex rw = {0};
    (void)arg;
    trine_rwmutex_rlock(&rw);
    trine_rwmutex_unlock(&rw);
}
static void rw_runlock_unlocked(void *arg)
{
    trine_rwmutex rw = {0};
    (void)arg;
    trine_rwmutex_runlock(&rw);
}
static void rw_runlock_written(void *arg)
{
    trine_rwmutex rw = {0};
    (void)arg;
    trine_rwmutex_lock(&rw);
    trine_rwmutex_runlock(&rw);
}
static void once_null(void *arg)
{
    trine_once o = {0};
    (void)arg;
    trine_once_do(&o, NULL, NULL);
}
static void null_mutex(void *arg) { (void)arg, trine_mutex_lock(NULL); }
static void null_sema(void *arg) { (void)arg, trine_sema_acquire(NULL); }
static void null_wg(void *arg) { (void)arg, trine_wg_wait(NULL); }
static void TestMutexMisuse(void **state)
{
    (void)state;
    expect_fatal(unlock_unlocked, "fatal error: sync: unlock of unlocked mutex");
    expect_fatal(unlock_twice, "fatal error: sync: unlock of unlocked mutex");
    expect_fatal(rw_unlock_unlocked, "fatal error: sync: Unlock of unlocked RWMutex");
    expect_fatal(rw_unlock_read, "fatal error: sync: Unlock of unlocked RWMutex");
    expect_fatal(rw_runlock_unlocked, "fatal error: sync: RUnlock of unlocked RWMutex");
    expect_fatal(rw_runlock_written, "fatal error: sync: RUnlock of unlocked RWMutex");
    expect_fatal(once_null, "fatal error: trine_once_do: fn is NULL");
    expect_fatal(null_mutex, "fatal error: trine_mutex_lock: NULL pointer");
    expect_fatal(null_sema, "fatal error: trine_sema_acquire: NULL semaphore");
    expect_fatal(null_wg, "fatal error: trine_wg_wait: NULL pointer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestChanMisuse),
        cmocka_unit_test(TestSelectMisuse),
        cmocka_unit_test(TestWaitGroupMisuse),
        cmocka_unit_test(TestMutexMisuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
