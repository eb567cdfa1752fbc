/*
 * timer_heap.c: the heap of timers on its own, without a scheduler: order, lazy deletion, moves, and the promises of
 * rt_timers_remove and rt_timers_sync under threads that run the heap meanwhile.
 */
#include "timer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 1000

static struct p ps[2];
static struct { struct timer t; int fired; int64_t fired_at_ns; } item[N];
static int64_t clock_ns; /* what rt_timers_check was told */
static int64_t last_when;
static int n_fired, n_out_of_order, n_early;

static void note_fire(struct timer *t, struct glist *ready)
{
    (void)ready;
    int i = (int)(intptr_t)t->arg;
    if (t->when < last_when) n_out_of_order++;
    if (t->when > clock_ns) n_early++;
    last_when = t->when;
    item[i].fired++;
    item[i].fired_at_ns = clock_ns;
    n_fired++;
}

static int setup(void **state)
{
    (void)state;
    ps[1].id = 1;
    rt_timers_drop(&ps[0]);
    rt_timers_drop(&ps[1]);
    memset(item, 0, sizeof item);
    for (int i = 0; i < N; i++) {
        item[i].t.fire = note_fire;
        item[i].t.arg = (void *)(intptr_t)i;
        item[i].t.brief = i % 2 == 0;
    }
    at32_store_rlx(&rt_timerbits[0], 0);
    clock_ns = last_when = 0;
    n_fired = n_out_of_order = n_early = 0;
    return 0;
}

static int64_t check_at(struct p *pp, int64_t now)
{
    struct glist ready = {0};
    clock_ns = now;
    last_when = 0;
    int64_t next;
    do next = rt_timers_check(pp, now, &ready);
    while (next && next <= now);
    return next;
}

static void heap_is_sound(const struct p *pp)
{
    const struct timers *ts = &pp->timers;
    uint32_t stopped = 0;
    for (uint32_t i = 0; i < ts->len; i++) {
        const struct timer *t = (const struct timer *)(ts->heap[i].who & ~(uintptr_t)1);
        assert_int_equal(ts->heap[i].who & 1, t->fixed);
        if (!t->fixed) assert_int_equal(t->idx, i);
        assert_ptr_equal(atp_load_rlx(&t->ts), ts);
        assert_true(ts->heap[i].when <= t->when);
        if (i > 0) assert_true(ts->heap[(i - 1) / 4].when <= ts->heap[i].when);
        stopped += t->stopped;
    }
    assert_int_equal(ts->nstopped, stopped);
    assert_int_equal(rt_timers_earliest(pp), ts->len ? ts->heap[0].when : 0);
}

static void test_fires_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        int64_t when = 1 + (int64_t)((uint32_t)i * 2654435761u % 100000u);
        int64_t before = rt_timers_earliest(&ps[0]);
        int r = rt_timers_add(&ps[0], &item[i].t, when);
        assert_int_equal(r, before == 0 || when < before ? TIMER_SOONER : 0);
    }
    heap_is_sound(&ps[0]);
    for (int64_t now = 1; now <= 100777; now += 777) { /* not 0, which means: read the clock */
        int64_t next = check_at(&ps[0], now);
        assert_true(next == 0 || next > now);
        heap_is_sound(&ps[0]);
    }
    assert_int_equal(n_fired, N);
    assert_int_equal(n_out_of_order, 0);
    assert_int_equal(n_early, 0);
    assert_int_equal(at64_load_rlx(&ps[0].count.timers_fired), N);
}

/* A crowd is run by parts, each under one hold of the lock, and whoever runs it learns that there is more. */
static void test_a_crowd_fires_by_parts(void **state)
{
    struct glist ready = {0};
    (void)state;
    for (int i = 0; i < N; i++) rt_timers_add(&ps[0], &item[i].t, 1 + i % 10);
    clock_ns = 10;
    for (int left = N; left > 0;) {
        n_fired = 0;
        int64_t next = rt_timers_check(&ps[0], 10, &ready);
        assert_int_equal(n_fired, left < (int)RT_READY_BATCH ? left : (int)RT_READY_BATCH);
        left -= n_fired;
        assert_int_equal(next > 0 && next <= 10, left > 0);
    }
    assert_int_equal(n_out_of_order, 0);
}

