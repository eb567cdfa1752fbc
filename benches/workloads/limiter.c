/*
 * limiter: can clients keep to the limit of a service that refuses what is over it?
 *
 * Method       A service process answers at most `limit` queries a second, `burst` at once, and refuses the
 *              rest at once (HTTP's 429). --tasks requests go to it. policy=none: all at once, a task each.
 *              bucket: each starts when a token bucket filled at `limit` lets it. adaptive: paced at a rate
 *              that starts at 10 times the limit, halves at a refusal and grows by a tenth at a success.
 *              tenants: three tenants with limits of limit / 10, limit and 10 x limit share `workers` tasks;
 *              a worker waits for its request's bucket, and the service itself has no limit. shared: the same with one
 *              bucket for all three, filled at the sum of their limits: what one limiter does to tenants.
 * Unit         percent of the requests that succeeded. rate: successes a second.
 * Expectation  none: burst / tasks. bucket: all, at the limit. adaptive: half and more, near the limit.
 *              tenants: each at its own limit or below. shared: a third of the sum each, whatever its limit.
 * Falsified by more successes than the service answered (checked); a tenant over its limit.
 * Known lies   A rate is (n - 1) / (last - first), so the bucket's first token is not in it. Adaptive's
 *              settled rate is that of the second half of its requests. A refusal that is late is answered by
 *              a stale rate.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "crowd.h"
#include "mux.h"
#include "workloads.h"

enum policy { NONE, BUCKET, ADAPTIVE, TENANTS, SHARED };
static const char *const policies[] = {"none", "bucket", "adaptive", "tenants", "shared", NULL};

enum { NTENANTS = 3 };

static const struct param limiter_params[] = {
    {"policy", PARAM_CHOICE, 0, 0, "bucket", policies, "of the clients"},
    {"limit", PARAM_REAL, 1, 1000000, "1000", NULL, "queries a second that the service answers"},
    {"burst", PARAM_INT, 1, 1000000, "20", NULL, "queries that the service answers at once after a pause"},
    {"service_us", PARAM_INT, 0, 10000000, "1000", NULL, "what an answered query takes, microseconds"},
    {"workers", PARAM_INT, 1, 100000, "50", NULL, "tasks that share the requests, with policy=tenants or shared"},
    {0},
};

/* Gives out start times a gap apart, from now on at the earliest: a token bucket of one. */
struct bucket {
    struct be_mutex lock;
    int64_t next_ns;
    double rate;
};

struct limited {
    struct limits *all;
    int64_t started_ns, ended_ns;
    int tenant, status;
    bool ended;
};

struct limits {
    struct point *pt;
    struct mux mux;
    struct be_wg wg;
    be_chan *queue;
    struct limited *requests;
    struct bucket buckets[NTENANTS];
    enum policy policy;
    uint64_t n;
    uint32_t service_us;
    double limit, limits[NTENANTS];  /* of all; of each tenant */
};

static bool has_tenants(enum policy p) {
    return p == TENANTS || p == SHARED;
}

/* One point a process: the service lives from before to after. */
static struct service service;

static void bucket_wait(struct bucket *b) {
    int64_t now = point_now();
    be_mutex_lock(&b->lock);
    int64_t at = b->next_ns > now ? b->next_ns : now;
    b->next_ns = at + (int64_t)(1e9 / b->rate);
    be_mutex_unlock(&b->lock);
    if (at > now) be_sleep(at - now);
}

/* The rate halves at a refusal and grows by a tenth at a success, between a query in ten seconds and 100 x limit. */
static void adapt(struct limits *l, int status) {
    struct bucket *b = &l->buckets[0];
    be_mutex_lock(&b->lock);
    b->rate *= status == SERVICE_OK ? 1.1 : 0.5;
    if (b->rate < 0.1) b->rate = 0.1;
    if (b->rate > 100 * l->limit) b->rate = 100 * l->limit;
    be_mutex_unlock(&b->lock);
}

static void make_request(struct limited *r) {
    struct limits *l = r->all;
    r->started_ns = point_now();
    r->status = mux_call(&l->mux, l->service_us);
    r->ended_ns = point_now();
    r->ended = true;
    if (l->policy == ADAPTIVE) adapt(l, r->status);
}

static void request_task(void *arg) {
    struct limited *r = arg;
    make_request(r);
    be_wg_done(&r->all->wg);
}

static void worker_task(void *arg) {
    struct limits *l = arg;
    struct limited *r;
    while (be_chan_recv(l->queue, &r)) {
        bucket_wait(&l->buckets[l->policy == TENANTS ? r->tenant : 0]);
        make_request(r);
    }
    be_wg_done(&l->wg);
}

/* The main task paces, and starts a task for each request. */
static void run_paced(struct limits *l) {
    be_wg_add(&l->wg, (int)l->n);
    for (uint64_t i = 0; i < l->n; i++) {
        if (l->policy != NONE) bucket_wait(&l->buckets[0]);
        if (point_go(l->pt, request_task, &l->requests[i])) continue;
        be_wg_add(&l->wg, -(int)(l->n - i));
        break;
    }
    be_wg_wait(&l->wg);
}

static void run_tenants(struct limits *l) {
    if (crowd_go(l->pt, &l->wg, worker_task, l, 0, (uint64_t)point_int(l->pt, "workers")))
        for (uint64_t i = 0; i < l->n; i++) {
            struct limited *r = &l->requests[i];
            be_chan_send(l->queue, &r);
        }
    be_chan_close(l->queue);
    be_wg_wait(&l->wg);
}

