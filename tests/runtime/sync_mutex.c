/* Mutex, readers-writer lock, once and semaphore. */
#include "goroutines.h"
#include "sync.h"

/* ---- Go's TestMutex: HammerMutex: a plain counter under the mutex, lock and trylock mixed ---- */
struct hammer {
    trine_mutex m;
    trine_wg wg;
    int n;
    int64_t inside, total; /* plain: the mutex guards them */
};
static void hammer_mutex(void *arg)
{
    struct hammer *h = arg;
    for (int i = 0; i < h->n; i++) {
        if (i % 3 == 0) {
            if (!trine_mutex_trylock(&h->m)) trine_mutex_lock(&h->m);
        } else {
            trine_mutex_lock(&h->m);
        }
        CHECK(h->inside++ == 0);
        if (i % 16 == 0) trine_yield();
        h->inside--;
        h->total++;
        trine_mutex_unlock(&h->m);
    }
    trine_wg_done(&h->wg);
}
static void main_mutex(void *arg)
{
    struct hammer h = {.n = rounds(1000)};
    (void)arg;
    trine_mutex_lock(&h.m);
    CHECK(!trine_mutex_trylock(&h.m));
    trine_mutex_unlock(&h.m);
    CHECK(trine_mutex_trylock(&h.m));
    trine_mutex_unlock(&h.m);
    trine_wg_add(&h.wg, 10);
    for (int i = 0; i < 10; i++) go(hammer_mutex, &h);
    trine_wg_wait(&h.wg);
    CHECK(h.total == 10 * (int64_t)h.n);
}
static void TestMutex(void **state) { (void)state, run_goroutines(main_mutex); }

/* ---- Go's TestMutexFairness: one goroutine holds the mutex nearly all the time; another must get it all the same:
 * without the starvation mode the hog, which is always running when it is free, wins every time ---- */
struct hog {
    trine_mutex m;
    atomic_bool stop;
    trine_wg wg;
};
static void hog_mutex(void *arg)
{
    struct hog *h = arg;
    while (!atomic_load(&h->stop)) {
        trine_mutex_lock(&h->m);
        for (int64_t end = trine_nanotime() + 100000; trine_nanotime() < end;) TRINE_POLL();
        trine_mutex_unlock(&h->m);
    }
    trine_wg_done(&h->wg);
}
static void main_fairness(void *arg)
{
    struct hog h = {0};
    (void)arg;
    trine_wg_add(&h.wg, 1);
    go(hog_mutex, &h);
    for (int i = 0; i < 10; i++) {
        trine_sleep(100000);
        trine_mutex_lock(&h.m); /* hangs if it is never its turn: the test's time limit tells */
        trine_mutex_unlock(&h.m);
    }
    atomic_store(&h.stop, true);
    trine_wg_wait(&h.wg);
}
static void TestMutexFairness(void **state) { (void)state, run_goroutines(main_fairness); }

/* ---- a starving waiter gets the mutex from hand to hand: it has it, and runs, before the unlock returns ---- */
struct handover {
    trine_mutex m;
    atomic_int got;
    trine_wg wg;
};
static void starving_waiter(void *arg)
{
    struct handover *h = arg;
    trine_mutex_lock(&h->m);
    atomic_store(&h->got, 1);
    trine_mutex_unlock(&h->m);
    trine_wg_done(&h->wg);
}
static void main_handover(void *arg)
{
    struct handover h = {0};
    (void)arg;
    trine_wg_add(&h.wg, 1);
    trine_mutex_lock(&h.m);
    go(starving_waiter, &h);
    trine_yield(); /* it parks */
    for (int64_t end = trine_nanotime() + 2000000; trine_nanotime() < end;) {} /* longer than a waiter stays patient */
    trine_mutex_unlock(&h.m);
    trine_mutex_lock(&h.m); /* first: whoever runs wins */
    trine_yield();          /* the waiter finds it taken again, and turns on starvation */
    trine_mutex_unlock(&h.m);
    CHECK(atomic_load(&h.got) == 1);
    trine_wg_wait(&h.wg);
}
static void TestMutexHandoff(void **state) { (void)state, run_in_turn(main_handover); }