static void test_a_past_time_fires_at_the_next_check(void **state)
{
    (void)state;
    rt_timers_add(&ps[0], &item[0].t, -5);
    rt_timers_add(&ps[0], &item[1].t, 0);
    assert_true(rt_timers_earliest(&ps[0]) > 0); /* 0 would say that there is none */
    check_at(&ps[0], 1);
    assert_int_equal(n_fired, 2);
}

static void test_the_end_of_time_never_comes(void **state)
{
    (void)state;
    rt_timers_add(&ps[0], &item[0].t, INT64_MAX);
    assert_int_equal(check_at(&ps[0], INT64_MAX - 1), INT64_MAX);
    assert_int_equal(n_fired, 0);
}

/* AdjustTimers, TimerModifiedEarlier */
static void test_moved_timers_fire_at_their_new_time(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) rt_timers_add(&ps[0], &item[i].t, 1000 + i);
    assert_int_equal(rt_timers_mod(&ps[1], &item[50].t, 10), TIMER_PENDING | TIMER_SOONER);
    assert_int_equal(rt_timers_earliest(&ps[0]), 10);
    assert_int_equal(rt_timers_earliest(&ps[1]), 0); /* it stays in the heap where it stood */
    assert_int_equal(rt_timers_mod(&ps[1], &item[0].t, 5000), TIMER_PENDING);
    heap_is_sound(&ps[0]);
    check_at(&ps[0], 10);
    assert_int_equal(item[50].fired, 1);
    check_at(&ps[0], 4999);
    assert_int_equal(n_fired, 99);
    assert_int_equal(item[0].fired, 0);
    assert_int_equal(check_at(&ps[0], 5000), 0);
    assert_int_equal(item[0].fired_at_ns, 5000);
}

static void test_a_stopped_timer_does_not_fire(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) rt_timers_add(&ps[0], &item[i].t, 100 + i);
    for (int i = 0; i < N; i += 2) {
        assert_true(rt_timers_del(&item[i].t));
        assert_false(rt_timers_del(&item[i].t));
        heap_is_sound(&ps[0]);
        assert_true(ps[0].timers.nstopped <= ps[0].timers.len / 4); /* many are cleaned away */
    }
    check_at(&ps[0], 100 + N);
    assert_int_equal(n_fired, N / 2);
    assert_false(rt_timers_del(&item[1].t));
}

static void test_a_heap_of_stopped_timers_is_empty(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) rt_timers_add(&ps[0], &item[i].t, 100 + i);
    for (int i = 0; i < 20; i++) rt_timers_del(&item[i].t);
    assert_int_equal(rt_timers_earliest(&ps[0]), 0); /* else a deadlock would wait for it */
    for (int i = 0; i < 20; i++) assert_null(atp_load_rlx(&item[i].t.ts));
    rt_timers_add(&ps[0], &item[0].t, 100);
    rt_timers_add(&ps[0], &item[1].t, 101);
    rt_timers_del(&item[0].t);
    rt_timers_remove(&item[1].t);
    assert_int_equal(rt_timers_earliest(&ps[0]), 0);
}

static void test_a_stopped_timer_can_be_armed_again(void **state)
{
    (void)state;
    rt_timers_add(&ps[0], &item[0].t, 50);
    rt_timers_add(&ps[0], &item[1].t, 200);
    rt_timers_del(&item[0].t);
    assert_int_equal(rt_timers_mod(&ps[0], &item[0].t, 100), 0);
    heap_is_sound(&ps[0]);
    check_at(&ps[0], 99);
    assert_int_equal(n_fired, 0);
    check_at(&ps[0], 100);
    assert_int_equal(item[0].fired, 1);
}

static void test_take_moves_and_drop_forgets(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) rt_timers_add(&ps[i % 2], &item[i].t, 100 + i);
    rt_timers_del(&item[1].t);
    rt_timers_take(&ps[0], &ps[1]);
    heap_is_sound(&ps[0]);
    assert_int_equal(rt_timers_earliest(&ps[1]), 0);
    assert_int_equal(ps[0].timers.len, N - 1);
    check_at(&ps[0], 100 + N / 2);
    assert_int_equal(n_fired, N / 2);
    rt_timers_drop(&ps[0]);
    assert_int_equal(check_at(&ps[0], 10000), 0);
    assert_int_equal(n_fired, N / 2);
    assert_null(atp_load_rlx(&item[N - 1].t.ts));
}

