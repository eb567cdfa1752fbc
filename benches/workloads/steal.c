/*
 * steal: does uneven work keep every processor busy?
 *
 * Method       One task makes --tasks tasks, of which every (tasks / heavy)-th computes for heavy_us and the rest
 *              sleep for light_us. All are made on one P, so the others get work by stealing alone.
 * Unit         busy_percent: calibrated computing time / (elapsed x procs), in percent.
 * Expectation  Above 90 % with stealing; near 100 / procs with rt.ablate=local_only.
 * Falsified by steals = 0 with several Ps and a high figure: then something else spread the work.
 * Known lies   Threads are spread by the kernel, not stolen: for pthread and pool the figure judges its balancer. The
 *              last heavy task leaves a tail of heavy_us on one P, which is part of the figure.
 */
#include "crowd.h"
#include "workloads.h"

static const struct param steal_params[] = {
    {"heavy", PARAM_INT, 1, 1000000, "100", NULL, "how many of the tasks compute"},
    {"heavy_us", PARAM_INT, 1, 10000000, "1000", NULL, "calibrated work of a computing task, microseconds"},
    {"light_us", PARAM_INT, 0, 10000000, "1000", NULL, "sleep of the others, microseconds; 0: they end at once"},
    {0},
};

struct uneven {
    struct steal_work *all;
    bool heavy, ran;
};

struct steal_work {
    struct point *pt;
    struct be_wg wg;
    struct uneven *tasks;
    uint64_t n, iterations;
    int64_t light_ns, counted;
    double work_ns;              /* of all heavy tasks */
};

static void uneven_task(void *arg) {
    struct uneven *t = arg;
    if (t->heavy) burst_iterations(t->all->iterations, 1);
    else if (t->all->light_ns > 0) be_sleep(t->all->light_ns);
    t->ran = true;
    be_wg_done(&t->all->wg);
}

/* Made by a task of its own, so that with goroutines all start in one P's queue. */
static void maker_task(void *arg) {
    struct steal_work *w = arg;
    crowd_go(w->pt, &w->wg, uneven_task, w->tasks, sizeof *w->tasks, w->n);
    be_wg_done(&w->wg);
}

static double steal_batch(void *state, uint64_t n) {
    struct steal_work *w = state;
    (void)n;
    for (uint64_t i = 0; i < w->n; i++) w->tasks[i].ran = false;
    be_wg_add(&w->wg, 1);
    int64_t start = point_now();
    if (!point_go(w->pt, maker_task, w)) be_wg_done(&w->wg);
    be_wg_wait(&w->wg);
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t i = 0; i < w->n; i++) w->counted += w->tasks[i].ran;
    return 100 * w->work_ns / ((double)elapsed_ns * w->pt->config.procs);
}

static int64_t steal_counted(const void *state) {
    return ((const struct steal_work *)state)->counted;
}

static bool steal_prepare(struct point *pt) {
    if (point_int(pt, "heavy") <= pt->tasks) return true;
    return point_usage(pt, "steal: parameter heavy is above --tasks");
}

static void steal_run(struct point *pt) {
    uint64_t heavy = (uint64_t)point_int(pt, "heavy"), tasks = (uint64_t)pt->tasks;
    double heavy_ns = (double)point_int(pt, "heavy_us") * 1000;
    struct steal_work w = {.pt = pt, .n = tasks, .iterations = burst_for(burst_calibrate(), heavy_ns),
                           .light_ns = point_int(pt, "light_us") * 1000, .work_ns = heavy_ns * (double)heavy};
    w.tasks = point_alloc(pt, tasks, sizeof *w.tasks);
    if (!w.tasks) return;
    /* Evenly spread: element i is heavy where i x heavy / tasks steps. */
    for (uint64_t i = 0; i < tasks; i++)
        w.tasks[i] = (struct uneven){&w, (i + 1) * heavy / tasks > i * heavy / tasks, false};
    struct batch_plan plan = {steal_batch, &w, 1, true, tasks, steal_counted};
    point_measure(pt, &plan);
    free(w.tasks);
}

const struct workload steal = {
    .name = "steal",
    .doc = "uneven work made in one place: how busy all processors are kept",
    .metric = "busy_percent", .unit = "%", .better = "higher",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 1000000,
    .params = steal_params,
    .prepare = steal_prepare,
    .run = steal_run,
};
