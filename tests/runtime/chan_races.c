/* Channels where somebody is just about to act: close against try_recv, many consumers, memory freed at once. */
#include "goroutines.h"

/* Go's TestNonblockRecvRace: a value in the buffer, and close and a receive on their way: a try gets the value or
 * finds the channel closed. "Empty and open" was true at no moment. */
struct nonblock {
    trine_chan *c;
    atomic_int arrived;
    trine_wg wg;
    int n;
};
static void try_recv_never_empty_and_open(void *arg)
{
    struct nonblock *s = arg;
    for (int i = 0; i < s->n; i++) {
        int x = 0;
        bool open = true;
        meet(&s->arrived, 2 * i + 1);
        if (!trine_chan_try_recv(s->c, &x, &open)) CHECK(!open);
        meet(&s->arrived, 2 * i + 2);
    }
    trine_wg_done(&s->wg);
}
static void main_nonblock_recv_race(void *arg)
{
    struct nonblock s = {.n = rounds(3000)};
    (void)arg;
    trine_wg_add(&s.wg, 1);
    go(try_recv_never_empty_and_open, &s);
    for (int i = 0; i < s.n; i++) {
        s.c = make_chan(sizeof(int), 1);
        send_int(s.c, 1);
        meet(&s.arrived, 2 * i + 1);
        trine_chan_close(s.c);
        trine_chan_recv(s.c, NULL);
        meet(&s.arrived, 2 * i + 2);
        trine_chan_free(s.c);
    }
    trine_wg_wait(&s.wg);
}
static void TestNonblockRecvRace(void **state) { (void)state, run_goroutines(main_nonblock_recv_race); }

/* Go's TestMultiConsumer: values are passed on through a second stage by many workers; the sum must hold. */
enum { WORKERS = 23 };
struct stage {
    trine_chan *in, *out;
    trine_wg wg;
};
static void pass_on(void *arg)
{
    struct stage *s = arg;
    int x;
    while (trine_chan_recv(s->in, &x)) {
        if (x % 7 == 0) trine_yield();
        send_int(s->out, x);
    }
    trine_wg_done(&s->wg);
}
static void feed(void *arg)
{
    struct stage *s = arg;
    int n = rounds(2000);
    for (int i = 1; i <= n; i++) send_int(s->in, i);
    trine_chan_close(s->in);
    trine_wg_wait(&s->wg);
    trine_chan_close(s->out);
}
static void main_multi_consumer(void *arg)
{
    struct stage s = {.in = make_chan(sizeof(int), WORKERS), .out = make_chan(sizeof(int), WORKERS * 3)};
    int64_t n = rounds(2000), sum = 0, count = 0;
    int x;
    (void)arg;
    trine_wg_add(&s.wg, WORKERS);
    for (int i = 0; i < WORKERS; i++) go(pass_on, &s);
    go(feed, &s);
    for (; trine_chan_recv(s.out, &x); count++) sum += x;
    CHECK(count == n && sum == n * (n + 1) / 2);
    trine_chan_free(s.in);
    trine_chan_free(s.out);
}
static void TestMultiConsumer(void **state) { (void)state, run_goroutines(main_multi_consumer); }

/* A channel may be freed as soon as the last receive has returned, a wait group as soon as the wait has. ASan sees a
 * peer that still looks at it. */
static void send_one(void *arg) { send_int(arg, 42); }
static void close_it(void *arg) { trine_chan_close(arg); }
static void main_free_after_recv(void *arg)
{
    int n = rounds(4000);
    (void)arg;
    for (int i = 0; i < n; i++) {
        trine_chan *c = make_chan(sizeof(int), (size_t)(i % 3));
        if (i % 2) {
            go(send_one, c);
            CHECK(recv_int(c) == 42);
        } else {
            go(close_it, c);
            int x = 1;
            bool open = true;
            if (i % 4) CHECK(!trine_chan_recv(c, &x));
            else while (!trine_chan_try_recv(c, &x, &open) && open) trine_yield();
            CHECK(x == 0);
        }
        memset(c, 0xa5, sizeof(int)); /* its lock: whoever still wants it hangs */
        trine_chan_free(c);
    }
}
static void TestChanFreeAfterLastRecv(void **state) { (void)state, run_goroutines(main_free_after_recv); }

