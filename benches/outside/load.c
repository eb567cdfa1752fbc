/* The load generator: see load.h. One thread owns everything but the shared results. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"

enum { ANSWER_BYTES = 512, EVENTS = 256, AHEAD = 500, NAP_NS = 100000, NONE = -1 };

static const char request_text[] = "GET /order HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n";

struct wire {
    int fd;
    int64_t request;                 /* under way; NONE: idle */
    size_t have;
    char answer[ANSWER_BYTES];
};

struct generator {
    struct load_config config;
    struct load_shared *shared;
    struct wire *wires;
    int *idle, nidle, alive, epoll;
    int64_t *intended_ns;            /* from the start */
    int64_t start_ns, next, answered;
    int64_t idle_ns;                 /* since when there is an idle connection, from the start; when there is one */
};

/* splitmix64, as everywhere here; in (0, 1]. */
static double unit(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53;
}

static void plan(struct generator *g) {
    uint64_t state = g->config.seed;
    double at = 0;
    for (int64_t i = 0; i < g->config.requests; i++) {
        g->intended_ns[i] = (int64_t)at;
        if (g->config.rate > 0) at += -1e9 / g->config.rate * log(unit(&state));
    }
}

static void connect_all(struct generator *g) {
    int one = 1;
    for (int i = 0; i < g->config.connections; i++) {
        struct wire *w = &g->wires[i];
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        w->request = NONE;
        if (w->fd >= 0 && connect(w->fd, (struct sockaddr *)&g->config.addr, sizeof g->config.addr) == 0) {
            setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            epoll_ctl(g->epoll, EPOLL_CTL_ADD, w->fd, &ev);
            g->idle[g->nidle++] = i;
            g->alive++;
        }
        atomic_fetch_add(&g->shared->connected, 1);
        while (atomic_load(&g->shared->connected) - atomic_load(&g->shared->accepted) > AHEAD) child_nap_ns(NAP_NS);
    }
}

static void drop(struct generator *g, struct wire *w) {
    epoll_ctl(g->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    close(w->fd);
    w->fd = -1;
    g->alive--;
    if (w->request != NONE) g->answered++;           /* its status stays 0 */
    w->request = NONE;
}

/* Sends what is due while there are idle connections. */
static void send_due(struct generator *g) {
    int64_t now_ns;
    while (g->next < g->config.requests && g->nidle > 0 &&
           g->intended_ns[g->next] <= (now_ns = child_now_ns() - g->start_ns)) {
        struct wire *w = &g->wires[g->idle[--g->nidle]];
        if (w->fd < 0) continue;                     /* it was closed while it was idle */
        w->request = g->next++;
        w->have = 0;
        int64_t since_ns = g->idle_ns > g->intended_ns[w->request] ? g->idle_ns : g->intended_ns[w->request];
        g->shared->results[w->request].lag_ns = now_ns > since_ns ? now_ns - since_ns : 0;
        g->shared->sent = g->next;
        if (send(w->fd, request_text, sizeof request_text - 1, MSG_NOSIGNAL) < 0) drop(g, w);
    }
}

/* The status of a whole answer, 0 when more has to come, -1 when it is none of HTTP/1.1. */
static int whole_answer(const struct wire *w) {
    int status, length;
    char text[ANSWER_BYTES + 1];
    memcpy(text, w->answer, w->have);
    text[w->have] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *field = strstr(text, "Content-Length:");
    if (!end) return w->have == ANSWER_BYTES ? -1 : 0;
    if (sscanf(text, "HTTP/1.1 %d", &status) != 1 || !field || sscanf(field, "Content-Length: %d", &length) != 1)
        return -1;
    return w->have >= (size_t)(end + 4 - text) + (size_t)length ? status : 0;
}

static void receive(struct generator *g, int i) {
    struct wire *w = &g->wires[i];
    if (w->fd < 0) return;
    ssize_t got = recv(w->fd, w->answer + w->have, ANSWER_BYTES - w->have, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got > 0) w->have += (size_t)got;
    int status = got > 0 && w->request != NONE ? whole_answer(w) : -1;
    if (status == 0) return;
    if (status < 0) {
        drop(g, w);
        return;
    }
    int64_t now_ns = child_now_ns() - g->start_ns;
    struct load_result *r = &g->shared->results[w->request];
    r->latency_ns = now_ns - g->intended_ns[w->request];
    r->status = status;
    w->request = NONE;
    g->answered++;
    if (g->nidle == 0) g->idle_ns = now_ns;
    g->idle[g->nidle++] = i;
}

/* Milliseconds until the next request is due: 0 when less than one, so that the loop spins up to it. */
static int due_ms(const struct generator *g) {
    enum { MOST_MS = 10 };
    if (g->next >= g->config.requests || g->nidle == 0) return MOST_MS;
    int64_t ms = (g->intended_ns[g->next] - (child_now_ns() - g->start_ns)) / 1000000;
    return ms < 0 ? 0 : ms > MOST_MS ? MOST_MS : (int)ms;
}

static void generate(struct generator *g) {
    struct epoll_event events[EVENTS];
    int64_t last_ns = child_now_ns(), seen = 0;
    g->start_ns = last_ns;
    while (g->answered < g->config.requests && g->alive > 0) {
        send_due(g);
        int n = epoll_wait(g->epoll, events, EVENTS, due_ms(g));
        for (int i = 0; i < n; i++) receive(g, (int)events[i].data.u32);
        if (g->answered != seen) last_ns = child_now_ns();
        seen = g->answered;
        bool waits = g->answered < g->next || g->nidle == 0;
        if (waits && child_now_ns() - last_ns > g->config.patience_ns) break;
        if (!waits) last_ns = child_now_ns();
    }
}

static void generator_main(void *arg) {
    struct generator *g = arg;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    g->wires = calloc((size_t)g->config.connections, sizeof *g->wires);
    g->idle = calloc((size_t)g->config.connections, sizeof *g->idle);
    g->intended_ns = calloc((size_t)g->config.requests, sizeof *g->intended_ns);
    if (g->epoll < 0 || !g->wires || !g->idle || !g->intended_ns) return;
    plan(g);
    connect_all(g);
    while (!atomic_load(&g->shared->go)) child_nap_ns(NAP_NS);
    generate(g);
    atomic_store(&g->shared->done, 1);   /* the end of the process closes all connections */
}

int load_start(struct load *l, const struct load_config *config) {
    struct generator g = {.config = *config};
    *l = (struct load){0};
    g.shared = l->shared =
        child_shared(sizeof *l->shared + (size_t)config->requests * sizeof l->shared->results[0]);
    if (!l->shared) return -ENOMEM;
    l->pid = child_start(generator_main, &g);
    return l->pid < 0 ? (int)l->pid : 0;
}

void load_stop(struct load *l) {
    child_stop(l->pid);
    l->pid = 0;
}
