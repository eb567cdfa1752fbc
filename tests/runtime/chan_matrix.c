/* Channels of every small capacity through every basic situation: Go's TestChan, a test function a situation. */
#include "goroutines.h"

enum { MAX_CAP = 40 };

static void each_cap(void (*fn)(trine_chan *c, int cap))
{
    for (int cap = 0; cap <= MAX_CAP; cap++) {
        trine_chan *c = make_chan(sizeof(int), (size_t)cap);
        fn(c, cap);
        trine_chan_free(c);
    }
}

/* ---- receive from an empty channel blocks, and the try form does not ---- */
struct flagged {
    trine_chan *c;
    atomic_int done;
    trine_wg wg;
};
static void recv_then_flag(void *arg)
{
    struct flagged *f = arg;
    CHECK(recv_int(f->c) == 7);
    atomic_store(&f->done, 1);
    trine_wg_done(&f->wg);
}
static void empty_blocks(trine_chan *c, int cap)
{
    struct flagged f = {.c = c};
    int x = 5;
    bool open = false;
    (void)cap;
    CHECK(!trine_chan_try_recv(c, &x, &open) && open && x == 5);
    CHECK(!trine_chan_try_recv(c, NULL, NULL));
    trine_wg_add(&f.wg, 1);
    go(recv_then_flag, &f);
    let_others_run();
    CHECK(atomic_load(&f.done) == 0);
    send_int(c, 7);
    trine_wg_wait(&f.wg);
    CHECK(atomic_load(&f.done) == 1);
}
static void main_empty_blocks(void *arg) { (void)arg, each_cap(empty_blocks); }
static void TestChanRecvFromEmptyBlocks(void **state) { (void)state, run_goroutines(main_empty_blocks); }

/* ---- send to a full channel blocks ---- */
static void send_then_flag(void *arg)
{
    struct flagged *f = arg;
    send_int(f->c, 1000);
    atomic_store(&f->done, 1);
    trine_wg_done(&f->wg);
}
static void full_blocks(trine_chan *c, int cap)
{
    struct flagged f = {.c = c};
    int x = 99;
    for (int i = 0; i < cap; i++) send_int(c, i);
    CHECK(!trine_chan_try_send(c, &x));
    trine_wg_add(&f.wg, 1);
    go(send_then_flag, &f);
    let_others_run();
    CHECK(atomic_load(&f.done) == 0);
    CHECK(trine_chan_len(c) == (size_t)cap && trine_chan_cap(c) == (size_t)cap);
    for (int i = 0; i < cap; i++) CHECK(recv_int(c) == i);
    CHECK(recv_int(c) == 1000); /* behind all that was there before */
    trine_wg_wait(&f.wg);
    CHECK(!trine_chan_try_recv(c, &x, NULL));
}
static void main_full_blocks(void *arg) { (void)arg, each_cap(full_blocks); }
static void TestChanSendToFullBlocks(void **state) { (void)state, run_goroutines(main_full_blocks); }

/* ---- after close: what is in the buffer, then zeros ---- */
static void drain_closed(trine_chan *c, int cap)
{
    bool open = true;
    int x;
    for (int i = 0; i < cap; i++) send_int(c, i + 1);
    trine_chan_close(c);
    for (int i = 0; i < cap; i++) {
        x = -1;
        if (i % 2) CHECK(trine_chan_recv(c, &x));
        else CHECK(trine_chan_try_recv(c, &x, &open) && open);
        CHECK(x == i + 1);
    }
    for (int i = 0; i < 3; i++) {
        x = -1;
        CHECK(!trine_chan_recv(c, &x) && x == 0);
        x = -1;
        CHECK(!trine_chan_try_recv(c, &x, &open) && !open && x == 0);
        CHECK(!trine_chan_recv(c, NULL));
    }
}
static void main_drain_closed(void *arg) { (void)arg, each_cap(drain_closed); }
static void TestChanRecvAfterClose(void **state) { (void)state, run_goroutines(main_drain_closed); }

/* ---- close wakes every receiver, with zeros ---- */
static void recv_closed(void *arg)
{
    struct flagged *f = arg;
    int x = -1;
    CHECK(!trine_chan_recv(f->c, &x) && x == 0);
    trine_wg_done(&f->wg);
}
static void close_wakes(trine_chan *c, int cap)
{
    struct flagged f = {.c = c};
    trine_wg_add(&f.wg, 5);
    for (int i = 0; i < 5; i++) go(recv_closed, &f);
    if (cap % 2) let_others_run();
    trine_chan_close(c);
    trine_wg_wait(&f.wg);
}
static void main_close_wakes(void *arg) { (void)arg, each_cap(close_wakes); }
static void TestChanCloseWakesReceivers(void **state) { (void)state, run_goroutines(main_close_wakes); }

