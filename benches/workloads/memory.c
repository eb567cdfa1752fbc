/*
 * memory: what does a parked task cost in memory, and to make?
 *
 * Method       The process's private memory is read before and after --tasks tasks have been made and have parked
 *              (they wait on a wait group). One batch a process: memory that is reused would measure nothing.
 * Unit         bytes of private memory (smaps_rollup: Private_Clean + Private_Dirty) a task. Beside it the address
 *              space, the page tables, and the ns to make and park one: cold, and a second time (create_reused_ns).
 * Expectation  A goroutine of libtrine: a page of stack (4.2 KiB); Go 2.7 KiB; a thread 8.5 KiB and its stack's
 *              address space.
 * Falsified by a figure below what a task must store, or one that moves with the number of tasks above 10,000.
 * Known lies   The kernel's own memory of a thread (its kernel stack, task_struct: some 24 KiB) is not in a process's
 *              private memory. A task that does nothing touches the least stack there is.
 */
#include "crowd.h"
#include "usage.h"
#include "workloads.h"

static const struct param memory_params[] = {
    {"small", PARAM_INT, 0, 1, "0", NULL, "1: each task with the smallest stack that can be declared, where one can"},
    {0},
};

struct parked {
    struct point *pt;
    struct be_wg ready, open, left;
    _Atomic int64_t released;        /* tasks that have gone on */
    bool small;
};

static void parked_task(void *arg) {
    struct parked *p = arg;
    be_wg_done(&p->ready);
    be_wg_wait(&p->open);
    atomic_fetch_add_explicit(&p->released, 1, memory_order_relaxed);
    be_wg_done(&p->left);
}

#ifdef BE_HAS_SMALL
static bool go_small(be_fn fn, void *arg) { return be_go_small(fn, arg); }
#else
static bool go_small(be_fn fn, void *arg) { return be_go(fn, arg); }
#endif

/* Makes n tasks that park; how many there were, each of them parked. */
static uint64_t park_all(struct parked *p, uint64_t n) {
    uint64_t made = 0;
    be_wg_add(&p->open, 1);
    be_wg_add(&p->ready, (int)n);
    be_wg_add(&p->left, (int)n);
    while (made < n && (p->small ? go_small(parked_task, p) : be_go(parked_task, p))) made++;
    be_wg_add(&p->ready, -(int)(n - made));
    be_wg_add(&p->left, -(int)(n - made));
    be_wg_wait(&p->ready);
    return made;
}

static void release_all(struct parked *p) {
    be_wg_done(&p->open);
    be_wg_wait(&p->left);
}

static void quote(struct point *pt, const char *name, int64_t before, int64_t after) {
    if (before < 0 || after < 0) point_metric_unavailable(pt, name, "not in /proc/self/status");
    else point_metric(pt, name, (double)(after - before) / (double)pt->tasks, "bytes", "lower");
}

static bool can_be_small(struct point *pt) {
#ifdef BE_HAS_SMALL
    (void)pt;
    return true;
#else
    if (point_int(pt, "small")) point_not_applicable(pt, "%s has one stack size for all tasks", be_name);
    return pt->status == POINT_OK;
#endif
}

/* The same once more: stacks, descriptors and page tables are there now. */
static void make_again(struct point *pt, struct parked *p, uint64_t n) {
    int64_t start = point_now();
    if (park_all(p, n) == n)
        point_metric(pt, "create_reused_ns", (double)(point_now() - start) / (double)n, "ns", "lower");
    else point_metric_unavailable(pt, "create_reused_ns", "not all tasks could be made a second time");
    release_all(p);
}

static void memory_run(struct point *pt) {
    struct parked p = {.pt = pt, .small = point_int(pt, "small") != 0};
    uint64_t n = (uint64_t)pt->tasks;
    if (!can_be_small(pt)) return;
    struct usage before = usage_now();
    if (before.private < 0) {
        point_fail(pt, "private memory cannot be measured: /proc/self/smaps_rollup is not readable");
        return;
    }
    before = usage_now();            /* again: the first reading touched stdio's buffers */
    point_begin(pt);
    int64_t start = point_now();
    uint64_t made = park_all(&p, n);
    int64_t elapsed_ns = point_now() - start;
    struct usage after = usage_now();
    point_end(pt);
    release_all(&p);
    if (made < n) {
        point_fail(pt, "a task could not be made (%lld threads made so far): raise the limits or lower --tasks",
                   (long long)be_threads_made());
        return;
    }
    point_sample(pt, (double)(after.private - before.private) / (double)n);
    point_operations(pt, pt->tasks, atomic_load_explicit(&p.released, memory_order_relaxed));
    point_metric(pt, "create_ns", (double)elapsed_ns / (double)n, "ns", "lower");
    quote(pt, "address_space_bytes", before.space, after.space);
    quote(pt, "page_table_bytes", before.tables, after.tables);
    make_again(pt, &p, n);
}

static int64_t memory_parked(const struct point *pt) {
    return pt->tasks;
}

const struct workload memory = {
    .name = "memory",
    .doc = "many parked tasks: private memory, address space and creation time of each",
    .metric = "private_bytes", .unit = "bytes", .better = "lower",
    .tasks = 1000, .tasks_min = 1, .tasks_max = 10000000,
    .params = memory_params,
    .parked = memory_parked,
    .run = memory_run,
};