static void select_send_one(void *arg)
{
    trine_chan **cs = arg;
    int x = 42;
    trine_case k[] = {{cs[0], TRINE_SEND, &x, false}, {cs[1], TRINE_RECV, &x, false}};
    CHECK(trine_select(k, 2) == 0);
    trine_chan_send(cs[2], NULL);
}
static void select_send_twice(void *arg)
{
    trine_chan **cs = arg;
    int x = 42, y = 0;
    trine_case k[] = {{cs[0], TRINE_SEND, &x, false}, {cs[1], TRINE_RECV, &y, false}, {cs[0], TRINE_SEND, &x, false},
                      {cs[0], TRINE_RECV, &y, false}};
    CHECK(trine_select(k, 4) % 2 == 0);
    trine_chan_send(cs[2], NULL);
}
static void main_free_after_select(void *arg)
{
    int n = rounds(4000);
    trine_chan *never = make_chan(sizeof(int), 0), *done = make_chan(0, 1);
    (void)arg;
    for (int i = 0; i < n; i++) {
        trine_chan *c = make_chan(sizeof(int), 0);
        trine_chan *cs[] = {c, never, done};
        go(i % 4 < 2 ? select_send_one : select_send_twice, cs);
        if (i % 2) trine_yield();
        CHECK(recv_int(c) == 42);
        memset(c, 0xa5, sizeof(int));
        trine_chan_free(c);
        trine_chan_recv(done, NULL); /* cs */
    }
    trine_chan_free(never);
    trine_chan_free(done);
}
static void TestChanFreeAfterSelectSend(void **state) { (void)state, run_goroutines(main_free_after_select); }

/* A null channel blocks for good in either direction; its try forms are never ready; the program goes on. */
static void send_null(void *arg)
{
    trine_chan_send(NULL, &(int){1});
    (void)arg;
    CHECK(false);
}
static void recv_null(void *arg)
{
    trine_chan_recv(NULL, NULL);
    (void)arg;
    CHECK(false);
}
static void main_null(void *arg)
{
    bool open = false;
    int x = 3;
    (void)arg;
    go(send_null, NULL);
    go(recv_null, NULL);
    let_others_run();
    CHECK(!trine_chan_try_send(NULL, &x));
    CHECK(!trine_chan_try_recv(NULL, &x, &open) && open && x == 3);
    CHECK(trine_chan_len(NULL) == 0 && trine_chan_cap(NULL) == 0);
    trine_chan_free(NULL);
}
static void TestNullChan(void **state) { (void)state, run_goroutines(main_null); }

/* Sizes that no memory holds. */
static void TestChanMakeAbsurd(void **state)
{
    (void)state;
    assert_null(trine_chan_make(SIZE_MAX, 1));
    assert_null(trine_chan_make(8, SIZE_MAX));
    assert_null(trine_chan_make(SIZE_MAX / 2, 3));
    assert_null(trine_chan_make(1, (size_t)UINT32_MAX + 1));
    assert_null(trine_chan_make((size_t)1 << 40, 1 << 20));
    trine_chan *c = trine_chan_make(0, UINT32_MAX);
    assert_non_null(c);
    trine_chan_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestNonblockRecvRace),      cmocka_unit_test(TestMultiConsumer),
        cmocka_unit_test(TestChanFreeAfterLastRecv), cmocka_unit_test(TestChanFreeAfterSelectSend),
        cmocka_unit_test(TestNullChan),              cmocka_unit_test(TestChanMakeAbsurd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
