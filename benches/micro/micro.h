/* The groups of micro-benchmarks; each registers its own. */
#pragma once

#include "gbench_shim.h"

void micro_limits_register(void);
void micro_cache_register(void);
void micro_switch_register(void);
void micro_runtime_register(void);
