/*
 * net: what do many connections over loopback cost?
 *
 * Method       --tasks connections, each with a server task that echoes and a client task. Closed loop: a client
 *              sends `bytes`, reads them back, and goes on. Open loop (rate above 0): requests of all connections
 *              together arrive as a Poisson stream of `rate` a second, each connection with its own share, and the
 *              latency counts from the intended time.
 * Unit         requests a second. Histogram: latency of each request.
 * Expectation  70,000 to 120,000 a second on one P through a poller, 13 us of CPU each; a bare epoll loop needs 8.3.
 * Falsified by requests that the netpoller's counts do not show.
 * Known lies   Client and server share the process and its processors, so half of the cost is the client's. Loopback
 *              has no loss and no wire.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "fds.h"
#include "random.h"
#include "workloads.h"

static const struct param net_params[] = {
    {"bytes", PARAM_INT, 1, 4096, "64", NULL, "of a request and of its answer"},
    {"rate", PARAM_REAL, 0, 10000000, "0", NULL, "open loop: requests a second in all; 0: closed loop"},
    {0},
};

struct connection {
    struct net *all;
    int client, server;
    struct rng rng;
    int64_t *latency_ns;
    uint64_t done;
} __attribute__((aligned(64)));

struct net {
    struct point *pt;
    struct be_wg clients, servers;
    struct connection *connections;
    int64_t *latency_ns;
    struct hist *hist;
    uint64_t n, rounds, room;
    size_t bytes;
    double gap_ns;               /* mean, of one connection; 0: closed loop */
};

static bool read_whole(int fd, char *buf, size_t bytes) {
    for (size_t at = 0; at < bytes;) {
        ssize_t got = be_net_read(fd, buf + at, bytes - at);
        if (got <= 0) return false;
        at += (size_t)got;
    }
    return true;
}

static void server_task(void *arg) {
    struct connection *c = arg;
    char buf[4096];
    ssize_t got;
    while ((got = be_net_read(c->server, buf, c->all->bytes)) > 0)
        if (be_net_write(c->server, buf, (size_t)got) != got) break;
    be_wg_done(&c->all->servers);
}

static void client_task(void *arg) {
    struct connection *c = arg;
    struct net *w = c->all;
    char buf[4096] = {0};
    double next = (double)point_now();
    for (uint64_t i = 0; i < w->rounds; i++) {
        int64_t start = point_now();
        if (w->gap_ns > 0) {
            next += rng_exponential(&c->rng, w->gap_ns);
            if ((int64_t)next > start) be_sleep((int64_t)next - start);
            start = (int64_t)next;
        }
        if (be_net_write(c->client, buf, w->bytes) != (ssize_t)w->bytes) break;
        if (!read_whole(c->client, buf, w->bytes)) break;
        c->latency_ns[i] = point_now() - start;
        c->done++;
    }
    be_wg_done(&w->clients);
}

static double net_batch(void *state, uint64_t n) {
    struct net *w = state;
    if (n > w->room) {
        free(w->latency_ns);
        w->latency_ns = point_alloc(w->pt, w->n * n, sizeof *w->latency_ns);
        w->room = w->latency_ns ? n : 0;
        if (!w->room) return 0;
    }
    w->rounds = n;
    for (uint64_t i = 0; i < w->n; i++) w->connections[i].latency_ns = w->latency_ns + i * n;
    int64_t start = point_now();
    crowd_go(w->pt, &w->clients, client_task, w->connections, sizeof *w->connections, w->n);
    be_wg_wait(&w->clients);
    int64_t elapsed_ns = point_now() - start;
    if (w->pt->status == POINT_OK) crowd_record(w->hist, w->latency_ns, w->n * n);
    return (double)(w->n * n) * 1e9 / (double)elapsed_ns;
}

static int64_t net_counted(const void *state) {
    const struct net *w = state;
    int64_t all = 0;
    for (uint64_t i = 0; i < w->n; i++) all += (int64_t)w->connections[i].done;
    return all;
}

static int listen_on_loopback(struct sockaddr_in *addr) {
    socklen_t length = sizeof *addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)addr, length) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)addr, &length) < 0 || be_net_open(fd) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A connection is made and accepted in turn by the main task: the backlog completes it in between. */
static bool open_connection(struct connection *c, int listener, const struct sockaddr_in *addr) {
    int one = 1;
    c->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->client < 0 || be_net_open(c->client) < 0) return false;
    if (be_net_connect(c->client, (const struct sockaddr *)addr, sizeof *addr) < 0) return false;
    c->server = be_net_accept(listener);
    if (c->server < 0) return false;
    setsockopt(c->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return true;
}

static void net_open(struct net *w) {
    struct sockaddr_in addr;
    struct rng rng = {w->pt->config.seed};
    for (uint64_t i = 0; i < w->n; i++)
        w->connections[i] = (struct connection){.all = w, .client = -1, .server = -1, .rng = {rng_next(&rng)}};
    if (!fds_need(w->pt, 2 * w->n + 1)) return;
    int listener = listen_on_loopback(&addr);
    if (listener < 0) {
        point_fail(w->pt, "no socket could listen on 127.0.0.1");
        return;
    }
    for (uint64_t i = 0; i < w->n; i++) {
        if (open_connection(&w->connections[i], listener, &addr)) continue;
        point_fail(w->pt, "connection %llu over loopback failed", (unsigned long long)i);
        break;
    }
    be_net_close(listener);
}

/* Clients first: their servers then read the end of the stream and leave. */
static void net_close(struct net *w) {
    for (uint64_t i = 0; i < w->n; i++)
        if (w->connections[i].client >= 0) be_net_close(w->connections[i].client);
    be_wg_wait(&w->servers);
    for (uint64_t i = 0; i < w->n; i++)
        if (w->connections[i].server >= 0) be_net_close(w->connections[i].server);
    free(w->connections);
    free(w->latency_ns);
}

static int64_t net_parked(const struct point *pt) {
    return 2 * pt->tasks;
}

static void net_run(struct point *pt) {
    double rate = point_real(pt, "rate");
    struct net w = {.pt = pt, .n = (uint64_t)pt->tasks, .bytes = (size_t)point_int(pt, "bytes"),
                    .hist = point_histogram(pt, "latency", "ns")};
    w.gap_ns = rate > 0 ? 1e9 * (double)w.n / rate : 0;
    w.connections = aligned_alloc(64, w.n * sizeof *w.connections);
    if (!w.connections) {
        point_fail(pt, "no memory for %llu connections", (unsigned long long)w.n);
        return;
    }
    net_open(&w);
    if (pt->status == POINT_OK)
        crowd_go(pt, &w.servers, server_task, w.connections, sizeof *w.connections, w.n);
    if (pt->status == POINT_OK) {
        struct batch_plan plan = {net_batch, &w, 10, false, w.n, net_counted};
        point_measure(pt, &plan);
        point_quote_percentiles(pt, "latency", w.hist);
    }
    net_close(&w);
}

const struct workload net = {
    .name = "net",
    .doc = "echo over loopback connections: requests a second and latency",
    .metric = "throughput", .unit = "1/s", .better = "higher",
    .tasks = 16, .tasks_min = 1, .tasks_max = 20000,
    .params = net_params,
    .parked = net_parked,
    .run = net_run,
};
