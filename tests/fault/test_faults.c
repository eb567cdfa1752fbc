/*
 * test_faults.c: the N-th call of each kind that the runtime makes to the kernel fails, for N = 1 until a run makes
 * fewer calls than that. A child runs a small workload that touches every part; the only outcomes are an ordinary
 * end, a -errno from the call that wanted the resource, and one of the ends listed here; each within five seconds.
 */
#include "../runtime/child.h"
#include "os_linux.h"

enum { MOST = 300 }; /* injections a kind: waits (futex, epoll_wait) are made as often as time allows */

static const char *const kinds[OS_SITES] = {"mmap",       "clone",   "epoll_create", "epoll_ctl",
                                            "epoll_wait", "eventfd", "futex",        "sigaltstack"};

/* How a program may end when the kernel refuses: each names what was wanted. */
static const char *const listed[] = {
    "fatal error: cannot make a thread (",
    "fatal error: cannot make the maker thread (",
    "fatal error: no alternate signal stack for a thread (",
    "fatal error: out of memory: timer heap",
    "fatal error: out of memory: ",
};

/* ---- the workload: every error that a call may return is taken as it is ---- */
static trine_wg all;
static atomic_int refused, fds[2];

static bool start(trine_fn fn, void *arg)
{
    trine_wg_add(&all, 1);
    int err = trine_go(fn, arg);
    if (!err) return true;
    CHECK(err == -ENOMEM);
    atomic_fetch_add(&refused, 1);
    trine_wg_done(&all);
    return false;
}
static void sleeper(void *arg)
{
    trine_sleep((int64_t)(intptr_t)arg);
    trine_wg_done(&all);
}
static void caller(void *arg)
{
    (void)arg;
    trine_syscall_enter();
    usleep(300);
    trine_syscall_exit();
    trine_wg_done(&all);
}
static void big(void *arg)
{
    (void)arg;
    trine_wg_done(&all);
}
static void hog(void *arg)
{
    (void)arg;
    int64_t until = trine_nanotime() + 3000000;
    while (trine_nanotime() < until) {}
    trine_wg_done(&all);
}
static void reader(void *arg)
{
    char c;
    (void)arg;
    CHECK(trine_read(fds[0], &c, 1) == 1);
    trine_wg_done(&all);
}
static void on_timer(void *arg)
{
    (void)arg;
    trine_wg_done(&all);
}
static void network(void)
{
    int p[2];
    CHECK(pipe(p) == 0);
    fds[0] = p[0];
    fds[1] = p[1];
    int err = trine_open_fd(p[0]);
    CHECK(err == 0 || err == -ENOMEM || err == -ENOSPC);
    if (err) {
        atomic_fetch_add(&refused, 1);
        return;
    }
    bool reads = start(reader, NULL);
    trine_sleep(200000);
    CHECK(write(p[1], "x", 1) == 1);
    if (!reads) return;
    trine_fd_deadline(p[0], trine_nanotime() + 1000000000, 0);
}
static void workload(void *arg)
{
    static trine_timer t;
    (void)arg;
    for (intptr_t i = 1; i <= 3; i++) start(sleeper, (void *)(100000 * i));
    start(caller, NULL);
    start(hog, NULL);
    network();
    trine_wg_add(&all, 1);
    int err = trine_timer_start(&t, 100000, on_timer, NULL);
    CHECK(err == 0 || err == -ENOMEM);
    if (err) {
        atomic_fetch_add(&refused, 1);
        trine_wg_done(&all);
    }
    trine_wg_add(&all, 1);
    err = trine_go_with(&(trine_go_opts){.stack_bytes = 1 << 20}, big, NULL);
    CHECK(err == 0 || err == -ENOMEM);
    if (err) {
        atomic_fetch_add(&refused, 1);
        trine_wg_done(&all);
    }
    trine_gomaxprocs(3);
    trine_wg_wait(&all);
}