/* Who looks for timers passes over a P without the bit: it is there as long as a timer is, and goes with an idle P. */
static void test_the_mask_follows_the_heap(void **state)
{
    (void)state;
    assert_false(rt_timermask(0) || rt_timermask(1));
    rt_timers_add(&ps[1], &item[0].t, 100);
    rt_timers_add(&ps[1], &item[1].t, 200);
    assert_true(!rt_timermask(0) && rt_timermask(1));
    check_at(&ps[1], 150);
    rt_timers_rest(&ps[1]);
    assert_true(rt_timermask(1));
    check_at(&ps[1], 250);
    assert_true(rt_timermask(1)); /* it may sleep again at once */
    rt_timers_rest(&ps[1]);
    assert_false(rt_timermask(1));
    rt_timers_add(&ps[1], &item[2].t, 300);
    assert_true(rt_timermask(1));
    rt_timers_take(&ps[0], &ps[1]);
    assert_true(rt_timermask(0));
}

/* Against a plain array of times: 0 not armed. */
static void test_random_operations_agree_with_a_model(void **state)
{
    (void)state;
    static int64_t model[N];
    uint64_t x = 88172645463325252u;
    int64_t now = 0;
    memset(model, 0, sizeof model);
    for (int i = 0; i < N; i += 4) item[i].t.fixed = true; /* sleeps among them: armed, and then left alone */
    for (int step = 0; step < 20000; step++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int i = (int)(x >> 32) % N;
        i = i < 0 ? -i : i;
        int64_t when = now + 1 + (int64_t)(x % 5000);
        switch (item[i].t.fixed && (x >> 60 & 3) < 3 ? 4 : x >> 60 & 3) {
        case 4:
            if (model[i] == 0) rt_timers_add(&ps[x >> 59 & 1], &item[i].t, model[i] = when);
            break;
        case 0:
        case 1:
            rt_timers_mod(&ps[x >> 59 & 1], &item[i].t, when);
            model[i] = when;
            break;
        case 2:
            assert_int_equal(x >> 59 & 1 ? rt_timers_del(&item[i].t) : rt_timers_remove(&item[i].t), model[i] != 0);
            model[i] = 0;
            break;
        default:
            now += (int64_t)(x >> 40 & 127);
            int expected = 0;
            for (int k = 0; k < N; k++) {
                if (model[k] && model[k] <= now) expected++, model[k] = 0;
            }
            n_fired = 0;
            check_at(&ps[0], now);
            check_at(&ps[1], now);
            assert_int_equal(n_fired, expected);
        }
    }
    assert_int_equal(n_early, 0);
    heap_is_sound(&ps[0]);
    heap_is_sound(&ps[1]);
}

/* ---- against threads ---- */
static at_u32 stop_runners;
static struct { struct timer t; at_u32 inside, fires; } raced;

static void raced_fire(struct timer *t, struct glist *ready)
{
    (void)t, (void)ready;
    at32_add_ar(&raced.inside, 1);
    at32_add_ar(&raced.fires, 1);
    rt_osyield();
    at32_add_ar(&raced.inside, -1u);
}

static void *runner(void *arg)
{
    struct glist ready = {0};
    while (!at32_load_acq(&stop_runners)) rt_timers_check(arg, 1000, &ready);
    return NULL;
}

/* Two threads run the heap while the timer is armed and taken back: once taken back it neither runs nor will. */
static void race(bool brief, int rounds)
{
    pthread_t thread[2];
    memset(&raced, 0, sizeof raced);
    raced.t.fire = raced_fire;
    raced.t.brief = brief;
    at32_store_rel(&stop_runners, 0);
    for (int i = 0; i < 2; i++) pthread_create(&thread[i], NULL, runner, &ps[0]);
    uint32_t expected = 0, bad = 0, stopped = 0;
    for (int i = 0; i < rounds; i++) {
        rt_timers_add(&ps[0], &raced.t, 1 + i % 3);
        for (int k = i % 50; k > 0; k--) at_pause();
        bool pending = rt_timers_remove(&raced.t);
        if (!brief) rt_timers_sync(&raced.t);
        expected += !pending;
        stopped += pending;
        if (at32_load_acq(&raced.inside) != 0 || at32_load_acq(&raced.fires) != expected) bad++;
    }
    at32_store_rel(&stop_runners, 1);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    assert_int_equal(bad, 0);
    assert_int_equal(at32_load_rlx(&raced.fires) + stopped, rounds);
}

