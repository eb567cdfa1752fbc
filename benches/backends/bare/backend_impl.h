/*
 * The machine's limits as a backend: for two workloads the least that a program written for that one purpose can do,
 * a context swap inlined into its loop and an echo server that is one epoll loop. It has no tasks of its own, so all
 * other workloads are refused; what carries the rest are plain threads.
 */
#pragma once

#include "../pthread/backend_impl.h"

#define BE_HAS_SWITCH
bool be_switch_trips(uint64_t n);

#define BE_HAS_ECHO
bool be_echo_serve(int listener, int64_t connections, size_t bytes);
