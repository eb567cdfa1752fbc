/*
 * The load generator that others use, beside our own: the program `wrk` on a server's port, and what it prints.
 *
 * wrk is closed-loop: a connection sends its next request when it has the answer to its last. A server that stalls is asked
 * less for as long as it does, and the wait of those who would have come meanwhile is in no figure (coordinated omission).
 * So its latencies are those of a load that gives way, and load.h stays the first.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct wrk_config {
    struct sockaddr_in addr;
    int threads, connections, seconds;
};

/* As wrk says it: three digits of each latency. */
struct wrk_report {
    int64_t requests;                                  /* answered */
    double rate;                                       /* of these a second */
    double mean_ns, max_ns, p50_ns, p75_ns, p90_ns, p99_ns;
    int64_t connect_errors, read_errors, write_errors, timeouts, refused;   /* refused: answers of neither 2xx nor 3xx */
};

struct wrk_shared {
    _Atomic int go;                                    /* by the driver, when the server accepts */
    _Atomic int done;                                  /* then either of the two below holds */
    char failure[200];                                 /* one line; "": none */
    struct wrk_report report;
};

struct wrk {
    pid_t pid;
    struct wrk_shared *shared;
};

/* Whether there is such a program on PATH. */
bool wrk_installed(void);

/* NULL, or what is missing in the text. */
const char *wrk_parse(const char *text, struct wrk_report *r);

/* 0 or -errno. Before the runtime starts; wrk itself is started by `go`, runs for config->seconds, and is killed when it does
 * not end soon after. */
int wrk_start(struct wrk *w, const struct wrk_config *config);
void wrk_stop(struct wrk *w);
