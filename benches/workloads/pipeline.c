/*
 * pipeline: a log pipeline of several stages, against the same work one entry after the other.
 *
 * Method       --tasks entries of JSON pass the stages (stages.h): parsed, enriched, written and digested for
 *              good. A stage also waits as long as stages_us says, where a claim says only that a stage takes
 *              so long (0: the real work alone). shape=pipeline: `workers` tasks a stage, joined by channels
 *              of `buffer`. shape=sequential: the main task does every stage of every entry.
 * Unit         ns from the first entry until the last has left. Histogram: each entry, from its first stage
 *              to its last.
 * Expectation  With waits: tasks x slowest stage / workers. Without: no faster than the processors allow, a
 *              core's worth a worker at best, and slower than sequential when an entry costs less than its
 *              four hand-offs.
 * Falsified by a sum of digests that differs from a plain pass over the same entries (checked).
 * Known lies   A stage's wait keeps no processor busy, as a database or a disk would not. busy counts a
 *              worker's waits and its work, not whether a processor ran it.
 */
#include <string.h>

#include "crowd.h"
#include "fds.h"
#include "stages.h"
#include "usage.h"
#include "workloads.h"

static const char *const shapes[] = {"pipeline", "sequential", NULL};

static const struct param pipeline_params[] = {
    {"shape", PARAM_CHOICE, 0, 0, "pipeline", shapes, "pipeline: workers at every stage; sequential: one task does all"},
    {"workers", PARAM_INT, 1, 1000, "4", NULL, "tasks at each stage"},
    {"stages_us", PARAM_TEXT, 0, 0, "0+0+0+0+0", NULL, "what each stage waits beside its work, microseconds, joined by +"},
    {"buffer", PARAM_INT, 0, 100000, "64", NULL, "entries that each channel between two stages holds"},
    {0},
};

struct stage {
    struct line *all;
    int index;
    be_chan *in, *out;           /* out: NULL at the last */
    struct be_wg left;           /* workers still at it: the last closes out */
    int64_t wait_ns;
    int64_t busy_ns, done;       /* under lock, added by each worker as it leaves */
    struct be_mutex lock;
};

struct line {
    struct point *pt;
    struct stage stages[STAGES_MAX];
    int nstages;
    struct entry *entries;
    uint64_t n;
    int64_t workers;
};

/* Returns how long it took. */
static int64_t pass(struct stage *s, struct entry *e) {
    int64_t start = point_now();
    if (s->index == 0) e->started_ns = start;
    bool ok = stage_work(e, s->index, s->all->nstages);
    if (s->wait_ns > 0) be_sleep(s->wait_ns);
    int64_t now = point_now();
    if (ok && s->index == s->all->nstages - 1) e->done_ns = now;
    return now - start;
}

static void worker_task(void *arg) {
    struct stage *s = arg;
    struct entry *e;
    int64_t busy_ns = 0, done = 0;
    while (be_chan_recv(s->in, &e)) {
        busy_ns += pass(s, e);
        done++;
        if (s->out) be_chan_send(s->out, &e);
    }
    be_mutex_lock(&s->lock);
    s->busy_ns += busy_ns;
    s->done += done;
    be_mutex_unlock(&s->lock);
    be_wg_done(&s->left);
}

/* Ends the stages in order: each is closed when all workers of the one before it have left. */
static void drain(struct line *l) {
    for (int i = 0; i < l->nstages; i++) {
        be_chan_close(l->stages[i].in);
        be_wg_wait(&l->stages[i].left);
    }
}

static void run_pipeline(struct line *l) {
    bool all = true;
    for (int i = 0; i < l->nstages; i++)
        all = all && crowd_go(l->pt, &l->stages[i].left, worker_task, &l->stages[i], 0, (uint64_t)l->workers);
    for (uint64_t i = 0; all && i < l->n; i++) {
        struct entry *e = &l->entries[i];
        be_chan_send(l->stages[0].in, &e);
    }
    drain(l);
}

static void run_sequential(struct line *l) {
    for (uint64_t i = 0; i < l->n; i++)
        for (int s = 0; s < l->nstages; s++) {
            l->stages[s].busy_ns += pass(&l->stages[s], &l->entries[i]);
            l->stages[s].done++;
        }
}

