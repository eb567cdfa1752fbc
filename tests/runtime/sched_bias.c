/*
 * sched_bias.c: the bias (bias.h): who has it, when it goes, and that nothing is lost while it comes and goes. That the two
 * sides exclude each other in every order is explored in tests/model/test_bias.c.
 */
#include "child.h"

#include "param.h"
#include "proc.h"

static trine_wg all;
static trine_mutex mutex;
static trine_sema sema;
static trine_chan *chan;
static int64_t under_mutex, received; /* guarded by mutex; the receiver's */
static atomic_bool begun, over;

static bool nobody_has_it(void) { return !rt_sched.fence_turns; } /* TSan, or no membarrier */

static struct trine_stats now(void)
{
    struct trine_stats s;
    trine_stats(&s);
    return s;
}

/* ---- who has it ---- */
static void lock_and_unlock(int64_t ns)
{
    for (int64_t end = trine_nanotime() + ns; trine_nanotime() < end;) {
        trine_mutex_lock(&mutex);
        under_mutex++;
        trine_mutex_unlock(&mutex);
    }
}

static bool i_have_it(void) { return rt_sched.biased && rt_sched.biased == rt_getm()->p && at32_load_rlx(&rt_sched.lone); }

/* The others idle within milliseconds; ten seconds at most. */
static bool soon_mine(void)
{
    for (int i = 0; i < 1000; i++) {
        if (i_have_it()) return true;
        lock_and_unlock(10000000);
    }
    return false;
}

static void alone(void *arg)
{
    bool expected = arg != NULL && !nobody_has_it();
    uint64_t given = now().bias_given;
    if (expected) {
        CHECK(soon_mine());
        return;
    }
    lock_and_unlock(100000000);
    CHECK(!i_have_it() && now().bias_given == given);
}

static void TheOnlyRunnerHasTheBias(void **state)
{
    (void)state;
    for (int procs = 2; procs <= 8; procs *= 2) run_in_child(&(trine_config){.gomaxprocs = procs}, alone, &all);
    run_in_child(&(trine_config){.gomaxprocs = 1}, alone, NULL); /* solo: nothing to give */
    run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = TRINE_NO_BIAS}, alone, NULL);
}

/* ---- it goes when a second P comes out, whoever takes it ---- */
static void spin_until_over(void *arg)
{
    (void)arg;
    CHECK(!at32_load_rlx(&rt_getm()->p->bias.given)); /* the other one runs */
    atomic_store(&begun, true);
    while (!atomic_load(&over)) TRINE_POLL();
    trine_wg_done(&all);
}

static void wakes_another(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        if (!nobody_has_it()) CHECK(soon_mine());
        atomic_store(&over, false);
        atomic_store(&begun, false);
        trine_wg_add(&all, 1);
        go(spin_until_over, NULL);
        while (!atomic_load(&begun)) TRINE_POLL(); /* stolen: from here two Ps run until `over` */
        CHECK(rt_sched.biased == NULL && !at32_load_rlx(&rt_getm()->p->bias.given));
        atomic_store(&over, true);
        trine_wg_wait(&all);
    }
}

static void ASecondPTakesItBack(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = TRINE_NO_PREEMPT}, wakes_another, NULL);
}

/* ---- what a run leaves is nothing to the next ---- */
static void has_none(void *arg)
{
    (void)arg;
    CHECK(!at32_load_rlx(&rt_sched.allp[1]->bias.given) || rt_sched.biased == rt_sched.allp[1]);
}

static void nothing(void *arg) { (void)arg; }

static void ANewRunBeginsWithoutIt(void **state)
{
    (void)state;
    run_at(2, nothing, NULL);
    rt_bias_give(&rt_sched.allp[1]->bias);
    run_at(2, has_none, NULL);
}

/* ---- nothing is lost ---- */
enum { VISITORS = 6, CAP = 16 };

static int64_t use_all(int64_t sent)
{
    trine_mutex_lock(&mutex);
    under_mutex++;
    trine_mutex_unlock(&mutex);
    trine_sema_acquire(&sema);
    trine_sema_release(&sema);
    trine_chan_send(chan, &sent);
    return sent + 1;
}

struct user { int64_t sent; bool blocks; };

static void resident(void *arg)
{
    struct user *u = arg;
    while (!atomic_load(&over)) u->sent = use_all(u->sent);
    trine_wg_done(&all);
}

