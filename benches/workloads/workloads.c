/* The list of workloads that every C driver has. */
#include "workloads.h"

#include <stddef.h>

const struct workload *const all_workloads[] = {
    &pingpong,
    &yield,
    &spawn,
    &cpu,
    &mix,
    &block,
    &net,
    &sleepers,
    &steal,
    &memory,
    &latency,
    &hol,
    &wake,
    &fanout,
    &pipeline,
    &locality,
    &pooldead,
    &dbpool,
    &calls,
    &limiter,
    &kinds,
    &conns,
    &web,
    &fib,
    &skynet,
    &chanbuf,
    &selects,
    &mutex,
    &idle,
    &bare_switch,
    &echo,
    NULL,
};
