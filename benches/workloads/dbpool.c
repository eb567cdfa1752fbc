/*
 * dbpool: many requests over few database connections. Where do they wait, and on how many kernel threads?
 *
 * Method       --tasks tasks at once, each one request: it takes a connection from a pool of `connections`
 *              (0: each request opens its own), makes the queries of queries_us one after the other, and
 *              gives it back. driver=network: sockets through the poller. driver=blocking: the same protocol
 *              by blocking reads, as a client library in C does. driver=sqlite: a database in this process; a
 *              query runs SQL for its answer and sleeps inside the library for the rest of its time. The
 *              server is a process of its own. A request that got its connection later than timeout_ms gives
 *              up (0: never).
 * Unit         ns from the first request until the last has ended. Histograms: latency of a request that was
 *              served; wait for a connection. threads: the most seen, by the kernel's count.
 * Expectation  network: about procs threads whatever waits. blocking, sqlite: a thread for each query under
 *              way. With a pool: ceil(tasks / connections) rounds; all others wait at the pool.
 * Falsified by fewer threads than queries under way with a blocking driver; more connections than the pool
 *              (checked).
 * Known lies   A time-out is judged when the connection comes, as no backend can leave a semaphore's queue.
 *              Threads are looked at every few ms by a task of the backend itself; one that lives shorter is
 *              missed.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "fds.h"
#include "link.h"
#include "sql.h"
#include "stages.h"
#include "usage.h"
#include "workloads.h"

enum db_driver { NETWORK, BLOCKING, SQLITE };
static const char *const drivers[] = {"network", "blocking", "sqlite", NULL};

static const struct param dbpool_params[] = {
    {"driver", PARAM_CHOICE, 0, 0, "network", drivers, "network: through the poller; blocking: blocking reads; sqlite"},
    {"connections", PARAM_INT, 0, 10000, "20", NULL, "in the pool; 0: no pool, each request opens its own"},
    {"queries_us", PARAM_TEXT, 0, 0, "5000", NULL, "what the queries of a request take, microseconds, joined by +"},
    {"timeout_ms", PARAM_INT, 0, 600000, "0", NULL, "most wait for a connection; 0: no limit"},
    {0},
};

struct connection {
    int fd;
    struct sql *sql;
};

struct request {
    struct db *all;
    int64_t wait_ns, latency_ns;
    enum { UNDONE, SERVED, FAILED, LATE } outcome;
};

struct db {
    struct point *pt;
    enum db_driver driver;
    be_chan *pool;               /* of connections that are free; NULL: none */
    struct connection *connections;
    struct request *requests;
    struct be_wg wg, watcher;
    int64_t queries_ns[STAGES_MAX], timeout_ns;
    int nqueries, nconnections;
    uint64_t n;
    _Atomic int64_t waiting, waiting_peak, querying, querying_peak;
    _Atomic bool done;
    int64_t threads_peak;
    struct usage peak;
};

/* One point a process: the service lives from before to after. */
static struct service service;

static void count_up(_Atomic int64_t *count, _Atomic int64_t *peak) {
    int64_t now = atomic_fetch_add(count, 1) + 1, most = atomic_load(peak);
    while (now > most && !atomic_compare_exchange_weak(peak, &most, now)) {}
}

static int connection_open(struct db *db, struct connection *c) {
    *c = (struct connection){.fd = -1};
    if (db->driver == SQLITE) return (c->sql = sql_open()) ? 0 : -ENOMEM;
    c->fd = link_open(&service.addr, db->driver == BLOCKING);
    return c->fd < 0 ? c->fd : 0;
}

static void connection_close(struct db *db, struct connection *c) {
    if (c->sql) sql_close(c->sql);
    if (c->fd >= 0) link_close(c->fd, db->driver == BLOCKING);
}

static bool make_queries(struct db *db, struct connection *c) {
    bool ok = true;
    for (int i = 0; ok && i < db->nqueries; i++) {
        count_up(&db->querying, &db->querying_peak);
        if (db->driver == SQLITE) ok = sql_query(c->sql, db->queries_ns[i]);
        else ok = link_query(c->fd, db->driver == BLOCKING, (uint32_t)(db->queries_ns[i] / 1000)) == SERVICE_OK;
        atomic_fetch_sub(&db->querying, 1);
    }
    return ok;
}

static void request_task(void *arg) {
    struct request *r = arg;
    struct db *db = r->all;
    struct connection own = {.fd = -1}, *c = &own;
    int64_t start = point_now();
    if (db->pool) {
        count_up(&db->waiting, &db->waiting_peak);
        be_chan_recv(db->pool, &c);
        atomic_fetch_sub(&db->waiting, 1);
    }
    r->wait_ns = point_now() - start;
    bool late = db->timeout_ns > 0 && r->wait_ns > db->timeout_ns;
    bool ok = !late && (db->pool || connection_open(db, c) == 0) && make_queries(db, c);
    if (db->pool) be_chan_send(db->pool, &c);
    else if (!late) connection_close(db, c);
    r->latency_ns = point_now() - start;
    r->outcome = late ? LATE : ok ? SERVED : FAILED;
    be_wg_done(&db->wg);
}

static void watcher_task(void *arg) {
    struct db *db = arg;
    while (!atomic_load(&db->done)) {
        int64_t threads = threads_now();
        if (threads > db->threads_peak) db->threads_peak = threads;
        be_sleep(3000000);
    }
    be_wg_done(&db->watcher);
}

