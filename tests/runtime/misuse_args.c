/*
 * misuse_args.c: each argument of each public function, as it must not be: NULL, zero, negative, absurd; descriptors that are
 * not open or cannot be polled. A row is one call in a child's main goroutine: it returns what the row says within five
 * seconds, or the program ends with the row's line and status 2. Where a call may stand at all is in sched_misuse.c.
 *
 * public_calls.py derives from trine.h which rows there must be (by the types of the arguments), so that a function
 * without its rows fails: NULL for a pointer, zero, negative and huge for a number, closed and file for a descriptor.
 */
#include "child.h"
#include "param.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ROWS = 256, SECONDS = 5 };
struct row {
    const char *fn, *label;
    int64_t (*call)(void);
    int64_t want;     /* what is returned */
    const char *says; /* or the line with which the program ends */
    enum which { RETURNED, REFUSED, FATAL } which;
    bool outside; /* called outside of a run */
};
static struct row rows[ROWS];
static int nrows;

#define ADD(fn, label, want, says, which, outside, ...)                                                    \
    static int64_t fn##__##label(void) { __VA_ARGS__; }                                                    \
    __attribute__((constructor)) static void add_##fn##__##label(void)                                     \
    {                                                                                                      \
        rows[nrows++] = (struct row){#fn, #label, fn##__##label, want, says, which, outside};              \
    }
#define GIVES(fn, label, want, expr) ADD(fn, label, want, NULL, RETURNED, false, return (int64_t)(expr))
#define REFUSES(fn, label, want, expr) ADD(fn, label, want, NULL, REFUSED, false, return (int64_t)(expr))
#define ENDS(fn, label, says, expr) ADD(fn, label, 0, says, FATAL, false, expr; return 0)
#define OUTSIDE(fn, label, want, expr) ADD(fn, label, want, NULL, RETURNED, true, return (int64_t)(expr))
#define OUTSIDE_REFUSES(fn, label, want, expr) ADD(fn, label, want, NULL, REFUSED, true, return (int64_t)(expr))
#define DEADLOCK "fatal error: all goroutines are asleep - deadlock!"

/* ---- what the calls are given where they are given something good ---- */
static void nothing(void *arg) { (void)arg; }
static struct row *current;
static trine_wg wg;
static trine_once once;
static trine_timer timer;
static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static socklen_t addr_len = sizeof addr;
static char buf[8] = "x";
static trine_chan *ints(void) { return make_chan(sizeof(int), 1); }
static trine_chan *full(void)
{
    trine_chan *c = ints();
    send_int(c, 7);
    return c;
}
static trine_case *ready_case(void)
{
    static trine_case k;
    static int x;
    k = (trine_case){.chan = full(), .op = TRINE_RECV, .elem = &x};
    return &k;
}
static int file(void) { return open("/proc/self/exe", O_RDONLY); }
static int closed(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}
static int pair(void) /* one end, with a byte to read, known to the poller */
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) || write(fd[1], "y", 1) != 1 || trine_open_fd(fd[0])) abort();
    return fd[0];
}
static int fresh_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static int listener(void) /* with one connection that waits */
{
    int fd = fresh_socket(), to = fresh_socket();
    socklen_t n = sizeof addr;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr.sun_family) || listen(fd, 1)) abort(); /* the kernel names it */
    if (getsockname(fd, (struct sockaddr *)&addr, &n) || connect(to, (struct sockaddr *)&addr, n) || trine_open_fd(fd)) abort();
    return fd;
}
#define SA(x) ((struct sockaddr *)(x))

