/*
 * sched_wake.c: who is woken in vain. For a lone runnext, of which wake-ups are thinned while they prove useless
 * (sched_switch.h): how often an M looks for work at two goroutines that hand each other the turn. For a sleeper: whoever
 * parks it waits for its timer, and comes back to it with the P that has it.
 */
#include "goroutines.h"
#include "m.h"

#include <stdatomic.h>

/* Receives all of the first channel; the second says that it ends. */
static void receive_all(void *arg)
{
    trine_chan **c = arg;
    while (trine_chan_recv(c[0], NULL)) {}
    trine_chan_close(c[1]);
}

static void end(trine_chan **c)
{
    trine_chan_close(c[0]);
    trine_chan_recv(c[1], NULL);
    for (int i = 0; i < 2; i++) trine_chan_free(c[i]);
}

static void send_many(trine_chan *c, int n)
{
    for (int i = 0; i < n; i++) trine_chan_send(c, NULL);
}

static struct trine_stats stats(void)
{
    struct trine_stats s;
    trine_stats(&s);
    return s;
}

/* Each ready puts the receiver into runnext, where an M that was woken in vain finds it at every second look. It searches once
 * for each time that it is woken, also where a loaded machine lets a runnext stay and the search is not in vain. */
static void many_readies(void *arg)
{
    (void)arg;
    trine_chan *c[2] = {make_chan(0, 128), make_chan(0, 0)};
    go(receive_all, c);
    send_many(c[0], 1000000);
    struct trine_stats before = stats();
    send_many(c[0], rounds(8000000));
    struct trine_stats after = stats();
    uint64_t woken = after.mwakes - before.mwakes, spins = after.spins - before.spins;
    if (spins > 2 * woken + 200) fprintf(stderr, "%d searches, woken %d times\n", (int)spins, (int)woken);
    CHECK(spins <= 2 * woken + 200); /* 3 to 245 times as many seen where a lone runnext is a reason to search again */
    end(c);
}

static void SearchesInVainAreFew(void **state)
{
    (void)state;
    run_at(2, many_readies, NULL);
}

/* Rounds of a sleeper, and how often one of them may wake somebody. Where each does, it is once a round and more. */
enum { ROUNDS = 100, FEW = 20 };

static void sleep_alone(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS / 5; i++) trine_sleep(1000000);
    uint64_t before = stats().mwakes;
    for (int i = 0; i < ROUNDS; i++) trine_sleep(1000000);
    uint64_t woken = stats().mwakes - before;
    if (woken > FEW) fprintf(stderr, "woken %d times\n", (int)woken);
    CHECK(woken <= FEW);
}

static void ALoneSleeperWakesNobody(void **state)
{
    (void)state;
    run_at(2, sleep_alone, NULL);
}

static void select_alone(void *arg)
{
    (void)arg;
    trine_chan *c = make_chan(0, 0);
    trine_case never = {.chan = c, .op = TRINE_RECV};
    uint64_t before = stats().mwakes;
    for (int i = 0; i < ROUNDS; i++) trine_select_until(&never, 1, trine_nanotime() + 1000000);
    uint64_t woken = stats().mwakes - before;
    if (woken > FEW) fprintf(stderr, "woken %d times\n", (int)woken);
    CHECK(woken <= FEW);
    trine_chan_free(c);
}

static void ALoneSelectWithADeadlineWakesNobody(void **state)
{
    (void)state;
    run_at(2, select_alone, NULL);
}

static void compute_for(int64_t ns)
{
    for (int64_t until = trine_nanotime() + ns; trine_nanotime() < until;) {}
}

static _Atomic int computing;
static void compute(void *arg)
{
    (void)arg;
    atomic_store(&computing, 1);
    compute_for(3000000);
}

/* The hog is a lone runnext of which nobody was told, and its thread goes straight on with it. */
static _Atomic uint64_t at_the_hog;
static void hog(void *arg)
{
    (void)arg;
    atomic_store(&at_the_hog, stats().mwakes);
    compute_for(500000);
}

static void sleep_before_a_hog(void *arg)
{
    int woken = 0;
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        compute_for(500000); /* whoever was woken has gone to sleep */
        at32_store_rlx(&rt_sched.wake_skip, RT_WAKE_SKIP_MAX);
        uint64_t before = stats().mwakes;
        go(hog, NULL);
        trine_sleep(1000000);
        woken += atomic_load(&at_the_hog) > before;
    }
    if (woken < FEW) fprintf(stderr, "one was woken %d times\n", woken);
    CHECK(woken >= FEW); /* the others found an M in the poller: 75 of 100 seen on a loaded machine, 99 on another */
}

static void ASleeperBeforeAHogWakesOne(void **state)
{
    (void)state;
    run_at(2, sleep_before_a_hog, NULL);
}

__attribute__((noinline)) static int own_p(void) { return rt_getm()->p->id; }

/* The other P is given up after the sleeper's own, so it is the one that comes to hand first. */
static void sleep_beside_one(void *arg)
{
    int stayed = 0;
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        compute_for(500000); /* whoever was woken in vain has gone to sleep */
        atomic_store(&computing, 0);
        go(compute, NULL);
        while (!atomic_load(&computing)) {}
        int before = own_p();
        trine_sleep(6000000);
        stayed += own_p() == before;
    }
    if (stayed < ROUNDS - FEW) fprintf(stderr, "on its own P %d times\n", stayed);
    CHECK(stayed >= ROUNDS - FEW);
}

static void ASleeperIsWokenOnItsOwnP(void **state)
{
    (void)state;
    run_at(2, sleep_beside_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SearchesInVainAreFew),
        cmocka_unit_test(ALoneSleeperWakesNobody),
        cmocka_unit_test(ALoneSelectWithADeadlineWakesNobody),
        cmocka_unit_test(ASleeperBeforeAHogWakesOne),
        cmocka_unit_test(ASleeperIsWokenOnItsOwnP),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
