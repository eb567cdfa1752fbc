/*
 * sched_misuse.c: every public function called where it must not be, outside of a run, after one, in a signal handler,
 * inside a bracketed call, and the scheduler's own with bad arguments: one exact line and status 2, or -errno; never
 * a hang, never silence. Arguments of channels and sync are in sync_misuse.c, of descriptors in net_*.c.
 */
#include "child.h"
#include "proc.h"
#include "sched.h"

#include <dirent.h>
#include <sys/socket.h>

static trine_chan *chan;
static trine_case one_case;
static trine_wg wg;
static trine_mutex mu;
static trine_rwmutex rw;
static trine_once once;
static trine_sema sema;
static trine_timer timer;
static struct sockaddr addr;
static socklen_t addr_bytes = sizeof addr;
static char byte;

static void nothing(void *arg) { (void)arg; }

#define CALL(fn, ...) static void call_##fn(void) { (void)fn(__VA_ARGS__); }
CALL(trine_go, nothing, NULL)
CALL(trine_go_with, NULL, nothing, NULL)
CALL(trine_yield)
CALL(trine_poll)
CALL(trine_sleep, 1)
CALL(trine_gomaxprocs, 0)
CALL(trine_num_goroutine)
CALL(trine_lock_os_thread)
CALL(trine_unlock_os_thread)
CALL(trine_chan_send, chan, NULL)
CALL(trine_chan_recv, chan, NULL)
CALL(trine_chan_try_send, chan, NULL)
CALL(trine_chan_try_recv, chan, NULL, NULL)
CALL(trine_chan_close, chan)
CALL(trine_chan_len, chan)
CALL(trine_chan_cap, chan)
CALL(trine_select, &one_case, 1)
CALL(trine_try_select, &one_case, 1)
CALL(trine_select_until, &one_case, 1, 1)
CALL(trine_wg_add, &wg, 1)
CALL(trine_wg_done, &wg)
CALL(trine_wg_wait, &wg)
CALL(trine_mutex_lock, &mu)
CALL(trine_mutex_unlock, &mu)
CALL(trine_mutex_trylock, &mu)
CALL(trine_rwmutex_rlock, &rw)
CALL(trine_rwmutex_runlock, &rw)
CALL(trine_rwmutex_lock, &rw)
CALL(trine_rwmutex_unlock, &rw)
CALL(trine_once_do, &once, nothing, NULL)
CALL(trine_sema_acquire, &sema)
CALL(trine_sema_release, &sema)
CALL(trine_timer_start, &timer, 1, nothing, NULL)
CALL(trine_timer_stop, &timer)
CALL(trine_timer_reset, &timer, 1)
CALL(trine_open_fd, 0)
CALL(trine_read, 0, &byte, 1)
CALL(trine_write, 1, &byte, 1)
CALL(trine_accept, 0, &addr, &addr_bytes)
CALL(trine_connect, 0, &addr, addr_bytes)
CALL(trine_close, 0)
CALL(trine_fd_deadline, 0, 0, 0)
CALL(trine_syscall_enter)
static void call_trine_exit(void) { trine_exit(); }

/* These are legal anywhere else. */
static struct trine_stats stats;
CALL(trine_stats, &stats)
CALL(trine_chan_make, 0, 0)
CALL(trine_chan_free, chan)
CALL(trine_trace_start, "/dev/null")
CALL(trine_trace_stop)