/* ---- runs and goroutines ---- */
static int run_with(trine_config cfg) { return trine_run(&cfg, nothing, NULL); }
OUTSIDE(trine_run, null_cfg, 0, trine_run(NULL, nothing, NULL))
OUTSIDE_REFUSES(trine_run, null_fn, -EINVAL, trine_run(&(trine_config){0}, NULL, NULL))
OUTSIDE_REFUSES(trine_run, negative_procs, -EINVAL, run_with((trine_config){.gomaxprocs = -1}))
OUTSIDE_REFUSES(trine_run, huge_procs, -EINVAL, run_with((trine_config){.gomaxprocs = INT_MAX}))
OUTSIDE_REFUSES(trine_run, negative_threads, -EINVAL, run_with((trine_config){.maxthreads = INT_MIN}))
OUTSIDE(trine_run, huge_threads, 0, run_with((trine_config){.maxthreads = INT_MAX}))
OUTSIDE_REFUSES(trine_run, tiny_stack, -EINVAL, run_with((trine_config){.stack_bytes = 1}))
OUTSIDE_REFUSES(trine_run, huge_stack, -EINVAL, run_with((trine_config){.stack_bytes = SIZE_MAX}))
OUTSIDE_REFUSES(trine_run, negative_slice, -EINVAL, run_with((trine_config){.slice_ns = -1}))
OUTSIDE(trine_run, huge_slice, 0, run_with((trine_config){.slice_ns = INT64_MAX}))
OUTSIDE_REFUSES(trine_run, unknown_ablation, -EINVAL, run_with((trine_config){.ablate = UINT_MAX}))
OUTSIDE_REFUSES(trine_run, empty_cpus, -EINVAL, run_with((trine_config){.cpus = ""}))
OUTSIDE_REFUSES(trine_run, garbled_cpus, -EINVAL, run_with((trine_config){.cpus = "0,-1"}))
OUTSIDE_REFUSES(trine_run, huge_cpus, -EINVAL, run_with((trine_config){.cpus = "99999999999999999999"}))
REFUSES(trine_run, inside, -EBUSY, trine_run(NULL, nothing, NULL))
REFUSES(trine_go, null_fn, -EINVAL, trine_go(NULL, NULL))
GIVES(trine_go_with, null_o, 0, trine_go_with(NULL, nothing, NULL))
REFUSES(trine_go_with, null_fn, -EINVAL, trine_go_with(&(trine_go_opts){0}, NULL, NULL))
GIVES(trine_go_with, null_name, 0, trine_go_with(&(trine_go_opts){.name = NULL}, nothing, NULL))
REFUSES(trine_go_with, tiny_stack, -EINVAL, trine_go_with(&(trine_go_opts){.stack_bytes = 1}, nothing, NULL))
REFUSES(trine_go_with, huge_stack, -EINVAL, trine_go_with(&(trine_go_opts){.stack_bytes = SIZE_MAX}, nothing, NULL))
GIVES(trine_sleep, zero_ns, 0, (trine_sleep(0), 0))
GIVES(trine_sleep, negative_ns, 0, (trine_sleep(INT64_MIN), 0))
static void sleeps_for_good(void *arg) { (void)arg, trine_sleep(INT64_MAX); }
GIVES(trine_sleep, huge_ns, 2, (go(sleeps_for_good, NULL), trine_sleep(1000000), trine_num_goroutine()))
GIVES(trine_gomaxprocs, zero_n, 1, trine_gomaxprocs(0))
GIVES(trine_gomaxprocs, negative_n, 1, trine_gomaxprocs(INT_MIN))
GIVES(trine_gomaxprocs, huge_n, RT_MAX_PROCS, (trine_gomaxprocs(INT_MAX), trine_gomaxprocs(0)))
ENDS(trine_stats, null_out, "fatal error: trine_stats: NULL pointer", trine_stats(NULL))
REFUSES(trine_trace_start, null_path, -EINVAL, trine_trace_start(NULL))
REFUSES(trine_trace_start, empty_path, -ENOENT, trine_trace_start(""))