/* The digests' sum of a plain pass, by the main task; also what the first pass over fresh memory costs is paid here. */
static uint64_t expected_sum(struct line *l) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < l->n; i++) {
        for (int s = 0; s < l->nstages; s++) stage_work(&l->entries[i], s, l->nstages);
        sum += l->entries[i].digest;
        l->entries[i].digest = 0;
    }
    return sum;
}

static void judge(struct line *l, uint64_t expected, bool sequential) {
    struct point *pt = l->pt;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    double elapsed_ns = (double)pt->elapsed_ns, workers = sequential ? 1 : (double)l->workers, least = 100, most = 0;
    uint64_t sum = 0;
    int64_t through = 0;
    for (uint64_t i = 0; i < l->n; i++) {
        const struct entry *e = &l->entries[i];
        if (!e->done_ns) continue;
        through++;
        sum += e->digest;
        hist_record(latency, (uint64_t)(e->done_ns - e->started_ns));
    }
    for (int i = 0; i < l->nstages; i++) {
        double busy = 100 * (double)l->stages[i].busy_ns / (elapsed_ns * workers);
        if (busy < least) least = busy;
        if (busy > most) most = busy;
        point_check(pt, "stage_saw_all", l->stages[i].done == (int64_t)l->n, (double)l->n, (double)l->stages[i].done);
    }
    point_sample(pt, elapsed_ns);
    point_operations(pt, (int64_t)l->n, through);
    const uint64_t exact = (UINT64_C(1) << 53) - 1;      /* what a double holds */
    point_check(pt, "digests_add_up", sum == expected, (double)(expected & exact), (double)(sum & exact));
    point_metric(pt, "throughput", (double)through * 1e9 / elapsed_ns, "1/s", "higher");
    point_metric(pt, "entry_ns", elapsed_ns / (double)l->n, "ns", "lower");
    point_metric(pt, "busiest_stage_percent", most, "%", "higher");
    point_metric(pt, "idlest_stage_percent", least, "%", "higher");
    point_quote_percentiles(pt, "latency", latency);
}

static bool pipeline_open(struct line *l) {
    int64_t waits_ns[STAGES_MAX];
    l->nstages = stages_parse(point_text(l->pt, "stages_us"), waits_ns);
    for (int i = 0; i < l->nstages; i++) {
        l->stages[i] = (struct stage){.all = l, .index = i, .wait_ns = waits_ns[i]};
        l->stages[i].in = be_chan_make(sizeof(struct entry *), (size_t)point_int(l->pt, "buffer"));
        if (!l->stages[i].in) point_fail(l->pt, "no memory for the channels");
        if (i > 0) l->stages[i - 1].out = l->stages[i].in;
    }
    for (uint64_t i = 0; i < l->n; i++) l->entries[i].number = i;
    return l->pt->status == POINT_OK;
}

static void pipeline_run(struct point *pt) {
    bool sequential = !strcmp(point_text(pt, "shape"), "sequential");
    struct line l = {.pt = pt, .n = (uint64_t)pt->tasks, .workers = point_int(pt, "workers")};
    l.entries = point_alloc(pt, l.n, sizeof *l.entries);
    if (l.entries && pipeline_open(&l)) {
        uint64_t expected = expected_sum(&l);
        point_begin(pt);
        if (sequential) run_sequential(&l);
        else run_pipeline(&l);
        point_end(pt);
        if (pt->status == POINT_OK) judge(&l, expected, sequential);
    }
    for (int i = 0; i < l.nstages; i++)
        if (l.stages[i].in) be_chan_free(l.stages[i].in);
    free(l.entries);
}

static bool pipeline_prepare(struct point *pt) {
    int64_t ns[STAGES_MAX];
    if (stages_parse(point_text(pt, "stages_us"), ns) > 0) return true;
    return point_usage(pt, "parameter stages_us: '%s' is not 1 to %d times in microseconds joined by +, such as 100+2000",
                       point_text(pt, "stages_us"), STAGES_MAX);
}

static int64_t pipeline_parked(const struct point *pt) {
    int64_t ns[STAGES_MAX];
    if (strcmp(point_text(pt, "shape"), "pipeline")) return 0;
    return point_int(pt, "workers") * stages_parse(point_text(pt, "stages_us"), ns);
}

const struct workload pipeline = {
    .name = "pipeline",
    .doc = "log entries through stages that parse, enrich and write JSON: workers at every stage, or one task",
    .metric = "elapsed_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 10000000,
    .params = pipeline_params,
    .prepare = pipeline_prepare,
    .parked = pipeline_parked,
    .run = pipeline_run,
};
