/*
 * The records that trine comes with: every row of the list of claims is there, is readable in both forms, says what
 * would contradict it, and its own predicates tell measurements that bear the claim out from those that do not.
 */
#include "base/file.h"
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const rows[] = {
    "switch-user", "switch-kernel", "switch-ratio", "create-goroutine", "create-thread", "memory-goroutine",
    "memory-thread", "million", "stack-grow", "gc-pressure", "sleepers-100k", "requests-10k",
    "procs-sweep", "procs-ceiling", "procs-physical", "procs-over", "procs-io", "cpu-vs-io",
    "runq-256", "tick-61", "find-order", "global-only", "local-only", "steal-balance", "steal-locality", "steal-vs-pool",
    "preempt-10ms", "preempt-none", "hol-255", "hol-yield", "preempt-requeue", "steal-short", "split-pools", "churn",
    "threads-formula", "threads-burst", "threads-cap", "threads-reuse", "handoff-progress", "unblock-random", "oom-first",
    "net-no-threads", "net-plus-file", "bounded-pool", "db-blocking", "db-100", "db-pool", "quota-blind", "quota-aware",
    "web-10k", "api-load", "api-parallel", "pipeline", "pipeline-bound", "fan-out-stages", "fan-out", "worker-pool",
    "pool-100k", "rate-adaptive", "rate-limit", "timeout", "realtime", "microservices", "long-connections", "tenants",
    "mixed-1000", "pool-deadlock", "overload", "node-migration",
};
enum { ROWS = sizeof rows / sizeof *rows };

static void load(struct ledger *l, bool full) {
    struct strlist all = {0};
    struct err e = {0};
    if (ledger_load(l, NULL, &all, full, &e)) fail_msg("%s", e.text);
}

static struct claim *record(struct ledger *l, const char *id) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].id, id) == 0) return &l->v[i];
    fail_msg("there is no record of the claim %s", id);
    return NULL;
}

static void test_every_row(void **state) {
    struct ledger quick, whole;
    (void)state;
    load(&quick, false);
    load(&whole, true);
    for (size_t i = 0; i < ROWS; i++) record(&quick, rows[i]);
    assert_true(quick.n >= ROWS);        /* a further claim is one file: it need not stand here */
    assert_int_equal(whole.n, quick.n);
    ledger_free(&quick);
    ledger_free(&whole);
}

/* Whoever says "about" says how much that allows. */
static void test_tolerances(void **state) {
    struct ledger l;
    (void)state;
    load(&l, false);
    for (size_t i = 0; i < l.n; i++) {
        const struct claim *c = &l.v[i];
        bool about = strstr(c->claimed, "about") || strchr(c->claimed, '~') || strstr(c->claimed, "near");
        for (size_t k = 0; k < c->npredicates; k++) about |= strstr(c->predicates[k].text, "within") != NULL;
        if (about && !c->tolerance) fail_msg("%s has no tolerance", c->id);
        if (c->npredicates && !c->unit) fail_msg("%s has no unit", c->id);
    }
    ledger_free(&l);
}

/* The quick form is smaller than the claim only where it says so. */
static void test_scales(void **state) {
    struct ledger quick, whole;
    (void)state;
    load(&quick, false);
    load(&whole, true);
    for (size_t i = 0; i < quick.n; i++) {
        const struct claim *c = &quick.v[i], *w = record(&whole, c->id);
        bool any = false;
        for (size_t k = 0; k < c->sweep.n; k++) {
            const struct experiment *a = &c->sweep.experiments[k], *b = &w->sweep.experiments[k];
            bool smaller = strcmp(a->tasks.list.v[0], b->tasks.list.v[0]) != 0;
            for (size_t p = 0; p < a->nparams; p++)
                smaller |= strcmp(a->params[p].values.list.v[0], b->params[p].values.list.v[0]) != 0;
            if (smaller && !c->scale) fail_msg("%s: experiment %s is smaller in the quick form, and no scale says so", c->id, a->name);
            any |= smaller;
        }
        if (c->scale && !any && !c->full_scale) fail_msg("%s: its full form is the quick one, and no full.scale says so", c->id);
    }
    ledger_free(&quick);
    ledger_free(&whole);
}

static const struct experiment *experiment(const struct claim *c, const char *name) {
    size_t len = strcspn(name, "@");
    for (size_t i = 0; i < c->sweep.n; i++)
        if (strlen(c->sweep.experiments[i].name) == len && strncmp(c->sweep.experiments[i].name, name, len) == 0)
            return &c->sweep.experiments[i];
    fail_msg("%s has no experiment %s", c->id, name);
    return NULL;
}

