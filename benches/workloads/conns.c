/*
 * conns: what does a connection cost that stays, and what a message to all of them?
 *
 * Method       --tasks clients in a process of their own connect over loopback and stay; each has a task here
 *              that waits for what it says. When all wait, memory and threads are read. Then `messages` are
 *              sent, one every gap_us, and the task that reads one writes it to all (a chat room).
 * Unit         bytes of private memory a connection, its task included. Histogram: from a client's send until
 *              each client has the message.
 * Expectation  A goroutine of libtrine: 4.5 KiB; a thread: its kernel stack is not counted, and its address
 *              space is.
 * Falsified by a delivery that is lost or doubled (checked).
 * Known lies   The kernel's memory of a socket (some 3 KiB a side) is no process's. Both ends share the
 *              processors. The limit met first is that on descriptors, RLIMIT_NOFILE, one a connection in
 *              each of the two processes; ports are spread over eight loopback addresses.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "clients.h"
#include "crowd.h"
#include "fds.h"
#include "service.h"
#include "usage.h"
#include "workloads.h"

static const struct param conns_params[] = {
    {"messages", PARAM_INT, 0, 1000, "20", NULL, "sent to all clients, one after the other"},
    {"gap_us", PARAM_INT, 0, 10000000, "1000", NULL, "between two messages, microseconds"},
    {0},
};

struct room {
    struct point *pt;
    struct be_wg wg;
    struct member *members;
    uint64_t n, made;
    struct be_mutex speaking;    /* one message at a time is written to all; guards the next */
    uint64_t present;            /* members that a message goes to */
};

struct member {
    struct room *room;
    int fd;
};

/* One point a process: the clients and the listener live from before to after. */
static struct clients clients;
static int listener = -1;

static void say_to_all(struct room *r, const char *message) {
    be_mutex_lock(&r->speaking);
    for (uint64_t i = 0; i < r->present; i++) be_net_write(r->members[i].fd, message, CLIENTS_MESSAGE_BYTES);
    be_mutex_unlock(&r->speaking);
}

static void member_task(void *arg) {
    struct member *m = arg;
    char message[CLIENTS_MESSAGE_BYTES];
    size_t have = 0;
    ssize_t got;
    while ((got = be_net_read(m->fd, message + have, sizeof message - have)) > 0) {
        have += (size_t)got;
        if (have < sizeof message) continue;
        have = 0;
        say_to_all(m->room, message);
    }
    be_wg_done(&m->room->wg);
}

/* False when a client could not connect, or a task could not be made. */
static bool accept_all(struct room *r) {
    for (; r->made < r->n; r->made++) {
        struct member *m = &r->members[r->made];
        if (atomic_load(&clients.shared->failed) > 0) {
            point_fail(r->pt, "connection %llu over loopback failed", (unsigned long long)r->made);
            return false;
        }
        *m = (struct member){r, be_net_accept(listener)};
        if (m->fd < 0) {
            point_fail(r->pt, "connection %llu was not accepted: %s", (unsigned long long)r->made, strerror(-m->fd));
            return false;
        }
        be_wg_add(&r->wg, 1);
        if (!point_go(r->pt, member_task, m)) {
            be_wg_add(&r->wg, -1);
            be_net_close(m->fd);
            return false;
        }
        atomic_fetch_add(&clients.shared->accepted, 1);
    }
    return true;
}

/* Until everything has come back, or nothing more does. */
static void wait_for_deliveries(int64_t expected) {
    enum { LOOK_NS = 1000000, STUCK_LOOKS = 5000 };
    int64_t seen = -1;
    for (int looks = 0; looks < STUCK_LOOKS && seen < expected; looks++) {
        int64_t now = atomic_load(&clients.shared->received);
        if (now != seen) looks = 0;
        seen = now;
        if (seen < expected) be_sleep(LOOK_NS);
    }
}

static void judge(struct room *r, const struct usage *before, const struct usage *idle, int64_t threads) {
    struct point *pt = r->pt;
    int64_t messages = point_int(pt, "messages"), received = atomic_load(&clients.shared->received);
    int64_t corrupted = atomic_load(&clients.shared->corrupted);
    struct hist *latency = point_histogram(pt, "latency", "ns");
    crowd_record(latency, clients.shared->latency_ns, (uint64_t)received);
    point_sample(pt, (double)(idle->private - before->private) / (double)r->n);
    point_operations(pt, (int64_t)r->n * (1 + messages), (int64_t)r->made + received);
    point_check(pt, "none_corrupted", corrupted == 0, 0, (double)corrupted);
    if (threads > 0) point_metric(pt, "threads", (double)threads, "threads", "lower");
    point_metric(pt, "deliveries", (double)received * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    point_quote_percentiles(pt, "latency", latency);
    usage_quote(pt, before, idle);
}

static void conns_measure(struct room *r) {
    struct point *pt = r->pt;
    enum { SETTLE_NS = 5000000 };
    struct usage before = usage_now();
    before = usage_now();                /* again: the first reading touched stdio's buffers */
    if (before.private < 0) point_fail(pt, "private memory cannot be measured: /proc/self/smaps_rollup is not readable");
    if (pt->status != POINT_OK || !accept_all(r)) return;
    be_sleep(SETTLE_NS);
    struct usage idle = usage_now();
    int64_t threads = threads_now();
    be_mutex_lock(&r->speaking);
    r->present = r->made;
    be_mutex_unlock(&r->speaking);
    point_begin(pt);
    atomic_store(&clients.shared->phase, CLIENTS_CHAT);
    wait_for_deliveries((int64_t)r->n * point_int(pt, "messages"));
    point_end(pt);
    judge(r, &before, &idle, threads);
}

static void conns_run(struct point *pt) {
    struct room r = {.pt = pt, .n = (uint64_t)pt->tasks};
    r.members = point_alloc(pt, r.n, sizeof *r.members);
    if (r.members) {
        int err = be_net_open(listener);
        if (err) point_fail(pt, "the listening socket was refused: %s", strerror(-err));
        else conns_measure(&r);
    }
    clients_stop(&clients);              /* the ends of their connections end the tasks */
    be_wg_wait(&r.wg);
    for (uint64_t i = 0; i < r.made; i++) be_net_close(r.members[i].fd);
    be_net_close(listener);
    listener = -1;
    free(r.members);
}

static bool conns_before(struct point *pt) {
    struct clients_config config = {.n = (int)pt->tasks, .messages = point_int(pt, "messages"),
                                    .gap_ns = point_int(pt, "gap_us") * 1000};
    signal(SIGPIPE, SIG_IGN);
    if (!fds_need(pt, (uint64_t)pt->tasks)) return false;
    listener = service_listen(&config.addr);
    int err = listener < 0 ? listener : clients_start(&clients, &config);
    if (err) point_fail(pt, "the clients did not start: %s", strerror(-err));
    return err == 0;
}

static void conns_after(struct point *pt) {
    (void)pt;
    clients_stop(&clients);
    if (listener >= 0) close(listener);
}

static int64_t conns_parked(const struct point *pt) {
    return pt->tasks;
}

const struct workload conns = {
    .name = "conns",
    .doc = "long-lived connections, a task each: memory of one, and messages sent to all",
    .metric = "connection_bytes", .unit = "bytes", .better = "lower",
    .tasks = 100, .tasks_min = 1, .tasks_max = 100000,
    .params = conns_params,
    .parked = conns_parked,
    .before = conns_before,
    .run = conns_run,
    .after = conns_after,
};
