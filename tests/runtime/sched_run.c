/*
 * sched_run.c: what programs rely on: goroutines run in parallel, yields make progress, nothing starves, a goroutine
 * that is locked to a thread has it alone, and the number of Ps may change at any time.
 */
#include "child.h"
#include "proc.h"

#include <sys/signalfd.h>

/* ---- parallelism ---- */
static atomic_int turn;
static int width;
static trine_wg all;

/* Each of `width` goroutines waits by polling for its turn, three times round: no yield, so all must run at once. */
static void take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (int i = 0; i < 3; i++) {
        while (atomic_load(&turn) != width * i + me) at_pause();
        atomic_store(&turn, width * i + me + 1);
    }
    trine_wg_done(&all);
}

static void parallel_rounds(void *arg)
{
    (void)arg;
    for (int round = 0; round < 5; round++) {
        atomic_store(&turn, 0);
        trine_wg_add(&all, width);
        for (int i = 0; i < width; i++) go(take_turns, (void *)(intptr_t)i);
        trine_wg_wait(&all);
        CHECK(atomic_load(&turn) == 3 * width);
    }
}

/* Ablated: without time slices only real parallelism can bring it to an end. */
static void GoroutineParallelism(void **state)
{
    (void)state;
    for (width = 1; width <= 4; width++)
        run_in_child(&(trine_config){.gomaxprocs = width + 1, .ablate = TRINE_NO_PREEMPT}, parallel_rounds, NULL);
}

static atomic_bool stop;
static void yield_until_stopped(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) trine_yield();
    trine_wg_done(&all);
}
static int pipe_fds[2];
static void read_until_closed(void *arg)
{
    char c;
    (void)arg;
    while (trine_read(pipe_fds[0], &c, 1) == 1) {}
}

/* The same beside a reader in the network poller, sleepers, and Ps that just went idle. */
static void parallel_beside_others(void *arg)
{
    (void)arg;
    CHECK(pipe(pipe_fds) == 0 && trine_open_fd(pipe_fds[0]) == 0);
    go(read_until_closed, NULL);
    for (int round = 0; round < 5; round++) {
        atomic_store(&stop, false);
        trine_wg_add(&all, 8);
        for (int i = 0; i < 8; i++) go(yield_until_stopped, NULL);
        trine_sleep(1000000);
        atomic_store(&stop, true);
        trine_wg_wait(&all); /* now only the reader is left: the Ps go idle, one M sleeps in the poller */
        trine_sleep(1000000);
        parallel_rounds(NULL);
    }
}
static void GoroutineParallelism2(void **state)
{
    (void)state;
    for (width = 2; width <= 4; width += 2)
        run_in_child(&(trine_config){.gomaxprocs = width + 1}, parallel_beside_others, NULL);
}

/* ---- yielding ---- */
struct yielder { trine_chan *ask, *answer; bool locked; };

static void answer_between_yields(void *arg)
{
    struct yielder *y = arg;
    int x;
    if (y->locked) trine_lock_os_thread();
    while (!trine_chan_try_recv(y->ask, &x, NULL)) trine_yield();
    send_int(y->answer, x + 1);
    if (y->locked) trine_unlock_os_thread();
}

static void yield_progress(void *arg)
{
    (void)arg;
    for (int locked = 0; locked < 2; locked++) {
        static struct yielder both[2]; /* one each: the first still reads its own after its answer */
        struct yielder *y = &both[locked];
        *y = (struct yielder){make_chan(sizeof(int), 1), make_chan(sizeof(int), 0), locked};
        go(answer_between_yields, y);
        trine_sleep(5000000);
        send_int(y->ask, 41);
        CHECK(recv_int(y->answer) == 42);
    }
}
static void YieldProgress(void **state) /* without preemption nobody but the yield lets others run */
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        run_in_child(&(trine_config){.gomaxprocs = procs, .ablate = TRINE_NO_PREEMPT}, yield_progress, NULL);
}

