/* What select means: fairness, several cases on one channel, null channels, close, deadlines. */
#include "goroutines.h"

/* Go's TestSelfSelect: two goroutines that each send and receive on the same channel in one select never deadlock, and
 * no goroutine receives its own value. */
struct self {
    trine_chan *c;
    trine_wg wg;
};
struct self_arg {
    struct self *s;
    int id;
};
static void self_select(void *arg)
{
    struct self_arg *a = arg;
    int n = rounds(1000);
    for (int i = 0; i < n; i++) {
        int out = a->id, in = -1;
        trine_case k[2];
        int send = (a->id ^ i) & 1; /* either order of the cases */
        k[send] = (trine_case){a->s->c, TRINE_SEND, &out, false};
        k[!send] = (trine_case){a->s->c, TRINE_RECV, &in, false};
        int ran = trine_select(k, 2);
        if (ran != send) CHECK(k[!send].ok && (in == 1 - a->id || trine_chan_cap(a->s->c) > 0));
        if (ran == send) CHECK(in == -1);
    }
    trine_wg_done(&a->s->wg);
}
static void main_self_select(void *arg)
{
    (void)arg;
    for (size_t cap = 0; cap <= 10; cap += 5) {
        struct self s = {.c = make_chan(sizeof(int), cap)};
        struct self_arg a[2] = {{&s, 0}, {&s, 1}};
        trine_wg_add(&s.wg, 2);
        go(self_select, &a[0]);
        go(self_select, &a[1]);
        trine_wg_wait(&s.wg);
        trine_chan_free(s.c);
    }
}
static void TestSelfSelect(void **state) { (void)state, run_goroutines(main_self_select); }

/* Go's TestSelectFairness: of two channels that are always ready, each gets its share. 10 % off with 2,000 draws is
 * 4.5 standard deviations; the draws are random, so the bound is 25 %: 11. */
static void fill(void *arg)
{
    void **a = arg;
    int x = 0;
    for (;;) {
        trine_case k[] = {{a[0], TRINE_SEND, &x, false}, {a[1], TRINE_RECV, NULL, false}};
        if (trine_select(k, 2) == 1) break;
    }
    trine_wg_done(a[2]);
}
static void main_fairness(void *arg)
{
    enum { TRIALS = 2000 };
    trine_chan *c1 = make_chan(sizeof(int), TRIALS + 1), *c2 = make_chan(sizeof(int), TRIALS + 1);
    trine_chan *quiet1 = make_chan(sizeof(int), 0), *quiet2 = make_chan(sizeof(int), 0);
    trine_chan *done = make_chan(0, 0);
    trine_wg wg = {0};
    void *a1[] = {c1, done, &wg}, *a2[] = {c2, done, &wg};
    int count[4] = {0}, x;
    (void)arg;
    for (int i = 0; i < TRIALS + 1; i++) {
        send_int(c1, 1);
        send_int(c2, 2);
    }
    trine_wg_add(&wg, 2);
    go(fill, a1);
    go(fill, a2);
    for (int i = 0; i < TRIALS; i++) {
        trine_case k[] = {{quiet1, TRINE_RECV, &x, false}, {c1, TRINE_RECV, &x, false},
                          {c2, TRINE_RECV, &x, false}, {quiet2, TRINE_RECV, &x, false}};
        int ran = trine_select(k, 4);
        CHECK(k[ran].ok && x == ran);
        count[ran]++;
    }
    CHECK(count[0] == 0 && count[3] == 0);
    CHECK(count[1] > TRIALS * 3 / 8 && count[2] > TRIALS * 3 / 8);
    trine_chan_close(done);
    trine_wg_wait(&wg);
    trine_chan_free(c1), trine_chan_free(c2), trine_chan_free(quiet1), trine_chan_free(quiet2);
    trine_chan_free(done);
}
static void TestSelectFairness(void **state) { (void)state, run_goroutines(main_fairness); }

/* Go's TestPseudoRandomSend: two sends on one channel, either of which can run: both do, about as often. */
static void count_ones(void *arg)
{
    void **a = arg;
    int n = *(int *)a[1], ones = 0;
    for (int i = 0; i < n; i++) {
        trine_yield();
        ones += recv_int(a[0]);
    }
    *(int *)a[2] = ones;
    trine_wg_done(a[3]);
}
static void main_random_send(void *arg)
{
    (void)arg;
    for (size_t cap = 0; cap < 10; cap += 3) {
        int n = 400, ones = 0, zero = 0, one = 1;
        trine_chan *c = make_chan(sizeof(int), cap);
        trine_wg wg = {0};
        void *a[] = {c, &n, &ones, &wg};
        trine_wg_add(&wg, 1);
        go(count_ones, a);
        for (int i = 0; i < n; i++) {
            trine_case k[] = {{c, TRINE_SEND, &one, false}, {c, TRINE_SEND, &zero, false}};
            trine_select(k, 2);
        }
        trine_wg_wait(&wg);
        CHECK(ones > n / 10 && ones < n - n / 10);
        trine_chan_free(c);
    }
}
static void TestPseudoRandomSend(void **state) { (void)state, run_goroutines(main_random_send); }