/* ---- channels ---- */
GIVES(trine_chan_make, zero_elem_bytes, 1, trine_chan_make(0, 8) != NULL)
GIVES(trine_chan_make, huge_elem_bytes, 0, trine_chan_make(SIZE_MAX, 1) != NULL)
GIVES(trine_chan_make, zero_cap, 1, trine_chan_make(8, 0) != NULL)
GIVES(trine_chan_make, huge_cap, 0, trine_chan_make(1, SIZE_MAX) != NULL)
GIVES(trine_chan_make, huge_product, 0, trine_chan_make(SIZE_MAX / 2 + 2, 2) != NULL)
GIVES(trine_chan_free, null_c, 0, (trine_chan_free(NULL), 0))
ENDS(trine_chan_send, null_c, DEADLOCK, trine_chan_send(NULL, &(int){1}))
#define NULL_ELEM ": elem is NULL, and the elements of this channel are not empty"
ENDS(trine_chan_send, null_elem, "fatal error: trine_chan_send" NULL_ELEM, trine_chan_send(ints(), NULL))
ENDS(trine_chan_recv, null_c, DEADLOCK, trine_chan_recv(NULL, &(int){1}))
GIVES(trine_chan_recv, null_elem, true, trine_chan_recv(full(), NULL))
GIVES(trine_chan_try_send, null_c, false, trine_chan_try_send(NULL, &(int){1}))
ENDS(trine_chan_try_send, null_elem, "fatal error: trine_chan_try_send" NULL_ELEM, trine_chan_try_send(ints(), NULL))
GIVES(trine_chan_try_recv, null_c, false, trine_chan_try_recv(NULL, &(int){1}, &(bool){false}))
GIVES(trine_chan_try_recv, null_elem, true, trine_chan_try_recv(full(), NULL, &(bool){false}))
GIVES(trine_chan_try_recv, null_open, true, trine_chan_try_recv(full(), &(int){1}, NULL))
ENDS(trine_chan_close, null_c, "fatal error: close of nil channel", trine_chan_close(NULL))
GIVES(trine_chan_len, null_c, 0, trine_chan_len(NULL))
GIVES(trine_chan_cap, null_c, 0, trine_chan_cap(NULL))
#define CASES(fn, n) "fatal error: " fn ": " n " cases (0 to 65536 are possible)"
ENDS(trine_select, null_cases, "fatal error: trine_select: cases is NULL", trine_select(NULL, 1))
ENDS(trine_select, zero_n, DEADLOCK, trine_select(ready_case(), 0))
ENDS(trine_select, negative_n, CASES("trine_select", "-1"), trine_select(ready_case(), -1))
ENDS(trine_select, huge_n, CASES("trine_select", "2147483647"), trine_select(ready_case(), INT_MAX))
ENDS(trine_try_select, null_cases, "fatal error: trine_try_select: cases is NULL", trine_try_select(NULL, 1))
GIVES(trine_try_select, zero_n, -1, trine_try_select(NULL, 0))
ENDS(trine_try_select, negative_n, CASES("trine_try_select", "-2147483648"), trine_try_select(ready_case(), INT_MIN))
ENDS(trine_try_select, huge_n, CASES("trine_try_select", "65537"), trine_try_select(ready_case(), 65537))
ENDS(trine_select_until, null_cases, "fatal error: trine_select_until: cases is NULL", trine_select_until(NULL, 1, 1))
GIVES(trine_select_until, zero_n, -1, trine_select_until(NULL, 0, 1))
ENDS(trine_select_until, negative_n, CASES("trine_select_until", "-1"), trine_select_until(ready_case(), -1, 1))
ENDS(trine_select_until, huge_n, CASES("trine_select_until", "2147483647"), trine_select_until(ready_case(), INT_MAX, 1))
static trine_case never = {.op = TRINE_RECV};
GIVES(trine_select_until, zero_deadline_ns, -1, trine_select_until(&never, 1, 0))
GIVES(trine_select_until, negative_deadline_ns, -1, trine_select_until(&never, 1, INT64_MIN))
GIVES(trine_select_until, huge_deadline_ns, 0, trine_select_until(ready_case(), 1, INT64_MAX))

/* ---- synchronisation ---- */
#define NULL_POINTER(fn, p) ENDS(fn, null_##p, "fatal error: " #fn ": NULL pointer", fn(NULL))
ENDS(trine_wg_add, null_wg, "fatal error: trine_wg_add: NULL pointer", trine_wg_add(NULL, 1))
GIVES(trine_wg_add, zero_delta, 0, (trine_wg_add(&wg, 0), trine_wg_wait(&wg), 0))
ENDS(trine_wg_add, negative_delta, "fatal error: sync: negative WaitGroup counter", trine_wg_add(&wg, INT_MIN))
static void add_twice(void)
{
    trine_wg_add(&wg, INT_MAX);
    trine_wg_add(&wg, INT_MAX);
}
ENDS(trine_wg_add, huge_delta, "fatal error: sync: negative WaitGroup counter", add_twice())
NULL_POINTER(trine_wg_done, wg)
NULL_POINTER(trine_wg_wait, wg)
NULL_POINTER(trine_mutex_lock, m)
NULL_POINTER(trine_mutex_unlock, m)
NULL_POINTER(trine_mutex_trylock, m)
NULL_POINTER(trine_rwmutex_rlock, rw)
NULL_POINTER(trine_rwmutex_runlock, rw)
NULL_POINTER(trine_rwmutex_lock, rw)
NULL_POINTER(trine_rwmutex_unlock, rw)
ENDS(trine_once_do, null_o, "fatal error: trine_once_do: NULL pointer", trine_once_do(NULL, nothing, NULL))
ENDS(trine_once_do, null_fn, "fatal error: trine_once_do: fn is NULL", trine_once_do(&once, NULL, NULL))
ENDS(trine_sema_acquire, null_s, "fatal error: trine_sema_acquire: NULL semaphore", trine_sema_acquire(NULL))
ENDS(trine_sema_release, null_s, "fatal error: trine_sema_release: NULL semaphore", trine_sema_release(NULL))