static void yield_and_sleep_locked(void *arg)
{
    trine_lock_os_thread();
    int32_t tid = rt_gettid();
    for (int i = 0; i < 10; i++) {
        trine_yield();
        CHECK(rt_gettid() == tid);
        trine_sleep(200000);
        CHECK(rt_gettid() == tid);
    }
    trine_unlock_os_thread();
    send_int(arg, 1);
}
static void send_locked(void *arg)
{
    trine_lock_os_thread();
    int32_t tid = rt_gettid();
    for (int i = 0; i < 100; i++) {
        send_int(arg, i);
        CHECK(rt_gettid() == tid);
    }
    trine_unlock_os_thread();
}
static void yield_locked(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    atomic_store(&stop, false);
    trine_wg_add(&all, 2);
    for (int i = 0; i < 2; i++) go(yield_until_stopped, NULL); /* others who would run on that thread if they could */
    go(yield_and_sleep_locked, c);
    CHECK(recv_int(c) == 1);
    atomic_store(&stop, true);
    trine_wg_wait(&all);
}
static void block_locked(void *arg)
{
    trine_chan *c = make_chan(sizeof(int), 0);
    (void)arg;
    go(send_locked, c);
    for (int i = 0; i < 100; i++) CHECK(recv_int(c) == i);
}
static void YieldLocked(void **state) { (void)state; run_children(yield_locked); }
static void BlockLocked(void **state) { (void)state; run_children(block_locked); }

/* ---- threads of one's own ---- */
static void lock_nests(void *arg)
{
    struct g *gp = rt_getg();
    (void)arg;
    trine_unlock_os_thread(); /* without a lock: nothing, as in Go */
    CHECK(gp->lockedm == NULL);
    trine_lock_os_thread();
    trine_lock_os_thread();
    CHECK(gp->lockedm == gp->m && gp->m->lockedg == gp);
    trine_unlock_os_thread();
    CHECK(gp->lockedm == gp->m && gp->m->lockedg == gp);
    trine_unlock_os_thread();
    CHECK(gp->lockedm == NULL && gp->m->lockedg == NULL);
    trine_unlock_os_thread();
    CHECK(gp->lockedm == NULL && gp->m->lockedg == NULL);
}
static void LockOSThreadNesting(void **state) { (void)state; run_children(lock_nests); }

static atomic_int locked_tid;
static void end_while_locked(void *arg)
{
    (void)arg;
    trine_lock_os_thread();
    atomic_store(&locked_tid, rt_gettid());
}
/* A goroutine that ends while locked takes its thread along; main's own thread is another one or was replaced. */
static void thread_ends(void *arg)
{
    (void)arg;
    go(end_while_locked, NULL);
    while (atomic_load(&locked_tid) == 0) trine_sleep(100000);
    int tries = 0;
    while (rt_tgkill(atomic_load(&locked_tid), 0) == 0 && tries++ < 5000) trine_sleep(1000000);
    CHECK(rt_tgkill(atomic_load(&locked_tid), 0) == -ESRCH);
    CHECK(rt_gettid() != atomic_load(&locked_tid));
}
static void LockOSThreadExit(void **state) { (void)state; run_children(thread_ends); }

/* ---- nobody starves ---- */
static atomic_int laps;
enum { LAPS = 1000 }; /* some twenty a preemption: until the 61st tick brings the pair back */
static void yield_and_count(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        atomic_fetch_add(&laps, 1);
        trine_yield();
    }
    trine_wg_done(&all);
}
static void ping(void *arg)
{
    trine_chan **c = arg;
    while (atomic_load(&laps) < LAPS) {
        send_int(c[0], 1);
        recv_int(c[1]);
    }
    trine_chan_close(c[0]);
}
static void pong(void *arg)
{
    trine_chan **c = arg;
    int x;
    while (trine_chan_recv(c[0], &x)) send_int(c[1], x);
    atomic_store(&stop, true);
    trine_wg_done(&all);
}
/* On one P a pair hands runnext to and fro without end; each inherits the other's slice, so the slice runs out, and
 * the third one, in the ring, gets its turn: again and again, else this never ends. (With a slice as short as the kernel's own,
 * a busy machine that stops the thread for so long would seem to end one.) */
