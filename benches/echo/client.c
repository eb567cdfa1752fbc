/*
 * trine-echo-client: the load of workload echo, the same program for every backend: one process, one epoll loop.
 *
 *   trine-echo-client PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID [AVOID_CPUS]
 *
 * A closed loop on each of CONNECTIONS: a request of BYTES, its answer, the next request. After the warm-up it measures
 * for MEASURE_MS: answers, their latency, and the processor time of process SERVER_PID by the kernel's own clock of
 * it. Then it sends no more, waits for what is outstanding, closes all and prints one JSON object. AVOID_CPUS is the
 * comma list of CPUs that belong to the server: the client keeps off them while others are left.
 * Exit 0, or 1 with one line on stderr when a connection failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hist.h"

enum { BYTES_MAX = 4096, EVENTS = 512, DRAIN_NS = 2000000000, EPOLL_WAIT_MS = 10 };

struct connection {
    int fd;
    size_t got;                  /* bytes of the answer so far */
    int64_t sent_at;
    bool greeted, in_window;     /* greeted: it has had an answer */
};

static struct {
    struct connection *connections;
    int n, epoll, greeted, outstanding;
    size_t bytes;
    struct hist *latency;
    int64_t start_ns, end_ns;    /* of the window */
    int64_t sent, answered;      /* requests begun in the window */
    int64_t requests;            /* answers that came within it */
} load;

static void fail(const char *what) {
    fprintf(stderr, "trine-echo-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec ts;
    if (clock_gettime(clock, &ts) < 0) fail("the server's processor clock cannot be read");
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void keep_off(const char *cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (long cpu = 0; cpu < online; cpu++) CPU_SET(cpu, &set);
    for (const char *at = cpus; *at; at += strcspn(at, ","), at += *at == ',') CPU_CLR(strtol(at, NULL, 10), &set);
    if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
}

/* An address has some 28,000 ports to leave from; the others of 127/8 have as many each. */
enum { PER_ADDRESS = 20000, GIVING_UP = 100 };
static void leave_from(int fd, uint32_t nth) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth)};
    int one = 1; /* the port is chosen at connect, when the whole tuple is known */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("a socket could not take an address of its own");
}

/* The server accepts as many connections as it was told, whatever becomes of them: without the rest it would wait for ever, and
 * nobody would read why. */
static void give_up(const struct sockaddr_in *addr, int made, const char *what) {
    int why = errno;
    for (int i = 0; i <= made; i++)
        if (load.connections[i].fd >= 0) close(load.connections[i].fd);
    for (int i = made; i < load.n; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        leave_from(fd, GIVING_UP + (uint32_t)(i / PER_ADDRESS));
        if (connect(fd, (const struct sockaddr *)addr, sizeof *addr) < 0) break;
        close(fd);
    }
    errno = why;
    fail(what);
}

static void connect_all(uint16_t port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    for (int i = 0; i < load.n; i++) {
        struct connection *c = &load.connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd >= 0 && i >= PER_ADDRESS) leave_from(c->fd, (uint32_t)(i / PER_ADDRESS));
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof addr) < 0) give_up(&addr, i, "a connection failed");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0) fail("epoll refused a socket");
    }
}

static void request(struct connection *c, int64_t now) {
    static const char payload[BYTES_MAX];
    c->got = 0;
    c->sent_at = now;
    c->in_window = now >= load.start_ns && now < load.end_ns;
    load.sent += c->in_window;
    load.outstanding++;
    if (send(c->fd, payload, load.bytes, MSG_NOSIGNAL) != (ssize_t)load.bytes) fail("a request could not be sent");
}

static void answer(struct connection *c) {
    char buf[BYTES_MAX];
    ssize_t n = recv(c->fd, buf, load.bytes - c->got, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        if (n == 0) errno = ECONNRESET;
        fail("the server left");
    }
    c->got += (size_t)n;
    if (c->got < load.bytes) return;
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    load.outstanding--;
    load.greeted += !c->greeted;
    c->greeted = true;
    if (c->in_window) {
        load.answered++;
        hist_record(load.latency, (uint64_t)(now - c->sent_at));
    }
    load.requests += now >= load.start_ns && now < load.end_ns;
    if (now < load.end_ns) request(c, now);
}

