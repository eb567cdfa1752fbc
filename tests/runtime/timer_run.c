/*
 * timer_run.c: sleep, function timers and deadlines of select over the real scheduler, at 1, 2 and 4 Ps. The only thing
 * asserted of time is that nothing ends early.
 */
#include "goroutines.h"

#include <errno.h>


static void sleep_ns(int64_t ns)
{
    int64_t t = trine_nanotime();
    trine_sleep(ns);
    CHECK(trine_nanotime() - t >= ns);
}

/* ---- sleep ---- */
static trine_wg wg;
static const int64_t ms = 1000000;

static void many_sleeper(void *arg)
{
    int i = (int)(intptr_t)arg;
    for (int k = 0; k < 20; k++) sleep_ns(1000 + (i * 37 + k * 101) % 500 * 1000);
    trine_wg_done(&wg);
}

static void many_sleepers_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(200); i++) {
        trine_wg_add(&wg, 1);
        go(many_sleeper, (void *)(intptr_t)i);
    }
    trine_wg_wait(&wg);
}

static void test_many_sleepers_never_wake_early(void **state)
{
    (void)state;
    run_goroutines(many_sleepers_main);
}

static void zero_main(void *arg)
{
    (void)arg;
    trine_sleep(0);
    trine_sleep(-1);
    trine_sleep(INT64_MIN);
    for (int i = 0; i < 1000; i++) trine_sleep(1);
}

/* ZeroTimer */
static void test_a_sleep_of_nothing_returns(void **state)
{
    (void)state;
    run_goroutines(zero_main);
}

static atomic_int woke;
static void forever(void *arg)
{
    trine_sleep((int64_t)(intptr_t)arg);
    atomic_store(&woke, 1);
}

static void overflow_main(void *arg)
{
    (void)arg;
    atomic_store(&woke, 0);
    go(forever, (void *)(intptr_t)INT64_MAX);
    go(forever, (void *)(intptr_t)(INT64_MAX - 1));
    sleep_ns(2 * ms);
    CHECK(atomic_load(&woke) == 0);
}

/* OverflowSleep */
static void test_a_sleep_past_the_end_of_time_does_not_return(void **state)
{
    (void)state;
    run_goroutines(overflow_main);
}

/* ---- fairness ---- */
struct fair { trine_chan *c; int wanted; atomic_int got, quit; };

static void busy_ticker(void *arg)
{
    struct fair *f = arg;
    while (!atomic_load(&f->quit)) {
        if (f->c) trine_chan_try_send(f->c, NULL);
        trine_sleep(1);
        atomic_fetch_add(&f->got, 1);
    }
    trine_wg_done(&wg);
}

static void hog(void *arg)
{
    struct fair *f = arg;
    while (!atomic_load(&f->quit)) trine_yield();
    trine_wg_done(&wg);
}

/* Goroutines that always yield to each other must not keep a sleeper from its turn. */
static void fairness_main(void *arg)
{
    (void)arg;
    struct fair f = {.wanted = 20};
    for (int i = 0; i < 4; i++) trine_wg_add(&wg, 1), go(hog, &f);
    trine_wg_add(&wg, 1);
    go(busy_ticker, &f);
    while (atomic_load(&f.got) < f.wanted) trine_yield();
    atomic_store(&f.quit, 1);
    trine_wg_wait(&wg);
}

/* TimerFairness */
static void test_busy_goroutines_do_not_starve_timers(void **state)
{
    (void)state;
    run_goroutines(fairness_main);
}

static void select_hog(void *arg)
{
    struct fair *f = arg;
    while (!atomic_load(&f->quit)) {
        if (trine_chan_try_recv(f->c, NULL, NULL)) continue;
        trine_yield();
    }
    trine_wg_done(&wg);
}

static void fairness2_main(void *arg)
{
    (void)arg;
    struct fair f = {.c = make_chan(0, 1), .wanted = 20};
    for (int i = 0; i < 2; i++) {
        trine_wg_add(&wg, 2);
        go(select_hog, &f);
        go(busy_ticker, &f);
    }
    while (atomic_load(&f.got) < f.wanted) sleep_ns(1000);
    atomic_store(&f.quit, 1);
    trine_wg_wait(&wg);
    trine_chan_free(f.c);
}

