/*
 * A service in a process of its own, on a loopback socket: it answers each query after the time that the
 * query asks for, as a database or a remote call would. It can limit its connections (a further one is told
 * BUSY and closed, as databases do) and its rate (a token bucket: a query over it is answered LIMITED at
 * once, HTTP's 429).
 *
 * A plain epoll loop without threads: 100,000 queries may be under way. The protocol is 8 bytes each way, so
 * that a connection may carry many queries at once (answers come in the order of their due times, told apart
 * by id).
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum service_status { SERVICE_OK, SERVICE_BUSY, SERVICE_LIMITED };
#define SERVICE_CANCEL UINT32_MAX        /* as wait_us: forget the query of this id; it is not answered */

struct service_query {
    uint32_t id, wait_us;
};

struct service_reply {
    uint32_t id, status;
};

struct service_config {
    int max_connections;                 /* 0: no limit */
    double rate, burst;                  /* queries a second, and how many at once; rate 0: no limit */
};

/* Counted by the service, read by the driver. */
struct service_counts {
    _Atomic uint64_t queries, answered, limited, cancelled, refused;   /* refused: connections */
    _Atomic uint64_t connections_peak, pending, pending_peak;
};

struct service {
    pid_t pid;
    struct sockaddr_in addr;
    struct service_counts *counts;
};

/* 0 or -errno. Before the runtime starts. */
int service_start(struct service *s, const struct service_config *config);
void service_stop(struct service *s);

/* A socket that listens on 127.0.0.1, non-blocking, and its address; -errno. */
int service_listen(struct sockaddr_in *addr);