/* ---- timers ---- */
static int start(int64_t ns) { return trine_timer_start(&timer, ns, nothing, NULL); }
REFUSES(trine_timer_start, null_t, -EINVAL, trine_timer_start(NULL, 1, nothing, NULL))
REFUSES(trine_timer_start, null_fn, -EINVAL, trine_timer_start(&timer, 1, NULL, NULL))
GIVES(trine_timer_start, zero_ns, 0, start(0))
GIVES(trine_timer_start, negative_ns, 0, start(INT64_MIN))
GIVES(trine_timer_start, huge_ns, true, start(INT64_MAX) == 0 && trine_timer_stop(&timer))
REFUSES(trine_timer_start, pending, -EBUSY, (start(INT64_MAX), start(1)))
GIVES(trine_timer_stop, null_t, false, trine_timer_stop(NULL))
GIVES(trine_timer_stop, unstarted, false, trine_timer_stop(&timer))
#define NO_TIMER "fatal error: trine_timer_reset called on a timer that was never started"
ENDS(trine_timer_reset, null_t, NO_TIMER, trine_timer_reset(NULL, 1))
ENDS(trine_timer_reset, unstarted, NO_TIMER, trine_timer_reset(&timer, 1))
GIVES(trine_timer_reset, zero_ns, true, (start(INT64_MAX), trine_timer_reset(&timer, 0)))
GIVES(trine_timer_reset, negative_ns, true, (start(INT64_MAX), trine_timer_reset(&timer, INT64_MIN)))
GIVES(trine_timer_reset, huge_ns, true, (start(1000000000), trine_timer_reset(&timer, INT64_MAX), trine_timer_stop(&timer)))
GIVES(trine_timer_reset, stopped, false, (start(INT64_MAX), trine_timer_stop(&timer), trine_timer_reset(&timer, 1)))

/* ---- descriptors ---- */
#define DESCRIPTOR(fn, of_file, ...)                                                                       \
    REFUSES(fn, negative_fd, -EBADF, fn(-1 __VA_OPT__(, ) __VA_ARGS__))                                      \
    REFUSES(fn, huge_fd, -EBADF, fn(INT_MAX __VA_OPT__(, ) __VA_ARGS__))                                     \
    REFUSES(fn, closed_fd, -EBADF, fn(closed() __VA_OPT__(, ) __VA_ARGS__))                                  \
    REFUSES(fn, file_fd, of_file, fn(file() __VA_OPT__(, ) __VA_ARGS__))
