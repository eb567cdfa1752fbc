/*
 * web: an HTTP service that asks other services, under a load that does not wait for it.
 *
 * Method       A load generator (a process of its own, open loop, --tasks kept-alive connections) sends
 *              `requests` at `rate` a second (0: all at once). Each connection has a task here. A request
 *              makes the calls of phases_us to a service process (workloads/phases.h; order=sequential: one
 *              after the other) and computes for cpu_us. admission=unlimited: every request at once. limit:
 *              beyond `limit` under way it is answered 503. pool: `limit` workers take requests from a queue
 *              of `queue`; a full queue is 503, one that waited there longer than queue_timeout_ms is 504.
 *              generator=wrk: the program of that name loads the same server instead, for wrk_s seconds, over --tasks
 *              connections from wrk_threads threads; `rate` and `requests` mean nothing then, and its figures are what it
 *              prints: no histogram, and no rate that was asked for.
 * Unit         ns: the median from the intended time to the whole answer, of those answered 200. Histograms:
 *              latency; lag of the generator.
 * Expectation  Unlimited: the sum of the phases until the processors are full, then it grows for as long as
 *              the load lasts. limit and pool: rejections instead, with latency bounded.
 * Falsified by an answer sooner than the calls it needs (checked); requests that no status accounts for; a generator
 *              whose own lag is above a tenth of the latency (checked at the median and at p99 where rate is above 0).
 * Known lies   Generator, services and server share the processors: a rate that fills them is lower than on
 *              three machines. Threads die of a limit: space_mib sets one on the server's address space. A
 *              task that could not be made closes its connection, whose requests count as unanswered. wrk is
 *              closed-loop: a connection waits for its answer before it asks again, so a server that stalls is asked less
 *              and the queue is in no latency (coordinated omission). Our own generator's figures are the first therefore.
 */
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admission.h"
#include "crowd.h"
#include "fds.h"
#include "http.h"
#include "load.h"
#include "phases.h"
#include "usage.h"
#include "workloads.h"
#include "wrk.h"

static const char *const orders[] = {"parallel", "sequential", NULL};
static const char *const generators[] = {"open", "wrk", NULL};

static const struct param web_params[] = {
    {"rate", PARAM_REAL, 0, 1000000, "2000", NULL, "requests a second, Poisson; 0: all at once"},
    {"requests", PARAM_INT, 1, 10000000, "200", NULL, "in all"},
    {"phases_us", PARAM_TEXT, 0, 0, "2000/3000+2000", NULL,
     "microseconds of each call; calls side by side joined by +, phases by /"},
    {"order", PARAM_CHOICE, 0, 0, "parallel", orders, "of the calls of one phase"},
    {"cpu_us", PARAM_INT, 0, 1000000, "0", NULL, "what a request computes, microseconds"},
    {"admission", PARAM_CHOICE, 0, 0, "unlimited", admission_names, "unlimited, limit (503), or pool (queue and time-out)"},
    {"limit", PARAM_INT, 1, 100000, "64", NULL, "requests under way, or workers of the pool"},
    {"queue", PARAM_INT, 1, 100000, "256", NULL, "requests that wait for a worker of the pool"},
    {"queue_timeout_ms", PARAM_INT, 1, 600000, "100", NULL, "most wait there"},
    {"space_mib", PARAM_INT, 0, 1048576, "0", NULL, "address space that this process may have; 0: as much as the machine gives"},
    {"generator", PARAM_CHOICE, 0, 0, "open", generators, "open: requests at their times; wrk: that program, closed-loop"},
    {"wrk_threads", PARAM_INT, 1, 64, "1", NULL, "of wrk"},
    {"wrk_s", PARAM_INT, 1, 3600, "1", NULL, "how long wrk runs, seconds"},
    {0},
};

enum { PATIENCE_S = 20, SPARE = 64 };

struct web_server {
    struct point *pt;
    struct phases phases;
    struct mux mux;
    struct admission admission;
    struct web_connection *connections;
    struct be_wg wg, acceptor;
    uint64_t n, room, refused, iterations;
    _Atomic int64_t answered;
    const _Atomic int *done;         /* set by the generator */
    int64_t threads_peak;
    struct usage peak;
};

struct web_connection {
    struct web_server *server;
    int fd;
};

/* One point a process: service, generator and listener live from before to after. */
static struct service service;
static struct load load;
static struct wrk wrk;
static int listener = -1;

static bool is_wrk(const struct point *pt) {
    return !strcmp(point_text(pt, "generator"), "wrk");
}