/* Serves answers until the time, until none is outstanding, or until this many connections have had one. */
static void loop_until(int64_t until_ns, int greeted) {
    struct epoll_event events[EVENTS];
    for (int64_t now; load.outstanding > 0 && load.greeted < greeted && (now = clock_ns(CLOCK_MONOTONIC)) < until_ns;) {
        int n = epoll_wait(load.epoll, events, EVENTS, EPOLL_WAIT_MS);
        if (n < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < n; i++) answer(events[i].data.ptr);
    }
}

static json_t *latency_json(void) {
    const struct hist *h = load.latency;
    json_t *buckets = json_array();
    struct hist_iter it = {0};
    while (hist_next(h, &it))
        json_array_append_new(buckets, json_pack("[I, I]", (json_int_t)it.lowest, (json_int_t)it.count));
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:f, s:o}", "unit", "ns", "digits", h->digits, "count",
                     (json_int_t)h->count, "min", (json_int_t)hist_min(h), "max", (json_int_t)hist_max(h), "mean",
                     h->count ? hist_mean(h) : 0.0, "buckets", buckets);
}

int main(int argc, char **argv) {
    clockid_t server;
    if (argc < 7 || argc > 8) {
        fprintf(stderr, "usage: trine-echo-client PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID [AVOID_CPUS]\n");
        return 2;
    }
    load.n = atoi(argv[2]);
    load.bytes = (size_t)atoi(argv[3]);
    if (load.n < 1 || load.bytes < 1 || load.bytes > BYTES_MAX) return 2;
    if (argc == 8) keep_off(argv[7]);
    load.connections = calloc((size_t)load.n, sizeof *load.connections);
    load.latency = hist_new(HIST_DIGITS_DEFAULT);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.connections || !load.latency || load.epoll < 0) fail("no memory or no epoll");
    if (clock_getcpuclockid(atoi(argv[6]), &server)) fail("there is no such server process");
    connect_all((uint16_t)atoi(argv[1]));
    /* One request each until the server has answered on every connection: with more, thousands of threads that serve keep the one
     * that accepts from its CPU. The warm-up begins then. */
    load.start_ns = INT64_MAX;
    for (int i = 0; i < load.n; i++) request(&load.connections[i], clock_ns(CLOCK_MONOTONIC));
    loop_until(INT64_MAX, load.n);
    load.start_ns = clock_ns(CLOCK_MONOTONIC) + atoll(argv[4]) * 1000000;
    load.end_ns = load.start_ns + atoll(argv[5]) * 1000000;
    for (int i = 0; i < load.n; i++) request(&load.connections[i], clock_ns(CLOCK_MONOTONIC));
    loop_until(load.start_ns, INT32_MAX);
    struct rusage before, after;
    int64_t cpu_before = clock_ns(server), began = clock_ns(CLOCK_MONOTONIC);
    getrusage(RUSAGE_SELF, &before);
    loop_until(load.end_ns, INT32_MAX);
    int64_t server_cpu = clock_ns(server) - cpu_before, ended = clock_ns(CLOCK_MONOTONIC);
    getrusage(RUSAGE_SELF, &after);
    loop_until(ended + DRAIN_NS, INT32_MAX);
    for (int i = 0; i < load.n; i++) close(load.connections[i].fd);
    int64_t client_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
        INT64_C(1000000) + after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "start_ns", (json_int_t)began, "end_ns",
                          (json_int_t)ended, "sent", (json_int_t)load.sent, "answered", (json_int_t)load.answered,
                          "requests", (json_int_t)load.requests, "server_cpu_ns", (json_int_t)server_cpu,
                          "client_cpu_ns", (json_int_t)client_us * 1000, "latency", latency_json());
    int lost = json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF || fflush(stdout);
    json_decref(o);
    hist_free(load.latency);
    free(load.connections);
    return lost;
}
