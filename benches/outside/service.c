/*
 * The service process: see service.h. One thread owns everything.
 *
 * Pending queries stand in a binary heap by due time; a timerfd is set to the earliest (epoll's own time-out
 * counts in milliseconds). A connection is named by descriptor and generation, so that an answer never
 * reaches the next user of a recycled descriptor.
 */
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "child.h"

enum { EVENTS = 256, READ_BYTES = 4096, LISTEN_BACKLOG = 4096 };

struct pending {
    int64_t due_ns;
    int fd;
    uint32_t generation, id;
};

struct peer {
    uint32_t generation;
    bool open;
    size_t have;                         /* of a query that came in part */
    char part[sizeof(struct service_query)];
};

struct server {
    struct service_config config;
    struct service_counts *counts;
    int listener, epoll, timer;
    struct peer *peers;
    int npeers, connections;
    struct pending *heap;
    size_t n, room;
    double tokens;
    int64_t filled_ns;
};

static void heap_swap(struct pending *a, struct pending *b) {
    struct pending t = *a;
    *a = *b;
    *b = t;
}

static void heap_up(struct pending *h, size_t i) {
    for (; i > 0 && h[i].due_ns < h[(i - 1) / 2].due_ns; i = (i - 1) / 2) heap_swap(&h[i], &h[(i - 1) / 2]);
}

static void heap_down(struct pending *h, size_t n, size_t i) {
    for (;;) {
        size_t least = i, child = 2 * i + 1;
        if (child < n && h[child].due_ns < h[least].due_ns) least = child;
        if (child + 1 < n && h[child + 1].due_ns < h[least].due_ns) least = child + 1;
        if (least == i) return;
        heap_swap(&h[i], &h[least]);
        i = least;
    }
}

static void heap_remove(struct server *s, size_t i) {
    s->heap[i] = s->heap[--s->n];
    if (i < s->n) {
        heap_up(s->heap, i);
        heap_down(s->heap, s->n, i);
    }
    atomic_store(&s->counts->pending, s->n);
}

static void heap_push(struct server *s, struct pending p) {
    if (s->n == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->heap = realloc(s->heap, s->room * sizeof *s->heap);
        if (!s->heap) _exit(1);
    }
    s->heap[s->n++] = p;
    heap_up(s->heap, s->n - 1);
    atomic_store(&s->counts->pending, s->n);
    if (s->n > atomic_load(&s->counts->pending_peak)) atomic_store(&s->counts->pending_peak, s->n);
}

static void answer(int fd, uint32_t id, enum service_status status) {
    struct service_reply reply = {id, status};
    while (write(fd, &reply, sizeof reply) < 0) {
        struct pollfd writable = {fd, POLLOUT, 0};
        if (errno != EAGAIN || poll(&writable, 1, 1000) <= 0) return;
    }
}

static bool within_rate(struct server *s, int64_t now_ns) {
    if (s->config.rate <= 0) return true;
    s->tokens += (double)(now_ns - s->filled_ns) * s->config.rate / 1e9;
    s->filled_ns = now_ns;
    if (s->tokens > s->config.burst) s->tokens = s->config.burst;
    if (s->tokens < 1) return false;
    s->tokens--;
    return true;
}

static void cancel(struct server *s, int fd, uint32_t id) {
    for (size_t i = 0; i < s->n; i++) {
        if (s->heap[i].fd != fd || s->heap[i].id != id) continue;
        heap_remove(s, i);
        atomic_fetch_add(&s->counts->cancelled, 1);
        return;
    }
}

static void query(struct server *s, int fd, const struct service_query *q, int64_t now_ns) {
    if (q->wait_us == SERVICE_CANCEL) {
        cancel(s, fd, q->id);
        return;
    }
    atomic_fetch_add(&s->counts->queries, 1);
    if (!within_rate(s, now_ns)) {
        atomic_fetch_add(&s->counts->limited, 1);
        answer(fd, q->id, SERVICE_LIMITED);
        return;
    }
    heap_push(s, (struct pending){now_ns + (int64_t)q->wait_us * 1000, fd, s->peers[fd].generation, q->id});
}

