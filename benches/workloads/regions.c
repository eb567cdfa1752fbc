/* regions: see regions.h. The group of a thread opens at its first visit and closes when the thread ends. */
#include "regions.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "point.h"

/* Lines that another core of the same package had, exactly: Intel since Skylake, then AMD since Zen 3, then what every PMU
 * has: misses of L1, of which a payload that another core wrote is a part. */
static const struct perf_choice usual[PERF_GROUP_EVENTS] = {
    {{"cycles"}},
    {{"MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:INT_CACHE",
      "L1-dcache-load-misses"}},
    {{"cache-misses"}},
    {{"instructions"}},
};

struct thread_group {
    struct perf_group group;
    struct perf_reading last_end;
    int64_t last_round;        /* of which last_end is; -1: none */
};

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void close_group(void *arg) {
    struct thread_group *t = arg;
    perf_group_close(&t->group);
    free(t);
}

static void make_key(void) {
    if (pthread_key_create(&key, close_group)) abort();
}

/* Never inlined: a task may change threads between two calls, and must not keep the address of another thread's group. */
__attribute__((noinline)) static struct thread_group *group_here(const struct regions *r) {
    struct thread_group *t = pthread_getspecific(key);
    if (t) return t;
    t = malloc(sizeof *t);
    if (!t) abort();
    t->last_round = -1;
    perf_group_open(&t->group, r->own.seam, r->wanted, r->nwanted, true);
    if (pthread_setspecific(key, t)) abort();
    return t;
}

static void choose_named(struct regions *r, const char *events) {
    for (const char *at = events; *at && r->nwanted < PERF_GROUP_EVENTS;) {
        size_t length = strcspn(at, "+");
        snprintf(r->named[r->nwanted], PERF_NAME_BYTES, "%.*s", (int)length, at);
        r->wanted[r->nwanted].names[0] = r->named[r->nwanted];
        r->nwanted++;
        at += length + (at[length] == '+');
    }
}

bool regions_open(struct regions *r, const char *events) {
    memset(r, 0, sizeof *r);
    pthread_once(&key_once, make_key);
    if (*events) {
        choose_named(r, events);
    } else {
        memcpy(r->wanted, usual, sizeof usual);
        r->nwanted = PERF_GROUP_EVENTS;
    }
    return perf_group_open(&r->own, &pmu_kernel, r->wanted, r->nwanted, true);
}

void regions_close(struct regions *r) {
    perf_group_close(&r->own);
}

void regions_enter(struct region_visit *v) {
    struct thread_group *t = group_here(v->regions);
    const char *why;
    v->counted = perf_group_read(&t->group, &v->start, &why);
    v->searched = v->counted && t->last_round >= 0 && t->last_round == v->round - 1;
    v->searched_from = t->last_end;
}

void regions_leave(struct region_visit *v) {
    struct thread_group *t = group_here(v->regions);
    const char *why;
    v->counted = v->counted && perf_group_read(&t->group, &v->end, &why);
    t->last_end = v->end;
    t->last_round = v->counted ? v->round : -1;
}

void regions_add(struct regions *r, const struct region_visit *v, bool stolen) {
    if (!v->counted) return;
    perf_region_add(stolen ? &r->after_steal : &r->after_local, &v->start, &v->end);
    if (stolen && v->searched) perf_region_add(&r->steal_loop, &v->searched_from, &v->start);
}

/* "L1-dcache-load-misses" as part of a metric's name. */
static void metric_name(char *out, size_t bytes, const char *region, const char *event) {
    int n = snprintf(out, bytes, "%s_%s", region, event);
    for (char *c = out + strlen(region); n > 0 && *c; c++) *c = isalnum((unsigned char)*c) ? (char)tolower(*c) : '_';
}

static bool report_region(const struct perf_region *region, const char *name, const struct perf_event *e, size_t i,
                          struct point *pt, struct pmu_value *v) {
    char metric[128];
    const char *why = e->unavailable;
    metric_name(metric, sizeof metric, name, e->name);
    if (e->fd >= 0 && perf_region_mean(region, i, v, &why)) {
        point_metric(pt, metric, v->value, "1", "lower");
        return true;
    }
    point_metric_unavailable(pt, metric, why);
    return false;
}

void regions_report(const struct regions *r, struct point *pt) {
    double running = 1;
    bool any = false;
    for (size_t i = 0; i < r->own.n; i++) {
        const struct perf_event *e = &r->own.e[i];
        struct pmu_value loop, steal, local;
        char metric[128];
        bool have_loop = report_region(&r->steal_loop, "steal_loop", e, i, pt, &loop);
        bool have_steal = report_region(&r->after_steal, "after_steal", e, i, pt, &steal);
        bool have_local = report_region(&r->after_local, "after_local", e, i, pt, &local);
        if (have_loop && loop.running_share < running) running = loop.running_share;
        if (have_steal && steal.running_share < running) running = steal.running_share;
        if (have_local && local.running_share < running) running = local.running_share;
        any = any || have_steal;
        if (!have_steal || !have_local) continue;
        metric_name(metric, sizeof metric, "steal_extra", e->name);
        point_metric(pt, metric, steal.value - local.value, "1", "lower");
    }
    if (!any) return;
    point_metric(pt, "counters_running_percent", 100 * running, "%", "higher");
    point_metric(pt, "counters_lost_stretches",
                 (double)(r->steal_loop.lost + r->after_steal.lost + r->after_local.lost), "1", "lower");
}
