/* libtrine as a backend: its configuration from rt.* parameters, and its counts. */
#include "backend.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char be_name[] = "trine";
const char be_version[] = DRIVER_VERSION;
const char be_procs_meaning[] = "GOMAXPROCS";

static const struct ablation {
    const char *name;
    unsigned flag;
} ablations[] = {
    {"no_steal", TRINE_NO_STEAL},     {"no_handoff", TRINE_NO_HANDOFF},   {"no_preempt", TRINE_NO_PREEMPT},
    {"no_runnext", TRINE_NO_RUNNEXT}, {"no_spin", TRINE_NO_SPIN},         {"global_only", TRINE_GLOBAL_ONLY},
    {"local_only", TRINE_LOCAL_ONLY}, {"yield_global", TRINE_YIELD_GLOBAL}, {"eager_wake", TRINE_EAGER_WAKE},
    {"fifo_join", TRINE_FIFO_JOIN},   {"no_global_tick", TRINE_NO_GLOBAL_TICK}, {"no_bias", TRINE_NO_BIAS},
};
enum { NABLATIONS = sizeof ablations / sizeof ablations[0] };

static const char *const ablation_names[] = {"no_steal",    "no_handoff", "no_preempt",   "no_runnext", "no_spin",
                                             "global_only", "local_only", "yield_global", "eager_wake", "fifo_join",
                                             "no_global_tick", "no_bias", NULL};

static const char *const off_on[] = {"off", "on", NULL};

const struct param be_rt_params[] = {
    {"rt.ablate", PARAM_TEXT, 0, 0, "", ablation_names, "parts of the scheduler to switch off, joined by +"},
    {"rt.slice_ns", PARAM_INT, 20000, 10000000000, "10000000", NULL, "time slice of a goroutine"},
    {"rt.stack_bytes", PARAM_INT, 2048, 1073741824, "65536", NULL, "address space of a goroutine's stack"},
    {"rt.maxthreads", PARAM_INT, 1, 1000000, "10000", NULL, "threads beyond which the runtime ends the program"},
    {"rt.trace", PARAM_CHOICE, 0, 0, "off", off_on, "on: the event trace is written, to /dev/null"},
    {"rt.seed", PARAM_INT, 0, 9007199254740991, "0", NULL, "of the scheduler's choices; 0: --seed"},
    {0},
};

static unsigned ablate_flags(const char *text) {
    unsigned flags = 0;
    while (*text) {
        size_t length = strcspn(text, "+");
        for (int i = 0; i < NABLATIONS; i++)
            if (strlen(ablations[i].name) == length && !strncmp(ablations[i].name, text, length))
                flags |= ablations[i].flag;
        text += length + (text[length] == '+');
    }
    return flags;
}

const char *be_refusal(const char *workload) {
    (void)workload;
    return NULL;
}

int64_t be_parked_limit(const struct be_config *cfg) {
    (void)cfg;
    return INT64_MAX;
}

int be_run(const struct be_config *cfg, be_fn fn, void *arg) {
    uint64_t seed = (uint64_t)params_int(cfg->rt, "rt.seed");
    trine_config config = {
        .gomaxprocs = cfg->procs,
        .maxthreads = (int)params_int(cfg->rt, "rt.maxthreads"),
        .stack_bytes = (size_t)params_int(cfg->rt, "rt.stack_bytes"),
        .slice_ns = params_int(cfg->rt, "rt.slice_ns"),
        .seed = seed ? seed : cfg->seed,
        .ablate = ablate_flags(params_text(cfg->rt, "rt.ablate")),
        .cpus = cfg->cpu_list,
    };
    if (strcmp(params_text(cfg->rt, "rt.trace"), "on") != 0) return trine_run(&config, fn, arg);
    int err = trine_trace_start("/dev/null");
    if (err) return err;
    err = trine_run(&config, fn, arg);
    int written = trine_trace_stop();
    return err ? err : written;
}

/* The result is made before the P may be lost: errno belongs to the thread that made the call. */
ssize_t be_read_blocking(int fd, void *buf, size_t n) {
    ssize_t got;
    trine_syscall_enter();
    do {
        got = read(fd, buf, n);
        if (got < 0) got = -errno;
    } while (got == -EINTR);
    trine_syscall_exit();
    return got;
}

int64_t be_threads_made(void) {
    struct trine_stats s;
    trine_stats(&s);
    return (int64_t)s.threads_made;
}

int be_counts(struct be_count out[BE_MAX_COUNTS]) {
    struct trine_stats s;
    trine_stats(&s);
    const struct be_count counts[] = {
        {"steals", s.steals},           {"stolen", s.stolen},       {"handoffs", s.handoffs},
        {"preemptions", s.preemptions}, {"parks", s.parks},         {"wakes", s.wakes},
        {"spins", s.spins},             {"threads_made", s.threads_made}, {"switches", s.switches},
        {"yields", s.yields},           {"spawns", s.spawns},       {"mwakes", s.mwakes},
        {"global_gets", s.global_gets}, {"global_puts", s.global_puts}, {"overflows", s.overflows},
        {"runnext_hits", s.runnext_hits}, {"tick61", s.tick61},     {"preempt_signals", s.preempt_signals},
        {"preempt_parked", s.preempt_parked}, {"syscalls", s.syscalls}, {"netpolls", s.netpolls},
        {"netpolls_outside", s.netpolls_outside}, {"retakes", s.retakes}, {"runnext_steals", s.runnext_steals},
        {"need_spinning", s.need_spinning}, {"timer_wakes", s.timer_wakes}, {"timer_steals", s.timer_steals},
        {"mutex_handoffs", s.mutex_handoffs}, {"world_stops", s.world_stops}, {"poller_breaks", s.poller_breaks},
        {"sysmon_rounds", s.sysmon_rounds},
        {"timers_fired", s.timers_fired}, {"stacks_made", s.stacks_made}, {"stacks_trimmed", s.stacks_trimmed},
        {"stacks_ahead", s.stacks_ahead}, {"bias_given", s.bias_given}, {"bias_revoked", s.bias_revoked},
        {"trace_events", s.trace_events}, {"trace_dropped", s.trace_dropped},
    };
    _Static_assert(sizeof counts / sizeof counts[0] <= BE_MAX_COUNTS, "raise BE_MAX_COUNTS");
    memcpy(out, counts, sizeof counts);
    return (int)(sizeof counts / sizeof counts[0]);
}

json_t *be_baseline(const struct be_config *cfg) {
    return json_pack("{s:I, s:I, s:s}", "stack_bytes", (json_int_t)params_int(cfg->rt, "rt.stack_bytes"), "slice_ns",
                     (json_int_t)params_int(cfg->rt, "rt.slice_ns"), "pinning",
                     cfg->cpu_list ? "one CPU a P, in turn" : "none");
}
