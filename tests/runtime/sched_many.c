/*
 * sched_many.c: many goroutines, and no wake-up lost among them: 100,000 at once, small stacks, goroutines parked
 * and readied from everywhere while Ms go to sleep.
 */
#include "child.h"
#include "proc.h"

static trine_wg all;
static atomic_int ran;

/* ---- many ---- */
#if defined(RT_TSAN)
enum { MANY = 1000 }; /* TSan has room for a few thousand fibers */
#elif defined(RT_ASAN) || defined(TRINE_CHAOS)
enum { MANY = 10000 };
#else
enum { MANY = 100000 };
#endif

struct gate { trine_chan *in, *out; };
static void pass_through(void *arg)
{
    struct gate *g = arg;
    int x;
    atomic_fetch_add(&ran, 1);
    trine_chan_recv(g->in, &x);
    trine_chan_send(g->out, &x);
}
/* All are alive and parked at once; each passes one number on. */
static void many(void *arg)
{
    struct gate g = {make_chan(sizeof(int), 0), make_chan(sizeof(int), 64)};
    trine_go_opts o = {.stack_bytes = (size_t)(uintptr_t)arg};
    int64_t sum = 0, want = 0;
    for (int i = 0; i < MANY; i++) CHECK(trine_go_with(&o, pass_through, &g) == 0);
    while (atomic_load(&ran) < MANY) trine_yield();
    CHECK(trine_num_goroutine() == MANY + 1);
    for (int i = 0, got = 0; got < MANY;) {
        int x;
        while (i < MANY && i - got < 32) {
            want += i;
            send_int(g.in, i++);
        }
        CHECK(trine_chan_recv(g.out, &x));
        sum += x;
        got++;
    }
    CHECK(sum == want);
    while (trine_num_goroutine() > 1) trine_yield();
}
static void ManyGoroutines(void **state) { (void)state; run_children(many); }
static void ManySmallStacks(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        run_in_child(&(trine_config){.gomaxprocs = procs}, many, (void *)(uintptr_t)SMALL_STACK_BYTES);
}

/* ---- park against submit ---- */
/* One sends into a world that just went idle, again and again: every step readies one while others look for work. The
 * hand goes round a ring of goroutines in a channel each, so every step readies one while its own M looks for work. */
enum { RING = 5 };
static trine_chan *ring[RING];
static int steps;
static void pass_on(void *arg)
{
    int me = (int)(intptr_t)arg, x;
    while (trine_chan_recv(ring[me], &x)) {
        if (x == 0) {
            trine_wg_done(&all);
            continue;
        }
        if (x % 7 == 0) trine_yield();
        if (x % 31 == 0)
            for (int i = 0; i < 200; i++) at_pause(); /* long enough for others to stop spinning */
        send_int(ring[(me + 1) % RING], x - 1);
    }
    trine_wg_done(&all);
}
static void park_submit(void *arg)
{
    (void)arg;
    for (int i = 0; i < RING; i++) ring[i] = make_chan(sizeof(int), 1);
    trine_wg_add(&all, 1);
    for (intptr_t i = 0; i < RING; i++) go(pass_on, (void *)i);
    send_int(ring[0], steps);
    trine_wg_wait(&all); /* the hand has come to 0 */
    trine_wg_add(&all, RING);
    for (int i = 0; i < RING; i++) trine_chan_close(ring[i]);
    trine_wg_wait(&all);
}
static void ParkAgainstSubmit(void **state)
{
    static const unsigned ablations[] = {0, TRINE_EAGER_WAKE, TRINE_NO_RUNNEXT, TRINE_GLOBAL_ONLY, TRINE_NO_SPIN};
    (void)state;
    steps = rounds(100000);
    for (size_t i = 0; i < sizeof ablations / sizeof *ablations; i++)
        run_in_child(&(trine_config){.gomaxprocs = 4, .ablate = ablations[i]}, park_submit, NULL);
}

/* The same from outside of the Ps: goroutines that come back from blocking calls into an idle world. */
static void call_and_count(void *arg)
{
    for (int i = 0; i < 300; i++) {
        trine_syscall_enter();
        if (i % 3 == 0) usleep(50);
        trine_syscall_exit();
        if (i % 5 == 0) trine_yield();
    }
    trine_wg_done(arg);
}
static void return_from_calls(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 8);
    for (int i = 0; i < 8; i++) go(call_and_count, &all);
    trine_wg_wait(&all);
    struct trine_stats s;
    trine_stats(&s);
    CHECK(s.syscalls >= 8 * 300);
}
static void ReturnsFromBlockingCalls(void **state) { (void)state; run_children(return_from_calls); }

/* A P is taken from a blocking call while others have work: else the spinner would never be joined. */
static atomic_int met, in_call;
static void block_for_the_other(void *arg)
{
    (void)arg;
    trine_syscall_enter();
    atomic_store(&in_call, 1);
    while (!atomic_load(&met)) usleep(100);
    trine_syscall_exit();
    trine_wg_done(&all);
}
static void let_go(void *arg)
{
    (void)arg;
    while (!atomic_load(&in_call)) trine_yield(); /* seen only by one who runs while the other is in its call */
    atomic_store(&met, 1);
}
static void hand_off(void *arg)
{
    struct trine_stats s;
    (void)arg;
    trine_wg_add(&all, 1);
    go(let_go, NULL);
    go(block_for_the_other, NULL);
    trine_wg_wait(&all);
    trine_stats(&s);
    CHECK(s.handoffs >= 1);
}
static void SyscallHandsOff(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, hand_off, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ManyGoroutines),     cmocka_unit_test(ManySmallStacks),
        cmocka_unit_test(ParkAgainstSubmit),  cmocka_unit_test(ReturnsFromBlockingCalls),
        cmocka_unit_test(SyscallHandsOff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
