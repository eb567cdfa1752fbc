/*
 * What both thread backends do once, before their first task: CPUs, spinning, allocator, timer slack, and the
 * attributes (stack size, CPU) of the threads that they make.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "backend.h"

struct json_t;

/* Reads rt.stack_bytes and rt.spin_ns; 0 or -errno. */
int threads_setup(const struct be_config *cfg);

/* Starts a detached thread, bound to the next CPU of the list in turn; 0 or an errno value. */
int threads_start(void *(*fn)(void *), void *arg);

int64_t threads_made(void);

struct json_t *threads_baseline(const struct be_config *cfg);
