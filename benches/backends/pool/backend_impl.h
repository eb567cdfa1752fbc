/* The pool backend: a bounded number of kernel threads take tasks from one queue. See backends/backend.h. */
#pragma once

#include "../threads/chan.h"
#include "../threads/sync.h"

bool be_go(void (*fn)(void *), void *arg);
int64_t be_threads_made(void);
