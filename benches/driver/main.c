/* A driver: one workload on one backend, one JSON record. The contract is docs/protocol.md. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

enum { EXIT_WORKLOAD = 1, EXIT_USAGE = 2 };

bool driver_applicable(const struct point *pt, char *why, size_t why_size) {
    const char *refusal = be_refusal(pt->workload->name);
    snprintf(why, why_size, "%s", refusal ? refusal : "");
    if (refusal) return false;
    if (pt->workload->lacks) {
        snprintf(why, why_size, "%s has %s", be_name, pt->workload->lacks);
        return false;
    }
    int64_t limit = be_parked_limit(&pt->config);
    int64_t parked = pt->workload->parked ? pt->workload->parked(pt) : 0;
    if (parked <= limit) return true;
    snprintf(why, why_size, "%s needs %" PRId64 " tasks blocked at once and %s has %" PRId64 " threads: it would deadlock",
             pt->workload->name, parked, be_name, limit);
    return false;
}

/* What one reading costs (the least of many batches) and the smallest step seen: a millisecond's work. */
static void measure_clock(struct point *pt) {
    enum { BATCHES = 50, READINGS = 200 };
    double cost = 0, step = 0;
    for (int b = 0; b < BATCHES; b++) {
        int64_t first = point_now(), last = first;
        for (int i = 0; i < READINGS; i++) {
            int64_t now = point_now();
            if (now > last && (step == 0 || (double)(now - last) < step)) step = (double)(now - last);
            last = now;
        }
        double each = (double)(last - first) / READINGS;
        if (b == 0 || each < cost) cost = each;
    }
    pt->clock_overhead_ns = cost;
    pt->clock_granularity_ns = step;
}

static void run_workload(void *arg) {
    struct point *pt = arg;
    pt->workload->run(pt);
}

static int print(json_t *o) {
    bool failed = !o || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12)) || putchar('\n') == EOF ||
                  fflush(stdout);
    json_decref(o);
    if (!failed) return 0;
    fprintf(stderr, "trine-driver-%s: the record could not be written to stdout\n", be_name);
    return EXIT_WORKLOAD;
}

static void run_point(struct point *pt) {
    char reason[POINT_REASON_MAX];
    pt->metrics = json_object();
    pt->checks = json_array();
    if (!driver_applicable(pt, reason, sizeof reason)) {
        point_not_applicable(pt, "%s", reason);
        return;
    }
    if (!pt->workload->before || pt->workload->before(pt)) {
        int err = be_run(&pt->config, run_workload, pt);
        if (err) point_fail(pt, "the backend did not start: %s", strerror(-err));
    }
    if (pt->workload->after) pt->workload->after(pt);
}

int main(int argc, char **argv) {
    static struct point pt;
    char why[512];
    bool describe;
    if (!driver_arguments(&pt, argc, argv, &describe, why, sizeof why)) {
        fprintf(stderr, "trine-driver-%s: %s\n", be_name, why);
        return EXIT_USAGE;
    }
    if (describe) return print(driver_description());
    mclock_init();
    measure_clock(&pt);
    run_point(&pt);
    int failed = print(driver_record(&pt));
    if (pt.status != POINT_ERROR) return failed;
    fprintf(stderr, "trine-driver-%s: %s: %s\n", be_name, pt.workload->name, pt.reason);
    return EXIT_WORKLOAD;
}