static void test_remove_settles_the_race_with_a_brief_fire(void **state)
{
    (void)state;
    race(true, 20000);
}

static void test_sync_settles_the_race_with_any_other_fire(void **state)
{
    (void)state;
    race(false, 20000);
}

/* A fire that is under way when its timer is taken back, and goes on for 20 ms. */
static at_u32 under_way, taking_back;
static void slow_fire(struct timer *t, struct glist *ready)
{
    (void)t, (void)ready;
    at32_store_rel(&under_way, 1);
    while (!at32_load_acq(&taking_back)) rt_osyield();
    rt_usleep(20000);
    at32_store_rel(&under_way, 0);
}

static void test_a_fire_under_way_is_waited_for(void **state)
{
    (void)state;
    for (int brief = 0; brief <= 1; brief++) {
        pthread_t thread;
        item[0].t.fire = slow_fire;
        item[0].t.brief = brief;
        at32_store_rel(&taking_back, 0);
        at32_store_rel(&stop_runners, 0);
        rt_timers_add(&ps[0], &item[0].t, 1);
        pthread_create(&thread, NULL, runner, &ps[0]);
        while (!at32_load_acq(&under_way)) rt_osyield();
        at32_store_rel(&taking_back, 1);
        assert_false(rt_timers_remove(&item[0].t)); /* of a brief one this waits, of any other the next does */
        if (!brief) rt_timers_sync(&item[0].t);
        assert_int_equal(at32_load_acq(&under_way), 0);
        at32_store_rel(&stop_runners, 1);
        pthread_join(thread, NULL);
    }
}

static bool lock_was_free;
static void try_the_lock(struct timer *t, struct glist *ready)
{
    (void)t, (void)ready;
    lock_was_free = rt_trylock(&ps[0].timers.lock);
    if (lock_was_free) rt_unlock(&ps[0].timers.lock);
}

static void test_only_a_brief_fire_runs_under_the_lock(void **state)
{
    (void)state;
    for (int brief = 0; brief <= 1; brief++) {
        item[0].t.fire = try_the_lock;
        item[0].t.brief = brief;
        rt_timers_add(&ps[0], &item[0].t, 1);
        check_at(&ps[0], 1);
        assert_int_equal(lock_was_free, !brief);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fires_in_order, setup),
        cmocka_unit_test_setup(test_a_crowd_fires_by_parts, setup),
        cmocka_unit_test_setup(test_a_past_time_fires_at_the_next_check, setup),
        cmocka_unit_test_setup(test_the_end_of_time_never_comes, setup),
        cmocka_unit_test_setup(test_moved_timers_fire_at_their_new_time, setup),
        cmocka_unit_test_setup(test_a_stopped_timer_does_not_fire, setup),
        cmocka_unit_test_setup(test_a_heap_of_stopped_timers_is_empty, setup),
        cmocka_unit_test_setup(test_a_stopped_timer_can_be_armed_again, setup),
        cmocka_unit_test_setup(test_take_moves_and_drop_forgets, setup),
        cmocka_unit_test_setup(test_the_mask_follows_the_heap, setup),
        cmocka_unit_test_setup(test_random_operations_agree_with_a_model, setup),
        cmocka_unit_test_setup(test_a_fire_under_way_is_waited_for, setup),
        cmocka_unit_test_setup(test_only_a_brief_fire_runs_under_the_lock, setup),
        cmocka_unit_test_setup(test_remove_settles_the_race_with_a_brief_fire, setup),
        cmocka_unit_test_setup(test_sync_settles_the_race_with_any_other_fire, setup),
    };
    return cmocka_run_group_tests_name("timer heap", tests, NULL, NULL);
}
