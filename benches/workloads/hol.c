/*
 * hol: how long do short tasks wait behind one that computes without end (head-of-line blocking)?
 *
 * Method       On one P (--procs 1) a hog of hog_ms is made, then --tasks short ones behind it. Each notes the time
 *              from the start of the batch to its first instruction. mode=yield lets the hog yield every chunk_us.
 * Unit         ns: p99 of the start delay in a batch. Histogram: all start delays.
 * Expectation  Goroutines with a 10 ms slice: the queue waits for one slice (10 ms) or, where a preempted hog goes
 *              back to the head, for the whole hog (50 ms). With yields: near 0. Threads: 9 to 12 ms.
 * Falsified by delays that do not move with rt.slice_ns or mode.
 * Known lies   The batch starts before the tasks are made, so their making is inside (microseconds). With free CPUs
 *              there is no line to stand in: pin threads with --cpus.
 */
#include <string.h>

#include "crowd.h"
#include "workloads.h"

static const char *const hol_modes[] = {"run", "yield", NULL};

static const struct param hol_params[] = {
    {"hog_ms", PARAM_INT, 1, 60000, "50", NULL, "calibrated work of the hog, milliseconds"},
    {"mode", PARAM_CHOICE, 0, 0, "run", hol_modes, "run: the hog computes through; yield: it yields after each chunk"},
    {"chunk_us", PARAM_INT, 1, 1000000, "100", NULL, "computing between two yields, microseconds"},
    {0},
};

struct line {
    struct point *pt;
    struct be_wg wg;
    struct waiting {
        struct line *line;
        int64_t started;         /* 0: never */
    } *tasks;
    int64_t *delays;
    struct hist *hist;
    uint64_t n, chunks, chunk_iterations;
    int64_t counted;
    bool yields;
};

static void line_hog(void *arg) {
    struct line *l = arg;
    for (uint64_t i = 0; i < l->chunks; i++) {
        burst_iterations(l->chunk_iterations, i);
        if (l->yields) be_yield();
    }
    be_wg_done(&l->wg);
}

static void waiting_task(void *arg) {
    struct waiting *t = arg;
    t->started = point_now();
    be_wg_done(&t->line->wg);
}

static double hol_batch(void *state, uint64_t n) {
    struct line *l = state;
    uint64_t ran = 0;
    (void)n;
    for (uint64_t i = 0; i < l->n; i++) l->tasks[i] = (struct waiting){l, 0};
    int64_t start = point_now();
    if (crowd_go(l->pt, &l->wg, line_hog, l, 0, 1))
        crowd_go(l->pt, &l->wg, waiting_task, l->tasks, sizeof *l->tasks, l->n);
    be_wg_wait(&l->wg);
    for (uint64_t i = 0; i < l->n; i++)
        if (l->tasks[i].started) l->delays[ran++] = l->tasks[i].started - start;
    l->counted += (int64_t)ran;
    crowd_record(l->hist, l->delays, ran);
    return ran ? crowd_rank(l->delays, ran, 0.99) : 0;
}

static int64_t hol_counted(const void *state) {
    return ((const struct line *)state)->counted;
}

static void hol_run(struct point *pt) {
    double per_ns = burst_calibrate(), hog_ns = (double)point_int(pt, "hog_ms") * 1e6;
    double chunk_ns = (double)point_int(pt, "chunk_us") * 1000;
    struct line l = {.pt = pt, .n = (uint64_t)pt->tasks, .hist = point_histogram(pt, "latency", "ns"),
                     .yields = !strcmp(point_text(pt, "mode"), "yield")};
    l.chunks = l.yields && chunk_ns < hog_ns ? (uint64_t)(hog_ns / chunk_ns) : 1;
    l.chunk_iterations = burst_for(per_ns, hog_ns / (double)l.chunks);
    l.tasks = point_alloc(pt, l.n, sizeof *l.tasks);
    l.delays = point_alloc(pt, l.n, sizeof *l.delays);
    if (l.tasks && l.delays) {
        struct batch_plan plan = {hol_batch, &l, 1, true, l.n, hol_counted};
        point_measure(pt, &plan);
        point_quote_percentiles(pt, "start", l.hist);
    }
    free(l.delays);
    free(l.tasks);
}

const struct workload hol = {
    .name = "hol",
    .doc = "short tasks behind one CPU hog: their start delay",
    .metric = "start_delay_p99_ns", .unit = "ns", .better = "lower",
    .tasks = 255, .tasks_min = 1, .tasks_max = 100000,
    .params = hol_params,
    .run = hol_run,
};
