/*
 * An HTTP/1.1 load generator in a process of its own, open loop: requests have their times beforehand
 * (Poisson at a rate, or all at once), and each latency counts from the intended time, so a server that
 * stalls pays for those it kept waiting.
 *
 * Requests go over kept-alive connections, one at a time on each; one that finds none idle waits here, and
 * that wait counts too. What was not answered by the end has status 0. The generator's own lateness is kept apart: from
 * when a request is due and a connection known to be idle to when it is sent. An answer that it reads late is in the latency
 * alone.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct load_config {
    struct sockaddr_in addr;
    int connections;
    int64_t requests;
    double rate;                     /* requests a second; 0: all at once */
    uint64_t seed;
    int64_t patience_ns;             /* most time without an answer, after which the rest is given up */
};

struct load_result {
    int64_t latency_ns;              /* from the intended time */
    int64_t lag_ns;                  /* of that, what the generator itself was late; kept of every request that was sent */
    int32_t status;                  /* of HTTP; 0: no answer */
};

struct load_shared {
    _Atomic int go;                  /* by the driver, when the server is ready for requests */
    _Atomic int64_t accepted;        /* by the driver */
    _Atomic int64_t connected;       /* and, as the last of its kind, failed connections too */
    _Atomic int done;
    int64_t sent;                    /* requests; the first so many have a lag */
    struct load_result results[];
};

struct load {
    pid_t pid;
    struct load_shared *shared;
};

/* 0 or -errno. Before the runtime starts. */
int load_start(struct load *l, const struct load_config *config);
void load_stop(struct load *l);
