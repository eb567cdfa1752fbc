/*
 * calls: what does a request gain when it makes its calls to services side by side, and what does a deadline
 * free?
 *
 * Method       `clients` tasks make --tasks requests in all, in turn. A request makes the calls of phases_us
 *              to a service process over loopback, which answers each after its time: phases follow each
 *              other, the calls of one phase go side by side, each in a task of its own (order=parallel) or
 *              one after the other (order=sequential). deadline_us: a timer cancels what is still under way
 *              then; the service is told.
 * Unit         ns a request: each is a sample. Histogram: latency.
 * Expectation  parallel: the sum of each phase's slowest; sequential: the sum of all; with a deadline no more
 *              than that.
 * Falsified by a request that ends before its slowest call (checked), calls that outlive their deadline:
 *              calls_after and pending_after count them, on the client and in the service, when all requests
 *              have ended.
 * Known lies   The services share the processors with the requests, at some 5 us of work a call. The timer of
 *              a request that ended in time stays until its deadline, as a timer that nobody stops does.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "child.h"
#include "crowd.h"
#include "fds.h"
#include "phases.h"
#include "workloads.h"

static const char *const orders[] = {"parallel", "sequential", NULL};

static const struct param calls_params[] = {
    {"phases_us", PARAM_TEXT, 0, 0, "2000/3000+2000", NULL,
     "microseconds of each call; calls side by side joined by +, phases by /"},
    {"order", PARAM_CHOICE, 0, 0, "parallel", orders, "of the calls of one phase"},
    {"clients", PARAM_INT, 1, 100000, "1", NULL, "tasks that make the requests, each one at a time"},
    {"deadline_us", PARAM_INT, 0, 60000000, "0", NULL, "after which a request is cancelled; 0: never"},
    {0},
};

struct call_work {
    struct point *pt;
    struct phases phases;
    struct mux mux;
    struct request *requests;
    struct be_wg clients, timers;
    int64_t n, nclients, deadline_ns;
    int64_t least_ns;            /* the shortest that a request can take */
};

struct request {
    struct call_work *all;
    struct phases_run run;
    int64_t latency_ns;
    int status;
    bool ended;
};

struct client {
    struct call_work *all;
    int64_t first;
};

/* One point a process: the service lives from before to after. */
static struct service service;

static void deadline_task(void *arg) {
    struct request *r = arg;
    be_sleep(r->all->deadline_ns);
    phases_cancel(&r->run);
    be_wg_done(&r->all->timers);
}

static void make_request(struct request *r) {
    struct call_work *w = r->all;
    phases_begin(&r->run, &w->phases, &w->mux);
    int64_t start = point_now();
    if (w->deadline_ns > 0) {
        be_wg_add(&w->timers, 1);
        if (!be_go(deadline_task, r)) {
            be_wg_add(&w->timers, -1);
            return;
        }
    }
    r->status = phases_make(&r->run);
    r->latency_ns = point_now() - start;
    r->ended = true;
}

static void client_task(void *arg) {
    struct client *c = arg;
    for (int64_t i = c->first; i < c->all->n; i += c->all->nclients) make_request(&c->all->requests[i]);
    be_wg_done(&c->all->clients);
}

