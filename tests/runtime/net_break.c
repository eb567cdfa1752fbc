/*
 * net_break.c: the poller on its own, without a scheduler: NetpollBreak 1e5 times, and what a break may not do.
 * A lost break is a hang, which the time limit of the test ends.
 */
#include "netpoll.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(TRINE_CHAOS) || defined(RT_TSAN)
#define BREAKS 10000u
#else
#define BREAKS 100000u
#endif

static at_u32 asked, answered;

static void *poller(void *arg)
{
    (void)arg;
    struct glist l = {0};
    for (uint32_t n = 0; n < BREAKS;) {
        rt_netpoll(-1, &l);
        n = at32_load_acq(&asked); /* what the break was for was published before it */
        at32_store_rel(&answered, n);
    }
    return NULL;
}

/* NetpollBreak */
static void test_no_break_is_lost(void **state)
{
    (void)state;
    pthread_t t;
    assert_int_equal(rt_netpoll_init(), 0);
    pthread_create(&t, NULL, poller, NULL);
    for (uint32_t i = 1; i <= BREAKS; i++) {
        at32_store_rel(&asked, i);
        rt_netpoll_break();
        for (unsigned k = 0; i % 2 && at32_load_acq(&answered) < i; k++) { /* every other one is waited for */
            if (k % 64 == 63) rt_osyield();
        }
    }
    pthread_join(t, NULL);
    assert_int_equal(at32_load_acq(&answered), BREAKS);
}

static void test_a_break_waits_for_a_poll_that_blocks(void **state)
{
    (void)state;
    struct glist l = {0};
    for (int i = 0; i < 1000; i++) rt_netpoll_break(); /* one is pending at most */
    assert_int_equal(rt_netpoll(0, &l), 0);            /* does not take it */
    assert_int_equal(rt_netpoll(-1, &l), 0);           /* returns: it was still there */
    int64_t t = rt_nanotime();
    rt_netpoll(3000000, &l);                           /* and there was only one */
    assert_true(rt_nanotime() - t >= 3000000);
    assert_null(l.head);
}

static void test_a_timed_poll_is_never_short(void **state)
{
    (void)state;
    struct glist l = {0};
    const int64_t ns[] = {1, 999, 50000, 1000000, 2500000};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        int64_t t = rt_nanotime();
        assert_int_equal(rt_netpoll(ns[i], &l), 0);
        assert_true(rt_nanotime() - t >= ns[i]);
    }
}

/* The processor's timer interrupts 20,000 times a second: each ends the waits that are within their slack. */
static void *interrupts(void *arg)
{
    const struct timespec ts = {0, 50000};
    prctl(PR_SET_TIMERSLACK, 1);
    while (!at32_load_acq(arg)) nanosleep(&ts, NULL);
    return NULL;
}

static void test_a_poll_beside_other_timers_is_never_short(void **state)
{
    enum { POLLS = 10, POLL_NS = 100000000 };
    cpu_set_t all, one;
    pthread_t t;
    at_u32 stop = {0};
    struct glist l = {0};
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(pthread_create(&t, NULL, interrupts, &stop), 0);
    for (int i = 0; i < POLLS; i++) {
        int64_t begun = rt_nanotime();
        assert_int_equal(rt_netpoll(POLL_NS, &l), 0);
        assert_true(rt_nanotime() - begun >= POLL_NS);
    }
    at32_store_rel(&stop, 1);
    pthread_join(t, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

/* An event of a recycled descriptor: the tag says whose it is. */
static void test_an_old_tag_wakes_nobody(void **state)
{
    (void)state;
    struct glist l = {0};
    struct g waiter = {0};
    int fd[2];
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    struct polldesc *pd = rt_polldesc_make(fd[0]);
    assert_non_null(pd);
    assert_int_equal(rt_netpoll_open(pd), 0);
    atp_store_rlx(&pd->rg, &waiter);
    at32_store_rlx(&pd->tag, at32_load_rlx(&pd->tag) + 1); /* the number changed hands */
    assert_int_equal(write(fd[1], "x", 1), 1);
    assert_int_equal(rt_netpoll(0, &l), 0);
    assert_null(l.head);
    assert_ptr_equal(atp_load_rlx(&pd->rg), &waiter);
    assert_int_equal(rt_netpoll_retag(pd), 0); /* the new owner registers: what is ready is reported again */
    assert_int_equal(rt_netpoll(0, &l), 1);
    assert_ptr_equal(l.head, &waiter);
    assert_ptr_equal(atp_load_rlx(&pd->rg), PD_READY);
    rt_netpoll_close(pd);
    close(fd[0]);
    close(fd[1]);
}

static void test_numbers_out_of_range(void **state)
{
    (void)state;
    assert_null(rt_polldesc(-1));
    assert_null(rt_polldesc_make(-1));
    assert_null(rt_polldesc_make(1 << 24));
    struct polldesc *pd = rt_polldesc_make((1 << 24) - 1);
    assert_non_null(pd);
    assert_int_equal(pd->fd, (1 << 24) - 1);
    assert_ptr_equal(rt_polldesc((1 << 24) - 1), pd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_break_is_lost),
        cmocka_unit_test(test_a_break_waits_for_a_poll_that_blocks),
        cmocka_unit_test(test_a_timed_poll_is_never_short),
        cmocka_unit_test(test_a_poll_beside_other_timers_is_never_short),
        cmocka_unit_test(test_an_old_tag_wakes_nobody),
        cmocka_unit_test(test_numbers_out_of_range),
    };
    return cmocka_run_group_tests_name("network poller", tests, NULL, NULL);
}
