/*
 * A kernel thread a task: the baseline. A task's start record comes from malloc (20 ns beside a 14 us thread).
 * be_run waits until every thread has left its task, so that a run leaves nothing behind.
 */
#include "backend.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

#include "../threads/setup.h"

const char be_name[] = "pthread";
const char be_version[] = DRIVER_VERSION;
const char be_procs_meaning[] = "CPUs that threads are bound to in turn, when --cpus is given; else ignored";

const struct param be_rt_params[] = {
    {"rt.stack_bytes", PARAM_INT, 16384, 1073741824, "65536", NULL, "stack of a thread, its guard page left out"},
    {"rt.spin_ns", PARAM_INT, 0, 1000000, "2000", NULL,
     "how long to spin before sleeping, while there are no more threads than CPUs and more than one CPU"},
    {"rt.yield", PARAM_INT, 0, 1, "1", NULL, "1: one sched_yield before sleeping, where threads share CPUs"},
    {0},
};

struct start {
    be_fn fn;
    void *arg;
};

static struct be_wg running;

const char *be_refusal(const char *workload) {
    (void)workload;
    return NULL;
}

int64_t be_parked_limit(const struct be_config *cfg) {
    (void)cfg;
    return INT64_MAX;
}

static void *task_main(void *p) {
    struct start start = *(struct start *)p;
    free(p);
    start.fn(start.arg);
    atomic_fetch_sub(&threads_live, 1);
    be_wg_done(&running);
    return NULL;
}

bool be_go(be_fn fn, void *arg) {
    struct start *start = malloc(sizeof *start);
    if (!start) return false;
    *start = (struct start){fn, arg};
    be_wg_add(&running, 1);
    atomic_fetch_add(&threads_live, 1);
    if (threads_start(task_main, start) == 0) return true;
    atomic_fetch_sub(&threads_live, 1);
    be_wg_done(&running);
    free(start);
    return false;
}

int be_run(const struct be_config *cfg, be_fn fn, void *arg) {
    int err = threads_setup(cfg);
    if (err) return err;
    fn(arg);
    be_wg_wait(&running);
    return 0;
}

int64_t be_threads_made(void) {
    return threads_made();
}

int be_counts(struct be_count out[BE_MAX_COUNTS]) {
    out[0] = (struct be_count){"threads_made", (uint64_t)threads_made()};
    return 1;
}

json_t *be_baseline(const struct be_config *cfg) {
    return threads_baseline(cfg);
}
