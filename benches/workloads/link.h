/*
 * A task's own connection to a service (outside/service.h): one query at a time.
 * Through the poller, or blocking its kernel thread as most database drivers in C do.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "service.h"

/* A connected descriptor, or -errno. */
int link_open(const struct sockaddr_in *addr, bool blocking);
void link_close(int fd, bool blocking);

/* A service_status, or -errno; a connection that the service closed is -ECONNRESET. */
int link_query(int fd, bool blocking, uint32_t wait_us);