/* TimerFairness2 */
static void test_timers_and_channels_share_the_processor(void **state)
{
    (void)state;
    run_goroutines(fairness2_main);
}

/* ---- function timers ---- */
static atomic_int n_fired;
static void count_fire(void *arg)
{
    (void)arg;
    CHECK(trine_goid() > 0); /* in a goroutine of its own, which may block */
    trine_sleep(1);
    atomic_fetch_add(&n_fired, 1);
}

static void wait_fired(int n)
{
    while (atomic_load(&n_fired) < n) sleep_ns(ms / 10);
}

static void timer_main(void *arg)
{
    (void)arg;
    trine_timer t = {0};
    atomic_store(&n_fired, 0);
    CHECK(!trine_timer_stop(&t)); /* never started */
    CHECK(trine_timer_start(&t, 1, NULL, NULL) == -EINVAL);
    CHECK(trine_timer_start(NULL, 1, count_fire, NULL) == -EINVAL);
    CHECK(trine_timer_start(&t, ms, count_fire, NULL) == 0);
    wait_fired(1);
    CHECK(trine_timer_start(&t, 0, count_fire, NULL) == 0); /* after it fired it may be started again */
    wait_fired(2);
    CHECK(!trine_timer_reset(&t, -1)); /* was not pending; at once */
    wait_fired(3);
    CHECK(!trine_timer_reset(&t, INT64_MAX));
    CHECK(trine_timer_start(&t, 1, count_fire, NULL) == -EBUSY);
    CHECK(trine_timer_reset(&t, ms)); /* was pending */
    wait_fired(4);
    CHECK(!trine_timer_stop(&t));
    CHECK(trine_timer_start(&t, 3600000 * ms, count_fire, NULL) == 0);
    CHECK(trine_timer_stop(&t));
    CHECK(!trine_timer_stop(&t));
    sleep_ns(ms);
    CHECK(atomic_load(&n_fired) == 4);
}

static void test_function_timers(void **state)
{
    (void)state;
    run_goroutines(timer_main);
}

static atomic_int n_stopped;
static void stop_stress(void *arg)
{
    int64_t ns = 1 + (intptr_t)arg * 331 % 200000;
    for (int i = 0; i < 20; i++) {
        trine_timer t = {0};
        if (trine_timer_start(&t, ns, count_fire, NULL) != 0) CHECK(!"start");
        if (i % 3 == 0) trine_timer_reset(&t, ns / 2);
        trine_sleep(ns - 500 + i * 50);
        if (trine_timer_stop(&t)) atomic_fetch_add(&n_stopped, 1);
    }
    trine_wg_done(&wg);
}

static void stop_stress_main(void *arg)
{
    (void)arg;
    int n = rounds(100), more = 0;
    atomic_store(&n_fired, 0);
    atomic_store(&n_stopped, 0);
    for (int i = 0; i < n; i++) {
        trine_wg_add(&wg, 1);
        go(stop_stress, (void *)(intptr_t)i);
    }
    trine_wg_wait(&wg);
    /* a stop that found it pending means no fire, one that did not means one; a reset may have added one more */
    while (atomic_load(&n_fired) + atomic_load(&n_stopped) < n * 20 && more++ < 10000) sleep_ns(ms / 10);
    CHECK(atomic_load(&n_fired) + atomic_load(&n_stopped) >= n * 20);
    CHECK(atomic_load(&n_fired) + atomic_load(&n_stopped) <= n * 20 + n * 7);
}

/* TimerStopStress */
static void test_stop_races_with_fire(void **state)
{
    (void)state;
    run_goroutines(stop_stress_main);
}

static atomic_intptr_t last_arg;
static void note_arg(void *arg)
{
    atomic_store(&last_arg, (intptr_t)arg);
    atomic_fetch_add(&n_fired, 1);
}