static const char *value_of(const struct experiment *x, const char *key) {
    for (size_t i = 0; i < x->nparams; i++)
        if (strcmp(x->params[i].key, key) == 0) return x->params[i].values.list.v[0];
    return "";
}

/* A control of another scale than what it stands for comes out as it likes. */
static void test_controls_keep_the_scale(void **state) {
    struct ledger quick, whole;
    (void)state;
    load(&quick, false);
    load(&whole, true);
    for (size_t i = 0; i < quick.n; i++) {
        const struct control *k = &quick.v[i].control;
        for (size_t r = 0; r < k->from.n; r++) {
            const struct experiment *a = experiment(&quick.v[i], k->from.v[r]), *b = experiment(&quick.v[i], k->to.v[r]);
            const struct claim *w = record(&whole, quick.v[i].id);
            for (size_t p = 0; p < a->nparams; p++) {
                const char *key = a->params[p].key;
                bool same = strcmp(value_of(a, key), value_of(b, key)) == 0;
                if (same && strcmp(value_of(experiment(w, a->name), key), value_of(experiment(w, b->name), key)) != 0)
                    fail_msg("%s: %s and its control %s have one %s in the quick form, and two with --full", w->id, a->name, b->name, key);
            }
        }
    }
    ledger_free(&quick);
    ledger_free(&whole);
}

/*
 * What must bear the claim out, what must contradict it (at least in part), by the record's own predicates; the second
 * is what the control would show, or figures on the other side of the line.
 */