/* ---- on its way from hand to hand nobody has it, and nobody else may take it ---- */
static void main_on_its_way(void *arg)
{
    trine_mutex m = {.state = MUTEX_STARVING | MUTEX_WAITER}; /* between the unlock and the waiter that it woke */
    (void)arg;
    CHECK(!trine_mutex_trylock(&m));
    CHECK(m.state == (MUTEX_STARVING | MUTEX_WAITER));
}
static void TestMutexOnItsWay(void **state) { (void)state, run_goroutines(main_on_its_way); }

/* ---- readers-writer lock: Go's TestParallelReaders and TestRWMutex ---- */
struct readers {
    trine_rwmutex rw;
    trine_chan *locked, *release, *done;
};
static void hold_reading(void *arg)
{
    struct readers *r = arg;
    trine_rwmutex_rlock(&r->rw);
    trine_chan_send(r->locked, NULL);
    trine_chan_recv(r->release, NULL);
    trine_rwmutex_runlock(&r->rw);
    trine_chan_send(r->done, NULL);
}
static void main_parallel_readers(void *arg)
{
    (void)arg;
    for (int n = 1; n <= 8; n *= 2) {
        struct readers r = {.locked = make_chan(0, 0), .release = make_chan(0, 0), .done = make_chan(0, 0)};
        for (int i = 0; i < n; i++) go(hold_reading, &r);
        for (int i = 0; i < n; i++) trine_chan_recv(r.locked, NULL); /* all inside at once */
        for (int i = 0; i < n; i++) trine_chan_send(r.release, NULL);
        for (int i = 0; i < n; i++) trine_chan_recv(r.done, NULL);
        trine_chan_free(r.locked), trine_chan_free(r.release), trine_chan_free(r.done);
    }
}
static void TestParallelReaders(void **state) { (void)state, run_goroutines(main_parallel_readers); }

/* A writer adds 10,000 to the count, a reader 1: the sum tells who is inside. */
struct rw_hammer {
    trine_rwmutex rw;
    atomic_int activity;
    trine_wg wg;
    int n, plain;
};
static void rw_reader(void *arg)
{
    struct rw_hammer *h = arg;
    for (int i = 0; i < h->n; i++) {
        trine_rwmutex_rlock(&h->rw);
        int now = atomic_fetch_add(&h->activity, 1) + 1;
        CHECK(now >= 1 && now < 10000);
        if (i % 8 == 0) trine_yield();
        atomic_fetch_sub(&h->activity, 1);
        trine_rwmutex_runlock(&h->rw);
    }
    trine_wg_done(&h->wg);
}
static void rw_writer(void *arg)
{
    struct rw_hammer *h = arg;
    for (int i = 0; i < h->n; i++) {
        trine_rwmutex_lock(&h->rw);
        CHECK(atomic_fetch_add(&h->activity, 10000) == 0);
        h->plain++;
        if (i % 8 == 0) trine_yield();
        atomic_fetch_sub(&h->activity, 10000);
        trine_rwmutex_unlock(&h->rw);
    }
    trine_wg_done(&h->wg);
}
static void main_rwmutex(void *arg)
{
    static const int n_readers[] = {1, 3, 10};
    (void)arg;
    for (size_t k = 0; k < sizeof n_readers / sizeof *n_readers; k++) {
        struct rw_hammer h = {.n = rounds(400)};
        trine_wg_add(&h.wg, n_readers[k] + 2);
        go(rw_writer, &h);
        for (int i = 0; i < n_readers[k]; i++) {
            if (i == n_readers[k] / 2) go(rw_writer, &h);
            go(rw_reader, &h);
        }
        trine_wg_wait(&h.wg);
        CHECK(h.plain == 2 * h.n);
    }
}
static void TestRWMutex(void **state) { (void)state, run_goroutines(main_rwmutex); }

/* A waiting writer keeps new readers out, and gets in before them. */
struct order {
    trine_rwmutex rw;
    atomic_int wrote;
    trine_wg wg;
};
static void order_write(void *arg)
{
    struct order *o = arg;
    trine_rwmutex_lock(&o->rw);
    atomic_store(&o->wrote, 1);
    trine_rwmutex_unlock(&o->rw);
    trine_wg_done(&o->wg);
}
static void order_read(void *arg)
{
    struct order *o = arg;
    trine_rwmutex_rlock(&o->rw);
    CHECK(atomic_load(&o->wrote) == 1);
    trine_rwmutex_runlock(&o->rw);
    trine_wg_done(&o->wg);
}
static void main_writer_first(void *arg)
{
    struct order o = {0};
    (void)arg;
    trine_wg_add(&o.wg, 6);
    trine_rwmutex_rlock(&o.rw);
    go(order_write, &o);
    while (__atomic_load_n(&o.rw.reader_count, __ATOMIC_ACQUIRE) > 0) trine_yield(); /* until the writer is there */
    for (int i = 0; i < 5; i++) go(order_read, &o);
    let_others_run();
    CHECK(atomic_load(&o.wrote) == 0);
    trine_rwmutex_runlock(&o.rw);
    trine_wg_wait(&o.wg);
}
static void TestRWMutexWriterFirst(void **state) { (void)state, run_goroutines(main_writer_first); }

