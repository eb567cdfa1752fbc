/* calibrate/micro: the limits that trine-micro measures, out of google-benchmark's JSON. No state. */
#include "base/json.h"
#include "calibrate/calibrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPETITIONS_MAX = 64 };

static const struct {
    const char *benchmark, *limit, *method;
} known[] = {
    {"switch/bare/", "register_swap",
     "stack and program counter exchanged, the compiler spills what is live"},
    {"switch/saved_registers/", "register_swap_saved", "six callee-saved registers and the stack exchanged"},
    {"limit/cache_line/", "cache_line", "one word to and fro between two CPUs, one way"},
    {"limit/atomic_add/", "atomic_add", "a locked add on a line that this core owns"},
    {"limit/atomic_add_contended/", "atomic_add_contended",
     "the same by two threads on one line, wall time over both"},
    {"limit/futex_wake_nobody/", "futex_wake_nobody", "FUTEX_WAKE without a waiter"},
    {"limit/syscall_getppid/", "system_call", "getppid, the shortest one"},
    {"limit/clock_gettime/", "clock_reading", "clock_gettime(CLOCK_MONOTONIC)"},
    {"limit/page_first_touch/", "page_fault", "first touch of a page, its share of mmap and munmap included"},
};

static double in_ns(double v, const char *unit) {
    return v * (strcmp(unit, "us") == 0   ? 1e3
                : strcmp(unit, "ms") == 0 ? 1e6
                : strcmp(unit, "s") == 0  ? 1e9
                                          : 1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The repetitions' times of one benchmark, sorted; how many. */
static size_t times_of(const json_t *micro, const char *prefix, double *ns) {
    const json_t *b;
    size_t i, n = 0;
    json_array_foreach(json_object_get(micro, "benchmarks"), i, b) {
        double t = json_num(b, "real_time", -1);
        if (strncmp(json_str(b, "name", ""), prefix, strlen(prefix)) != 0 ||
            json_flag(b, "error_occurred", false))
            continue;
        if (strcmp(json_str(b, "run_type", "iteration"), "iteration") != 0 || t < 0 || n == REPETITIONS_MAX)
            continue;
        ns[n++] = in_ns(t, json_str(b, "time_unit", "ns"));
    }
    qsort(ns, n, sizeof *ns, by_value);
    return n;
}

void calibrate_from_micro(json_t *limits, const json_t *micro) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double ns[REPETITIONS_MAX];
        size_t n = times_of(micro, known[i].benchmark, ns);
        json_object_set_new(limits, known[i].limit,
                            n ? calibrate_limit(ns[n / 2], ns[0], "ns", known[i].method)
                              : json_unavailable("trine-micro measured no %.100s", known[i].benchmark));
    }
}
