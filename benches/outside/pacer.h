/*
 * The clock of an open loop, in a process of its own: it rings (one byte into a pipe) at times that were computed
 * beforehand, whatever the driver is doing, and notes how late each ring was. A generator within the measured runtime
 * would be late whenever that is, and hide from the latency what it should show.
 *
 * Where a CPU is left over it spins up to each ring, else it sleeps, at the lowest real-time priority if it may have one.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pacer_ring {
    int64_t intended_ns, lag_ns;    /* from the start; lag: set by the pacer */
};

struct pacer_shared {
    _Atomic uint64_t asked, done;   /* series of rings: by the driver; by the pacer */
    int64_t start_ns;               /* on CLOCK_MONOTONIC */
    uint64_t n;
    struct pacer_ring rings[];
};

struct pacer {
    pid_t pid;
    int bell;                       /* the driver's end of the pipe */
    uint64_t room;                  /* rings in a series */
    struct pacer_shared *shared;
};

/* 0 or -errno. Before the runtime starts. spin: a CPU is left over. */
int pacer_start(struct pacer *p, uint64_t room, bool spin);
/* Rings the n of shared->rings, the first after start_ns. */
void pacer_ring(struct pacer *p, uint64_t n, int64_t start_ns);
/* In a process of its own: rings them all on `bell`. False: nobody listens. */
bool pacer_play(struct pacer_shared *s, int bell, bool spin);
/* All lags are there; waits for them (the last ring has been read already: microseconds). */
void pacer_finish(struct pacer *p);
void pacer_stop(struct pacer *p);