DESCRIPTOR(trine_open_fd, -EPERM)
DESCRIPTOR(trine_read, -EPERM, buf, 1)
DESCRIPTOR(trine_write, -EPERM, buf, 1)
DESCRIPTOR(trine_accept, -EPERM, SA(&addr), &addr_len)
DESCRIPTOR(trine_connect, -EPERM, SA(&addr), sizeof addr)
REFUSES(trine_close, negative_fd, -EBADF, trine_close(-1))
REFUSES(trine_close, huge_fd, -EBADF, trine_close(INT_MAX))
REFUSES(trine_close, closed_fd, -EBADF, trine_close(closed()))
GIVES(trine_close, file_fd, 0, trine_close(file()))
DESCRIPTOR(trine_fd_deadline, -EPERM, 0, 0)
REFUSES(trine_read, null_buf, -EFAULT, trine_read(pair(), NULL, 1))
GIVES(trine_read, zero_n, 0, trine_read(pair(), buf, 0))
REFUSES(trine_read, huge_n, -EINVAL, trine_read(pair(), buf, SIZE_MAX))
REFUSES(trine_write, null_buf, -EFAULT, trine_write(pair(), NULL, 1))
GIVES(trine_write, zero_n, 0, trine_write(pair(), buf, 0))
REFUSES(trine_write, huge_n, -EINVAL, trine_write(pair(), buf, SIZE_MAX))
GIVES(trine_accept, null_addr, true, trine_accept(listener(), NULL, NULL) >= 0)
REFUSES(trine_accept, null_len, -EFAULT, trine_accept(listener(), SA(&addr), NULL))
REFUSES(trine_accept, no_listener, -EINVAL, trine_accept(pair(), SA(&addr), &addr_len))
REFUSES(trine_connect, null_addr, -EFAULT, trine_connect(fresh_socket(), NULL, sizeof addr))
REFUSES(trine_connect, zero_len, -EINVAL, trine_connect(fresh_socket(), SA(&addr), 0))
REFUSES(trine_connect, huge_len, -EINVAL, trine_connect(fresh_socket(), SA(&addr), UINT_MAX))
static int64_t read_by(int64_t read_ns, int64_t write_ns, int64_t otherwise)
{
    int fd = pair(), err = trine_fd_deadline(fd, read_ns, write_ns);
    return err ? err : otherwise ? trine_write(fd, buf, 1) : trine_read(fd, buf, 1);
}
GIVES(trine_fd_deadline, zero_read_deadline_ns, 1, read_by(0, 0, 0))
REFUSES(trine_fd_deadline, negative_read_deadline_ns, -ETIMEDOUT, read_by(INT64_MIN, 0, 0))
GIVES(trine_fd_deadline, huge_read_deadline_ns, 1, read_by(INT64_MAX, 0, 0))
GIVES(trine_fd_deadline, zero_write_deadline_ns, 1, read_by(0, 0, 1))
REFUSES(trine_fd_deadline, negative_write_deadline_ns, -ETIMEDOUT, read_by(0, INT64_MIN, 1))
GIVES(trine_fd_deadline, huge_write_deadline_ns, 1, read_by(0, INT64_MAX, 1))

/* ---- how a row is run ---- */
static void call_it(void *arg)
{
    (void)arg;
    int64_t got = current->call();
    if (got == current->want && !current->says) return;
    fprintf(stderr, "returned %lld, not %lld\n", (long long)got, (long long)current->want);
    atomic_fetch_add(&n_failures, 1);
}
static void row_in_child(void *arg)
{
    (void)arg;
    if (current->outside) call_it(NULL);
    else CHECK(trine_run(&(trine_config){.gomaxprocs = 1}, call_it, NULL) == 0);
}
static bool as_the_row_says(const struct row *r)
{
    if (last.late) return false;
    if (!r->says) return last.status == 0;
    const char *at = strstr(last.text, r->says);
    return last.status == 2 && at && (at == last.text || at[-1] == '\n') && at[strlen(r->says)] == '\n';
}
static void every_row(enum which w)
{
    int done = 0, bad = 0;
    for (int i = 0; i < nrows && bad < 10; i++) {
        current = &rows[i];
        if (current->which != w) continue;
        in_child_for(SECONDS, row_in_child, NULL);
        done++;
        if (as_the_row_says(current)) continue;
        print_message("%s, %s: %sstatus %d: %.*s\n", current->fn, current->label, last.late ? "hung, " : "", last.status,
                      (int)strcspn(last.text, "\n"), last.text);
        bad++;
    }
    print_message("%d rows\n", done);
    assert_int_equal(bad, 0);
    assert_true(done > 20);
}
static void ArgumentsThatMeanSomething(void **state) { (void)state; every_row(RETURNED); }
static void ArgumentsRefused(void **state) { (void)state; every_row(REFUSED); }
static void ArgumentsThatEndTheProgram(void **state) { (void)state; every_row(FATAL); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ArgumentsThatMeanSomething), cmocka_unit_test(ArgumentsRefused),
        cmocka_unit_test(ArgumentsThatEndTheProgram),
    };
    unsetenv("TRINE_PROCS");
    return cmocka_run_group_tests_name("arguments as they must not be", tests, NULL, NULL);
}
