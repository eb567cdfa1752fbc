/*
 * aa: A against A. The same driver under two names, the processes of both interleaved in random order, every
 * figure that a record holds judged as one family by the gate's own rule. Whatever it calls a regression here
 * is a false alarm.
 */
#include "base/hash.h"
#include "base/json.h"
#include "selftest/trial.h"
#include "stats/gate_rule.h"
#include "stats/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The warm-up's limit sets the length of a batch, an eighth of it: 5 ms are as good as 10 for a figure that is only compared
 * with itself, and half as long. */
enum { SAMPLES_MAX = 64, METRICS_MAX = 128, WARMUP_MS = 40 };

/* Short points of different kinds; each gives its primary figure and what else is in its metrics. */
static const struct {
    const char *workload, *param, *param2;
    int procs, tasks;
} cells[] = {
    {"pingpong", NULL, NULL, 1, 2},
    {"pingpong", NULL, NULL, 2, 2},
    {"pingpong", "bytes=1024", NULL, 1, 2},
    {"yield", NULL, NULL, 1, 2},
    {"yield", NULL, NULL, 1, 64},
    {"yield", "ws_kib=64", NULL, 1, 4},
    {"spawn", NULL, NULL, 1, 100},
    {"spawn", NULL, NULL, 2, 1000},
    {"cpu", "work_us=200", NULL, 1, 4},
    {"cpu", "work_us=200", NULL, 2, 8},
    {"memory", NULL, NULL, 1, 200},
    {"block", "settle_ms=2", NULL, 1, 8},
    {"sleepers", "sleep_us=1000", NULL, 1, 50},
    {"wake", "cause=timer", "gap_us=100", 1, 0},
    {"wake", "cause=chan", "gap_us=100", 1, 0},
    {"latency", "service_us=5", "load=0.5", 1, 0},
    {"hol", "hog_ms=2", NULL, 1, 20},
    {"net", NULL, NULL, 1, 8},
};
enum { NCELLS = sizeof cells / sizeof cells[0] };

/* One figure of one cell, with both sides' samples. */
struct figure {
    char name[96];
    bool higher;
    double side[2][SAMPLES_MAX];
    size_t n[2];
};

struct family {
    struct figure f[METRICS_MAX];
    size_t n, most;
};

static struct figure *figure_of(struct family *fam, size_t cell, const char *metric, bool higher) {
    char name[96];
    snprintf(name, sizeof name, "%zu/%s", cell, metric);
    for (size_t i = 0; i < fam->n; i++)
        if (strcmp(fam->f[i].name, name) == 0) return &fam->f[i];
    if (fam->n == METRICS_MAX) return NULL;
    struct figure *f = &fam->f[fam->n++];
    memset(f, 0, sizeof *f);
    memcpy(f->name, name, sizeof name);
    f->higher = higher;
    return f;
}

static void add_value(struct figure *f, int side, double v) {
    if (f && v > 0 && f->n[side] < SAMPLES_MAX) f->side[side][f->n[side]++] = v;
}

static void add_point(struct family *fam, size_t cell, int side, const json_t *point) {
    const json_t *record = json_object_get(point, "record"), *metric = json_object_get(record, "metric"), *s;
    const char *name;
    json_t *m;
    double samples[4096];
    size_t i, n = 0;
    json_array_foreach(json_object_get(record, "samples"), i, s) if (n < 4096) samples[n++] =
        json_number_value(s);
    add_value(figure_of(fam, cell, "median sample", strcmp(json_str(metric, "better", ""), "higher") == 0),
              side, stat_median(samples, n));
    json_object_foreach(json_object_get(record, "metrics"), name,
                        m) if (json_is_number(json_object_get(m, "value")))
        add_value(figure_of(fam, cell, name, strcmp(json_str(m, "better", ""), "higher") == 0), side,
                  json_num(m, "value", 0));
}

static json_t *cell_plan(const struct outcome *t, size_t c, int64_t ms) {
    const char *first = cells[c].param, *second = first ? cells[c].param2 : NULL;
    int length = strcmp(cells[c].workload, "latency") == 0 ? 40 : 1; /* a p99 needs requests */
    json_t *plan = trial_plan(t, cells[c].workload, cells[c].procs, cells[c].tasks,
                              (int)ms * length / (length > 1 ? 10 : 1), first, second, NULL);
    json_object_set_new(plan, "warmup_ms", json_integer(WARMUP_MS));
    return plan;
}

static bool stopped(const struct aa_options *a) {
    return a->base->stop && *a->base->stop;
}

/* All processes of one run, both sides of a cell next to each other in random order. */
static void measure(const struct aa_options *a, struct family *fam, struct rng *rng) {
    for (size_t k = 0; k < a->samples; k++) {
        for (size_t c = 0; c < NCELLS && !stopped(a); c++) {
            int first = (int)rng_below(rng, 2);
            for (int i = 0; i < 2; i++) {
                struct outcome t = {.o = a->base};
                json_t *p = trial_point(&t, cell_plan(&t, c, a->measure_ms), NULL);
                if (p) add_point(fam, c, i ? !first : first, p);
                json_decref(p);
            }
        }
    }
}

/* The figures that every process gave, at most `most`: 0 alarms, or how many the rule called regressions. */
static size_t judge(const struct aa_options *a, struct family *fam, struct aa_result *r) {
    struct gate_metric metrics[METRICS_MAX];
    struct gate_summary summary;
    size_t n = 0;
    for (size_t i = 0; i < fam->n && n < a->metrics; i++) {
        const struct figure *f = &fam->f[i];
        if (f->n[0] < a->samples || f->n[1] < a->samples) continue;
        bool tail = strstr(f->name, "p99") || strstr(f->name, "max");
        metrics[n++] = (struct gate_metric){.baseline = f->side[0],
                                            .candidate = f->side[1],
                                            .nbaseline = f->n[0],
                                            .ncandidate = f->n[1],
                                            .kind = tail ? GATE_TAIL : GATE_MEDIAN,
                                            .higher_is_better = f->higher};
    }
    r->metrics = n;
    if (n < a->metrics || gate_judge(metrics, n, true, &summary) != 0) return 0;
    r->inconclusive += summary.verdict == GATE_INCONCLUSIVE;
    return summary.nfail;
}

int selftest_aa(const struct aa_options *a, struct aa_result *r) {
    struct family *fam = xmalloc(sizeof *fam);
    struct selftest_options silent = *a->base;
    struct aa_options own = *a;
    FILE *log = a->base->log;
    int rc = 0;
    silent.log = NULL;
    own.base = &silent;
    *r = (struct aa_result){0};
    for (size_t i = 0; i < a->runs && !rc && !stopped(a); i++) {
        struct rng rng = {i + 1};
        memset(fam, 0, sizeof *fam);
        measure(&own, fam, &rng);
        if (stopped(a)) break;
        size_t alarms = judge(&own, fam, r);
        r->runs++;
        r->alarms += alarms > 0;
        if (r->metrics < a->metrics) rc = -EINVAL;
        if (log)
            fprintf(log, "A/A run %zu of %zu: %zu metrics, %zu called regressions\n", i + 1, a->runs,
                    r->metrics, alarms);
    }
    r->interrupted = stopped(a);
    free(fam);
    return rc;
}
