/*
 * locality: what does a steal cost a task with a working set of so many KiB?
 *
 * Method       The main task writes every line of a payload, then makes a task that chases it twice. resume=local: the main
 *              task parks, so the task runs where the payload is. resume=steal: the main task computes on, so another
 *              P takes the task. resume=flush: as local, behind a clflush of every line: the control that must find all
 *              gone. Every second round times 32 single lines, one in each part, instead of whole passes. A round
 *              counts when the task ran where it should (sched_getcpu before and after); the others are only counted
 *              (misplaced_percent). Behind the measuring, where the machine has counters and resume=steal: the same rounds
 *              once more, sixteen stolen, sixteen local, with a counter group a thread (regions.h), so that reading the
 *              counters disturbs no time. events names others than the usual, exact ones of this processor say.
 * Unit         ns: first pass less second, the median over the rounds. refetched_lines: that over (remote - L1), both
 *              calibrated in this process; an estimate with an interval, not a count of misses.
 *              probe_refetched_percent: single lines above a threshold: half way from what the same lines read when they are
 *              probed once more to what remote ones would, and not below what all but one in twenty of them read then.
 * Expectation  local about 0; steal about lines x (remote - L1) while the payload fits into L2; flush: probes 100 %.
 * Falsified by steal no dearer than local, or flush below 90 % of the probes.
 * Known lies   The second pass of a payload beyond L1 runs from L2, so the difference is what the *move* cost, not the
 *              whole cost of the first pass. Neighbouring lines that the hardware fetches unasked make remote lines
 *              cheaper in a pass than in a probe. A probe is one load between two clock readings: its share is
 *              of lines, never of time. Unpinned on a busy machine the kernel may run two Ps on one CPU: pin. With two
 *              CPUs the main task's computing heats the core that is left.
 */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache_latency.h"
#include "chase.h"
#include "crowd.h"
#include "random.h"
#include "regions.h"
#include "workloads.h"

static const char *const resumes[] = {"local", "steal", "flush", NULL};

static const struct param locality_params[] = {
    {"payload_kib", PARAM_INT, 1, 65536, "16", NULL, "size of the payload"},
    {"resume", PARAM_CHOICE, 0, 0, "steal", resumes, "where the task comes to run, and what is left of its payload"},
    {"events", PARAM_TEXT, 0, 0, "", NULL,
     "counters of the steal loop and of the first pass, at most four, joined by +; empty: cycles, lines from another core, "
     "cache-misses, instructions"},
    {0},
};

/* On a busy machine few rounds are placed as they should be: PATIENCE_NS more than asked for, then the point fails. */
enum { PROBES = 32, ROUND_LIMIT_NS = 2000000, PATIENCE_NS = 2000000000, ROUNDS_MAX = 4000, ROUNDS_LEAST = 20,
       REGION_BLOCK = 16 };

struct visit {
    struct be_wg wg;
    struct chase *payload;
    bool probing;
    uint64_t seed;
    double remote_extra_ns;      /* what a line of another core costs beyond one of L1 */
    double threshold_ns;         /* of this visit's probes */
    int cpu;                     /* that the task ran on; -1: it moved while it ran */
    int64_t first_ns, second_ns;
    int64_t above;               /* single lines above the threshold */
    struct region_visit region;  /* regions is NULL: no counters are read */
    _Atomic bool done;           /* release by the task behind all of the above; acquired by the main task */
};

struct locality_work {
    struct point *pt;
    struct chase payload;
    struct cache_latency scale;
    double thresholds_ns;        /* of all visits that count, added up */
    int64_t probings;            /* these visits */
    bool steal, flush;
    double extra_ns[ROUNDS_MAX];
    int64_t rounds, misplaced, passes, probed, above, visits;
};

/* One line of a pair, one pair of each part of the payload: hardware that fetches a line's neighbour with it, and a line
 * probed twice, would both look like a line that was still there. */
static uint64_t probes_of(const struct chase *payload) {
    uint64_t pairs = payload->n / 2;
    return pairs < PROBES ? pairs : PROBES;
}

/* A probe is mostly two clock readings. What they cost varies with the processor's load and heat, and in steps of the clock, by
 * as much as a line of a near core: so what a warm line reads is asked of the same lines, here and now, and one in twenty
 * may be taken for gone. */
