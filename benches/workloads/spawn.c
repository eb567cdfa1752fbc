/*
 * spawn: what does it cost to make a task, run it and learn that it has ended?
 *
 * Method       The main task makes a batch of --tasks empty tasks and waits for all of them, again and again between two
 *              readings of the clock: around each batch of one task they would be a third of what is measured.
 * Unit         ns a task: elapsed / tasks.
 * Expectation  Goroutines 100 to 700 ns; threads 14 us alone and 35 us in batches of 1,000.
 * Falsified by spawns of the runtime's counts that differ from the tasks counted, or by a thread figure that does
 *              not rise with the stack's first touch.
 * Known lies   An empty task touches one page of its stack: real ones pay for more. Stacks are reused from the
 *              batch before (glibc keeps up to 40 MiB of them): the first-touch cost shows in `memory`. Each task
 *              counts itself in a word of its own. Go's `go` statement makes an object of what a goroutine is
 *              given, here as in any program of it; in C it is a pointer.
 */
#include "crowd.h"
#include "workloads.h"

static const struct param spawn_params[] = {{0}};

struct spawned {
    struct spawns *all;
    uint64_t ran; /* since the last reading of the clock */
};

struct spawns {
    struct point *pt;
    struct be_wg wg;
    struct spawned *tasks;
    uint64_t ntasks;
    int64_t counted;
};

static void spawn_task(void *arg) {
    struct spawned *s = arg;
    s->ran++;
    be_wg_done(&s->all->wg);
}

static double spawn_batch(void *state, uint64_t n) {
    struct spawns *w = state;
    int64_t start = point_now();
    for (uint64_t i = 0; i < n && w->pt->status == POINT_OK; i++) {
        crowd_go(w->pt, &w->wg, spawn_task, w->tasks, sizeof *w->tasks, w->ntasks);
        be_wg_wait(&w->wg);
    }
    int64_t elapsed_ns = point_now() - start;
    for (uint64_t t = 0; t < w->ntasks; t++) {
        w->counted += (int64_t)w->tasks[t].ran;
        w->tasks[t].ran = 0;
    }
    return (double)elapsed_ns / (double)(n * w->ntasks);
}

static int64_t spawn_counted(const void *state) {
    return ((const struct spawns *)state)->counted;
}

static void spawn_run(struct point *pt) {
    struct spawns w = {.pt = pt, .ntasks = (uint64_t)pt->tasks};
    w.tasks = point_alloc(pt, w.ntasks, sizeof *w.tasks);
    if (!w.tasks) return;
    for (uint64_t i = 0; i < w.ntasks; i++) w.tasks[i].all = &w;
    struct batch_plan plan = {spawn_batch, &w, 1, false, w.ntasks, spawn_counted};
    point_measure(pt, &plan);
    free(w.tasks);
}

const struct workload spawn = {
    .name = "spawn",
    .doc = "a batch of --tasks empty tasks is made and waited for: creation and join",
    .metric = "spawn_ns", .unit = "ns", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 10000000,
    .params = spawn_params,
    .run = spawn_run,
};
