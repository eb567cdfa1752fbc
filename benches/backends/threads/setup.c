/* Setting up kernel threads as tasks. See setup.h; called from the main thread only, threads_start from any. */
#include "setup.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "futex.h"

int64_t threads_spin_ns;
int threads_cpus = 1;
bool threads_yield;
_Thread_local struct yield_credit threads_yield_credit;
_Atomic int threads_live;

static _Atomic int64_t n_made;
static pthread_attr_t attrs[BE_MAX_CPUS];   /* one a CPU of the list, or a single one when unpinned */
static unsigned n_attrs;

static int usable_cpus(const struct be_config *cfg) {
    cpu_set_t set;
    if (cfg->ncpus > 0) return cfg->ncpus < cfg->procs ? cfg->ncpus : cfg->procs;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
    return CPU_COUNT(&set);
}

static int make_attr(pthread_attr_t *attr, size_t stack_bytes, int cpu) {
    cpu_set_t set;
    int err = pthread_attr_init(attr);
    if (!err) err = pthread_attr_setdetachstate(attr, PTHREAD_CREATE_DETACHED);
    if (!err) err = pthread_attr_setstacksize(attr, stack_bytes);
    if (err || cpu < 0) return err;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_attr_setaffinity_np(attr, sizeof set, &set);
}

/* The main task is a thread too: unbound it would have a CPU beside those of the list. */
static int bind_main(const struct be_config *cfg) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < threads_cpus; i++) CPU_SET(cfg->cpus[i], &set);
    return sched_setaffinity(0, sizeof set, &set) < 0 ? -errno : 0;
}

int threads_setup(const struct be_config *cfg) {
    size_t stack_bytes = (size_t)params_int(cfg->rt, "rt.stack_bytes");
    threads_cpus = usable_cpus(cfg);
    threads_spin_ns = threads_cpus > 1 ? params_int(cfg->rt, "rt.spin_ns") : 0;
    threads_yield = params_int(cfg->rt, "rt.yield") != 0;
    mallopt(M_ARENA_MAX, threads_cpus);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    n_attrs = cfg->ncpus > 0 ? (unsigned)threads_cpus : 1;
    for (unsigned i = 0; i < n_attrs; i++) {
        int err = make_attr(&attrs[i], stack_bytes, cfg->ncpus > 0 ? cfg->cpus[i] : -1);
        if (err) return -err;
    }
    return cfg->ncpus > 0 ? bind_main(cfg) : 0;
}

int threads_start(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    int64_t nth = atomic_fetch_add(&n_made, 1);
    int err = pthread_create(&thread, &attrs[(uint64_t)nth % n_attrs], fn, arg);
    if (err) atomic_fetch_sub(&n_made, 1);
    return err;
}

int64_t threads_made(void) {
    return atomic_load(&n_made);
}

json_t *threads_baseline(const struct be_config *cfg) {
    return json_pack("{s:I, s:s, s:I, s:b, s:i, s:i, s:s, s:s}", "stack_bytes",
                     (json_int_t)params_int(cfg->rt, "rt.stack_bytes"), "guard", "one page", "spin_ns",
                     (json_int_t)threads_spin_ns, "yield_before_sleep", threads_yield, "malloc_arenas_max", threads_cpus, "timer_slack_ns", 1, "libc",
                     gnu_get_libc_version(), "pinning", cfg->ncpus > 0 ? "one CPU a thread, in turn" : "none");
}