static void ping_pong_hog(void *arg)
{
    trine_chan *c[2] = {make_chan(sizeof(int), 0), make_chan(sizeof(int), 0)};
    (void)arg;
    trine_wg_add(&all, 2);
    go(pong, c);
    go(ping, c);
    trine_yield();
    go(yield_and_count, NULL);
    trine_wg_wait(&all);
    CHECK(atomic_load(&laps) >= LAPS);
}
static void PingPongHog(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1, .slice_ns = RT_SLICE_NS}, ping_pong_hog, NULL);
}

enum { CROWD = 2 * RT_RUNQ_SIZE };
static atomic_int ran;
static void wait_for_the_crowd(void *arg)
{
    (void)arg;
    atomic_fetch_add(&ran, 1);
    while (atomic_load(&ran) < CROWD) trine_yield(); /* the local ring is never empty */
    trine_wg_done(&all);
}
/* More than a ring holds: some stand in the global queue, which only the 61st schedule serves. No slices. */
static void global_queue(void *arg)
{
    struct trine_stats s;
    (void)arg;
    trine_wg_add(&all, CROWD);
    for (int i = 0; i < CROWD; i++) go(wait_for_the_crowd, NULL);
    trine_wg_wait(&all);
    trine_stats(&s);
    CHECK(s.overflows >= 1 && s.global_puts >= RT_RUNQ_SIZE / 2 && s.tick61 >= RT_RUNQ_SIZE / 2);
    CHECK(s.yields <= 2 * RT_GLOBAL_TICK * s.tick61); /* each 61st, not each 61st of a few: twice, for the last round */
}
static void GlobalQueueIsNotStarved(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1, .ablate = TRINE_NO_PREEMPT}, global_queue, NULL);
}

/* ---- the number of Ps ---- */
static void resize_often(void *arg)
{
    for (int i = 0; i < 200; i++) trine_gomaxprocs(1 + i % 5);
    trine_wg_done(arg);
}
static void resize_to_three(void *arg)
{
    for (int i = 0; i < 200; i++) trine_gomaxprocs(3);
    trine_wg_done(arg);
}
static void stop_the_world(void *arg)
{
    trine_wg resizers = {0};
    (void)arg;
    trine_wg_add(&resizers, 2);
    trine_wg_add(&all, 3);
    for (int i = 0; i < 3; i++) go(yield_until_stopped, NULL);
    go(resize_often, &resizers);
    go(resize_to_three, &resizers);
    trine_wg_wait(&resizers);
    atomic_store(&stop, true);
    trine_wg_wait(&all);
}
static void StopTheWorldDeadlock(void **state) { (void)state; run_children(stop_the_world); }

static void ask_and_set_procs(void *arg)
{
    int was = (int)(intptr_t)arg;
    struct trine_stats s;
    CHECK(trine_gomaxprocs(0) == was && trine_gomaxprocs(-7) == was && trine_gomaxprocs(INT32_MIN) == was);
    CHECK(trine_gomaxprocs(3) == was && trine_gomaxprocs(3) == 3);
    trine_stats(&s);
    CHECK(s.gomaxprocs == 3);
    CHECK(trine_gomaxprocs(INT32_MAX) == 3 && trine_gomaxprocs(was) == RT_MAX_PROCS && trine_gomaxprocs(0) == was);
}
static void GomaxprocsAsksAndSets(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        run_in_child(&(trine_config){.gomaxprocs = procs}, ask_and_set_procs, (void *)(intptr_t)procs);
}