static int handle(void *arg) {
    struct web_server *s = arg;
    struct phases_run run;
    phases_begin(&run, &s->phases, &s->mux);
    int status = phases_make(&run);
    if (s->iterations > 0) burst_iterations(s->iterations, 1);
    return status == SERVICE_OK ? 200 : 502;
}

static void connection_task(void *arg) {
    struct web_connection *c = arg;
    struct web_server *s = c->server;
    struct http h = {.fd = c->fd};
    while (http_request(&h)) {
        if (!http_answer(&h, admission_run(&s->admission, handle, s))) break;
        atomic_fetch_add_explicit(&s->answered, 1, memory_order_relaxed);
    }
    be_net_close(c->fd);
    be_wg_done(&s->wg);
}

/* A connection that gets no task is closed: the server has reached what it can hold. */
static void take(struct web_server *s, struct web_connection *c, int fd) {
    int one = 1;
    *c = (struct web_connection){s, fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    be_wg_add(&s->wg, 1);
    if (be_go(connection_task, c)) return;
    be_wg_add(&s->wg, -1);
    be_net_close(fd);
    s->refused++;
}

static void accept_all(struct web_server *s) {
    for (uint64_t i = 0; i < s->n; i++) {
        int fd = be_net_accept(listener);
        atomic_fetch_add(&load.shared->accepted, 1);
        if (fd >= 0) take(s, &s->connections[i], fd);
    }
}

/* wrk looks first whether anybody is there, and connects again where it lost a connection: until the listener is shut, or
 * twice as many have come as should. */
static void acceptor_task(void *arg) {
    struct web_server *s = arg;
    for (uint64_t i = 0; i < s->room;) {
        int fd = be_net_accept(listener);
        if (fd >= 0) take(s, &s->connections[i++], fd);
        else if (fd != -ECONNABORTED && fd != -EINTR) break;
    }
    be_wg_done(&s->acceptor);
}

/* Waits for the generator, and looks at memory and threads meanwhile. */
static void watch(struct web_server *s) {
    enum { LOOK_NS = 2000000, LOOKS_A_READING = 20 };
    for (int look = 0; !atomic_load(s->done); look++) {
        be_sleep(LOOK_NS);
        if (look % LOOKS_A_READING) continue;
        struct usage now = usage_now();
        int64_t threads = threads_now();
        usage_peak(&s->peak, &now);
        if (threads > s->threads_peak) s->threads_peak = threads;
    }
}

static void quote_share(struct point *pt, const char *name, int64_t part, int64_t all, const char *better) {
    point_metric(pt, name, 100 * (double)part / (double)all, "%", better);
}

/* What the server itself held and used, whoever loaded it. */
static void quote_server(struct web_server *s, const struct usage *before, int64_t cpu_ns) {
    struct point *pt = s->pt;
    point_metric(pt, "under_way_peak", (double)atomic_load(&s->admission.peak), "1", "higher");
    point_metric(pt, "connections_refused", (double)s->refused, "1", "lower");
    point_metric(pt, "threads", (double)s->threads_peak, "threads", "lower");
    point_metric(pt, "cpu_ns", (double)cpu_ns, "ns", "lower");
    usage_quote(pt, before, &s->peak);
}

/* Its own lateness is in each latency; to a tenth of the figure that is no matter. */
static void judge_generator(struct point *pt, const struct hist *latency) {
    static const struct { double p; const char *check, *metric; } judged[] = {
        {50, "generator_kept_up", "lag_p50_ns"}, {99, "generator_kept_up_p99", "lag_p99_ns"}};
    struct hist *lag = point_histogram(pt, "lag", "ns");
    for (int64_t i = 0; i < load.shared->sent; i++) hist_record(lag, (uint64_t)load.shared->results[i].lag_ns);
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        double of = point_percentile(latency, judged[i].p), late = point_percentile(lag, judged[i].p);
        if (isnan(of) || isnan(late)) continue;
        point_check(pt, judged[i].check, late <= 0.1 * of, 0.1 * of, late);
        point_metric(pt, judged[i].metric, late, "ns", "lower");
    }
}

/* Of the answers that the server gave, a load read `seen`, and may have left up to `most` unread: how many more, or fewer, there
 * are. */
static int64_t unaccounted(const struct web_server *s, int64_t seen, int64_t most) {
    int64_t unread = atomic_load(&s->answered) - seen;
    return unread < 0 ? unread : unread > most ? unread - most : 0;
}

