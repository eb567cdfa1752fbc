/* program.c: goroutines in known places, for test_gdb.py: stops in gdb_here, with a chain of named frames on each
 * stack. With an argument it leaves a core there. */
#include "trine.h"

#include <stdio.h>
#include <stdlib.h>

void gdb_here(int x);

static trine_chan *never, *ready;
static volatile int depth_wanted = 3;
static volatile int want_core;

__attribute__((noinline)) static int parked_deep(int depth)
{
    if (depth == depth_wanted) {
        trine_chan_send(ready, NULL);
        trine_chan_recv(never, NULL);
    } else {
        parked_deep(depth + 1);
    }
    return depth_wanted; /* after the call: no tail call */
}

static void parked(void *arg)
{
    volatile int known_value = *(int *)arg;
    parked_deep(1);
    printf("%d\n", known_value);
}

__attribute__((noinline)) void gdb_here(int x)
{
    __asm__ volatile("" : : "r"(x) : "memory");
    if (want_core) abort();
}

static void sleeper(void *arg)
{
    (void)arg;
    trine_sleep(3600ll * 1000000000);
}

static void main_goroutine(void *arg)
{
    static int known = 4711;
    (void)arg;
    never = trine_chan_make(0, 0);
    ready = trine_chan_make(0, 0);
    trine_go_with(&(trine_go_opts){.name = "the parked one"}, parked, &known);
    trine_go_with(&(trine_go_opts){.name = "small", .stack_bytes = 4096}, sleeper, NULL);
    trine_chan_recv(ready, NULL);
    trine_sleep(20000000);
    gdb_here(1);
}

int main(int argc, char **argv)
{
    (void)argv;
    want_core = argc > 1;
    return trine_run(&(trine_config){.gomaxprocs = 2}, main_goroutine, NULL) == 0 ? 0 : 1;
}
