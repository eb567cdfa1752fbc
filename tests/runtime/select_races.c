/* Select under contention: cycles of channels, many duplicates, tries that must not miss, many cases, small stacks. */
#include "goroutines.h"

/* Go's TestSelectStress: four goroutines send N values each on four channels in a select, four receive likewise, and
 * the plain operations run beside them. The number of values says when each is done; a lost wake-up hangs. */
enum { LANES = 4 };
struct stress {
    trine_chan *c[LANES];
    trine_wg wg;
    int n;
};
struct lane {
    struct stress *s;
    int i;
};
static void stress_send(void *arg)
{
    struct lane *l = arg;
    for (int i = 0; i < l->s->n; i++) send_int(l->s->c[l->i], 0);
    trine_wg_done(&l->s->wg);
}
static void stress_recv(void *arg)
{
    struct lane *l = arg;
    for (int i = 0; i < l->s->n; i++) recv_int(l->s->c[l->i]);
    trine_wg_done(&l->s->wg);
}
static void stress_select(struct stress *s, bool send)
{
    int left[LANES], total = 0, x = 0;
    trine_case k[LANES];
    for (int i = 0; i < LANES; i++) {
        total += left[i] = s->n;
        k[i] = (trine_case){s->c[i], send ? TRINE_SEND : TRINE_RECV, &x, false};
    }
    for (; total > 0; total--) {
        int ran = trine_select(k, LANES);
        CHECK(ran >= 0 && ran < LANES && left[ran] > 0);
        if (--left[ran] == 0) k[ran].chan = NULL;
    }
    trine_wg_done(&s->wg);
}
static void stress_select_send(void *arg) { stress_select(arg, true); }
static void stress_select_recv(void *arg) { stress_select(arg, false); }
static void main_stress(void *arg)
{
    struct stress s = {.n = rounds(3000)};
    struct lane lanes[LANES];
    (void)arg;
    trine_wg_add(&s.wg, 2 * LANES + 2);
    for (int i = 0; i < LANES; i++) {
        s.c[i] = make_chan(sizeof(int), i < 2 ? 0 : (size_t)i);
        lanes[i] = (struct lane){&s, i};
    }
    for (int i = 0; i < LANES; i++) {
        go(stress_send, &lanes[i]);
        go(stress_recv, &lanes[i]);
    }
    go(stress_select_send, &s);
    go(stress_select_recv, &s);
    trine_wg_wait(&s.wg);
    for (int i = 0; i < LANES; i++) {
        CHECK(trine_chan_len(s.c[i]) == 0);
        trine_chan_free(s.c[i]);
    }
}
static void TestSelectStress(void **state) { (void)state, run_goroutines(main_stress); }

/* Go's TestNonblockSelectRace: c1 is ready until the moment at which c2 is: a try over both must find one. */
struct pair {
    trine_chan *c1, *c2, *done;
    atomic_int arrived;
    int turn;
};
static void try_both(void *arg)
{
    struct pair *p = arg;
    int x, found; /* the look at c1 may come before, between and after */
    trine_case k[] = {{p->c1, TRINE_RECV, &x, false}, {p->c2, TRINE_RECV, &x, false}};
    meet(&p->arrived, p->turn);
    found = trine_try_select(k, 2) >= 0;
    trine_chan_send(p->done, &found);
}
static void nonblock_select_race(bool close)
{
    int n = rounds(5000);
    struct pair p = {.done = make_chan(sizeof(int), 1)};
    for (int i = 0; i < n; i++) {
        int one = 1;
        p.c1 = make_chan(sizeof(int), 1);
        p.c2 = make_chan(sizeof(int), 1);
        trine_chan_send(p.c1, &one);
        p.turn = i + 1;
        go(try_both, &p);
        meet(&p.arrived, i + 1);
        if (close) trine_chan_close(p.c2);
        else trine_chan_send(p.c2, &one);
        trine_chan_try_recv(p.c1, &one, NULL);
        CHECK(recv_int(p.done));
        trine_chan_free(p.c1);
        trine_chan_free(p.c2);
    }
    trine_chan_free(p.done);
}
static void main_nonblock_race(void *arg) { (void)arg, nonblock_select_race(false); }
static void main_nonblock_race2(void *arg) { (void)arg, nonblock_select_race(true); }
static void TestNonblockSelectRace(void **state) { (void)state, run_goroutines(main_nonblock_race); }
static void TestNonblockSelectRace2(void **state) { (void)state, run_goroutines(main_nonblock_race2); }