static const struct truth_table {
    const char *id, *backend, *borne_out, *contradicted;
} table[] = {
    {"switch-user", "trine", "chan.median@trine=200", "chan.median@trine=1500"},
    {"switch-user", "trine", "chan.median@trine=110", "chan.median@trine=90"},
    {"switch-kernel", "pthread", "futex.median@pthread=1500", "futex.median@pthread=2500"},
    {"switch-ratio", "go", "chan.median@go=150 futex.median@pthread=1600", "chan.median@go=200 futex.median@pthread=1600"},
    {"create-goroutine", "trine", "spawn.median@trine=1000", "spawn.median@trine=300"},
    {"create-thread", "pthread", "spawn.median@pthread=1e6 parked.metrics.create_ns@pthread=1e6",
     "spawn.median@pthread=2e4 parked.metrics.create_ns@pthread=2e4"},
    {"memory-goroutine", "go", "parked.median@go=2600", "parked.median@go=9000"},
    {"memory-thread", "pthread",
     "parked.median@pthread=1.5e6 parked.metrics.address_space_bytes@pthread=8388608 many.ok@pthread=0~0",
     "parked.median@pthread=9000 parked.metrics.address_space_bytes@pthread=8388608 many.ok@pthread=1~0"},
    {"stack-grow", "go", "parked.median@go=2600 deep.metrics.reached_bytes@go=7e7", "parked.median@go=2600 deep.metrics.reached_bytes@go=3e7"},
    {"gc-pressure", "go", "crowd.median@go=4e7 alone.median@go=2e5", "crowd.median@go=2e5 alone.median@go=2e5"},
    {"procs-ceiling", "trine", "one.metrics.parallelism@trine=1", "one.metrics.parallelism@trine=1.9"},
    {"procs-io", "trine", "at.median@trine=100 above.median@trine=110", "at.median@trine=110 above.median@trine=100"},
    {"procs-over", "trine",
     "all.median@trine=100 over.median@trine=100 all.outside.involuntary_switches@trine=10 over.outside.involuntary_switches@trine=90",
     "all.median@trine=100 over.median@trine=120 all.outside.involuntary_switches@trine=10 over.outside.involuntary_switches@trine=11"},
    {"runq-256", "trine", "fits.median@trine=1~0 over.median@trine=129~0", "fits.median@trine=1~0 over.median@trine=1~0"},
    {"tick-61", "go", "full.metrics.tick_gap@go=61~0", "full.metrics.tick_gap@go=60~0"},
    {"find-order", "trine", "full.metrics.tick_gap@trine=61~0 full.median@trine=200 network.metrics.net_at_percent@trine=100~0",
     "full.metrics.tick_gap@trine=61~0 full.median@trine=0~0 network.metrics.net_at_percent@trine=10"},
    {"global-only", "trine",
     "full.median@trine=100 one_queue.median@trine=200 full_1.median@trine=100 one_queue_1.median@trine=105",
     "full.median@trine=100 one_queue.median@trine=100 full_1.median@trine=100 one_queue_1.median@trine=105"},
    {"steal-balance", "trine", "stealing.median@trine=95", "stealing.median@trine=50"},
    {"steal-vs-pool", "trine", "goroutines.median@trine=200 workers.median@trine=100", "goroutines.median@trine=100 workers.median@trine=100"},
    {"steal-short", "trine", "waiting.median@trine=90 stealing.median@trine=60", "waiting.median@trine=50 stealing.median@trine=60"},
    {"preempt-10ms", "trine", "behind.median@trine=10e6", "behind.median@trine=60e6"},
    {"preempt-none", "go", "long.median@go=150e6 short.median@go=60e6", "long.median@go=10e6 short.median@go=10e6"},
    {"preempt-requeue", "trine", "behind.median@trine=250", "behind.median@trine=4"},
    {"hol-255", "trine", "behind.median@trine=2e7", "behind.median@trine=1e6"},
    {"hol-yield", "trine", "yields.median@trine=1e6 behind.median@trine=2e7", "yields.median@trine=2e7 behind.median@trine=2e7"},
    {"churn", "trine", "tiny.median@trine=60", "tiny.median@trine=97"},
    {"threads-formula", "trine", "ten.outside.threads.peak@trine=15~0 fifty.outside.threads.peak@trine=60~0",
     "ten.outside.threads.peak@trine=6~0 fifty.outside.threads.peak@trine=10~0"},
    {"threads-burst", "go", "burst.metrics.threads@go=1004~0", "burst.metrics.threads@go=5~0"},
    {"threads-cap", "go", "beyond.ok@go=0~0 below.ok@go=1~0", "beyond.ok@go=1~0 below.ok@go=1~0"},
    {"net-no-threads", "trine", "net.metrics.threads@trine=4~0", "net.metrics.threads@trine=1002~0"},
    {"net-plus-file", "trine", "both.metrics.threads@trine=15~0", "both.metrics.threads@trine=55~0"},
    {"bounded-pool", "trine", "bounded.outside.threads.peak@trine=13~0", "bounded.outside.threads.peak@trine=204~0"},
    {"handoff-progress", "trine", "beside.median@trine=2e7 beside.metrics.ideal_ns@trine=1e7",
     "beside.median@trine=2.1e8 beside.metrics.ideal_ns@trine=1e7"},
    {"db-pool", "go", "parks.metrics.threads@go=11~0 parks.metrics.waiting_peak@go=980~0",
     "parks.metrics.threads@go=28~0 parks.metrics.waiting_peak@go=980~0"},
    {"db-blocking", "trine", "blocking.metrics.threads@trine=1009~0 network.metrics.threads@trine=11~0 sqlite.metrics.threads@trine=400",
     "blocking.metrics.threads@trine=11~0 network.metrics.threads@trine=11~0 sqlite.metrics.threads@trine=11"},
    {"api-parallel", "trine", "in_turn.median@trine=350 side_by_side.median@trine=250", "in_turn.median@trine=350 side_by_side.median@trine=350"},
    {"pipeline", "go", "in_turn.metrics.entry_ns@go=3100e3 four.metrics.entry_ns@go=463e3",
     "in_turn.metrics.entry_ns@go=3100e3 four.metrics.entry_ns@go=2000e3"},
    {"pipeline-bound", "trine",
     "in_turn.metrics.entry_ns@trine=31e5 one.metrics.entry_ns@trine=2e6 one.metrics.busiest_stage_percent@trine=97",
     "in_turn.metrics.entry_ns@trine=31e5 one.metrics.entry_ns@trine=1e6 one.metrics.busiest_stage_percent@trine=60"},
    {"worker-pool", "trine",
     "each.metrics.success_percent@trine=32 workers.metrics.success_percent@trine=100~0 each.metrics.memory_bytes@trine=2e8 "
     "workers.metrics.memory_bytes@trine=1e7",
     "each.metrics.success_percent@trine=100~0 workers.metrics.success_percent@trine=100~0 each.metrics.memory_bytes@trine=2e7 "
     "workers.metrics.memory_bytes@trine=1e7"},
    {"rate-limit", "go", "none.median@go=1 bucket.median@go=100~0 bucket.metrics.rate_of_limit@go=1.01",
     "none.median@go=1 bucket.median@go=1 bucket.metrics.rate_of_limit@go=9"},
    {"pool-deadlock", "trine",
     "both.median@trine=13~0 unbuffered.median@trine=3~0 results_only.median@trine=9~0 jobs_only.median@trine=7~0 "
     "both.metrics.reported@trine=1~0 decoupled.metrics.finished@trine=1~0",
     "both.median@trine=14~0 unbuffered.median@trine=3~0 results_only.median@trine=9~0 jobs_only.median@trine=7~0 "
     "both.metrics.reported@trine=0~0 decoupled.metrics.finished@trine=1~0"},
    {"microservices", "go", "four_in_turn.median@go=57 four.median@go=20 order_in_turn.median@go=85 order.median@go=38",
     "four_in_turn.median@go=57 four.median@go=57 order_in_turn.median@go=85 order.median@go=85"},
    {"mixed-1000", "trine",
     "all.metrics.memory_bytes@trine=1e6 all.metrics.memory_bytes@pthread=2e7 all.metrics.cpu_ns@trine=1e6 all.metrics.cpu_ns@pthread=2e7",
     "all.metrics.memory_bytes@trine=1e6 all.metrics.memory_bytes@pthread=1e6 all.metrics.cpu_ns@trine=1e6 all.metrics.cpu_ns@pthread=1e6"},
    {"quota-blind", "trine", "blind.median@trine=20 blind.least@trine=1 blind.outside.throttled_ns@trine=2e8",
     "blind.median@trine=20 blind.least@trine=15 blind.outside.throttled_ns@trine=0~0"},
    {"sleepers-100k", "go", "asleep.median@go=2e8 asleep.params.sleep_us@go=200000~0",
     "asleep.median@go=9e8 asleep.params.sleep_us@go=200000~0"},
    {"quota-aware", "go", "aware.outside.throttled_ns@go=0~0 aware.elapsed_ns@go=4e8", "aware.outside.throttled_ns@go=2e8 aware.elapsed_ns@go=4e8"},
    {"api-load", "trine",
     "load.metrics.latency_mean_ns@trine=8e7 load.metrics.memory_bytes@trine=3e6 threads.metrics.latency_mean_ns@pthread=7e8 "
     "threads.metrics.address_space_bytes@pthread=14e9",
     "load.metrics.latency_mean_ns@trine=2e8 load.metrics.memory_bytes@trine=2e7 threads.metrics.latency_mean_ns@pthread=2e8 "
     "threads.metrics.address_space_bytes@pthread=1e9"},
    {"cpu-vs-io", "trine", "asleep.median@trine=1e6 computing.median@trine=1e4", "asleep.median@trine=1e6 computing.median@trine=1e6"},
    {"db-100", "trine",
     "crowd.metrics.waiting_peak@trine=99900~0 crowd.tasks@trine=100000~0 crowd.metrics.memory_bytes@trine=2e8 "
     "few.metrics.memory_bytes@trine=2e6 crowd.metrics.late_percent@trine=90 few.metrics.late_percent@trine=1",
     "crowd.metrics.waiting_peak@trine=50000~0 crowd.tasks@trine=100000~0 crowd.metrics.memory_bytes@trine=2e6 "
     "few.metrics.memory_bytes@trine=2e6 crowd.metrics.late_percent@trine=1 few.metrics.late_percent@trine=1"},
    {"fan-out-stages", "trine", "even.metrics.idlest_stage_percent@trine=90 even.ok@trine=1", "even.metrics.idlest_stage_percent@trine=40 even.ok@trine=1"},
    {"fan-out", "trine", "in_turn.median@trine=1e9 in_turn.tasks@trine=10~0 hundred.median@trine=1e9 hundred.tasks@trine=1000~0",
     "in_turn.median@trine=1e9 in_turn.tasks@trine=10~0 hundred.median@trine=2e9 hundred.tasks@trine=1000~0"},
    {"local-only", "trine", "uneven.median@trine=1e-3 stranded.median@trine=2e8", "uneven.median@trine=1e3 stranded.median@trine=1e6"},
    {"long-connections", "go",
     "idle.median@go=2048 threads.metrics.address_space_bytes@pthread=1e10 threads.tasks@pthread=1000~0 chat.ok@go=1",
     "idle.median@go=9000 threads.metrics.address_space_bytes@pthread=1e10 threads.tasks@pthread=1000~0 chat.ok@go=1"},
    {"million", "trine", "parked.median@trine=4000 parked.outside.threads.peak@trine=3~0 threads.ok@pthread=0",
     "parked.median@trine=4000 parked.outside.threads.peak@trine=1e6 threads.ok@pthread=1"},
    {"oom-first", "trine", "own.ok@trine=0 threads.ok@pthread=0", "own.ok@trine=1 threads.ok@pthread=1"},
    {"overload", "trine",
     "normal.median@trine=2e6 normal.metrics.served_percent@trine=100~0 normal_pool.metrics.served_percent@trine=100~0 extreme.median@trine=1e8 "
     "extreme_limit.median@trine=1e7 extreme_limit.metrics.rejected_percent@trine=60 extreme_pool.median@trine=3e7 "
     "extreme_pool.metrics.rejected_percent@trine=40 extreme_pool.metrics.late_percent@trine=5",
     "normal.median@trine=2e6 normal.metrics.served_percent@trine=90 normal_pool.metrics.served_percent@trine=90 extreme.median@trine=2e6 "
     "extreme_limit.median@trine=3e6 extreme_limit.metrics.rejected_percent@trine=0 extreme_pool.median@trine=3e6 "
     "extreme_pool.metrics.rejected_percent@trine=0 extreme_pool.metrics.late_percent@trine=0"},
    {"pool-100k", "trine", "each.metrics.memory_bytes@trine=2e8 each.tasks@trine=100000~0 workers.metrics.memory_bytes@trine=2e5",
     "each.metrics.memory_bytes@trine=9e8 each.tasks@trine=100000~0 workers.metrics.memory_bytes@trine=9e6"},
    {"procs-physical", "trine", "threads.median@trine=105 cores.median@trine=100", "threads.median@trine=150 cores.median@trine=100"},
    {"procs-sweep", "trine", "one.median@trine=1 all.median@trine=1e9 twice.median@trine=1e9",
     "one.median@trine=10 all.median@trine=1 twice.median@trine=2"},
    {"rate-adaptive", "trine", "adaptive.metrics.settled_of_limit@trine=1 adaptive.median@trine=80",
     "adaptive.metrics.settled_of_limit@trine=3 adaptive.median@trine=20"},
    {"realtime", "trine",
     "each.median@trine=6e7 each.metrics.throughput@trine=2e4 in_turn.median@trine=5e8 in_turn.tasks@trine=10~0",
     "each.median@trine=5e9 each.metrics.throughput@trine=200 in_turn.median@trine=5e8 in_turn.tasks@trine=10~0"},
    {"requests-10k", "trine", "requests.median@trine=4e7 requests.outside.threads.peak@trine=3~0",
     "requests.median@trine=4e8 requests.outside.threads.peak@trine=1e6"},
    {"split-pools", "trine", "mixed.hist.latency.p95@trine=1e7 split.hist.latency.p95@trine=1e6",
     "mixed.hist.latency.p95@trine=1e7 split.hist.latency.p95@trine=1e7"},
    {"steal-locality", "trine", "stolen.metrics.refetched_lines@trine=200 local.metrics.refetched_lines@trine=5",
     "stolen.metrics.refetched_lines@trine=5~0 local.metrics.refetched_lines@trine=5~0"},
    {"tenants", "trine",
     "tenants.metrics.tenant_1_of_limit@trine=1 tenants.metrics.tenant_2_of_limit@trine=0.2 tenants.metrics.tenant_3_of_limit@trine=0.02 "
     "tenants.median@trine=100~0",
     "tenants.metrics.tenant_1_of_limit@trine=28 tenants.metrics.tenant_2_of_limit@trine=3 tenants.metrics.tenant_3_of_limit@trine=0.3 "
     "tenants.median@trine=100~0"},
    {"threads-reuse", "trine", "again.metrics.threads_made_total@trine=1000 again.tasks@trine=1000~0 again.procs@trine=4~0",
     "again.metrics.threads_made_total@trine=5000 again.tasks@trine=1000~0 again.procs@trine=4~0"},
    {"timeout", "trine",
     "cut.hist.latency.max@trine=1.1e8 cut.metrics.cancelled_percent@trine=100~0 cut.metrics.calls_after@trine=0 cut.metrics.pending_after@trine=0",
     "cut.hist.latency.max@trine=5e8 cut.metrics.cancelled_percent@trine=50 cut.metrics.calls_after@trine=9 cut.metrics.pending_after@trine=9"},
    {"unblock-random", "trine", "pinned.median@trine=1e-3", "pinned.median@trine=1e3"},
    {"web-10k", "trine",
     "steady.metrics.latency_mean_ns@trine=2.8e8 steady.hist.latency.p95@trine=4e8 steady.hist.latency.p99@trine=5e8 "
     "steady.metrics.served_percent@trine=100~0 burst.metrics.latency_mean_ns@trine=5e8 burst.metrics.memory_bytes@trine=1e8 "
     "burst.metrics.connections_refused@pthread=50 limited.metrics.connections_refused@pthread=400",
     "steady.metrics.latency_mean_ns@trine=9e8 steady.hist.latency.p95@trine=9e8 steady.hist.latency.p99@trine=2e9 "
     "steady.metrics.served_percent@trine=90 burst.metrics.latency_mean_ns@trine=2e9 burst.metrics.memory_bytes@trine=1e9 "
     "burst.metrics.connections_refused@pthread=0 limited.metrics.connections_refused@pthread=0"},
};
enum { TRUTHS = sizeof table / sizeof *table };

