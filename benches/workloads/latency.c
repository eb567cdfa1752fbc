/*
 * latency: what do requests suffer when they arrive on their own schedule?
 *
 * Method       Open loop. Poisson arrivals are computed beforehand from --seed. At each a pacer outside of the process
 *              (benches/outside/pacer.h) writes a byte into a pipe; the main task reads them and makes a task for each,
 *              which computes for service_us. Offered rate = load x procs / service_us, for --measure-ms. A pacer that
 *              is late rings at once and logs its lag. hogs computing tasks may run beside.
 * Unit         ns: p99 of (end of the request - intended arrival). Histograms: latency; lag of the generator.
 * Expectation  p99 rises slowly to a load of 0.7 and steeply from there; with hogs it steps by time slices.
 * Falsified by a p99 below service_us, or one that does not rise with load.
 * Known lies   The pacer takes some 5 us of processor time a request. Where --procs leaves no CPU over it sleeps between
 *              rings, and its lag is the kernel's wake-up. The check `generator_kept_up` fails when the p99 of its lag
 *              is above 10 % of the p99 reported. To read the pipe is part of a request, as an accept loop is.
 *              One sample a process: repetitions are compared, never pooled.
 *              loop=closed is there to show what not to believe: one client that sends when it has its answer, measured
 *              from the sending. A stall delays one request of it and hides all those that would have come meanwhile.
 */
#include "child.h"
#include "crowd.h"
#include "hist_log.h"
#include "pacer.h"
#include "random.h"
#include "workloads.h"

#include <sched.h>
#include <string.h>

static const char *const loops[] = {"open", "closed", NULL};

static const struct param latency_params[] = {
    {"load", PARAM_REAL, 0.01, 2, "0.5", NULL, "offered load as a share of procs / service_us"},
    {"service_us", PARAM_INT, 1, 1000000, "100", NULL, "calibrated computing of a request, microseconds"},
    {"hogs", PARAM_INT, 0, 1024, "0", NULL, "computing tasks that run beside the requests"},
    {"loop", PARAM_CHOICE, 0, 0, "open", loops, "open: arrivals by the clock; closed: the next when the last is answered"},
    {0},
};

enum { LEAD_NS = 2000000 };      /* from the request for a series to its start: the pacer looks every 0.1 ms */

struct arrival {
    struct stream *stream;
    int64_t intended, lag_ns, latency_ns;   /* intended: ns from the start */
};

struct stream {
    struct point *pt;
    struct be_wg wg;
    struct arrival *arrivals;
    uint64_t n, iterations;
    int64_t start, due; /* the same moment: of the point's clock, for the log; of the pacer's, which both ends of a latency use */
    bool closed;
};

static void request_task(void *arg) {
    struct arrival *a = arg;
    burst_iterations(a->stream->iterations, (uint64_t)a->intended);
    a->latency_ns = child_now_ns() - a->stream->due - a->intended;
    be_wg_done(&a->stream->wg);
}

/* One point a process: the pacer lives from before to after. */
static struct pacer pacer;

/* As many requests as the pacer rang for; false: the point has failed. */
static bool send_rung(struct stream *s, uint64_t *next) {
    char rings[256];
    ssize_t got = be_net_read(pacer.bell, rings, sizeof rings);
    if (got <= 0) point_fail(s->pt, "the pacer's pipe: %s", got ? strerror((int)-got) : "it has ended");
    for (ssize_t i = 0; i < got; i++, ++*next)
        if (!point_go(s->pt, request_task, &s->arrivals[*next])) return false;
    return got > 0;
}

static void send_all(struct stream *s) {
    uint64_t next = 0;
    be_wg_add(&s->wg, (int)s->n);
    for (uint64_t i = 0; i < s->n; i++) pacer.shared->rings[i].intended_ns = s->arrivals[i].intended;
    s->start = point_now() + LEAD_NS;
    s->due = child_now_ns() + LEAD_NS;
    pacer_ring(&pacer, s->n, s->due);
    while (next < s->n && send_rung(s, &next)) {}
    be_wg_add(&s->wg, -(int)(s->n - next));
    be_wg_wait(&s->wg);
    if (next < s->n) return;
    pacer_finish(&pacer);
    for (uint64_t i = 0; i < s->n; i++) s->arrivals[i].lag_ns = pacer.shared->rings[i].lag_ns;
}

/* The closed-loop twin: the same requests, each sent once the one before is answered, and never before its time. Its
 * `intended` becomes the moment of sending: that is the mistake it is kept for. */
static void send_closed(struct stream *s) {
    s->start = point_now();
    s->due = child_now_ns();
    for (uint64_t i = 0; i < s->n; i++) {
        struct arrival *a = &s->arrivals[i];
        int64_t early = s->due + a->intended - child_now_ns();
        if (early > 0) be_sleep(early);
        a->intended = child_now_ns() - s->due;
        be_wg_add(&s->wg, 1);
        if (!point_go(s->pt, request_task, a)) {
            be_wg_done(&s->wg);
            return;
        }
        be_wg_wait(&s->wg);
    }
}

static void send_stream(struct stream *s) {
    if (s->closed) send_closed(s);
    else send_all(s);
}

static uint64_t room_for(double gap_ns, int64_t duration_ns) {
    return (uint64_t)((double)duration_ns / gap_ns * 1.2) + 1000;
}

