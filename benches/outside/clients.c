/* The client process: see clients.h. One thread owns everything but the shared counts. */
#include "clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"

enum { ADDRESSES = 8, AHEAD = 500, EVENTS = 256, NAP_NS = 200000 };

struct message {
    int64_t sent_ns, number;
    char padding[CLIENTS_MESSAGE_BYTES - 16];
};

struct client {
    int fd;
    size_t have;
    struct message part;
};

struct crew {
    struct clients_config config;
    struct clients_shared *shared;
    struct client *clients;
    int epoll;
};

/* Blocking: loopback completes it at once. */
static int connect_from(const struct sockaddr_in *to, int i) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)(i % ADDRESSES))};
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
        connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void connect_all(struct crew *c) {
    for (int i = 0; i < c->config.n; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        c->clients[i].fd = connect_from(&c->config.addr, i);
        if (c->clients[i].fd < 0) {
            atomic_fetch_add(&c->shared->failed, 1);
            continue;
        }
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->clients[i].fd, &ev);
        atomic_fetch_add(&c->shared->connected, 1);
        while (atomic_load(&c->shared->connected) - atomic_load(&c->shared->accepted) > AHEAD) child_nap_ns(NAP_NS);
    }
}

static void deliver(struct crew *c, const struct message *m) {
    int64_t at = atomic_load(&c->shared->received);
    if (m->number < 0 || m->number >= c->config.messages || at >= c->config.messages * c->config.n) {
        atomic_fetch_add(&c->shared->corrupted, 1);
        return;
    }
    c->shared->latency_ns[at] = child_now_ns() - m->sent_ns;
    atomic_store(&c->shared->received, at + 1);
}

static void read_messages(struct crew *c, struct client *cl) {
    char buf[64 * CLIENTS_MESSAGE_BYTES];
    ssize_t got = recv(cl->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        epoll_ctl(c->epoll, EPOLL_CTL_DEL, cl->fd, NULL);
        return;
    }
    for (size_t at = 0; at < (size_t)got;) {
        size_t n = sizeof cl->part - cl->have;
        if (n > (size_t)got - at) n = (size_t)got - at;
        memcpy((char *)&cl->part + cl->have, buf + at, n);
        cl->have += n;
        at += n;
        if (cl->have < sizeof cl->part) return;
        cl->have = 0;
        deliver(c, &cl->part);
    }
}

static void send_message(struct crew *c, int64_t number) {
    struct message m = {child_now_ns(), number, {0}};
    int fd = c->clients[number % c->config.n].fd;
    if (fd < 0 || send(fd, &m, sizeof m, MSG_NOSIGNAL) != (ssize_t)sizeof m)
        atomic_fetch_add(&c->shared->corrupted, 1);
}

/* Messages go out at their times while those that come back are read; ends when the driver says so. */
static void chat(struct crew *c) {
    struct epoll_event events[EVENTS];
    int64_t next_ns = child_now_ns(), number = 0;
    while (atomic_load(&c->shared->phase) == CLIENTS_CHAT) {
        int n = epoll_wait(c->epoll, events, EVENTS, number < c->config.messages ? 0 : 1);
        for (int i = 0; i < n; i++) read_messages(c, &c->clients[events[i].data.u32]);
        if (number < c->config.messages && child_now_ns() >= next_ns) {
            send_message(c, number++);
            next_ns += c->config.gap_ns;
        } else if (n == 0) {
            child_nap_ns(NAP_NS / 2);
        }
    }
}

static void crew_main(void *arg) {
    struct crew *c = arg;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->clients = calloc((size_t)c->config.n, sizeof *c->clients);
    if (c->epoll < 0 || !c->clients) return;
    connect_all(c);
    while (atomic_load(&c->shared->phase) == CLIENTS_CONNECT) child_nap_ns(NAP_NS);
    chat(c);                         /* the end of the process closes all connections */
}

int clients_start(struct clients *c, const struct clients_config *config) {
    struct crew crew = {.config = *config};
    size_t latencies = (size_t)config->messages * (size_t)config->n;
    *c = (struct clients){0};
    crew.shared = c->shared = child_shared(sizeof *c->shared + latencies * sizeof c->shared->latency_ns[0]);
    if (!c->shared) return -ENOMEM;
    c->pid = child_start(crew_main, &crew);
    return c->pid < 0 ? (int)c->pid : 0;
}

void clients_stop(struct clients *c) {
    child_stop(c->pid);
    c->pid = 0;
}