/* The same without end: a token is put into one channel before it is taken from the other, so at every moment one of
 * them has one. Whoever tries takes it and puts it back. */
static void move_token(void *arg)
{
    struct pair *p = arg;
    int one = 1, stop;
    while (!trine_chan_try_recv(p->done, &stop, NULL)) {
        trine_chan_send(p->c2, &one);
        trine_chan_recv(p->c1, &one);
        trine_chan_send(p->c1, &one);
        trine_chan_recv(p->c2, &one);
    }
    trine_chan_close(p->done);
}
static void main_token(void *arg)
{
    struct pair p = {make_chan(sizeof(int), 4), make_chan(sizeof(int), 4), make_chan(sizeof(int), 0), 0, 0};
    int n = rounds(20000), missed = 0, x;
    (void)arg;
    send_int(p.c1, 1);
    go(move_token, &p);
    for (int i = 0; i < n; i++) {
        trine_case k[] = {{p.c1, TRINE_RECV, &x, false}, {p.c2, TRINE_RECV, &x, false}};
        int ran = trine_try_select(k, 2);
        if (ran < 0) missed++;
        else trine_chan_send(k[ran].chan, &x);
        if (i % 64 == 0) trine_yield();
    }
    CHECK(missed == 0);
    send_int(p.done, 1);
    trine_chan_recv(p.done, &x);
    trine_chan_free(p.c1), trine_chan_free(p.c2), trine_chan_free(p.done);
}
static void TestTrySelectMissesNothing(void **state) { (void)state, run_goroutines(main_token); }

/* Go's TestSelectDuplicateChannel: one channel several times in a select; the void entries that a woken select leaves
 * must not swallow a value meant for somebody else. */
struct dup {
    trine_chan *c, *d, *e;
};
static void dup_first(void *arg)
{
    struct dup *s = arg;
    int x;
    trine_case k[] = {{s->c, TRINE_RECV, &x, false}, {s->d, TRINE_RECV, &x, false}, {s->e, TRINE_RECV, &x, false}};
    CHECK(trine_select(k, 3) == 1);
    trine_chan_send(s->e, &x); /* below, twice in one select */
}
static void dup_second(void *arg)
{
    struct dup *s = arg;
    recv_int(s->c);
    send_int(s->d, 2);
}
static void main_dup(void *arg)
{
    int n = rounds(500);
    (void)arg;
    for (int i = 0; i < n; i++) {
        struct dup s = {make_chan(sizeof(int), 0), make_chan(sizeof(int), 0), make_chan(sizeof(int), 0)};
        int x;
        go(dup_first, &s);
        trine_yield();
        go(dup_second, &s);
        trine_yield();
        send_int(s.d, 1); /* frees the first: its entry on c is void now, that of the second is the only one */
        send_int(s.c, 3);
        trine_case k[] = {{s.e, TRINE_RECV, &x, false}, {s.e, TRINE_RECV, &x, false}, {s.d, TRINE_RECV, &x, false},
                          {s.e, TRINE_RECV, &x, false}, {s.d, TRINE_RECV, &x, false}};
        int sum = 0;
        for (int j = 0; j < 2; j++) {
            int ran = trine_select(k, 5);
            CHECK(ran >= 0 && k[ran].ok);
            sum += x;
        }
        CHECK(sum == 3);
        trine_chan_free(s.c), trine_chan_free(s.d), trine_chan_free(s.e);
    }
}
static void TestSelectDuplicateChannel(void **state) { (void)state, run_goroutines(main_dup); }