static void judge(struct call_work *w, uint32_t calls_after, uint64_t pending_after) {
    struct point *pt = w->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    int64_t ended = 0, ok = 0, cancelled = 0, early = 0;
    double sum = 0;
    for (int64_t i = 0; i < w->n; i++) {
        const struct request *r = &w->requests[i];
        ended += r->ended;
        ok += r->ended && r->status == SERVICE_OK;
        cancelled += r->ended && r->status == -ECANCELED;
        early += r->ended && r->status == SERVICE_OK && r->latency_ns < w->least_ns - w->least_ns / 1000 - 1000;
        hist_record(latency, (uint64_t)r->latency_ns);
        point_sample(pt, (double)r->latency_ns);
        sum += (double)r->latency_ns;
    }
    point_operations(pt, w->n, ended);
    point_check(pt, "all_ended_as_told", ok + cancelled == w->n, (double)w->n, (double)(ok + cancelled));
    point_check(pt, "none_early", early == 0, 0, (double)early);
    point_metric(pt, "request_mean_ns", sum / (double)w->n, "ns", "lower");
    point_metric(pt, "throughput", (double)ok * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    point_metric(pt, "cancelled_percent", 100 * (double)cancelled / (double)w->n, "%", "lower");
    point_metric(pt, "cancelled_in_service", (double)atomic_load(&service.counts->cancelled), "1", "higher");
    point_metric(pt, "calls_after", calls_after, "1", "lower");
    point_metric(pt, "pending_after", (double)pending_after, "1", "lower");
    if (w->deadline_ns > 0)
        point_metric(pt, "past_deadline_max_ns", (double)hist_max(latency) - (double)w->deadline_ns, "ns", "lower");
    point_quote_percentiles(pt, "latency", latency);
}

/* What is left when the last request has ended: the service gets a moment to hear of the last cancellation. */
static void run_clients(struct call_work *w, struct client *clients) {
    enum { MOMENT_NS = 2000000 };
    for (int64_t i = 0; i < w->nclients; i++) clients[i] = (struct client){w, i};
    point_begin(w->pt);
    crowd_go(w->pt, &w->clients, client_task, clients, sizeof *clients, (uint64_t)w->nclients);
    be_wg_wait(&w->clients);
    point_end(w->pt);
    uint32_t calls_after = mux_outstanding(&w->mux);
    be_sleep(MOMENT_NS);
    uint64_t pending_after = atomic_load(&service.counts->pending);
    be_wg_wait(&w->timers);
    if (w->pt->status == POINT_OK) judge(w, calls_after, pending_after);
}

static void calls_run(struct point *pt) {
    struct call_work w = {.pt = pt, .n = pt->tasks, .nclients = point_int(pt, "clients"),
                          .deadline_ns = point_int(pt, "deadline_us") * 1000};
    if (w.nclients > w.n) w.nclients = w.n;
    phases_parse(&w.phases, point_text(pt, "phases_us"));
    w.phases.sequential = !strcmp(point_text(pt, "order"), "sequential");
    w.least_ns = phases_least_ns(&w.phases);
    w.requests = point_alloc(pt, (uint64_t)w.n, sizeof *w.requests);
    struct client *clients = point_alloc(pt, (uint64_t)w.nclients, sizeof *clients);
    for (int64_t i = 0; w.requests && i < w.n; i++) w.requests[i].all = &w;
    if (w.requests && clients) {
        if (mux_open(pt, &w.mux, &service.addr, (uint64_t)(w.nclients * w.phases.ncalls))) run_clients(&w, clients);
        mux_close(&w.mux);
    }
    free(clients);
    free(w.requests);
}

static bool calls_prepare(struct point *pt) {
    struct phases p;
    if (phases_parse(&p, point_text(pt, "phases_us"))) return true;
    return point_usage(pt, "parameter phases_us: '%s' is not times in microseconds such as 100000/150000+100000",
                       point_text(pt, "phases_us"));
}

static int64_t calls_parked(const struct point *pt) {
    struct phases p;
    phases_parse(&p, point_text(pt, "phases_us"));
    p.sequential = !strcmp(point_text(pt, "order"), "sequential");
    return MUX_CONNECTIONS + point_int(pt, "clients") * (1 + (point_int(pt, "deadline_us") > 0)) + phases_need_a_task(&p);
}

static bool calls_before(struct point *pt) {
    struct service_config config = {0};
    signal(SIGPIPE, SIG_IGN);
    int err = service_start(&service, &config);
    if (err) point_fail(pt, "the service did not start: %s", strerror(-err));
    return err == 0;
}

static void calls_after(struct point *pt) {
    (void)pt;
    service_stop(&service);
}

const struct workload calls = {
    .name = "calls",
    .doc = "requests that call services in phases, side by side or in turn, with and without a deadline",
    .metric = "request_ns", .unit = "ns", .better = "lower",
    .tasks = 20, .tasks_min = 1, .tasks_max = 100000,
    .params = calls_params,
    .prepare = calls_prepare,
    .parked = calls_parked,
    .before = calls_before,
    .run = calls_run,
    .after = calls_after,
};