/* Null channels are never ready; without any other case the try form says so and the deadline passes. */
static void main_null_cases(void *arg)
{
    int x = 1;
    trine_chan *c = make_chan(sizeof(int), 1);
    (void)arg;
    trine_case k[] = {{NULL, TRINE_SEND, &x, false}, {NULL, TRINE_RECV, &x, false}, {c, TRINE_SEND, &x, false}};
    CHECK(trine_select(k, 3) == 2);
    CHECK(trine_try_select(k, 3) == -1);
    CHECK(trine_try_select(k, 2) == -1);
    CHECK(trine_try_select(NULL, 0) == -1);
    int64_t deadline = trine_nanotime() + 300000;
    CHECK(trine_select_until(k, 2, deadline) == -1 && trine_nanotime() >= deadline);
    CHECK(trine_select_until(NULL, 0, 0) == -1);
    trine_chan_free(c);
}
static void TestSelectNullChan(void **state) { (void)state, run_goroutines(main_null_cases); }

/* A closed channel is ready to receive; an elem of NULL discards. */
static void close_later(void *arg)
{
    let_others_run();
    trine_chan_close(arg);
}
static void main_select_close(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        trine_chan *c = make_chan(sizeof(int), 2), *quiet = make_chan(sizeof(int), 0);
        int x = 9;
        trine_case k[] = {{quiet, TRINE_RECV, &x, true}, {c, TRINE_RECV, &x, true}};
        go(close_later, c);
        CHECK(trine_select(k, 2) == 1 && !k[1].ok && x == 0); /* parked, most likely */
        x = 9;
        CHECK(trine_select(k, 2) == 1 && !k[1].ok && x == 0);
        CHECK(trine_try_select(k + 1, 1) == 0 && !k[1].ok);
        CHECK(trine_select_until(k, 2, 0) == 1); /* past the deadline a ready case is taken all the same */
        trine_chan_free(c);
        trine_chan_free(quiet);
    }
}
static void TestSelectClose(void **state) { (void)state, run_goroutines(main_select_close); }

/* ---- deadlines ---- */
static void send_after_a_while(void *arg)
{
    void **a = arg;
    trine_case k = {NULL, TRINE_RECV, NULL, false};
    trine_select_until(&k, 1, trine_nanotime() + (int64_t)(uintptr_t)a[1]);
    int x = 5;
    trine_case send = {a[0], TRINE_SEND, &x, false};
    *(int *)a[2] = trine_select_until(&send, 1, trine_nanotime() + 50000);
    trine_wg_done(a[3]);
}
/* The value and the deadline come at about the same time: exactly one of them wins, on both sides alike. */
static void main_until(void *arg)
{
    int n = rounds(300);
    (void)arg;
    for (int i = 0; i < n; i++) {
        trine_chan *c = make_chan(sizeof(int), 0), *quiet = make_chan(sizeof(int), 0);
        trine_wg wg = {0};
        int sent = 7, x = 0;
        void *a[] = {c, (void *)(uintptr_t)(i % 5 * 20000 + 1), &sent, &wg};
        trine_case k[] = {{quiet, TRINE_RECV, &x, false}, {c, TRINE_RECV, &x, false}};
        trine_wg_add(&wg, 1);
        go(send_after_a_while, a);
        int64_t deadline = trine_nanotime() + 50000;
        int ran = trine_select_until(k, 2, deadline);
        trine_wg_wait(&wg);
        if (ran == -1) CHECK(sent == -1 && x == 0 && trine_nanotime() >= deadline);
        else CHECK(ran == 1 && sent == 0 && x == 5 && k[1].ok);
        trine_chan_free(c);
        trine_chan_free(quiet);
    }
}
static void TestSelectUntil(void **state) { (void)state, run_goroutines(main_until); }

/* The value comes first, then the deadline passes, and only then does the select's goroutine run: it has its value,
 * and is readied once. */
struct served {
    trine_chan *c, *quiet;
    int ran, x;
    trine_wg wg;
};
static void wait_for_either(void *arg)
{
    struct served *s = arg;
    trine_case k[] = {{s->quiet, TRINE_RECV, NULL, false}, {s->c, TRINE_RECV, &s->x, false}};
    s->ran = trine_select_until(k, 2, trine_nanotime() + 1000000);
    trine_wg_done(&s->wg);
}
static uint64_t preemptions(void)
{
    struct trine_stats st;
    trine_stats(&st);
    return st.preemptions;
}
static void main_served(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        struct served s = {.c = make_chan(sizeof(int), 0), .quiet = make_chan(0, 0)};
        trine_wg_add(&s.wg, 1);
        go(wait_for_either, &s);
        trine_yield(); /* it parks */
        int64_t end = trine_nanotime() + 1000000;
        int five = 5;
        bool sent = trine_chan_try_send(s.c, &five); /* false: this was stopped for longer than that */
        while (trine_nanotime() < end) {}
        for (uint64_t before = preemptions(); preemptions() == before;) {} /* the scheduler looks at the timers */
        trine_wg_wait(&s.wg);
        CHECK(sent ? s.ran == 1 && s.x == 5 : s.ran == -1);
        trine_chan_free(s.c);
        trine_chan_free(s.quiet);
    }
}
static void TestSelectServedAfterDeadline(void **state)
{
    (void)state;
    atomic_store(&n_failures, 0);
    assert_int_equal(trine_run(&(trine_config){.gomaxprocs = 1}, main_served, NULL), 0);
    assert_int_equal(atomic_load(&n_failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestSelfSelect),       cmocka_unit_test(TestSelectFairness),
        cmocka_unit_test(TestPseudoRandomSend), cmocka_unit_test(TestSelectNullChan),
        cmocka_unit_test(TestSelectClose),      cmocka_unit_test(TestSelectUntil),
        cmocka_unit_test(TestSelectServedAfterDeadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