/* A stop gives the memory back, and a reset behind it has the timer again, with its function and whatever arg. */
static void reset_stopped_main(void *arg)
{
    int local;
    void *args[] = {NULL, &local, args, arg, (void *)(intptr_t)-1, (void *)(intptr_t)INT32_MIN, (void *)(intptr_t)INT32_MAX};
    trine_timer t = {0};
    for (int i = 0; i < (int)(sizeof args / sizeof *args); i++) {
        atomic_store(&n_fired, 0);
        CHECK(trine_timer_start(&t, 3600000 * ms, note_arg, args[i]) == 0);
        CHECK(trine_timer_stop(&t));
        CHECK(!trine_timer_reset(&t, 3600000 * ms));
        CHECK(trine_timer_start(&t, 1, note_arg, NULL) == -EBUSY);
        CHECK(trine_timer_stop(&t));
        CHECK(!trine_timer_reset(&t, 1));
        wait_fired(1);
        CHECK(atomic_load(&last_arg) == (intptr_t)args[i]);
        CHECK(!trine_timer_stop(&t));
        CHECK(!trine_timer_reset(&t, 1)); /* of one that fired before it was stopped */
        wait_fired(2);
        CHECK(!trine_timer_stop(&t));
    }
}

static void test_a_stopped_timer_can_be_reset(void **state)
{
    (void)state;
    run_goroutines(reset_stopped_main);
}

/* ---- one timer, used by all at once ---- */
static struct { trine_timer t; atomic_int armed, fired, stopped, quit; } shared;
static void shared_fire(void *arg)
{
    (void)arg;
    atomic_fetch_add(&shared.fired, 1);
    if (atomic_load(&shared.quit)) return;
    if (trine_timer_reset(&shared.t, 0)) atomic_fetch_add(&shared.stopped, 1);
    atomic_fetch_add(&shared.armed, 1);
}

static void shared_user(void *arg)
{
    uint32_t x = (uint32_t)(intptr_t)arg * 2654435761u + 1;
    for (int i = 0; i < rounds(2000); i++) {
        x = x * 1664525u + 1013904223u;
        int64_t times[] = {0, x >> 8 & 16383, 3600000 * ms}, ns = times[(x >> 8) % 3];
        switch (x >> 28 & 3) {
        case 0:
            if (trine_timer_start(&shared.t, ns, shared_fire, NULL) == 0) atomic_fetch_add(&shared.armed, 1);
            break;
        case 1:
            if (trine_timer_reset(&shared.t, ns)) atomic_fetch_add(&shared.stopped, 1);
            atomic_fetch_add(&shared.armed, 1);
            break;
        default:
            if (trine_timer_stop(&shared.t)) atomic_fetch_add(&shared.stopped, 1);
        }
        if ((x >> 23 & 15) == 0) trine_sleep(1000);
    }
    trine_wg_done(&wg);
}

/* Each time that it was armed it either fired or was taken back, and nothing else does either. */
static void shared_main(void *arg)
{
    (void)arg;
    memset(&shared, 0, sizeof shared);
    CHECK(trine_timer_start(&shared.t, 0, shared_fire, NULL) == 0);
    atomic_fetch_add(&shared.armed, 1);
    for (int i = 0; i < 6; i++) trine_wg_add(&wg, 1), go(shared_user, (void *)(intptr_t)i);
    trine_wg_wait(&wg);
    atomic_store(&shared.quit, 1);
    while (trine_num_goroutine() > 1) sleep_ns(ms / 10); /* who fired before may reset it once more */
    if (trine_timer_stop(&shared.t)) atomic_fetch_add(&shared.stopped, 1);
    while (trine_num_goroutine() > 1) sleep_ns(ms / 10);
    CHECK(!trine_timer_stop(&shared.t));
    CHECK(atomic_load(&shared.armed) == atomic_load(&shared.fired) + atomic_load(&shared.stopped));
    CHECK(atomic_load(&shared.fired) > 0 && atomic_load(&shared.stopped) > 0);
}

static void test_goroutines_share_a_timer(void **state)
{
    (void)state;
    run_goroutines(shared_main);
}

static void adjust_main(void *arg)
{
    (void)arg;
    enum { N = 50 };
    static trine_timer t[N];
    memset(t, 0, sizeof t);
    atomic_store(&n_fired, 0);
    for (int i = 0; i < N; i++) CHECK(trine_timer_start(&t[i], 3600000 * ms, count_fire, NULL) == 0);
    for (int i = 0; i < N; i++) CHECK(trine_timer_reset(&t[i], (N - i) * ms / 10)); /* all much earlier */
    wait_fired(N);
    for (int i = 0; i < N; i++) CHECK(!trine_timer_stop(&t[i]));
}

