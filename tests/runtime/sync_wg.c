/* The wait group: waiting, reuse, many waiters, memory freed at once, a goroutine each. */
#include "goroutines.h"

/* Go's TestWaitGroup: one group starts sixteen goroutines, another sees them end; used again in every round. */
enum { N = 16 };
struct two {
    trine_wg first, second;
    atomic_int passed;
};
static void done_then_wait(void *arg)
{
    struct two *t = arg;
    trine_wg_done(&t->first);
    trine_wg_wait(&t->second);
    atomic_fetch_add(&t->passed, 1);
    trine_wg_done(&t->first); /* counted below */
}
static void main_wg(void *arg)
{
    struct two t = {0};
    int n = rounds(200);
    (void)arg;
    for (int round = 0; round < n; round++) {
        atomic_store(&t.passed, 0);
        trine_wg_add(&t.first, N);
        trine_wg_add(&t.second, N);
        for (int i = 0; i < N; i++) go(done_then_wait, &t);
        trine_wg_wait(&t.first);
        trine_wg_add(&t.first, N);
        for (int i = 0; i < N; i++) {
            CHECK(atomic_load(&t.passed) == 0); /* nobody passes before the last done */
            if (i == N - 1) break;
            trine_wg_done(&t.second);
        }
        trine_wg_done(&t.second);
        trine_wg_wait(&t.first);
        CHECK(atomic_load(&t.passed) == N);
    }
}
static void TestWaitGroup(void **state) { (void)state, run_goroutines(main_wg); }

/* The count may go by any steps, and a wait on 0 returns at once. */
static void give_back(void *arg)
{
    trine_wg_add(arg, -3);
    trine_wg_add(arg, 2);
    trine_wg_add(arg, -4);
}
static void main_steps(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    trine_wg_wait(&wg);
    trine_wg_add(&wg, 0);
    trine_wg_wait(&wg);
    trine_wg_add(&wg, 5);
    go(give_back, &wg);
    trine_wg_wait(&wg);
}
static void TestWaitGroupSteps(void **state) { (void)state, run_goroutines(main_steps); }

/* Go's TestWaitGroupRace: the waiter comes when the dones do; and the group is freed as soon as the wait returned,
 * while whoever did the last done may still be inside: ASan sees it if that one looks again. */
struct adder {
    trine_wg *wg;
    atomic_int *n;
};
static void add_one(void *arg)
{
    struct adder *a = arg;
    trine_wg *wg = a->wg;
    atomic_fetch_add(a->n, 1);
    trine_wg_done(wg);
}
static void main_race(void *arg)
{
    int n = rounds(3000);
    (void)arg;
    for (int i = 0; i < n; i++) {
        trine_wg *wg = calloc(1, sizeof *wg);
        atomic_int count = 0;
        struct adder a = {wg, &count};
        trine_wg_add(wg, 1);
        go(add_one, &a);
        trine_wg_add(wg, 1);
        go(add_one, &a);
        trine_wg_wait(wg);
        CHECK(atomic_load(&count) == 2);
        memset(wg, 0xa5, sizeof *wg);
        free(wg);
    }
}
static void TestWaitGroupRace(void **state) { (void)state, run_goroutines(main_race); }

/* Several waiters of one group, of whom the last to return frees it. */
struct shared {
    trine_wg wg;
    atomic_int waiters;
    trine_chan *freed;
};
static void wait_and_free(void *arg)
{
    struct shared *s = arg;
    trine_wg_wait(&s->wg);
    if (atomic_fetch_sub(&s->waiters, 1) == 1) {
        trine_chan *freed = s->freed;
        memset(s, 0xa5, sizeof *s);
        free(s);
        trine_chan_send(freed, NULL);
    }
}
static void done_once(void *arg) { trine_wg_done(arg); }
static void main_many_waiters(void *arg)
{
    trine_chan *freed = make_chan(0, 0);
    int n = rounds(500);
    (void)arg;
    for (int i = 0; i < n; i++) {
        struct shared *s = calloc(1, sizeof *s);
        s->freed = freed;
        atomic_store(&s->waiters, 7);
        trine_wg_add(&s->wg, 1);
        for (int j = 0; j < 7; j++) go(wait_and_free, s);
        go(done_once, &s->wg);
        trine_chan_recv(freed, NULL);
    }
    trine_chan_free(freed);
}
static void TestWaitGroupManyWaiters(void **state) { (void)state, run_goroutines(main_many_waiters); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TestWaitGroup),
        cmocka_unit_test(TestWaitGroupSteps),
        cmocka_unit_test(TestWaitGroupRace),
        cmocka_unit_test(TestWaitGroupManyWaiters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
