/*
 * fib: what does fork-join cost when every call is a task?
 *
 * Method       fib(n) makes a task for fib(n-1), computes fib(n-2) itself and waits for the task: the finest grain
 *              there is, next to no work in a task. Backends with a fork-join of their own use it.
 * Unit         ns a task made: elapsed / tasks. fib(n) makes fib(n+1) - 1 of them.
 * Expectation  fib(30) on two processors: TBB 100 ns, child-first schedulers 50 ns, Go 1,050 ns.
 * Falsified by a wrong sum (checked), or tasks that differ from fib(n+1) - 1.
 * Known lies   No real program forks for one addition: it measures the scheduler alone. A stackless task (TBB) runs
 *              on the stack of whoever waits, so it saves what a task with a stack must pay.
 */
#include "fork.h"
#include "point.h"
#include "workloads.h"

static const struct param fib_params[] = {
    {"n", PARAM_INT, 2, 40, "12", NULL, "which Fibonacci number"},
    {0},
};

struct fib_call {
    struct be_fork fork;
    int n;
    uint64_t value, tasks;       /* the result, and how many tasks were made for it */
};

struct fibs {
    struct point *pt;
    int n;
    uint64_t expected_value, expected_tasks;
    int64_t counted;
    bool wrong;
};

static void fib_task(void *arg);

static void fib_of(struct fib_call *c) {
    if (c->n < 2) {
        c->value = (uint64_t)c->n;
        return;
    }
    struct fib_call left = {.n = c->n - 1}, right = {.n = c->n - 2};
    bool made = be_fork(&left.fork, fib_task, &left);
    if (!made) {                 /* the sum is right all the same; the count of tasks tells */
        fib_of(&left);
        be_fork_done(&left.fork);
    }
    fib_of(&right);
    be_join(&left.fork);
    c->value = left.value + right.value;
    c->tasks = left.tasks + right.tasks + made;
}

static void fib_task(void *arg) {
    struct fib_call *c = arg;
    fib_of(c);
    be_fork_done(&c->fork);
}

static double fib_batch(void *state, uint64_t n) {
    struct fibs *w = state;
    int64_t start = point_now();
    for (uint64_t i = 0; i < n; i++) {
        struct fib_call all = {.n = w->n};
        fib_of(&all);
        w->counted += (int64_t)all.tasks;
        w->wrong |= all.value != w->expected_value;
    }
    return (double)(point_now() - start) / (double)(n * w->expected_tasks);
}

static int64_t fib_counted(const void *state) {
    return ((const struct fibs *)state)->counted;
}

/* fib(n) and, as fib(n+1) - 1, the tasks it makes. */
static void fib_expect(int n, uint64_t *value, uint64_t *tasks) {
    uint64_t a = 0, b = 1;
    for (int i = 0; i < n; i++) {
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    *value = a;
    *tasks = b - 1;
}

/* Breadth first, every task may wait at once. */
static int64_t fib_parked(const struct point *pt) {
    uint64_t value, tasks;
    fib_expect((int)point_int(pt, "n"), &value, &tasks);
    return (int64_t)tasks;
}

static void fib_run(struct point *pt) {
    struct fibs w = {.pt = pt, .n = (int)point_int(pt, "n")};
    fib_expect(w.n, &w.expected_value, &w.expected_tasks);
    struct batch_plan plan = {fib_batch, &w, 1, false, w.expected_tasks, fib_counted};
    point_measure(pt, &plan);
    point_check(pt, "sum", !w.wrong, (double)w.expected_value, w.wrong ? 0 : (double)w.expected_value);
    if (w.wrong) point_fail(pt, "a sum was not fib(%d) = %llu", w.n, (unsigned long long)w.expected_value);
}

const struct workload fib = {
    .name = "fib",
    .doc = "fork-join: fib(n) with a task for every call",
    .metric = "task_ns", .unit = "ns", .better = "lower",
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = fib_params,
    .parked = fib_parked,
    .run = fib_run,
};