static void probe_lines(struct visit *v) {
    struct rng rng = {v->seed};
    uint64_t probes = probes_of(v->payload), part = v->payload->n / 2 / probes, at[PROBES];
    int64_t first_ns[PROBES], again_ns[PROBES];
    for (uint64_t i = 0; i < probes; i++) at[i] = 2 * (i * part + rng_next(&rng) % part);
    for (uint64_t i = 0; i < probes; i++) first_ns[i] = (int64_t)chase_probe_ns(v->payload, at[i]);
    for (uint64_t i = 0; i < probes; i++) again_ns[i] = (int64_t)chase_probe_ns(v->payload, at[i]);
    v->threshold_ns = fmax(crowd_rank(again_ns, probes, 0.5) + v->remote_extra_ns / 2, crowd_rank(again_ns, probes, 0.95));
    for (uint64_t i = 0; i < probes; i++) v->above += (double)first_ns[i] > v->threshold_ns;
}

static void visit_task(void *arg) {
    struct visit *v = arg;
    int before = sched_getcpu();
    if (v->region.regions) {
        regions_enter(&v->region);
        chase_pass_ns(v->payload);
        regions_leave(&v->region);
    } else if (v->probing) {
        probe_lines(v);
    } else {
        v->first_ns = (int64_t)chase_pass_ns(v->payload);
        v->second_ns = (int64_t)chase_pass_ns(v->payload);
    }
    v->cpu = sched_getcpu() == before ? before : -1;
    atomic_store_explicit(&v->done, true, memory_order_release);
    be_wg_done(&v->wg);
}

/* The main task's part of a round; false when the point has failed. */
static bool send_visit(struct locality_work *w, struct visit *v, bool steal, int *own_cpu) {
    chase_dirty(&w->payload);
    *own_cpu = sched_getcpu();
    if (w->flush) chase_flush(&w->payload);
    be_wg_add(&v->wg, 1);
    if (!point_go(w->pt, visit_task, v)) return false;
    int64_t limit = point_now() + ROUND_LIMIT_NS;
    while (steal && !atomic_load_explicit(&v->done, memory_order_acquire) && point_now() < limit)
        burst_iterations(100, 1);
    be_wg_wait(&v->wg);
    w->visits += atomic_load_explicit(&v->done, memory_order_acquire); /* the task's own word for it */
    return true;
}

static void one_round(struct locality_work *w) {
    struct visit v = {.payload = &w->payload, .probing = w->rounds % 2, .seed = w->pt->config.seed + (uint64_t)w->rounds,
                      .remote_extra_ns = w->scale.remote.median_ns - w->scale.l1.median_ns};
    int own_cpu;
    if (!send_visit(w, &v, w->steal, &own_cpu)) return;
    w->rounds++;
    if (v.cpu < 0 || (v.cpu == own_cpu) == w->steal) {
        w->misplaced++;
    } else if (v.probing) {
        w->probed += (int64_t)probes_of(&w->payload);
        w->above += v.above;
        w->thresholds_ns += v.threshold_ns;
        w->probings++;
    } else if (w->passes < ROUNDS_MAX) {
        w->extra_ns[w->passes++] = (double)(v.first_ns - v.second_ns);
    }
}

/* The rounds with counters: blocks of stolen and of local ones, so that each stolen one but a block's first has one before
 * it on the thief's thread. */
static void count_regions(struct locality_work *w, struct regions *r) {
    int64_t end = point_now() + w->pt->options.measure_ms * 1000000;
    for (int64_t round = 0; w->pt->status == POINT_OK && point_now() < end; round++) {
        bool steal = round / REGION_BLOCK % 2 == 0;
        struct visit v = {.payload = &w->payload, .region = {.regions = r, .round = round}};
        int own_cpu;
        if (!send_visit(w, &v, steal, &own_cpu)) return;
        if (v.cpu >= 0 && (v.cpu == own_cpu) != steal) regions_add(r, &v.region, steal);
    }
}

static void measure_regions(struct locality_work *w) {
    struct regions *r = point_alloc(w->pt, 1, sizeof *r);
    if (!r) return;
    if (regions_open(r, point_text(w->pt, "events"))) count_regions(w, r);
    regions_report(r, w->pt);
    regions_close(r);
    free(r);
}