/* ---- Go's TestOnce ---- */
struct once {
    trine_once o;
    int runs; /* plain: once guards it */
    trine_wg wg;
};
static void count_run(void *arg)
{
    struct once *s = arg;
    for (int i = 0; i < 4; i++) trine_yield(); /* the others come while it runs */
    s->runs++;
}
static void do_once(void *arg)
{
    struct once *s = arg;
    trine_once_do(&s->o, count_run, s);
    CHECK(s->runs == 1);
    trine_wg_done(&s->wg);
}
static void main_once(void *arg)
{
    int n = rounds(100);
    (void)arg;
    for (int i = 0; i < n; i++) {
        struct once s = {0};
        trine_wg_add(&s.wg, 10);
        for (int j = 0; j < 10; j++) go(do_once, &s);
        trine_wg_wait(&s.wg);
        CHECK(s.runs == 1);
    }
}
static void TestOnce(void **state) { (void)state, run_goroutines(main_once); }

/* ---- Go's TestSemaphore, TestSemaHandoff ---- */
struct sema {
    trine_sema s, done;
    int n;
    int order[64], n_order; /* plain: only with one P */
};
static void hammer_sema(void *arg)
{
    struct sema *s = arg;
    for (int i = 0; i < s->n; i++) {
        trine_sema_acquire(&s->s);
        if (i % 7 == 0) trine_yield();
        trine_sema_release(&s->s);
    }
    trine_sema_release(&s->done);
}
static void main_sema(void *arg)
{
    struct sema s = {.n = rounds(1000)};
    (void)arg;
    for (int i = 0; i < 3; i++) trine_sema_release(&s.s);
    for (int i = 0; i < 10; i++) go(hammer_sema, &s);
    for (int i = 0; i < 10; i++) trine_sema_acquire(&s.done);
    for (int i = 0; i < 3; i++) trine_sema_acquire(&s.s); /* all three permits are back */
}
static void TestSemaphore(void **state) { (void)state, run_goroutines(main_sema); }

/* A permit goes to whoever waits, not to the releaser that asks again at once; and in the order of arrival. */
static void take_turn(void *arg)
{
    void **a = arg;
    struct sema *s = a[0];
    trine_sema_acquire(&s->s);
    s->order[s->n_order++] = (int)(uintptr_t)a[1];
    trine_sema_release(&s->s);
    trine_sema_release(&s->done);
}
static void main_handoff(void *arg)
{
    struct sema s = {0};
    void *a[8][2];
    (void)arg;
    for (int i = 0; i < 8; i++) {
        a[i][0] = &s;
        a[i][1] = (void *)(uintptr_t)i;
        go(take_turn, a[i]);
        while (__atomic_load_n(&s.s.nwait, __ATOMIC_RELAXED) != (uint32_t)i + 1) trine_yield();
    }
    trine_sema_release(&s.s);
    trine_sema_acquire(&s.s); /* behind all eight */
    CHECK(s.n_order == 8);
    for (int i = 0; i < 8; i++) CHECK(s.order[i] == i);
    for (int i = 0; i < 8; i++) trine_sema_acquire(&s.done);
}
static void TestSemaHandoff(void **state) { (void)state, run_goroutines(main_handoff); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestMutex),         cmocka_unit_test(TestMutexFairness), cmocka_unit_test(TestMutexHandoff),
        cmocka_unit_test(TestMutexOnItsWay),
        cmocka_unit_test(TestParallelReaders), cmocka_unit_test(TestRWMutex),
        cmocka_unit_test(TestRWMutexWriterFirst), cmocka_unit_test(TestOnce),
        cmocka_unit_test(TestSemaphore),     cmocka_unit_test(TestSemaHandoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
