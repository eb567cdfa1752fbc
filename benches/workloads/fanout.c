/*
 * fanout: many independent jobs at once, against workers that share them, against one after the other.
 *
 * Method       --tasks jobs, all submitted at the start. shape=each: a task each. shape=workers: `workers`
 *              tasks take them from a channel. shape=sequential: the main task does all. A job takes
 *              service_us: a sleep where the claim itself says only how long it takes (via=wait), or a query
 *              over a connection of its own to a service process that refuses more than `connections` at once
 *              (via=service; 0: no limit).
 * Unit         ns from the first submission until the last job has ended. Histogram: each job, from the start
 *              of all.
 * Expectation  each: service_us and what it takes to make the tasks; workers: tasks / workers x service_us;
 *              sequential: tasks x service_us. Over the limit, each loses queries and workers loses none.
 * Falsified by jobs that end before service_us, or more successes than the service answered (checked).
 * Known lies   On a pool of threads no more jobs are under way than it has threads, whatever the shape. A job
 *              that only sleeps needs no processor: nothing here shows how many computing jobs would fit.
 *              Memory is read when all tasks have been submitted: what a job keeps of its own work is not in
 *              it.
 */
#include <signal.h>
#include <string.h>

#include "crowd.h"
#include "fds.h"
#include "link.h"
#include "usage.h"
#include "workloads.h"

static const char *const shapes[] = {"each", "workers", "sequential", NULL};
static const char *const vias[] = {"wait", "service", NULL};

static const struct param fanout_params[] = {
    {"shape", PARAM_CHOICE, 0, 0, "each", shapes, "each: a task a job; workers: tasks that share them; sequential"},
    {"workers", PARAM_INT, 1, 100000, "100", NULL, "tasks that share the jobs, with shape=workers"},
    {"service_us", PARAM_INT, 1, 10000000, "10000", NULL, "what a job takes, microseconds"},
    {"via", PARAM_CHOICE, 0, 0, "wait", vias, "wait: the job sleeps; service: it connects and queries a service"},
    {"connections", PARAM_INT, 0, 100000, "0", NULL, "that the service accepts at once; 0: no limit"},
    {0},
};

struct job {
    struct fan *all;
    int64_t done_ns;             /* from the start of all; 0: never ended */
    bool ok;
};

struct fan {
    struct point *pt;
    struct be_wg wg;
    struct job *jobs;
    be_chan *queue;
    uint64_t n, workers;
    int64_t start_ns;
    uint32_t service_us;
    bool service;
    struct usage peak;
    int64_t threads;
};

/* One point a process: the service lives from before to after. */
static struct service service;

static bool do_job(const struct fan *f) {
    if (!f->service) {
        be_sleep((int64_t)f->service_us * 1000);
        return true;
    }
    int fd = link_open(&service.addr, false);
    if (fd < 0) return false;
    int status = link_query(fd, false, f->service_us);
    link_close(fd, false);
    return status == SERVICE_OK;
}

static void finish(struct job *j) {
    j->ok = do_job(j->all);
    j->done_ns = point_now() - j->all->start_ns;
}

static void job_task(void *arg) {
    struct job *j = arg;
    finish(j);
    be_wg_done(&j->all->wg);
}

static void worker_task(void *arg) {
    struct fan *f = arg;
    struct job *j;
    while (be_chan_recv(f->queue, &j)) finish(j);
    be_wg_done(&f->wg);
}

static void look(struct fan *f) {
    struct usage now = usage_now();
    usage_peak(&f->peak, &now);
    f->threads = threads_now();
}

static void run_workers(struct fan *f) {
    f->queue = be_chan_make(sizeof(struct job *), f->workers);
    if (!f->queue) {
        point_fail(f->pt, "no memory for a channel of %llu jobs", (unsigned long long)f->workers);
        return;
    }
    if (crowd_go(f->pt, &f->wg, worker_task, f, 0, f->workers))
        for (uint64_t i = 0; i < f->n; i++) {
            struct job *j = &f->jobs[i];
            be_chan_send(f->queue, &j);
            if (i == f->n / 2) look(f);
        }
    be_chan_close(f->queue);
    be_wg_wait(&f->wg);
    be_chan_free(f->queue);
}