static void bump(void *arg)
{
    atomic_fetch_add(&ran, 1);
    trine_yield();
    trine_wg_done(arg);
}
static void many(void *arg)
{
    int n = (int)(intptr_t)arg;
    trine_wg wg = {0};
    trine_wg_add(&wg, n);
    for (int i = 0; i < n; i++) go(bump, &wg);
    trine_wg_wait(&wg);
    CHECK(atomic_load(&ran) == n);
}
static void BigGOMAXPROCS(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = RT_MAX_PROCS}, many, (void *)(intptr_t)5000);
}

/* ---- signals ---- */
static int signals; /* a signalfd */

static void read_signal(void *arg)
{
    struct signalfd_siginfo si;
    CHECK(trine_read(signals, &si, sizeof si) == sizeof si && si.ssi_signo == SIGTERM);
    trine_wg_done(arg);
}
static void signals_as_data(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    CHECK(trine_open_fd(signals) == 0);
    for (int i = 0; i < 20; i++) {
        trine_wg_add(&wg, 1);
        go(read_signal, &wg);
        CHECK(kill(getpid(), SIGTERM) == 0); /* to the process: any thread that lets it in would end it */
        trine_wg_wait(&wg);
    }
}
static void with_a_signalfd(void *arg)
{
    sigset_t blocked, now;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &blocked, NULL) == 0);
    signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    CHECK(signals >= 0);
    child_run_body(arg);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGTERM) && !sigismember(&now, SIGURG));
}
static void BlockedSignalsStayBlocked(void **state)
{
    (void)state;
    struct child_run r = {{.gomaxprocs = 2}, signals_as_data, NULL};
    in_child(with_a_signalfd, &r);
    assert_ended_well("with SIGTERM blocked");
}

/* ---- a signal that comes while a goroutine ends ---- */
static void ends_at_once(void *arg) { trine_wg_done(arg); }
static void set_turn(void *arg)
{
    (void)arg;
    atomic_store(&turn, 1);
}

/* Two goroutines that make and join each other share a slice, so a signal comes at the end of each: sometimes between the
 * end of one and the beginning of the next. After that the thread can still be preempted in code that calls nothing. */
static void joins_then_spins(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    atomic_store(&turn, 0);
    for (int64_t until = trine_nanotime() + rounds(400) * INT64_C(1000000); trine_nanotime() < until;) {
        for (int i = 0; i < 100; i++) {
            trine_wg_add(&wg, 1);
            go(ends_at_once, &wg);
            trine_wg_wait(&wg);
        }
    }
    go(set_turn, NULL);
    for (int64_t until = trine_nanotime() + 10000000000; !atomic_load(&turn) && trine_nanotime() < until;) at_pause();
    CHECK(atomic_load(&turn) == 1);
}
static void ASignalAtAnEndIsNotLost(void **state)
{
    (void)state;
#ifdef RT_TSAN
    print_message("SKIP: TSan defers signals: there is no asynchronous preemption\n");
    skip();
#endif
    for (int i = 0; i < 3; i++) run_in_child(&(trine_config){.gomaxprocs = 1, .slice_ns = 100000}, joins_then_spins, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GoroutineParallelism),  cmocka_unit_test(GoroutineParallelism2),
        cmocka_unit_test(YieldProgress),         cmocka_unit_test(YieldLocked),
        cmocka_unit_test(BlockLocked),           cmocka_unit_test(LockOSThreadNesting),
        cmocka_unit_test(LockOSThreadExit),      cmocka_unit_test(PingPongHog),
        cmocka_unit_test(GlobalQueueIsNotStarved), cmocka_unit_test(StopTheWorldDeadlock),
        cmocka_unit_test(GomaxprocsAsksAndSets), cmocka_unit_test(BigGOMAXPROCS),
        cmocka_unit_test(BlockedSignalsStayBlocked), cmocka_unit_test(ASignalAtAnEndIsNotLost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
