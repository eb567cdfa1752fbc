/*
 * chaos_seed.c: in every test program of the chaos build: says by which seed it can be had again. The seed decides every yield
 * of the runtime's and all that its schedulers draw: the same seed, the same choices of each thread.
 */
#ifdef TRINE_CHAOS
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void say_chaos_seed(void)
{
    const char *seed = getenv("TRINE_CHAOS_SEED");
    fprintf(stderr, "chaos seed: TRINE_CHAOS_SEED=%s\n", seed ? seed : "1");
}
#else
typedef int no_chaos; /* a translation unit is not empty */
#endif
