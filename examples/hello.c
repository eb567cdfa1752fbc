/* hello.c: starts goroutines and waits for all of them. The order in which they speak is the scheduler's. */
#include <trine.h>

#include <stdio.h>

enum { NGREETERS = 3 };

struct greeter {
    int number;
    trine_wg *all;
};

static void greet(void *arg)
{
    struct greeter *self = arg;
    printf("hello from goroutine %d\n", self->number);
    trine_wg_done(self->all);
}

static void start(void *arg)
{
    trine_wg all = {0};
    struct greeter greeters[NGREETERS]; /* outlives them: start returns after the last is done */
    (void)arg;
    for (int i = 0; i < NGREETERS; i++) {
        greeters[i] = (struct greeter){.number = i, .all = &all};
        trine_wg_add(&all, 1);
        if (trine_go(greet, &greeters[i]) != 0) trine_wg_done(&all);
    }
    trine_wg_wait(&all);
}

int main(void) { return trine_run(NULL, start, NULL) == 0 ? 0 : 1; }
