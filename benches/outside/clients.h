/*
 * Many long-lived clients in a process of their own: they connect from several loopback addresses (one
 * address has 28,000 ports), stay, and take part in a chat when told to: every message is sent once and comes
 * back to all.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLIENTS_MESSAGE_BYTES = 32 };

struct clients_config {
    struct sockaddr_in addr;
    int n;
    int64_t messages, gap_ns;        /* messages, and the time between two of them */
};

enum clients_phase { CLIENTS_CONNECT, CLIENTS_CHAT, CLIENTS_HANG_UP };

struct clients_shared {
    _Atomic int phase;               /* by the driver */
    _Atomic int64_t accepted;        /* by the driver: clients wait when they are far ahead of it */
    _Atomic int64_t connected, failed, received, corrupted;
    int64_t latency_ns[];            /* of each delivery, in the order received; messages x n of them */
};

struct clients {
    pid_t pid;
    struct clients_shared *shared;
};

/* 0 or -errno. Before the runtime starts. */
int clients_start(struct clients *c, const struct clients_config *config);
void clients_stop(struct clients *c);