static void judge_row(struct claim *c, const struct truth_table *t, const char *figures, bool borne_out) {
    strlist_free(&c->needs); /* these measurements stand, whatever the machine lacks */
    json_t *points = synthetic_points(c, figures, 5), *one = synthetic_verdict(c, points, t->backend);
    const char *verdict = json_str(one, "verdict", "-");
    bool right = borne_out ? strcmp(verdict, "reproduced") == 0
                           : strcmp(verdict, "contradicted") == 0 || strcmp(verdict, "partly") == 0;
    if (!right) fail_msg("%s on %s of %s: '%s' (%s)", t->id, figures, t->backend, verdict, json_str(one, "reason", ""));
    json_decref(one);
    json_decref(points);
}

static void test_truth_table(void **state) {
    (void)state;
    for (size_t i = 0; i < TRUTHS; i++) {
        for (int borne_out = 0; borne_out < 2; borne_out++) {
            struct ledger l;
            load(&l, false);
            judge_row(record(&l, table[i].id), &table[i], borne_out ? table[i].borne_out : table[i].contradicted, borne_out);
            ledger_free(&l);
        }
    }
}

/* Predicates that no measurement here contradicts could say anything. */
static void test_every_record_is_tried(void **state) {
    struct ledger l;
    (void)state;
    load(&l, false);
    for (size_t i = 0; i < ROWS; i++) {
        bool tried = record(&l, rows[i])->npredicates == 0;
        for (size_t k = 0; k < TRUTHS; k++) tried |= strcmp(table[k].id, rows[i]) == 0;
        if (!tried) fail_msg("%s has no row among the truths", rows[i]);
    }
    ledger_free(&l);
}

