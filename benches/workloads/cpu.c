/*
 * cpu: how does throughput of pure computation grow with the number of processors?
 *
 * Method       A fixed number of tasks (8) each compute for work_us, as calibrated on this CPU before; the clock
 *              runs from the first that is made until the last has ended.
 * Unit         tasks a second. parallelism = calibrated work / elapsed: how many CPUs' worth was done.
 * Expectation  Grows with --procs up to the CPUs and not beyond; 1.9 to 2.0 times from 1 to 2.
 * Falsified by growth past the number of CPUs, or a parallelism above --procs by more than the calibration's error.
 * Known lies   Turbo, SMT siblings and a noisy neighbour bend the calibration, which runs on one CPU alone.
 *              Backend pthread does not limit itself to --procs unless --cpus is given.
 */
#include "crowd.h"
#include "workloads.h"

static const struct param cpu_params[] = {
    {"work_us", PARAM_INT, 1, 10000000, "5000", NULL, "calibrated work of each task, microseconds"},
    {0},
};

struct worker {
    struct cpu_work *all;
    uint64_t result;
};

struct cpu_work {
    struct point *pt;
    struct be_wg wg;
    struct worker *workers;
    uint64_t nworkers, iterations;
    int64_t counted;
};

static void cpu_task(void *arg) {
    struct worker *w = arg;
    w->result = burst_iterations(w->all->iterations, (uint64_t)(uintptr_t)w);
    be_wg_done(&w->all->wg);
}

static double cpu_batch(void *state, uint64_t n) {
    struct cpu_work *w = state;
    (void)n;
    for (uint64_t i = 0; i < w->nworkers; i++) w->workers[i] = (struct worker){w, 0};
    int64_t start = point_now();
    crowd_go(w->pt, &w->wg, cpu_task, w->workers, sizeof *w->workers, w->nworkers);
    be_wg_wait(&w->wg);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < w->nworkers; i++) w->counted += w->workers[i].result != 0;
    return (double)w->nworkers * 1e9 / (double)elapsed_ns;
}

static int64_t cpu_counted(const void *state) {
    return ((const struct cpu_work *)state)->counted;
}

static void cpu_run(struct point *pt) {
    double work_ns = (double)point_int(pt, "work_us") * 1000, best = 0;
    struct cpu_work w = {.pt = pt, .nworkers = (uint64_t)pt->tasks,
                         .iterations = burst_for(burst_calibrate(), work_ns)};
    w.workers = point_alloc(pt, w.nworkers, sizeof *w.workers);
    if (!w.workers) return;
    struct batch_plan plan = {cpu_batch, &w, 1, true, w.nworkers, cpu_counted};
    point_measure(pt, &plan);
    for (int64_t i = 0; i < pt->nsamples; i++) best = pt->samples[i] > best ? pt->samples[i] : best;
    point_metric(pt, "parallelism", best * work_ns / 1e9, "CPUs", "higher");
    free(w.workers);
}

const struct workload cpu = {
    .name = "cpu",
    .doc = "a fixed number of computing tasks: throughput against --procs",
    .metric = "throughput", .unit = "1/s", .better = "higher",
    .tasks = 8, .tasks_min = 1, .tasks_max = 1000000,
    .params = cpu_params,
    .run = cpu_run,
};