/* ---- first in, first out ---- */
enum { FIFO_N = 100 };
static void send_sequence(void *arg)
{
    for (int i = 0; i < FIFO_N; i++) send_int(arg, i);
}
static void fifo(trine_chan *c, int cap)
{
    (void)cap;
    go(send_sequence, c);
    for (int i = 0; i < FIFO_N; i++) {
        int x = -1;
        CHECK(trine_chan_recv(c, &x) && x == i);
    }
}
static void main_fifo(void *arg) { (void)arg, each_cap(fifo); }
static void TestChanFifo(void **state) { (void)state, run_goroutines(main_fifo); }

/* ---- who came first is served first ---- */
enum { QUEUE_N = 10 };
struct place {
    trine_chan *c;
    atomic_int *arrived;
    int n, got;
    trine_wg *wg;
};
static void wait_in_line(void *arg)
{
    struct place *p = arg;
    while (atomic_load(p->arrived) != p->n) trine_yield();
    atomic_fetch_add(p->arrived, 1); /* with one P nobody comes between this and the wait */
    p->got = recv_int(p->c);
    trine_wg_done(p->wg);
}
static void main_in_line(void *arg)
{
    struct place p[QUEUE_N];
    atomic_int arrived = 0;
    trine_wg wg = {0};
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    trine_wg_add(&wg, QUEUE_N);
    for (int i = 0; i < QUEUE_N; i++) {
        p[i] = (struct place){c, &arrived, i, -1, &wg};
        go(wait_in_line, &p[i]);
    }
    while (atomic_load(&arrived) < QUEUE_N) trine_yield();
    for (int i = 0; i < QUEUE_N; i++) send_int(c, i);
    trine_wg_wait(&wg);
    for (int i = 0; i < QUEUE_N; i++) CHECK(p[i].got == i);
    trine_chan_free(c);
}
static void TestChanWaitersInOrder(void **state) { (void)state, run_in_turn(main_in_line); }

/* ---- several senders, several receivers: every value arrives exactly once ---- */
enum { CROWD = 4, CROWD_N = 250 };
struct crowd {
    trine_chan *c;
    trine_wg wg;
    atomic_int seen[CROWD_N];
};
static void crowd_send(void *arg)
{
    struct crowd *s = arg;
    for (int i = 0; i < CROWD_N; i++) send_int(s->c, i);
    trine_wg_done(&s->wg);
}
static void crowd_recv(void *arg)
{
    struct crowd *s = arg;
    for (int i = 0; i < CROWD_N; i++) {
        int x = recv_int(s->c);
        CHECK(x >= 0 && x < CROWD_N);
        if (x >= 0 && x < CROWD_N) atomic_fetch_add(&s->seen[x], 1);
    }
    trine_wg_done(&s->wg);
}
static void crowd(trine_chan *c, int cap)
{
    static struct crowd s;
    (void)cap;
    memset(&s, 0, sizeof s);
    s.c = c;
    trine_wg_add(&s.wg, 2 * CROWD);
    for (int i = 0; i < CROWD; i++) {
        go(crowd_send, &s);
        go(crowd_recv, &s);
    }
    trine_wg_wait(&s.wg);
    for (int i = 0; i < CROWD_N; i++) CHECK(atomic_load(&s.seen[i]) == CROWD);
    CHECK(trine_chan_len(c) == 0);
}
static void main_crowd(void *arg) { (void)arg, each_cap(crowd); }
static void TestChanManySenders(void **state) { (void)state, run_goroutines(main_crowd); }

/* ---- elements of every size, none among them ---- */
static void send_pattern(void *arg)
{
    void **a = arg;
    trine_chan *c = a[0];
    size_t bytes = (size_t)(uintptr_t)a[1];
    unsigned char elem[300];
    for (int i = 0; i < 8; i++) {
        memset(elem, i + 1, sizeof elem);
        trine_chan_send(c, bytes ? elem : NULL);
    }
    trine_chan_close(c);
}
static void main_elem_sizes(void *arg)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 64, 255, 299};
    (void)arg;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t cap = 0; cap < 4; cap++) {
            trine_chan *c = make_chan(sizes[s], cap);
            void *a[] = {c, (void *)(uintptr_t)sizes[s]};
            unsigned char elem[300];
            int n = 0;
            go(send_pattern, a);
            for (memset(elem, 0xee, sizeof elem); trine_chan_recv(c, sizes[s] ? elem : NULL); n++) {
                for (size_t i = 0; i < sizes[s]; i++) CHECK(elem[i] == n + 1);
                CHECK(elem[sizes[s]] == 0xee); /* not a byte more */
            }
            CHECK(n == 8);
            for (size_t i = 0; i < sizes[s]; i++) CHECK(elem[i] == 0);
            CHECK(elem[sizes[s]] == 0xee);
            trine_chan_free(c);
        }
    }
}
static void TestChanElemSizes(void **state) { (void)state, run_goroutines(main_elem_sizes); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestChanRecvFromEmptyBlocks), cmocka_unit_test(TestChanSendToFullBlocks),
        cmocka_unit_test(TestChanRecvAfterClose),      cmocka_unit_test(TestChanCloseWakesReceivers),
        cmocka_unit_test(TestChanFifo),                cmocka_unit_test(TestChanManySenders),
        cmocka_unit_test(TestChanElemSizes),           cmocka_unit_test(TestChanWaitersInOrder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