/* Each control replaces something that its predicates read: else it could not come out otherwise. */
static void test_controls_reach_the_predicates(void **state) {
    struct ledger l;
    (void)state;
    load(&l, true);
    for (size_t i = 0; i < l.n; i++) {
        const struct claim *c = &l.v[i];
        struct strlist read = {0};
        if (!c->npredicates) continue;
        claim_experiments(c, false, &read);
        bool reaches = c->control.backend || c->control.none;
        for (size_t k = 0; k < c->control.from.n; k++) reaches |= strlist_has(&read, c->control.from.v[k]);
        if (!reaches) fail_msg("%s: its control replaces nothing that is read", c->id);
        if (c->control.none && strlen(c->control.none) < 20) fail_msg("%s: why is there no control?", c->id);
        strlist_free(&read);
    }
    ledger_free(&l);
}

static void test_document_is_current(void **state) {
    struct ledger l;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    (void)state;
    load(&l, false);
    ledger_document(out, &l);
    fclose(out);
    char *page = file_read(CLAIMS_PAGE, NULL);
    assert_non_null(page);
    if (strcmp(page, text) != 0) fail_msg("docs/claims.md is not that of the records: trine claims --document > docs/claims.md");
    free(page);
    free(text);
    ledger_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),   cmocka_unit_test(test_tolerances),
        cmocka_unit_test(test_scales),      cmocka_unit_test(test_truth_table),
        cmocka_unit_test(test_every_record_is_tried), cmocka_unit_test(test_controls_keep_the_scale),
        cmocka_unit_test(test_controls_reach_the_predicates), cmocka_unit_test(test_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
