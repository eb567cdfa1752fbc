/* Every workload, one a file. */
#pragma once

#include "point.h"

extern const struct workload *const all_workloads[];

extern const struct workload pingpong;
