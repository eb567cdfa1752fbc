/*
 * timeout.c: waiting for several things at once: an answer, a stop signal from a timer, and a deadline.
 *
 * A slow goroutine answers every 20 ms; each wait gives it 50 ms; after 200 ms a timer closes the stop
 * channel.
 */
#include <trine.h>

#include <stdio.h>

enum { MS = 1000 * 1000, ANSWER_EVERY_NS = 20 * MS, PATIENCE_NS = 50 * MS, STOP_AFTER_NS = 200 * MS };

struct scene {
    trine_chan *answers, *stop;
};

static void answer(void *arg)
{
    struct scene *s = arg;
    for (int n = 1;; n++) {
        trine_sleep(ANSWER_EVERY_NS);
        trine_case cases[] = {{.chan = s->answers, .op = TRINE_SEND, .elem = &n},
                              {.chan = s->stop, .op = TRINE_RECV}};
        if (trine_select(cases, 2) == 1) return; /* the stop channel was closed: it is always ready */
    }
}

static void stop(void *arg)
{
    trine_chan_close(arg); /* wakes everyone who waits on it, however many */
}

static void start(void *arg)
{
    struct scene *s = arg;
    trine_timer timer = {0};
    int n, answers = 0, late = 0;
    if (trine_go(answer, s) != 0 || trine_timer_start(&timer, STOP_AFTER_NS, stop, s->stop) != 0) return;
    for (bool running = true; running;) {
        trine_case cases[] = {{.chan = s->answers, .op = TRINE_RECV, .elem = &n},
                              {.chan = s->stop, .op = TRINE_RECV}};
        switch (trine_select_until(cases, 2, trine_nanotime() + PATIENCE_NS)) {
        case 0: answers++; break;
        case 1: running = false; break;
        default: late++; break;
        }
    }
    trine_timer_stop(&timer);
    printf("stopped by the timer after %s answers, %d waits in vain\n", answers > 0 ? "some" : "no", late);
}

int main(void)
{
    struct scene s = {trine_chan_make(sizeof(int), 0), trine_chan_make(0, 0)};
    if (s.answers == NULL || s.stop == NULL || trine_run(NULL, start, &s) != 0) return 1;
    trine_chan_free(s.answers);
    trine_chan_free(s.stop);
    return 0;
}