static void judge(struct web_server *s) {
    struct point *pt = s->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    int64_t least_ns = phases_least_ns(&s->phases);
    int64_t n = point_int(pt, "requests"), ok = 0, full = 0, late = 0, silent = 0, other = 0, early = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct load_result *r = &load.shared->results[i];
        if (r->status == 200) {
            ok++;
            early += r->latency_ns < least_ns - least_ns / 1000 - 1000;
            hist_record(latency, (uint64_t)r->latency_ns);
        } else if (r->status == 503) full++;
        else if (r->status == 504) late++;
        else if (r->status == 0) silent++;
        else other++;
    }
    /* a silent one may have been answered, too late */
    point_operations(pt, n, n + unaccounted(s, ok + full + late + other, silent));
    point_check(pt, "none_failed", other == 0, 0, (double)other);
    point_check(pt, "none_early", early == 0, 0, (double)early);
    double p50 = point_percentile(latency, 50);
    if (isnan(p50)) point_fail(pt, "%lld requests answered are too few for a median", (long long)ok);
    else point_sample(pt, p50);
    if (ok > 0) point_metric(pt, "latency_mean_ns", hist_mean(latency), "ns", "lower");
    point_quote_percentiles(pt, "latency", latency);
    if (point_real(pt, "rate") > 0) judge_generator(pt, latency);
    point_metric(pt, "throughput", (double)ok * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    quote_share(pt, "served_percent", ok, n, "higher");
    quote_share(pt, "rejected_percent", full, n, "lower");
    quote_share(pt, "late_percent", late, n, "lower");
    quote_share(pt, "unanswered_percent", silent, n, "lower");
}

/* At its end wrk leaves at most one answer a connection unread: what the server answered beyond these, wrk did not count. */
static int64_t account(const struct web_server *s, const struct wrk_report *r) {
    return r->requests + unaccounted(s, r->requests, (int64_t)s->n);
}

static void judge_wrk(struct web_server *s) {
    static const char *const no_such = "wrk prints no such percentile";
    struct point *pt = s->pt;
    const struct wrk_report *r = &wrk.shared->report;
    if (*wrk.shared->failure || r->requests == 0) {
        point_fail(pt, "%s", *wrk.shared->failure ? wrk.shared->failure : "wrk had no answer");
        return;
    }
    point_operations(pt, r->requests, account(s, r));
    point_sample(pt, r->p50_ns);
    point_metric(pt, "latency_mean_ns", r->mean_ns, "ns", "lower");
    point_metric(pt, "latency_p50_ns", r->p50_ns, "ns", "lower");
    point_metric(pt, "latency_p75_ns", r->p75_ns, "ns", "lower");
    point_metric(pt, "latency_p90_ns", r->p90_ns, "ns", "lower");
    point_metric(pt, "latency_p99_ns", r->p99_ns, "ns", "lower");
    point_metric_unavailable(pt, "latency_p99_9_ns", no_such);
    point_metric(pt, "latency_max_ns", r->max_ns, "ns", "lower");
    point_metric(pt, "throughput", r->rate, "1/s", "higher");
    quote_share(pt, "served_percent", r->requests - r->refused, r->requests, "higher");
    point_metric(pt, "wrk_connect_errors", (double)r->connect_errors, "1", "lower");
    point_metric(pt, "wrk_read_errors", (double)r->read_errors, "1", "lower");
    point_metric(pt, "wrk_write_errors", (double)r->write_errors, "1", "lower");
    point_metric(pt, "wrk_timeouts", (double)r->timeouts, "1", "lower");
}

static void serve(struct web_server *s) {
    struct point *pt = s->pt;
    struct usage before = usage_now();
    s->peak = before = usage_now();      /* again: the first reading touched stdio's buffers */
    if (!is_wrk(pt)) accept_all(s);
    else if (be_wg_add(&s->acceptor, 1), !point_go(pt, acceptor_task, s)) return;
    int64_t cpu_ns = usage_cpu_ns();
    point_begin(pt);
    atomic_store(is_wrk(pt) ? &wrk.shared->go : &load.shared->go, 1);
    watch(s);
    point_end(pt);
    cpu_ns = usage_cpu_ns() - cpu_ns;
    load_stop(&load);                    /* closes what connections are left, which ends their tasks */
    wrk_stop(&wrk);
    shutdown(listener, SHUT_RDWR);       /* ends the acceptor */
    be_wg_wait(&s->acceptor);
    be_wg_wait(&s->wg);
    if (pt->status == POINT_OK) (is_wrk(pt) ? judge_wrk : judge)(s);
    if (pt->status == POINT_OK) quote_server(s, &before, cpu_ns);
}

