/*
 * sched_wake.c: wake-ups for a lone runnext, which are thinned while they prove useless (sched_switch.h): how often an M
 * looks for work at two goroutines that hand each other the turn.
 */
#include "goroutines.h"

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

/* Each ready puts the receiver into runnext, where an M that was woken in vain finds it at every second look. */
static void many_readies(void *arg)
{
    (void)arg;
    trine_chan *c[2] = {make_chan(0, 128), make_chan(0, 0)};
    go(receive_all, c);
    send_many(c[0], 1000000);
    struct trine_stats before = stats();
    send_many(c[0], rounds(8000000));
    struct trine_stats after = stats();
    uint64_t wakes = after.wakes - before.wakes, spins = after.spins - before.spins;
    if (spins * 50 >= wakes) fprintf(stderr, "%d searches, %d readies\n", (int)spins, (int)wakes);
    CHECK(spins * 50 < wakes); /* one in 2,000 seen; one in 11 where a lone runnext is a reason to search again */
    end(c);
}

static void SearchesInVainAreFew(void **state)
{
    (void)state;
#ifdef TRINE_CHAOS
    print_message("SKIP: the chaos build passes over runnext, so what stands there goes to the ring\n");
    skip();
#endif
#ifdef RT_TSAN
    print_message("SKIP: under TSan the sender takes so long over a buffer that a thief of runnext is right\n");
    skip();
#endif
    run_at(2, many_readies, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(SearchesInVainAreFew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