/* Each comes back to a P that idles by another way: woken by a timer, or from a blocking call. */
static void visitor(void *arg)
{
    struct user *u = arg;
    for (unsigned i = 0; !atomic_load(&over); i++) {
        if (u->blocks) {
            trine_syscall_enter();
            usleep(50 + i % 300);
            trine_syscall_exit();
        } else {
            trine_sleep(20000 + i % 7 * 100000);
        }
        for (int k = 0; k < 20; k++) u->sent = use_all(u->sent);
    }
    trine_wg_done(&all);
}

static void receiver(void *arg)
{
    int64_t x;
    while (trine_chan_recv(chan, &x)) received++;
    trine_wg_done(arg);
}

static void comes_and_goes(void *arg)
{
    static struct user users[VISITORS + 1];
    trine_wg drained = {0};
    bool resize = arg != NULL;
    int procs = trine_gomaxprocs(0);
    chan = make_chan(sizeof(int64_t), CAP);
    trine_sema_release(&sema); /* one at a time */
    trine_wg_add(&all, VISITORS + 1);
    trine_wg_add(&drained, 1);
    go(receiver, &drained);
    go(resident, &users[VISITORS]);
    for (int i = 0; i < VISITORS; i++) {
        users[i].blocks = i % 2 == 0;
        go(visitor, &users[i]);
    }
    for (int i = 0; i < rounds(50); i++) {
        trine_sleep(10000000);
        if (resize) trine_gomaxprocs(i % 2 ? procs : 1 + i % 3);
    }
    atomic_store(&over, true);
    trine_wg_wait(&all);
    trine_chan_close(chan);
    trine_wg_wait(&drained);
    int64_t sum = 0;
    for (int i = 0; i <= VISITORS; i++) sum += users[i].sent;
    CHECK(sum == received);
    CHECK(sum == under_mutex);
    CHECK(sum > 0);
}

static void NothingIsLostOnTheWay(void **state)
{
    (void)state;
    for (int procs = 2; procs <= 4; procs++) {
        run_in_child(&(trine_config){.gomaxprocs = procs}, comes_and_goes, NULL);
        run_in_child(&(trine_config){.gomaxprocs = procs}, comes_and_goes, &all);
    }
}

/* ---- a thread that takes it back pays a membarrier: seldom ---- */
/* Its P idles while it sleeps, and a thread without one takes it when the time is over. Some of its blocking calls are so
 * long that the monitor takes its P whatever its pace. */
static void comes_back_often(void *arg)
{
    (void)arg;
    for (unsigned i = 1; !atomic_load(&over); i++) {
        if (i % 64) {
            trine_sleep(200000);
            continue;
        }
        trine_syscall_enter();
        usleep(30000);
        trine_syscall_exit();
    }
    trine_wg_done(&all);
}

static void is_revoked(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 1);
    go(comes_back_often, NULL);
    int64_t begin = trine_nanotime();
    uint64_t before = now().bias_revoked;
    lock_and_unlock(rounds(500) * INT64_C(1000000));
    uint64_t revoked = now().bias_revoked - before;
    int64_t lasted = trine_nanotime() - begin;
    atomic_store(&over, true);
    trine_wg_wait(&all);
    if (!nobody_has_it()) CHECK(revoked >= 1 && soon_mine()); /* and comes back */
    CHECK((int64_t)revoked <= lasted / RT_BIAS_REST_NS + 2);
}

static void RevokedSeldom(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2}, is_revoked, NULL);
}

/* A P that has it and goes idle gives it back itself: to come out again costs nobody a membarrier. */
static void works_and_sleeps(void *arg)
{
    (void)arg;
    enum { TIMES = 10 };
    uint64_t before = now().bias_revoked;
    for (int i = 0; i < TIMES; i++) {
        lock_and_unlock(30000000); /* the monitor sees it alone, and ends a rest */
        trine_sleep(5000000);
    }
    CHECK(now().bias_revoked - before < TIMES / 2); /* 0 but for a P that the monitor wakes meanwhile */
}

static void IdlingRevokesNothing(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 2, .ablate = TRINE_NO_PREEMPT}, works_and_sleeps, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TheOnlyRunnerHasTheBias),
        cmocka_unit_test(ASecondPTakesItBack),
        cmocka_unit_test(ANewRunBeginsWithoutIt),
        cmocka_unit_test(NothingIsLostOnTheWay),
        cmocka_unit_test(RevokedSeldom),
        cmocka_unit_test(IdlingRevokesNothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