static int compare_ns(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Estimates over sorted differences; the interval is of the median, from order statistics (95 %). */
static void estimate(struct locality_work *w) {
    struct point *pt = w->pt;
    double step = w->scale.remote.median_ns - w->scale.l1.median_ns, n = (double)w->passes;
    int64_t half = (int64_t)(0.98 * sqrt(n)) + 1, middle = w->passes / 2;
    qsort(w->extra_ns, (size_t)w->passes, sizeof *w->extra_ns, compare_ns);
    int64_t low = middle > half ? middle - half : 0, high = middle + half < w->passes ? middle + half : w->passes - 1;
    point_sample(pt, w->extra_ns[middle]);
    point_metric(pt, "payload_lines", (double)w->payload.n, "1", "lower");
    point_metric(pt, "load_l1_ns", w->scale.l1.median_ns, "ns", "lower");
    point_metric(pt, "load_remote_ns", w->scale.remote.median_ns, "ns", "lower");
    if (step > 0) {
        point_metric(pt, "refetched_lines", w->extra_ns[middle] / step, "1", "lower");
        point_metric(pt, "refetched_lines_low", w->extra_ns[low] / step, "1", "lower");
        point_metric(pt, "refetched_lines_high", w->extra_ns[high] / step, "1", "lower");
    } else {
        point_metric_unavailable(pt, "refetched_lines", "a remote line was not dearer than L1 in the calibration");
    }
}

static bool too_few(const struct locality_work *w) {
    return w->passes < ROUNDS_LEAST || w->probed < ROUNDS_LEAST * (int64_t)probes_of(&w->payload);
}

static void judge_rounds(struct locality_work *w) {
    struct point *pt = w->pt;
    point_operations(pt, w->rounds, w->visits);
    point_metric(pt, "misplaced_percent", 100 * (double)w->misplaced / (double)w->rounds, "%", "lower");
    if (too_few(w)) {
        point_fail(pt, "the task ran where it should in %lld rounds of %lld only: %s", (long long)(w->rounds - w->misplaced),
                   (long long)w->rounds, w->steal ? "nothing was stolen (it takes two procs)" : "another P took the task");
        return;
    }
    estimate(w);
    point_metric(pt, "probe_refetched_percent", 100 * (double)w->above / (double)w->probed, "%", "lower");
    point_metric(pt, "probe_threshold_ns", w->thresholds_ns / (double)w->probings, "ns", "lower");
}

static void locality_run(struct point *pt) {
    const char *resume = point_text(pt, "resume");
    struct locality_work *w = point_alloc(pt, 1, sizeof *w);
    struct cache_sizes sizes;
    if (!w) return;
    w->pt = pt;
    w->steal = !strcmp(resume, "steal");
    w->flush = !strcmp(resume, "flush");
    cache_sizes_get(&sizes);
    bool pinned = pt->config.ncpus > 1;
    int err = cache_latency_remote(&w->scale, &sizes, pinned ? pt->config.cpus[0] : -1, pinned ? pt->config.cpus[1] : -1);
    if (err) {
        point_not_applicable(pt, "a line of another core cannot be timed: %s", strerror(-err));
    } else if (chase_init(&w->payload, (size_t)point_int(pt, "payload_kib") << 10, pt->config.seed)) {
        point_fail(pt, "no memory for a payload of %lld KiB", (long long)point_int(pt, "payload_kib"));
    } else if (w->flush && !chase_flush(&w->payload)) {
        point_not_applicable(pt, "this processor has no instruction that drops a cache line");
    } else {
        for (int64_t end = point_now() + pt->options.warmup_ms * 1000000; point_now() < end && pt->status == POINT_OK;)
            one_round(w);
        w->rounds = w->misplaced = w->passes = w->probed = w->above = w->visits = w->probings = 0;
        w->thresholds_ns = 0;
        point_begin(pt);
        int64_t end = point_now() + pt->options.measure_ms * 1000000;
        while (pt->status == POINT_OK && (point_now() < end || (too_few(w) && point_now() < end + PATIENCE_NS))) one_round(w);
        point_end(pt);
        if (pt->status == POINT_OK) judge_rounds(w);
        if (pt->status == POINT_OK && w->steal) measure_regions(w);
    }
    chase_free(&w->payload);
    free(w);
}

const struct workload locality = {
    .name = "locality",
    .doc = "what a steal costs a task with a working set: its payload chased twice, where it was written and elsewhere",
    .metric = "first_pass_extra_ns", .unit = "ns", .better = "lower", .is_signed = true,
    .tasks = 1, .tasks_min = 1, .tasks_max = 1,
    .params = locality_params,
    .run = locality_run,
};