/* Many cases, in the frame and from the pool, on ordinary and on the smallest stacks: every value arrives once. */
enum { MANY = 200 };
struct many {
    trine_chan *c[MANY];
    trine_case k[MANY];
    int n, rounds;
    trine_wg wg;
};
static void many_send(void *arg)
{
    struct many *s = arg;
    for (int i = 0; i < s->rounds; i++) send_int(s->c[(i * 7) % s->n], i);
    trine_wg_done(&s->wg);
}
static void many_recv(void *arg)
{
    struct many *s = arg;
    int64_t sum = 0;
    int x;
    for (int i = 0; i < s->n; i++) s->k[i] = (trine_case){s->c[i], TRINE_RECV, &x, false};
    for (int i = 0; i < s->rounds; i++) {
        int ran = trine_select(s->k, s->n);
        CHECK(s->k[ran].ok && ran == (x * 7) % s->n);
        sum += x;
    }
    CHECK(sum == (int64_t)s->rounds * (s->rounds - 1) / 2);
    trine_wg_done(&s->wg);
}
static void main_many(void *arg)
{
    static const int sizes[] = {1, 2, 3, 5, 16, 17, 31, 32, 33, 64, 65, MANY};
    static struct many s;
    (void)arg;
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
        for (int small = 0; small < 2; small++) {
            trine_go_opts o = {.stack_bytes = small ? SMALL_STACK_BYTES : 0};
            memset(&s, 0, sizeof s);
            s.n = sizes[z];
            s.rounds = 200;
            for (int i = 0; i < s.n; i++) s.c[i] = make_chan(sizeof(int), 0);
            trine_wg_add(&s.wg, 2);
            CHECK(trine_go_with(&o, many_recv, &s) == 0);
            go(many_send, &s);
            trine_wg_wait(&s.wg);
            for (int i = 0; i < s.n; i++) trine_chan_free(s.c[i]);
        }
    }
}
static void TestSelectManyCases(void **state) { (void)state, run_goroutines(main_many); }

/* Dining: every goroutine selects over the same channels in another order; lock order must keep them from a cycle. */
static void ring_select(void *arg)
{
    struct lane *l = arg;
    int n = rounds(3000), x = 0;
    for (int i = 0; i < n; i++) {
        trine_case k[LANES];
        for (int j = 0; j < LANES; j++) {
            int at = (l->i + j * (l->i % 2 ? 1 : LANES - 1)) % LANES;
            k[j] = (trine_case){l->s->c[at], (j + l->i) % 2 ? TRINE_SEND : TRINE_RECV, &x, false};
        }
        if (i % 3) trine_try_select(k, LANES);
        else trine_select_until(k, LANES, trine_nanotime() + 20000);
    }
    trine_wg_done(&l->s->wg);
}
static void main_ring(void *arg)
{
    struct stress s = {0};
    struct lane lanes[LANES];
    (void)arg;
    trine_wg_add(&s.wg, LANES);
    for (int i = 0; i < LANES; i++) s.c[i] = make_chan(sizeof(int), 0); /* seldom ready: both looks, and so all locks */
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (struct lane){&s, i};
        go(ring_select, &lanes[i]);
    }
    trine_wg_wait(&s.wg);
    for (int i = 0; i < LANES; i++) trine_chan_free(s.c[i]);
}
static void TestSelectLockOrder(void **state) { (void)state, run_goroutines(main_ring); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestSelectStress),           cmocka_unit_test(TestNonblockSelectRace),
        cmocka_unit_test(TestNonblockSelectRace2),    cmocka_unit_test(TestTrySelectMissesNothing),
        cmocka_unit_test(TestSelectDuplicateChannel),
        cmocka_unit_test(TestSelectManyCases),        cmocka_unit_test(TestSelectLockOrder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
