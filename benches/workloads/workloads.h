/* Every workload, one a file. */
#pragma once

#include "point.h"

extern const struct workload *const all_workloads[];

extern const struct workload pingpong;
extern const struct workload yield;
extern const struct workload spawn;
extern const struct workload cpu;
extern const struct workload mix;
extern const struct workload block;
extern const struct workload net;
extern const struct workload sleepers;
extern const struct workload steal;
extern const struct workload memory;
extern const struct workload latency;
extern const struct workload hol;
extern const struct workload wake;
extern const struct workload fanout;
extern const struct workload pipeline;
extern const struct workload locality;
extern const struct workload pooldead;
extern const struct workload dbpool;
extern const struct workload calls;
extern const struct workload limiter;
extern const struct workload kinds;
extern const struct workload conns;
extern const struct workload web;
extern const struct workload fib;
extern const struct workload skynet;
extern const struct workload chanbuf;
extern const struct workload selects;
extern const struct workload mutex;
extern const struct workload idle;
extern const struct workload bare_switch;
extern const struct workload echo;
extern const struct workload waiters;
extern const struct workload queue;
extern const struct workload requeue;
extern const struct workload progress;
extern const struct workload matrix;
extern const struct workload limit;
extern const struct workload placement;
