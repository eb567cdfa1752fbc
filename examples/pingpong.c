/*
 * pingpong.c: two goroutines hand a counter to and fro over two unbuffered channels.
 *
 *   pingpong [ROUNDS]
 *
 * Each round is two hand-overs, each of which parks one goroutine and readies the other: most of what a
 * scheduler does. For a figure to trust use the suite (trine run): this program has no warm-up, no
 * repetitions and one clock pair.
 */
#include <trine.h>

#include <stdio.h>
#include <stdlib.h>

struct table {
    trine_chan *ping, *pong;
    long rounds;
};

static void ponger(void *arg)
{
    struct table *t = arg;
    long n;
    while (trine_chan_recv(t->ping, &n)) {
        n++;
        trine_chan_send(t->pong, &n);
    }
}

static void start(void *arg)
{
    struct table *t = arg;
    long n = 0;
    if (trine_go(ponger, t) != 0) return;
    int64_t began_ns = trine_nanotime();
    for (long i = 0; i < t->rounds; i++) {
        trine_chan_send(t->ping, &n);
        trine_chan_recv(t->pong, &n);
    }
    int64_t took_ns = trine_nanotime() - began_ns;
    trine_chan_close(t->ping);
    printf("%ld rounds, the counter is %ld, %.0f ns a round\n", t->rounds, n,
           (double)took_ns / (double)t->rounds);
}

int main(int argc, char **argv)
{
    struct table t = {.rounds = argc > 1 ? atol(argv[1]) : 100000};
    if (t.rounds < 1) {
        fprintf(stderr, "pingpong: ROUNDS is '%s': expected a number of 1 or more\n", argv[1]);
        return 2;
    }
    t.ping = trine_chan_make(sizeof(long), 0);
    t.pong = trine_chan_make(sizeof(long), 0);
    if (t.ping == NULL || t.pong == NULL || trine_run(NULL, start, &t) != 0) return 1;
    trine_chan_free(t.ping);
    trine_chan_free(t.pong);
    return 0;
}