/* A connection's queries that are pending go with it. */
static void hang_up(struct server *s, int fd) {
    struct peer *p = &s->peers[fd];
    if (!p->open) return;
    p->open = false;
    p->generation++;
    s->connections--;
    close(fd);
}

static void read_queries(struct server *s, int fd) {
    struct peer *p = &s->peers[fd];
    char buf[READ_BYTES + sizeof p->part];
    memcpy(buf, p->part, p->have);
    ssize_t got = read(fd, buf + p->have, READ_BYTES);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) hang_up(s, fd);
        return;
    }
    size_t all = p->have + (size_t)got, at = 0;
    int64_t now_ns = child_now_ns();
    for (; at + sizeof(struct service_query) <= all; at += sizeof(struct service_query)) {
        struct service_query q;
        memcpy(&q, buf + at, sizeof q);
        query(s, fd, &q, now_ns);
    }
    p->have = all - at;
    memcpy(p->part, buf + at, p->have);
}

static void accept_all(struct server *s) {
    int fd, one = 1;
    while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        if ((s->config.max_connections > 0 && s->connections >= s->config.max_connections) || fd >= s->npeers) {
            atomic_fetch_add(&s->counts->refused, 1);
            answer(fd, 0, SERVICE_BUSY);
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        s->peers[fd].open = true;
        s->peers[fd].have = 0;
        s->connections++;
        if ((uint64_t)s->connections > atomic_load(&s->counts->connections_peak))
            atomic_store(&s->counts->connections_peak, (uint64_t)s->connections);
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
    }
}

static void answer_due(struct server *s) {
    int64_t now_ns = child_now_ns();
    while (s->n > 0 && s->heap[0].due_ns <= now_ns) {
        struct pending p = s->heap[0];
        heap_remove(s, 0);
        if (!s->peers[p.fd].open || s->peers[p.fd].generation != p.generation) continue;
        atomic_fetch_add(&s->counts->answered, 1);
        answer(p.fd, p.id, SERVICE_OK);
    }
    struct itimerspec next = {0};
    if (s->n > 0) {
        next.it_value.tv_sec = s->heap[0].due_ns / 1000000000;
        next.it_value.tv_nsec = s->heap[0].due_ns % 1000000000;
    }
    timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &next, NULL);
}

static void serve(void *arg) {
    struct server *s = arg;
    struct epoll_event events[EVENTS], ev = {.events = EPOLLIN, .data.fd = s->listener};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    s->npeers = limit.rlim_max > 1000000 ? 1000000 : (int)limit.rlim_max;
    s->peers = calloc((size_t)s->npeers, sizeof *s->peers);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!s->peers || s->epoll < 0 || s->timer < 0) _exit(1);
    s->tokens = s->config.burst;
    s->filled_ns = child_now_ns();
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &ev);
    ev.data.fd = s->timer;
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer, &ev);
    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            uint64_t fired;
            int fd = events[i].data.fd;
            if (fd == s->listener) accept_all(s);
            else if (fd != s->timer) read_queries(s, fd);
            else if (read(fd, &fired, sizeof fired) < 0 && errno != EAGAIN) _exit(1);
        }
        answer_due(s);
    }
}

int service_listen(struct sockaddr_in *addr) {
    socklen_t length = sizeof *addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
    if (fd < 0) return -errno;
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)addr, length) == 0 && listen(fd, LISTEN_BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)addr, &length) == 0)
        return fd;
    err = errno;
    close(fd);
    return -err;
}

int service_start(struct service *s, const struct service_config *config) {
    struct server server = {.config = *config};
    *s = (struct service){0};
    server.listener = service_listen(&s->addr);
    if (server.listener < 0) return server.listener;
    s->counts = server.counts = child_shared(sizeof *s->counts);
    s->pid = s->counts ? child_start(serve, &server) : -ENOMEM;
    close(server.listener);
    return s->pid < 0 ? (int)s->pid : 0;
}

void service_stop(struct service *s) {
    child_stop(s->pid);
    s->pid = 0;
}