static uint64_t plan_arrivals(struct stream *s, double gap_ns, int64_t duration_ns) {
    struct rng rng = {s->pt->config.seed};
    uint64_t room = room_for(gap_ns, duration_ns), n = 0;
    s->arrivals = point_alloc(s->pt, room, sizeof *s->arrivals);
    if (!s->arrivals) return 0;
    for (double at = rng_exponential(&rng, gap_ns); n < room && at < (double)duration_ns;
         at += rng_exponential(&rng, gap_ns))
        s->arrivals[n++] = (struct arrival){.stream = s, .intended = (int64_t)at, .latency_ns = -1};
    return n;
}

/* By the second in which a request was due: a stall then stands where it began. */
static void log_by_second(struct stream *s) {
    uint64_t seconds = s->n ? (uint64_t)s->arrivals[s->n - 1].intended / 1000000000 + 1 : 0;
    struct hist_log *log = hist_log_new(HIST_DIGITS_DEFAULT, (uint64_t)s->start, 0, seconds);
    if (!log) return;
    for (uint64_t i = 0; i < s->n; i++)
        if (s->arrivals[i].latency_ns >= 0)
            hist_log_record(log, (uint64_t)(s->start + s->arrivals[i].intended), (uint64_t)s->arrivals[i].latency_ns);
    hist_log_finish(log);
    point_histogram_log(s->pt, "latency", log);
}

static void judge(struct stream *s) {
    struct point *pt = s->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns"), *lag = point_histogram(pt, "lag", "ns");
    int64_t answered = 0;
    for (uint64_t i = 0; i < s->n; i++) {
        if (s->arrivals[i].latency_ns < 0) continue;
        answered++;
        hist_record(latency, (uint64_t)s->arrivals[i].latency_ns);
        hist_record(lag, s->arrivals[i].lag_ns > 0 ? (uint64_t)s->arrivals[i].lag_ns : 0);
    }
    log_by_second(s);
    point_operations(pt, (int64_t)s->n, answered);
    double p99 = point_percentile(latency, 99), lag_p99 = point_percentile(lag, 99);
    if (p99 != p99) {
        point_fail(pt, "%lld requests are too few for a p99 (1,000 and more): raise --measure-ms or load",
                   (long long)answered);
        return;
    }
    point_sample(pt, p99);
    point_check(pt, "generator_kept_up", lag_p99 <= 0.1 * p99, 0.1 * p99, lag_p99);
    point_quote_percentiles(pt, "latency", latency);
    point_metric(pt, "lag_p99_ns", lag_p99, "ns", "lower");
    point_metric(pt, "throughput", (double)answered * 1e9 / (double)pt->elapsed_ns, "1/s", "higher");
}

static double gap_between(const struct point *pt) {
    return (double)point_int(pt, "service_us") * 1000 / (point_real(pt, "load") * pt->config.procs);
}

static bool latency_before(struct point *pt) {
    int64_t longest_ms = pt->options.measure_ms > pt->options.warmup_ms ? pt->options.measure_ms : pt->options.warmup_ms;
    cpu_set_t allowed;
    bool spare = sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > pt->config.procs;
    int err = pacer_start(&pacer, room_for(gap_between(pt), longest_ms * 1000000), spare);
    if (err) point_fail(pt, "the pacer did not start: %s", strerror(-err));
    return !err;
}

static void latency_after(struct point *pt) {
    (void)pt;
    pacer_stop(&pacer);
}

static void latency_run(struct point *pt) {
    double service_ns = (double)point_int(pt, "service_us") * 1000, gap_ns = gap_between(pt);
    struct stream s = {.pt = pt, .iterations = burst_for(burst_calibrate(), service_ns),
                       .closed = !strcmp(point_text(pt, "loop"), "closed")};
    struct hogs hogs = {0};
    int err = be_net_open(pacer.bell);
    if (err) {
        point_not_applicable(pt, "%s cannot wait for a pipe: %s", be_name, strerror(-err));
        return;
    }
    hogs_start(pt, &hogs, point_int(pt, "hogs"));
    /* The warm-up is a short stream of its own, thrown away. */
    s.n = plan_arrivals(&s, gap_ns, pt->options.warmup_ms * 1000000);
    int64_t start = point_now();
    if (pt->status == POINT_OK) send_stream(&s);
    point_phase(pt, "warmup", start, point_now());
    free(s.arrivals);
    s.arrivals = NULL;
    s.n = pt->status == POINT_OK ? plan_arrivals(&s, gap_ns, pt->options.measure_ms * 1000000) : 0;
    if (pt->status == POINT_OK) {
        point_begin(pt);
        send_stream(&s);
        point_end(pt);
    }
    hogs_stop(&hogs);
    if (pt->status == POINT_OK) judge(&s);
    free(s.arrivals);
}

static int64_t latency_parked(const struct point *pt) {
    return 1 + point_int(pt, "hogs"); /* a hog that never ends must not keep the requests from their thread */
}

const struct workload latency = {
    .name = "latency",
    .doc = "open loop: Poisson arrivals at a share of capacity, latency from the intended time",
    .metric = "latency_p99_ns", .unit = "ns", .better = "lower",
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = latency_params,
    .before = latency_before,
    .parked = latency_parked,
    .run = latency_run,
    .after = latency_after,
};
