/* The pthread backend: a kernel thread a task. See backends/backend.h for the contract. */
#pragma once

#include "../threads/chan.h"
#include "../threads/sync.h"

bool be_go(void (*fn)(void *), void *arg);
int64_t be_threads_made(void);
