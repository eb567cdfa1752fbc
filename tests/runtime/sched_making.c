/*
 * sched_making.c: making a thread takes locks of libc's, and a thread that is stopped in the preemption handler may own
 * one. pthread_create is replaced here by one that takes such a lock, at the worst moment that there is: sysmon makes a
 * thread, and the owner of the lock gets its preemption signal only now, after sysmon looked whether anybody stands there.
 */
#include "child.h"
#include "m.h"
#include "param.h"
#include "preempt.h"
#include "sched.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>

static const int64_t no_slice = 3600 * 1000000000ll; /* nobody is preempted but at the word of the test */
enum { GIVE_UP_S = 10 };

static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static pthread_mutex_t libcs = PTHREAD_MUTEX_INITIALIZER; /* stands for malloc's, or the loader's */
static _Atomic(struct m *) hog_thread;                    /* who owns it; set when it does */
static atomic_bool armed, signalled;
static atomic_int met; /* how often a thread was made while the owner was signalled */

/* The owner's thread has been in the handler, and either left it or stands there. */
static void signal_the_owner(void)
{
    struct m *mp = atomic_load(&hog_thread);
    rt_preemptone(mp->p, true);
    for (int i = 0; i < GIVE_UP_S * 10000 && at32_load_acq(&mp->signal_pending); i++) rt_usleep(100);
    atomic_store(&signalled, true);
}

static bool lock_as_libc_does(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GIVE_UP_S;
    return pthread_mutex_timedlock(&libcs, &until) == 0 && pthread_mutex_unlock(&libcs) == 0;
}

static atomic_int creates_left = INT_MAX; /* until the system refuses */

int pthread_create(pthread_t *restrict t, const pthread_attr_t *restrict attr, void *(*fn)(void *), void *restrict arg)
{
    if (atomic_fetch_sub(&creates_left, 1) <= 0) return EAGAIN;
    if (!rt_getg() && atomic_exchange(&armed, false)) {
        signal_the_owner();
        CHECK(lock_as_libc_does());
        atomic_fetch_add(&met, 1);
    }
    return create(t, attr, fn, arg);
}

static void hog(void *unused)
{
    (void)unused;
    CHECK(pthread_mutex_lock(&libcs) == 0);
    atomic_store(&hog_thread, rt_getm());
    while (!atomic_load(&signalled)) at_pause(); /* calls nothing of the runtime's: a signal alone takes its P */
    CHECK(pthread_mutex_unlock(&libcs) == 0);
}

/* In a blocking call until a thread was made for the next of them. */
static void blocked(void *unused)
{
    (void)unused;
    trine_syscall_enter();
    for (int i = 0; i < 2 * GIVE_UP_S * 1000 && !atomic_load(&met); i++) rt_usleep(1000);
    trine_syscall_exit();
}

/* Two Ps: one runs the hog, the other is taken from each blocking call for the next, until no thread is idle and sysmon
 * makes one. */
static void owner_is_signalled(void *unused)
{
    go(hog, NULL);
    while (!atomic_load(&hog_thread)) trine_sleep(100000);
    atomic_store(&armed, true);
    for (int i = 0; i < 4; i++) go(blocked, NULL);
    blocked(unused);
    CHECK(atomic_load(&met) == 1);
    atomic_store(&signalled, true);
}

static void run_it(void *unused)
{
    (void)unused;
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = no_slice}, owner_is_signalled, NULL) == 0);
}

static void NoThreadIsMadeBesideOneInTheHandler(void **state)
{
    (void)state;
#if defined(RT_TSAN)
    puts("SKIP: TSan defers signals, so the flag alone preempts");
    skip();
#endif
    in_child(run_it, NULL);
    assert_ended_well("sysmon makes a thread while the owner of libc's lock is preempted");
}

/* ---- no thread to be had: those that stand in the handler take turns ---- */
enum { HOGS = 12, HOG_MS = 30 };
static atomic_int hogs_ended;

static void hog_for_a_while(void *unused)
{
    int64_t end = trine_nanotime() + HOG_MS * 1000000ll;
    (void)unused;
    while (trine_nanotime() < end) at_pause(); /* no call of the runtime's at which it could give way */
    atomic_fetch_add(&hogs_ended, 1);
}

static void hogs(void *unused)
{
    for (int i = 0; i < HOGS; i++) go(hog_for_a_while, unused);
    while (atomic_load(&hogs_ended) < HOGS) trine_sleep(1000000);
}

static void hogs_at_the_limit(void *unused)
{
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = 1000000, .maxthreads = 8}, hogs, unused) == 0);
}

static void hogs_when_refused(void *unused)
{
    atomic_store(&creates_left, 8);
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = 1000000}, hogs, unused) == 0);
}

static void HogsTakeTurnsWithoutThreads(void **state)
{
    (void)state;
    in_child(hogs_at_the_limit, NULL);
    assert_ended_well("twice as many hogs as there may be threads");
    in_child(hogs_when_refused, NULL);
    assert_ended_well("hogs when the system makes no more threads");
}

/* ---- libc takes a thread's static TLS out of its stack ---- */
static __thread volatile char large[300 << 10];

static void use_locals(void *unused)
{
    (void)unused;
    trine_lock_os_thread();
    for (size_t i = 0; i < sizeof large; i += 1024) large[i] = (char)i;
    for (int i = 0; i < 10; i++) trine_yield();
    for (size_t i = 0; i < sizeof large; i += 1024) CHECK(large[i] == (char)i);
    trine_unlock_os_thread();
}

static void large_locals(void *unused)
{
    for (int i = 0; i < 8; i++) go(use_locals, unused);
    while (trine_num_goroutine() > 1) trine_sleep(1000000);
}

static void LargeThreadLocals(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, large_locals, NULL);
}

/* ---- the word itself: whoever comes second steps back and leaves no trace ---- */
static void EitherSideKeepsTheOtherOut(void **state)
{
    (void)state;
    assert_true(rt_making_begin() && rt_making_begin());
    assert_false(rt_stand_begin());
    rt_making_end();
    assert_false(rt_stand_begin());
    rt_making_end();
    assert_true(rt_stand_begin() && rt_stand_begin());
    assert_false(rt_making_begin());
    rt_stand_end();
    assert_false(rt_making_begin());
    rt_stand_end();
    assert_int_equal(at64_load_rlx(&rt_sched.makers_standers), 0);
}

/* ---- what a made thread asks of the kernel ---- */
static void slack_inside(void *slack) { *(int *)slack = prctl(PR_GET_TIMERSLACK); }

static void sleeps(void *unused)
{
    int before = prctl(PR_GET_TIMERSLACK), inside = 0;
    (void)unused;
    CHECK(trine_run(NULL, slack_inside, &inside) == 0);
    CHECK(inside == RT_TIMER_SLACK_NS);
    CHECK(prctl(PR_GET_TIMERSLACK) == before); /* the caller's thread is the program's */
}

static void SleepsEndWhenTheyShould(void **state)
{
    (void)state;
    in_child(sleeps, NULL);
    assert_ended_well("the timer slack of a run's threads");
}

int main(void)
{
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(EitherSideKeepsTheOtherOut),
        cmocka_unit_test(NoThreadIsMadeBesideOneInTheHandler),
        cmocka_unit_test(SleepsEndWhenTheyShould),
        cmocka_unit_test(HogsTakeTurnsWithoutThreads),
        cmocka_unit_test(LargeThreadLocals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