/* Successes a second between the first and the last start of a tenant's, those before skip left out; 0: too few. */
static double rate_of(const struct limits *l, int tenant, uint64_t skip) {
    int64_t *at = malloc(l->n * sizeof *at);
    uint64_t n = 0;
    double rate = 0;
    for (uint64_t i = skip; at && i < l->n; i++)
        if (l->requests[i].tenant == tenant && l->requests[i].status == SERVICE_OK) at[n++] = l->requests[i].started_ns;
    if (at) qsort(at, n, sizeof *at, crowd_compare);
    if (n > 1 && at[n - 1] > at[0]) rate = (double)(n - 1) * 1e9 / (double)(at[n - 1] - at[0]);
    free(at);
    return rate;
}

static void quote_rate(struct limits *l, const char *name, double rate, double limit) {
    if (rate > 0) point_metric(l->pt, name, rate / limit, "of limit", "higher");
    else point_metric_unavailable(l->pt, name, "fewer than two requests succeeded");
}

static void judge(struct limits *l) {
    static const char *const names[NTENANTS] = {"tenant_1_of_limit", "tenant_2_of_limit", "tenant_3_of_limit"};
    struct point *pt = l->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    int64_t ended = 0, succeeded = 0, answered = (int64_t)atomic_load(&service.counts->answered);
    for (uint64_t i = 0; i < l->n; i++) {
        const struct limited *r = &l->requests[i];
        ended += r->ended;
        succeeded += r->ended && r->status == SERVICE_OK;
        if (r->ended) hist_record(latency, (uint64_t)(r->ended_ns - r->started_ns));
    }
    point_sample(pt, 100 * (double)succeeded / (double)l->n);
    point_operations(pt, (int64_t)l->n, ended);
    point_check(pt, "successes_were_answered", succeeded == answered, (double)answered, (double)succeeded);
    point_metric(pt, "rate", (double)succeeded * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
    point_metric(pt, "refused", (double)atomic_load(&service.counts->limited), "1", "lower");
    if (has_tenants(l->policy)) {
        for (int t = 0; t < NTENANTS; t++) quote_rate(l, names[t], rate_of(l, t, 0), l->limits[t]);
    } else {
        quote_rate(l, "rate_of_limit", rate_of(l, 0, 0), l->limit);
        quote_rate(l, "settled_of_limit", rate_of(l, 0, l->n / 2), l->limit);
    }
    point_quote_percentiles(pt, "latency", latency);
}

static enum policy policy_of(const struct point *pt) {
    enum policy p = NONE;
    while (strcmp(policies[p], point_text(pt, "policy"))) p++;
    return p;
}

static void set_up(struct limits *l) {
    static const double shares[NTENANTS] = {0.1, 1, 10};
    double sum = 0;
    for (int t = 0; t < NTENANTS; t++) {
        sum += l->limits[t] = l->limit * shares[t];
        l->buckets[t].rate = l->policy == TENANTS ? l->limits[t] : l->limit;
    }
    if (l->policy == ADAPTIVE) l->buckets[0].rate = 10 * l->limit;
    if (l->policy == SHARED) l->buckets[0].rate = sum;
    for (uint64_t i = 0; i < l->n; i++)
        l->requests[i] = (struct limited){.all = l, .tenant = has_tenants(l->policy) ? (int)(i % NTENANTS) : 0};
}

static void limiter_run(struct point *pt) {
    struct limits l = {.pt = pt, .n = (uint64_t)pt->tasks, .policy = policy_of(pt), .limit = point_real(pt, "limit"),
                       .service_us = (uint32_t)point_int(pt, "service_us")};
    l.requests = point_alloc(pt, l.n, sizeof *l.requests);
    l.queue = be_chan_make(sizeof(struct limited *), 1);
    if (!l.queue) point_fail(pt, "no memory for a channel");
    if (l.requests && l.queue) {
        set_up(&l);
        if (mux_open(pt, &l.mux, &service.addr, l.n)) {
            point_begin(pt);
            if (has_tenants(l.policy)) run_tenants(&l);
            else run_paced(&l);
            point_end(pt);
            if (pt->status == POINT_OK) judge(&l);
        }
        mux_close(&l.mux);
    }
    if (l.queue) be_chan_free(l.queue);
    free(l.requests);
}

static bool limiter_before(struct point *pt) {
    struct service_config config = {.rate = point_real(pt, "limit"), .burst = (double)point_int(pt, "burst")};
    if (has_tenants(policy_of(pt))) config.rate = 0;
    signal(SIGPIPE, SIG_IGN);
    int err = service_start(&service, &config);
    if (err) point_fail(pt, "the service did not start: %s", strerror(-err));
    return err == 0;
}

static void limiter_after(struct point *pt) {
    (void)pt;
    service_stop(&service);
}

static int64_t limiter_parked(const struct point *pt) {
    (void)pt;
    return MUX_CONNECTIONS + 1;
}

const struct workload limiter = {
    .name = "limiter",
    .doc = "requests to a service with a rate limit: unlimited, token bucket, adaptive, a bucket a tenant",
    .metric = "success_percent", .unit = "%", .better = "higher",
    .tasks = 100, .tasks_min = 1, .tasks_max = 1000000,
    .params = limiter_params,
    .parked = limiter_parked,
    .before = limiter_before,
    .run = limiter_run,
    .after = limiter_after,
};
