/*
 * oneTBB as a backend: stackless tasks in an arena of --procs threads. A task that waits runs others meanwhile on its
 * own stack, which is why nothing here may block, and why fork-join is what TBB is best at.
 *
 * C++ ends in this file: no exception leaves a function. See backend_impl.h and backends/backend.h for the contract.
 */
#include <cstring>
#include <new>

#include <jansson.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

extern "C" {
#include "backend.h"

extern const char be_name[] = "tbb";
extern const char be_version[] = TBB_VERSION_STRING;
extern const char be_procs_meaning[] = "threads of the task arena, the caller's own included";
extern const struct param be_rt_params[] = {{nullptr, PARAM_INT, 0, 0, nullptr, nullptr, nullptr}};
}

namespace {

tbb::task_group *all;            /* what be_go makes; set for the run */
tbb::task_group_context *shared; /* one for all forks: a context of its own would cost each more than the task */

tbb::task_group *of(struct be_fork *f) { return reinterpret_cast<tbb::task_group *>(f->group); }
static_assert(sizeof(tbb::task_group) <= sizeof(static_cast<struct be_fork *>(nullptr)->group), "enlarge be_fork.group");

} // namespace

const char *be_refusal(const char *workload) {
    for (const char *name : {"spawn", "fib", "cpu"})
        if (!std::strcmp(workload, name)) return nullptr;
    return "TBB is fork-join: a task that blocks, sleeps or yields would keep its thread from all others";
}

int64_t be_parked_limit(const be_config *) { return INT64_MAX; }

bool be_go(be_fn fn, void *arg) {
    try {
        all->run([fn, arg] { fn(arg); });
        return true;
    } catch (const std::exception &) {
        return false;
    }
}

void be_wg_add(be_wg *wg, int n) { __atomic_add_fetch(&wg->count, n, __ATOMIC_ACQ_REL); }
void be_wg_done(be_wg *wg) { be_wg_add(wg, -1); }

/* All that be_go made has ended then, so the count is 0 too. */
void be_wg_wait(be_wg *wg) {
    while (__atomic_load_n(&wg->count, __ATOMIC_ACQUIRE) != 0) all->wait();
}

bool be_fork(struct be_fork *f, be_fn fn, void *arg) {
    auto *group = new (f->group) tbb::task_group{*shared};
    try {
        group->run([fn, arg] { fn(arg); });
        return true;
    } catch (const std::exception &) {
        return false;
    }
}

void be_join(struct be_fork *f) {
    of(f)->wait();
    of(f)->~task_group();
}

int be_run(const be_config *cfg, be_fn fn, void *arg) {
    tbb::global_control most{tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(cfg->procs)};
    tbb::task_arena arena{cfg->procs};
    arena.execute([fn, arg] {
        tbb::task_group group;
        tbb::task_group_context context;
        all = &group;
        shared = &context;
        fn(arg);
        group.wait();
    });
    return 0;
}

int64_t be_threads_made() { return 0; }
int be_counts(be_count *) { return 0; }

json_t *be_baseline(const be_config *) {
    return json_pack("{s:s, s:s}", "fork", "a task_group of each parent, one context for all", "pinning",
                     "none: TBB cannot bind one thread");
}