static bool open_pool(struct db *db) {
    if (db->nconnections == 0) return true;
    db->pool = be_chan_make(sizeof(struct connection *), (size_t)db->nconnections);
    db->connections = point_alloc(db->pt, (uint64_t)db->nconnections, sizeof *db->connections);
    if (!db->pool || !db->connections) return false;
    for (int i = 0; i < db->nconnections; i++) db->connections[i].fd = -1;
    for (int i = 0; i < db->nconnections; i++) {
        struct connection *c = &db->connections[i];
        int err = connection_open(db, c);
        if (err) point_fail(db->pt, "connection %d could not be opened: %s", i, strerror(-err));
        if (err) return false;
        be_chan_send(db->pool, &c);
    }
    return true;
}

static void close_pool(struct db *db) {
    for (int i = 0; db->connections && i < db->nconnections; i++) connection_close(db, &db->connections[i]);
    free(db->connections);
    if (db->pool) be_chan_free(db->pool);
}

static void judge(struct db *db, const struct usage *before) {
    struct point *pt = db->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns"), *wait = point_histogram(pt, "wait", "ns");
    int64_t counts[4] = {0};
    for (uint64_t i = 0; i < db->n; i++) {
        const struct request *r = &db->requests[i];
        counts[r->outcome]++;
        hist_record(wait, (uint64_t)r->wait_ns);
        if (r->outcome == SERVED) hist_record(latency, (uint64_t)r->latency_ns);
    }
    point_sample(pt, (double)pt->elapsed_ns);
    point_operations(pt, (int64_t)db->n, counts[SERVED] + counts[FAILED] + counts[LATE]);
    if (db->nconnections > 0)
        point_check(pt, "no_more_than_the_pool", db->querying_peak <= db->nconnections, db->nconnections,
                    (double)db->querying_peak);
    point_metric(pt, "threads", (double)db->threads_peak, "threads", "lower");
    point_metric(pt, "querying_peak", (double)db->querying_peak, "1", "higher");
    point_metric(pt, "waiting_peak", (double)db->waiting_peak, "1", "lower");
    point_metric(pt, "success_percent", 100 * (double)counts[SERVED] / (double)db->n, "%", "higher");
    point_metric(pt, "late_percent", 100 * (double)counts[LATE] / (double)db->n, "%", "lower");
    point_metric(pt, "throughput", (double)counts[SERVED] * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    point_quote_percentiles(pt, "wait", wait);
    point_quote_percentiles(pt, "latency", latency);
    usage_quote(pt, before, &db->peak);
}

static void dbpool_measure(struct db *db) {
    struct point *pt = db->pt;
    for (uint64_t i = 0; i < db->n; i++) db->requests[i].all = db;
    struct usage before = usage_now(), now;
    db->peak = before = usage_now();
    bool watched = crowd_go(pt, &db->watcher, watcher_task, db, 0, 1);
    point_begin(pt);
    crowd_go(pt, &db->wg, request_task, db->requests, sizeof *db->requests, db->n);
    now = usage_now();
    usage_peak(&db->peak, &now);
    be_wg_wait(&db->wg);
    point_end(pt);
    atomic_store(&db->done, true);
    if (watched) be_wg_wait(&db->watcher);
    if (pt->status == POINT_OK) judge(db, &before);
}

static enum db_driver driver_of(const struct point *pt) {
    const char *name = point_text(pt, "driver");
    return !strcmp(name, "sqlite") ? SQLITE : !strcmp(name, "blocking") ? BLOCKING : NETWORK;
}

static void dbpool_run(struct point *pt) {
    struct db db = {.pt = pt, .driver = driver_of(pt), .n = (uint64_t)pt->tasks,
                    .nconnections = (int)point_int(pt, "connections"),
                    .timeout_ns = point_int(pt, "timeout_ms") * 1000000};
    db.nqueries = stages_parse(point_text(pt, "queries_us"), db.queries_ns);
    db.requests = point_alloc(pt, db.n, sizeof *db.requests);
    if (db.requests && open_pool(&db)) dbpool_measure(&db);
    close_pool(&db);
    free(db.requests);
}

static bool dbpool_before(struct point *pt) {
    struct service_config config = {0};
    uint64_t connections = (uint64_t)point_int(pt, "connections");
    signal(SIGPIPE, SIG_IGN);
    if (driver_of(pt) == SQLITE) return true;
    if (!fds_need(pt, connections ? connections : (uint64_t)pt->tasks)) return false;
    int err = service_start(&service, &config);
    if (err) point_fail(pt, "the service did not start: %s", strerror(-err));
    return err == 0;
}

static bool dbpool_prepare(struct point *pt) {
    int64_t ns[STAGES_MAX];
    if (stages_parse(point_text(pt, "queries_us"), ns) > 0) return true;
    return point_usage(pt, "parameter queries_us: '%s' is not 1 to %d times in microseconds joined by +, such as 100+2000",
                       point_text(pt, "queries_us"), STAGES_MAX);
}

static void dbpool_after(struct point *pt) {
    (void)pt;
    service_stop(&service);
}

static int64_t dbpool_parked(const struct point *pt) {
    (void)pt;
    return 2;                    /* the watcher, and a request that holds its connection */
}

const struct workload dbpool = {
    .name = "dbpool",
    .doc = "requests over a pool of database connections, by a network, a blocking or an embedded driver",
    .metric = "elapsed_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 1, .tasks_max = 1000000,
    .params = dbpool_params,
    .prepare = dbpool_prepare,
    .parked = dbpool_parked,
    .before = dbpool_before,
    .run = dbpool_run,
    .after = dbpool_after,
};