static void web_run(struct point *pt) {
    struct web_server s = {.pt = pt, .n = (uint64_t)pt->tasks, .room = (uint64_t)pt->tasks,
                           .done = is_wrk(pt) ? &wrk.shared->done : &load.shared->done};
    if (is_wrk(pt)) s.room = 2 * s.n + SPARE;
    int64_t cpu_us = point_int(pt, "cpu_us");
    phases_parse(&s.phases, point_text(pt, "phases_us"));
    s.phases.sequential = !strcmp(point_text(pt, "order"), "sequential");
    if (cpu_us > 0) s.iterations = burst_for(burst_calibrate(), (double)cpu_us * 1000);
    s.connections = point_alloc(pt, s.room, sizeof *s.connections);
    if (!s.connections) return;
    if (mux_open(pt, &s.mux, &service.addr, s.n * (uint64_t)s.phases.ncalls) && admission_open(pt, &s.admission)) {
        int err = be_net_open(listener);
        if (err) point_fail(pt, "the listening socket was refused: %s", strerror(-err));
        else serve(&s);
    }
    admission_close(&s.admission);
    mux_close(&s.mux);
    free(s.connections);
}

static bool web_prepare(struct point *pt) {
    struct phases p;
    if (is_wrk(pt) && point_int(pt, "wrk_threads") > pt->tasks)
        return point_usage(pt, "parameter wrk_threads: each thread of wrk has a connection, and there are %lld tasks",
                           (long long)pt->tasks);
    if (phases_parse(&p, point_text(pt, "phases_us"))) return true;
    return point_usage(pt, "parameter phases_us: '%s' is not times in microseconds such as 100000/150000+100000",
                       point_text(pt, "phases_us"));
}

/* After the children: the limit is on the server alone. */
static void limit_space(struct point *pt) {
    rlim_t bytes = (rlim_t)point_int(pt, "space_mib") << 20;
    struct rlimit limit = {bytes, bytes};
    if (bytes && setrlimit(RLIMIT_AS, &limit) < 0) point_fail(pt, "the address space could not be limited: %s", strerror(errno));
}

static int start_generator(const struct point *pt, struct load_config *config) {
    struct wrk_config own = {config->addr, (int)point_int(pt, "wrk_threads"), config->connections, (int)point_int(pt, "wrk_s")};
    return is_wrk(pt) ? wrk_start(&wrk, &own) : load_start(&load, config);
}

static bool web_before(struct point *pt) {
    struct service_config services = {0};
    struct load_config config = {.connections = (int)pt->tasks, .requests = point_int(pt, "requests"),
                                 .rate = point_real(pt, "rate"), .seed = pt->config.seed,
                                 .patience_ns = PATIENCE_S * (int64_t)1000000000};
    signal(SIGPIPE, SIG_IGN);
    if (is_wrk(pt) && !wrk_installed()) {
        point_not_applicable(pt, "wrk: not installed");
        return false;
    }
    if (!fds_need(pt, (uint64_t)pt->tasks + (is_wrk(pt) ? SPARE : 0))) return false;
    int err = service_start(&service, &services);
    if (!err) listener = service_listen(&config.addr);
    if (!err) err = listener < 0 ? listener : start_generator(pt, &config);
    if (err) point_fail(pt, "service or load generator did not start: %s", strerror(-err));
    else limit_space(pt);
    return pt->status == POINT_OK;
}

static void web_after(struct point *pt) {
    (void)pt;
    load_stop(&load);
    wrk_stop(&wrk);
    service_stop(&service);
    if (listener >= 0) close(listener);
}

/* Each connection waits for its next request; the main task accepts on its own, but for wrk. */
static int64_t web_parked(const struct point *pt) {
    struct phases p;
    bool pool = !strcmp(point_text(pt, "admission"), "pool");
    phases_parse(&p, point_text(pt, "phases_us"));
    return pt->tasks + MUX_CONNECTIONS + phases_need_a_task(&p) + is_wrk(pt) + (pool ? point_int(pt, "limit") : 0);
}

const struct workload web = {
    .name = "web",
    .doc = "an HTTP service that asks other services, under open-loop load, with or without admission control",
    .metric = "latency_p50_ns", .unit = "ns", .better = "lower",
    .tasks = 100, .tasks_min = 1, .tasks_max = 20000,
    .params = web_params,
    .prepare = web_prepare,
    .parked = web_parked,
    .before = web_before,
    .run = web_run,
    .after = web_after,
};