/* AdjustTimers, TimerModifiedEarlier: a poller that sleeps until the old time must be woken for the new one. */
static void test_timers_moved_earlier_fire(void **state)
{
    (void)state;
    run_goroutines(adjust_main);
}

static void tell(void *arg) { trine_chan_send(arg, NULL); }

/* Nothing polls here: whoever sleeps in the poller for the hour must hear of the new time. */
static void modified_earlier_main(void *arg)
{
    (void)arg;
    trine_chan *fired = make_chan(0, 0);
    for (int i = 0; i < 10; i++) {
        trine_timer t = {0};
        trine_timer_start(&t, 3600000 * ms, tell, fired);
        sleep_ns(ms / 5); /* the poller sleeps for this first, then for the hour */
        trine_timer_reset(&t, ms / 10);
        trine_chan_recv(fired, NULL);
        trine_timer_stop(&t);
    }
    trine_chan_free(fired);
}

static void test_a_timer_moved_earlier_wakes_the_poller(void **state)
{
    (void)state;
    run_goroutines(modified_earlier_main);
}

/* ---- deadlines of select ---- */
static void select_until_main(void *arg)
{
    (void)arg;
    trine_chan *c = make_chan(sizeof(int), 0);
    int x;
    trine_case k = {.chan = c, .op = TRINE_RECV, .elem = &x};
    for (int i = 0; i < 20; i++) {
        int64_t deadline = trine_nanotime() + i * ms / 20;
        CHECK(trine_select_until(&k, 1, deadline) == -1);
        CHECK(trine_nanotime() >= deadline);
    }
    CHECK(trine_select_until(&k, 1, 0) == -1);
    CHECK(trine_select_until(&k, 1, INT64_MIN) == -1);
    trine_chan_free(c);
}

static void test_a_select_ends_at_its_deadline_not_before(void **state)
{
    (void)state;
    run_goroutines(select_until_main);
}

/* ---- the end of a run ---- */
static void leaves_timers_main(void *arg)
{
    trine_timer *t = arg;
    for (int i = 0; i < 100; i++) go(forever, (void *)(intptr_t)(3600000 * ms));
    CHECK(trine_timer_start(t, 3600000 * ms, count_fire, NULL) == 0);
    sleep_ns(ms / 10);
}

static void stops_old_timer_main(void *arg)
{
    CHECK(!trine_timer_stop(arg)); /* the run that it was armed in is over */
    sleep_ns(ms / 10);
}

static void test_a_run_forgets_the_timers_of_the_one_before(void **state)
{
    (void)state;
    atomic_store(&woke, 0);
    for (int procs = 1; procs <= 4; procs *= 2) {
        trine_timer t = {0};
        run_at(procs, leaves_timers_main, &t);
        run_at(procs, stops_old_timer_main, &t);
    }
    assert_int_equal(atomic_load(&woke), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_sleepers_never_wake_early),
        cmocka_unit_test(test_a_sleep_of_nothing_returns),
        cmocka_unit_test(test_a_sleep_past_the_end_of_time_does_not_return),
        cmocka_unit_test(test_busy_goroutines_do_not_starve_timers),
        cmocka_unit_test(test_timers_and_channels_share_the_processor),
        cmocka_unit_test(test_function_timers),
        cmocka_unit_test(test_stop_races_with_fire),
        cmocka_unit_test(test_a_stopped_timer_can_be_reset),
        cmocka_unit_test(test_goroutines_share_a_timer),
        cmocka_unit_test(test_timers_moved_earlier_fire),
        cmocka_unit_test(test_a_timer_moved_earlier_wakes_the_poller),
        cmocka_unit_test(test_a_select_ends_at_its_deadline_not_before),
        cmocka_unit_test(test_a_run_forgets_the_timers_of_the_one_before),
    };
    return cmocka_run_group_tests_name("sleep and timers", tests, NULL, NULL);
}
