/*
 * sleepers: how late do many sleeping tasks wake?
 *
 * Method       --tasks tasks each sleep for sleep_us from the moment that they run, and note how long after its end
 *              they ran again. A sample is how much longer than one sleep the whole batch took.
 * Unit         ns: from the first task made to the last woken, less sleep_us. Histogram: lateness of each task.
 * Expectation  100,000 goroutines of 1 s: about 100 ms late, most of it their creation; 1,000 of 10 ms: 0.5 ms at
 *              p50. 10,000 threads of 1 s: 230 ms.
 * Falsified by a task that wakes early (counted as a failed check), or lateness that does not grow with tasks.
 * Known lies   The batch figure contains making the tasks. Kernel timer slack is set to 1 ns for the thread backends
 *              and stated in the record; trine's Ms ask for 1 us, Go leaves the kernel's 50. On the pool, tasks beyond the
 *              threads wait for those before them to end.
 */
#include "crowd.h"
#include "workloads.h"

static const struct param sleepers_params[] = {
    {"sleep_us", PARAM_INT, 1, 60000000, "10000", NULL, "how long each task sleeps, microseconds"},
    {0},
};

struct sleeper {
    struct sleep_work *all;
    int64_t late_ns;
};

struct sleep_work {
    struct point *pt;
    struct be_wg wg;
    struct sleeper *sleepers;
    struct hist *hist;
    uint64_t n;
    int64_t sleep_ns, counted, early;
};

static void sleeper_task(void *arg) {
    struct sleeper *s = arg;
    int64_t due = point_now() + s->all->sleep_ns;
    be_sleep(s->all->sleep_ns);
    s->late_ns = point_now() - due;
    be_wg_done(&s->all->wg);
}

static double sleepers_batch(void *state, uint64_t n) {
    struct sleep_work *w = state;
    (void)n;
    for (uint64_t i = 0; i < w->n; i++) w->sleepers[i] = (struct sleeper){w, INT64_MIN};
    int64_t start = point_now();
    crowd_go(w->pt, &w->wg, sleeper_task, w->sleepers, sizeof *w->sleepers, w->n);
    be_wg_wait(&w->wg);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < w->n; i++) {
        int64_t late = w->sleepers[i].late_ns;
        if (late == INT64_MIN) continue;
        /* The measuring clock follows the raw rate, the sleeping one the adjusted: they differ by 500 ppm at most. */
        w->early += late < -(w->sleep_ns / 1000 + 1000);
        w->counted++;
        hist_record(w->hist, late > 0 ? (uint64_t)late : 0);
    }
    return (double)(elapsed_ns - w->sleep_ns);
}

static int64_t sleepers_counted(const void *state) {
    return ((const struct sleep_work *)state)->counted;
}

static void sleepers_run(struct point *pt) {
    struct sleep_work w = {.pt = pt, .n = (uint64_t)pt->tasks, .sleep_ns = point_int(pt, "sleep_us") * 1000,
                           .hist = point_histogram(pt, "latency", "ns")};
    w.sleepers = point_alloc(pt, w.n, sizeof *w.sleepers);
    if (!w.sleepers) return;
    struct batch_plan plan = {sleepers_batch, &w, 1, true, w.n, sleepers_counted};
    point_measure(pt, &plan);
    point_check(pt, "none_early", w.early == 0, 0, (double)w.early);
    point_quote_percentiles(pt, "late", w.hist);
    free(w.sleepers);
}

const struct workload sleepers = {
    .name = "sleepers",
    .doc = "many tasks sleep: how late each wakes, and the whole batch",
    .metric = "batch_late_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 10000000,
    .params = sleepers_params,
    .run = sleepers_run,
};