static void run_shape(struct fan *f, const char *shape) {
    f->start_ns = point_now();
    if (!strcmp(shape, "workers")) {
        run_workers(f);
    } else if (!strcmp(shape, "each")) {
        crowd_go(f->pt, &f->wg, job_task, f->jobs, sizeof *f->jobs, f->n);
        look(f);
        be_wg_wait(&f->wg);
    } else {
        for (uint64_t i = 0; i < f->n; i++) finish(&f->jobs[i]);
        look(f);
    }
}

static void judge(struct fan *f, int64_t elapsed_ns, const struct usage *before) {
    struct point *pt = f->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    int64_t ended = 0, succeeded = 0, early = 0, least_ns = (int64_t)f->service_us * 1000;
    for (uint64_t i = 0; i < f->n; i++) {
        const struct job *j = &f->jobs[i];
        ended += j->done_ns > 0;
        succeeded += j->ok;
        /* The clocks' rates differ by 500 ppm at most. */
        early += j->ok && j->done_ns < least_ns - least_ns / 1000 - 1000;
        if (j->ok) hist_record(latency, (uint64_t)j->done_ns);
    }
    point_sample(pt, (double)elapsed_ns);
    point_operations(pt, (int64_t)f->n, ended);
    point_check(pt, "none_early", early == 0, 0, (double)early);
    if (f->service) {
        double answered = (double)atomic_load(&service.counts->answered);
        point_check(pt, "successes_were_answered", (double)succeeded <= answered, answered, (double)succeeded);
        point_metric(pt, "connections_peak", (double)atomic_load(&service.counts->connections_peak), "1", "lower");
    }
    point_quote_percentiles(pt, "latency", latency);
    point_metric(pt, "success_percent", 100 * (double)succeeded / (double)f->n, "%", "higher");
    point_metric(pt, "throughput", (double)succeeded * 1e9 / (double)elapsed_ns, "1/s", "higher");
    if (f->threads > 0) point_metric(pt, "threads", (double)f->threads, "threads", "lower");
    usage_quote(pt, before, &f->peak);
}

static bool fanout_before(struct point *pt) {
    if (strcmp(point_text(pt, "via"), "service")) return true;
    struct service_config config = {.max_connections = (int)point_int(pt, "connections")};
    signal(SIGPIPE, SIG_IGN);
    if (!fds_need(pt, (uint64_t)pt->tasks)) return false;
    int err = service_start(&service, &config);
    if (err) point_fail(pt, "the service did not start: %s", strerror(-err));
    return err == 0;
}

static void fanout_run(struct point *pt) {
    struct fan f = {.pt = pt, .n = (uint64_t)pt->tasks, .workers = (uint64_t)point_int(pt, "workers"),
                    .service_us = (uint32_t)point_int(pt, "service_us"),
                    .service = !strcmp(point_text(pt, "via"), "service")};
    f.jobs = point_alloc(pt, f.n, sizeof *f.jobs);
    if (!f.jobs) return;
    for (uint64_t i = 0; i < f.n; i++) f.jobs[i].all = &f;   /* also touches them: not the tasks' memory */
    struct usage before = usage_now();
    f.peak = before = usage_now();       /* again: the first reading touched stdio's buffers */
    point_begin(pt);
    run_shape(&f, point_text(pt, "shape"));
    point_end(pt);
    if (pt->status == POINT_OK) judge(&f, pt->elapsed_ns, &before);
    free(f.jobs);
}

static void fanout_after(struct point *pt) {
    (void)pt;
    service_stop(&service);
}

const struct workload fanout = {
    .name = "fanout",
    .doc = "independent jobs at once: a task each, shared by workers, or one after the other",
    .metric = "elapsed_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 1000000,
    .params = fanout_params,
    .before = fanout_before,
    .run = fanout_run,
    .after = fanout_after,
};