typedef struct entry { const char *name; void (*call)(void); } entry;
static const entry entries[] = {
#define E(fn) {#fn, call_##fn}
    E(trine_go), E(trine_go_with), E(trine_yield), E(trine_poll), E(trine_exit), E(trine_sleep),
    E(trine_gomaxprocs), E(trine_num_goroutine), E(trine_lock_os_thread), E(trine_unlock_os_thread),
    E(trine_chan_send), E(trine_chan_recv), E(trine_chan_try_send), E(trine_chan_try_recv), E(trine_chan_close),
    E(trine_select), E(trine_try_select), E(trine_select_until), E(trine_wg_add), E(trine_wg_done), E(trine_wg_wait),
    E(trine_mutex_lock), E(trine_mutex_unlock), E(trine_mutex_trylock), E(trine_rwmutex_rlock),
    E(trine_rwmutex_runlock), E(trine_rwmutex_lock), E(trine_rwmutex_unlock), E(trine_once_do), E(trine_sema_acquire),
    E(trine_sema_release), E(trine_timer_start), E(trine_timer_stop), E(trine_timer_reset), E(trine_open_fd),
    E(trine_read), E(trine_write), E(trine_accept), E(trine_connect), E(trine_close), E(trine_fd_deadline),
    E(trine_syscall_enter), E(trine_chan_len), E(trine_chan_cap),
};
static const entry not_in_handlers[] = {
#define H(fn) {#fn, call_##fn}
    H(trine_stats), H(trine_chan_make), H(trine_chan_free), H(trine_trace_start), H(trine_trace_stop),
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Runs `how` on each entry; each child must say `<name> called <where>`. The first that fail are named. */
static void each_must_say(const entry *e, size_t n, void (*how)(void *), const char *where)
{
    int bad = 0;
    for (; n > 0 && bad < 5; e++, n--) {
        char line[160];
        snprintf(line, sizeof line, "fatal error: %s called %s\n", e->name, where);
        in_child(how, (void *)(uintptr_t)e);
        if (last.status == 2 && !last.late && strncmp(last.text, line, strlen(line)) == 0) continue;
        print_message("%s: %sstatus %d, said: %.*s\n", e->name, last.late ? "hung, " : "", last.status,
                      (int)strcspn(last.text, "\n"), last.text);
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void prepare(void)
{
    chan = trine_chan_make(0, 1);
    one_case = (trine_case){.chan = chan, .op = TRINE_SEND};
}
static void call_outside(void *arg)
{
    prepare();
    ((const struct entry *)arg)->call();
}
static void call_after_a_run(void *arg)
{
    trine_run(NULL, nothing, NULL);
    call_outside(arg);
}
static void OutsideOfARun(void **state)
{
    (void)state;
    each_must_say(entries, COUNT(entries), call_outside, "outside of a goroutine");
}
static void AfterTheRunEnded(void **state)
{
    (void)state;
    each_must_say(entries, COUNT(entries), call_after_a_run, "outside of a goroutine");
}

/* ---- in a signal handler ---- */
static const struct entry *to_call;
static void on_signal(int sig) { (void)sig; to_call->call(); }
static void raise_it(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
}
static void call_in_handler(void *arg)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    prepare();
    to_call = arg;
    sigaction(SIGUSR1, &sa, NULL);
    trine_run(NULL, raise_it, NULL);
}
static void InASignalHandler(void **state)
{
    (void)state;
    each_must_say(entries, COUNT(entries), call_in_handler, "in a signal handler");
    each_must_say(not_in_handlers, COUNT(not_in_handlers), call_in_handler, "in a signal handler");
}

/* The same on threads where no goroutine is: the monitor's, and those of Ms that have nothing to run. */
static void block_a_little(void *unused)
{
    (void)unused;
    trine_syscall_enter();
    rt_usleep(20000);
    trine_syscall_exit();
}
static void signal_others(void *monitor)
{
    for (int i = 0; i < 3; i++) go(block_a_little, NULL); /* so that there are threads */
    trine_sleep(60000000);
    pid_t own = rt_gettid();
    DIR *threads = opendir("/proc/self/task");
    for (struct dirent *d; (d = readdir(threads)) != NULL;) {
        int tid = atoi(d->d_name);
        if (tid > 0 && tid != own && (tid == getpid()) == (monitor != NULL)) rt_tgkill(tid, SIGUSR1);
    }
    closedir(threads);
    for (;;) at_pause();
}
static void call_elsewhere(const void *arg, void *monitor)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    prepare();
    to_call = arg;
    sigaction(SIGUSR1, &sa, NULL);
    trine_run(&(trine_config){.gomaxprocs = 2}, signal_others, monitor);
}
static void call_on_the_monitor(void *arg) { call_elsewhere(arg, arg); }
static void call_on_idle_threads(void *arg) { call_elsewhere(arg, NULL); }
static void InAHandlerWhereNoGoroutineIs(void **state)
{
    (void)state;
    each_must_say(not_in_handlers, COUNT(not_in_handlers), call_on_the_monitor, "in a signal handler");
    each_must_say(not_in_handlers, COUNT(not_in_handlers), call_on_idle_threads, "in a signal handler");
}

/* ---- between enter and exit ---- */
static void bracketed(void *arg)
{
    trine_syscall_enter();
    ((const struct entry *)arg)->call();
}
static void call_bracketed(void *arg)
{
    prepare();
    trine_run(NULL, bracketed, arg);
}
static void InABlockingCall(void **state)
{
    (void)state;
    each_must_say(entries, COUNT(entries), call_bracketed, "between trine_syscall_enter and trine_syscall_exit");
}

static void exit_without_enter(void *arg) { (void)arg; trine_syscall_exit(); }
static void on_exit_signal(int sig) { (void)sig; trine_syscall_exit(); }
static void exit_in_a_handler(void *arg)
{
    struct sigaction sa = {.sa_handler = on_exit_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &sa, NULL);
    raise_it(arg);
}
static void ExitWithoutEnter(void **state)
{
    (void)state;
    in_child(exit_without_enter, NULL);
    assert_said("fatal error: trine_syscall_exit without trine_syscall_enter");
    run_must_die(&(trine_config){0}, exit_without_enter, NULL,
                 "fatal error: trine_syscall_exit without trine_syscall_enter");
    run_must_die(&(trine_config){0}, exit_in_a_handler, NULL,
                 "fatal error: trine_syscall_exit without trine_syscall_enter");
}

/* ---- legal anywhere ---- */
static void ask_anywhere(void *arg)
{
    struct trine_stats s;
    (void)arg;
    trine_stats(&s);
    CHECK(trine_nanotime() > 0 && trine_num_cpu() >= 1 && trine_default_procs() >= 1);
    trine_goid();
    trine_chan_free(trine_chan_make(8, 8));
    trine_chan_free(NULL);
    CHECK(trine_trace_start(NULL) == -EINVAL && trine_trace_stop() == -EINVAL);
    CHECK(trine_run(NULL, NULL, NULL) == (trine_goid() ? -EBUSY : -EINVAL));
}
static void on_ask(int sig) /* what is legal in a handler too, or says -EBUSY there */
{
    (void)sig;
    CHECK(trine_nanotime() > 0 && trine_goid() > 0 && trine_num_cpu() > 0 && trine_default_procs() > 0);
    CHECK(trine_run(NULL, nothing, NULL) == -EBUSY);
}
static void ask_in_run(void *arg)
{
    struct sigaction sa = {.sa_handler = on_ask, .sa_flags = SA_ONSTACK};
    ask_anywhere(arg);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    trine_syscall_enter();
    struct trine_stats s;
    trine_stats(&s);
    CHECK(trine_goid() > 0);
    trine_syscall_exit();
}
static void ask_everywhere(void *arg)
{
    ask_anywhere(arg);
    CHECK(trine_goid() == 0);
    CHECK(trine_run(NULL, ask_in_run, NULL) == 0);
    ask_anywhere(arg);
    CHECK(trine_goid() == 0);
}
static void LegalAnywhere(void **state)
{
    (void)state;
    in_child(ask_everywhere, NULL);
    assert_ended_well("questions from anywhere");
}

/* ---- the runtime's own misuse: debug builds count the locks that a thread holds ---- */
static struct lock kept;
static void park_with_a_lock(void *unused)
{
    (void)unused;
    rt_enter("park_with_a_lock");
    rt_lock(&kept);
    rt_gopark(NULL, NULL, WR_SLEEP);
}
static void ParkingWithALockIsRefused(void **state)
{
    (void)state;
#ifndef TRINE_DEBUG_CHECKS
    puts("SKIP: only builds with TRINE_DEBUG_CHECKS count the runtime's locks");
    skip();
#endif
    run_must_die(&(trine_config){.gomaxprocs = 2}, park_with_a_lock, NULL, "fatal error: parked with a lock of the runtime's held");
}

/* ---- bad arguments: all of them are in misuse_args.c; here what concerns the goroutines made and the bounds ---- */
static void bad_arguments(void *arg)
{
    (void)arg;
    CHECK(trine_go(NULL, NULL) == -EINVAL);
    CHECK(trine_go_with(NULL, NULL, NULL) == -EINVAL);
    CHECK(trine_go_with(NULL, nothing, NULL) == 0);
    static const size_t sizes[] = {1, RT_STACK_MIN_BYTES - 1, RT_STACK_MAX_BYTES + 1ul, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        CHECK(trine_go_with(&(trine_go_opts){.stack_bytes = sizes[i]}, nothing, NULL) == -EINVAL);
    CHECK(trine_go_with(&(trine_go_opts){.stack_bytes = RT_STACK_MAX_BYTES}, nothing, NULL) == 0);
    trine_sleep(0);
    trine_sleep(-1);
    trine_sleep(INT64_MIN);
    CHECK(trine_chan_make(SIZE_MAX, 2) == NULL && trine_chan_make(2, SIZE_MAX) == NULL);
    CHECK(trine_chan_make(SIZE_MAX, SIZE_MAX) == NULL && trine_chan_make(1, SIZE_MAX / 2) == NULL);
    while (trine_num_goroutine() > 1) trine_yield();
}
static void BadArguments(void **state) { (void)state; run_children(bad_arguments); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(OutsideOfARun),   cmocka_unit_test(AfterTheRunEnded), cmocka_unit_test(InASignalHandler),
        cmocka_unit_test(InAHandlerWhereNoGoroutineIs),
        cmocka_unit_test(InABlockingCall), cmocka_unit_test(ExitWithoutEnter), cmocka_unit_test(LegalAnywhere),
        cmocka_unit_test(BadArguments),    cmocka_unit_test(ParkingWithALockIsRefused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
