/*
 * Bounded threads that take tasks, first in first out, from one queue. A task that blocks keeps its thread, so
 * tasks that wait for each other need a thread each: such a workload is `not applicable` (be_parked_limit).
 *
 * Lock: pool.lock guards the queue, the free list and the stack of idle threads. An idle thread is taken from the
 * stack, most recent first (its cache is the warmest), and gets its task handed over directly.
 */
#include "backend.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "../threads/setup.h"

const char be_name[] = "pool";
const char be_version[] = DRIVER_VERSION;
const char be_procs_meaning[] = "threads in the pool, unless rt.threads says otherwise";

const struct param be_rt_params[] = {
    {"rt.threads", PARAM_INT, 0, 100000, "0", NULL, "threads in the pool; 0: as many as --procs"},
    {"rt.stack_bytes", PARAM_INT, 16384, 1073741824, "65536", NULL, "stack of a thread, its guard page left out"},
    {"rt.spin_ns", PARAM_INT, 0, 1000000, "2000", NULL,
     "how long to spin before sleeping, while there are no more threads than CPUs and more than one CPU"},
    {"rt.yield", PARAM_INT, 0, 1, "1", NULL, "1: one sched_yield before sleeping, where threads share CPUs"},
    {0},
};

struct task {
    be_fn fn;
    void *arg;
    struct task *next;
};

struct idle_thread {
    struct parker parker;
    struct task *task;           /* set before it is woken; NULL: the pool ends */
    struct idle_thread *next;
};

static struct {
    struct futex_lock lock;
    struct task *head, **tail, *free;
    struct idle_thread *idle;
    bool ending;
} pool;

static struct be_wg unfinished, threads_left;

static int64_t pool_threads(const struct be_config *cfg) {
    int64_t threads = params_int(cfg->rt, "rt.threads");
    return threads > 0 ? threads : cfg->procs;
}

const char *be_refusal(const char *workload) {
    (void)workload;
    return NULL;
}

int64_t be_parked_limit(const struct be_config *cfg) {
    return pool_threads(cfg);
}

bool be_go(be_fn fn, void *arg) {
    futex_lock(&pool.lock);
    struct task *t = pool.free;
    if (t) pool.free = t->next;
    else if (!(t = malloc(sizeof *t))) {
        futex_unlock(&pool.lock);
        return false;
    }
    *t = (struct task){fn, arg, NULL};
    be_wg_add(&unfinished, 1);
    struct idle_thread *idle = pool.idle;
    if (idle) {
        pool.idle = idle->next;
        idle->task = t;
        atomic_fetch_add(&threads_live, 1);
    } else {
        *pool.tail = t;
        pool.tail = &t->next;
    }
    futex_unlock(&pool.lock);
    if (idle) parker_wake(&idle->parker);
    return true;
}

/* The next task, waiting for one; NULL when the pool ends. done is the node just used, or NULL. */
static struct task *next_task(struct task *done) {
    struct idle_thread self = {.task = NULL};
    futex_lock(&pool.lock);
    if (done) {
        done->next = pool.free;
        pool.free = done;
    }
    struct task *t = pool.head;
    if (t || pool.ending) {
        if (t && !(pool.head = t->next)) pool.tail = &pool.head;
        futex_unlock(&pool.lock);
        return t;
    }
    self.next = pool.idle;
    pool.idle = &self;
    atomic_fetch_sub(&threads_live, 1);
    futex_unlock(&pool.lock);
    parker_wait(&self.parker);
    return self.task;
}

static void *thread_main(void *unused) {
    (void)unused;
    struct task *t = NULL;
    while ((t = next_task(t))) {
        t->fn(t->arg);
        be_wg_done(&unfinished);
    }
    be_wg_done(&threads_left);
    return NULL;
}

static void end_pool(void) {
    futex_lock(&pool.lock);
    pool.ending = true;
    struct idle_thread *idle = pool.idle, *next;
    pool.idle = NULL;
    futex_unlock(&pool.lock);
    for (; idle; idle = next) {
        next = idle->next;           /* idle is gone once its thread is woken */
        parker_wake(&idle->parker);
    }
    be_wg_wait(&threads_left);
    for (struct task *t = pool.free, *after; t; t = after) {
        after = t->next;
        free(t);
    }
}

int be_run(const struct be_config *cfg, be_fn fn, void *arg) {
    int err = threads_setup(cfg);
    if (err) return err;
    pool.tail = &pool.head;
    for (int64_t i = 0; i < pool_threads(cfg); i++) {
        be_wg_add(&threads_left, 1);
        atomic_fetch_add(&threads_live, 1);
        if ((err = threads_start(thread_main, NULL))) {
            be_wg_done(&threads_left);
            end_pool();
            return -err;
        }
    }
    fn(arg);
    be_wg_wait(&unfinished);
    end_pool();
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
    json_t *o = threads_baseline(cfg);
    if (o) json_object_set_new(o, "threads", json_integer(pool_threads(cfg)));
    return o;
}
