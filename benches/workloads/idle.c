/*
 * idle: what does a runtime burn while there is next to nothing to do?
 *
 * Method       --tasks tasks are parked for good; one more sleeps period_ms over and over until --measure-ms is over
 *              (one tick at least). The process's processor time and its context switches are read before and after.
 * Unit         us of processor time a second. wakes_per_operation: voluntary context switches of all threads a tick.
 * Expectation  A tick costs one wake-up of one thread: 10 to 30 us. A spinning or polling thread shows as thousands.
 * Falsified by fewer switches than ticks: then nobody slept.
 * Known lies   rusage counts the processor time of a thread to the tick of the kernel's accounting, which is exact
 *              (CONFIG_VIRT_CPU_ACCOUNTING) or sampled. A window of few ticks has their noise.
 */
#include <sys/resource.h>

#include "crowd.h"
#include "workloads.h"

static const struct param idle_params[] = {
    {"period_ms", PARAM_INT, 1, 60000, "1000", NULL, "between two ticks of the timer, milliseconds"},
    {0},
};

struct idlers {
    struct be_wg ready, open, left;
};

static void idle_task(void *arg) {
    struct idlers *w = arg;
    be_wg_done(&w->ready);
    be_wg_wait(&w->open);
    be_wg_done(&w->left);
}

static int64_t cpu_ns(const struct rusage *u) {
    return ((int64_t)u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000000 +
           ((int64_t)u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000;
}

static void idle_measure(struct point *pt) {
    struct rusage before, after;
    int64_t period_ms = point_int(pt, "period_ms"), ticks = pt->options.measure_ms / period_ms, ticked = 0;
    if (ticks < 1) ticks = 1;
    be_sleep(20 * 1000000);      /* whoever still looks for work after the start has stopped by then */
    point_begin(pt);
    getrusage(RUSAGE_SELF, &before);
    int64_t start = point_now();
    for (; ticked < ticks; ticked++) be_sleep(period_ms * 1000000);
    int64_t elapsed_ns = point_now() - start;
    getrusage(RUSAGE_SELF, &after);
    point_end(pt);
    point_sample(pt, (double)(cpu_ns(&after) - cpu_ns(&before)) * 1e6 / (double)elapsed_ns);
    int64_t slack_ns = elapsed_ns / 2000; /* the clocks' rates differ by 500 ppm at most */
    point_operations(pt, ticks, (elapsed_ns + slack_ns) / (period_ms * 1000000) < ticks ? 0 : ticked);
    point_metric(pt, "wakes_per_operation", (double)(after.ru_nvcsw - before.ru_nvcsw) / (double)ticks, "1", "lower");
}

static int64_t idle_parked(const struct point *pt) {
    return pt->tasks;
}

static void idle_run(struct point *pt) {
    struct idlers w = {0};
    be_wg_add(&w.ready, (int)pt->tasks);
    be_wg_add(&w.left, (int)pt->tasks);
    be_wg_add(&w.open, 1);
    int64_t made = 0;
    while (made < pt->tasks && point_go(pt, idle_task, &w)) made++;
    be_wg_add(&w.ready, (int)(made - pt->tasks));
    be_wg_add(&w.left, (int)(made - pt->tasks));
    be_wg_wait(&w.ready);
    if (pt->status == POINT_OK) idle_measure(pt);
    be_wg_done(&w.open);
    be_wg_wait(&w.left);
}

const struct workload idle = {
    .name = "idle",
    .doc = "parked tasks and one timer: processor time burnt, wake-ups a tick",
    .metric = "cpu_us_per_s", .unit = "us/s", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 1000000,
    .params = idle_params,
    .parked = idle_parked,
    .run = idle_run,
};