enum { NOT_REACHED = 10, ENDED_WELL, CALL_REFUSED, RUN_REFUSED };
struct injection { int kind, nth; };

static void nothing(void *arg) { (void)arg; }
static void inject(void *arg)
{
    struct injection *in = arg;
    char fault[32];
    snprintf(fault, sizeof fault, "%s:%d", kinds[in->kind], in->nth);
    setenv("TRINE_FAULT", fault, 1);
    int err = trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = 500000, .seed = 1}, workload, NULL);
    bool reached = rt_os_fault_left((enum os_site)in->kind) == 0;
    if (atomic_load(&n_failures)) _exit(1);
    if (err) {
        CHECK(err == -ENOMEM || err == -EAGAIN || err == -EMFILE);
        unsetenv("TRINE_FAULT");
        CHECK(trine_run(NULL, nothing, NULL) == 0); /* a run that was refused may be tried again */
        _exit(atomic_load(&n_failures) ? 1 : RUN_REFUSED);
    }
    _exit(!reached ? NOT_REACHED : atomic_load(&refused) ? CALL_REFUSED : ENDED_WELL);
}

static bool is_listed(void)
{
    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        if (strncmp(last.text, listed[i], strlen(listed[i])) == 0) return last.status == 2;
    return false;
}

static int kinds_reached, injections;

static void fail_each_call_of(int kind)
{
    int well = 0, refused_calls = 0, refused_runs = 0, thrown = 0, bad = 0, missed = 0, done = 0;
    for (int n = 1; n <= MOST && missed < 3; n++) { /* how many calls a run makes varies: three that miss are the end */
        struct injection in = {kind, n};
        in_child_for(5, inject, &in);
        if (!last.late && last.status == NOT_REACHED) {
            missed++;
            continue;
        }
        missed = 0;
        done++;
        if (last.late || (last.status < ENDED_WELL && !is_listed()) || last.status > RUN_REFUSED) {
            print_message("%s:%d: %sstatus %d: %s\n", kinds[kind], n, last.late ? "hung, " : "", last.status, last.text);
            if (++bad == 5) break;
        }
        well += last.status == ENDED_WELL;
        refused_calls += last.status == CALL_REFUSED;
        refused_runs += last.status == RUN_REFUSED;
        thrown += last.status == 2;
    }
    print_message("%-12s %3d injections: %d ended well, %d refused a call, %d refused the run, %d said why and ended\n",
                  kinds[kind], done, well, refused_calls, refused_runs, thrown);
    kinds_reached += done > 0;
    injections += done;
    assert_int_equal(bad, 0);
    assert_true(done > 0); /* the workload reaches every kind */
}

#define KIND(site) static void Fail_##site(void **state) { (void)state; fail_each_call_of(site); }
KIND(OS_MMAP)
KIND(OS_CLONE)
KIND(OS_EPOLL_CREATE)
KIND(OS_EPOLL_CTL)
KIND(OS_EPOLL_WAIT)
KIND(OS_EVENTFD)
KIND(OS_FUTEX)
KIND(OS_SIGALTSTACK)

static void EveryKindWasReached(void **state)
{
    (void)state;
    print_message("%d of %d kinds of call reached, %d injections\n", kinds_reached, OS_SITES, injections);
    assert_int_equal(kinds_reached, OS_SITES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Fail_OS_MMAP),       cmocka_unit_test(Fail_OS_CLONE),   cmocka_unit_test(Fail_OS_EPOLL_CREATE),
        cmocka_unit_test(Fail_OS_EPOLL_CTL),  cmocka_unit_test(Fail_OS_EPOLL_WAIT), cmocka_unit_test(Fail_OS_EVENTFD),
        cmocka_unit_test(Fail_OS_FUTEX),      cmocka_unit_test(Fail_OS_SIGALTSTACK), cmocka_unit_test(EveryKindWasReached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
