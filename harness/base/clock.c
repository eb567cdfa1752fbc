/* Chooses and calibrates the clock of clock.h. Owns mclock_scale; written once, before threads exist. */
#include "clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* 20 ms between two readings whose own uncertainty is some 50 ns leaves an error of a few ppm. */
#define CALIBRATE_NS INT64_C(20000000)
#define BRACKETS     32

struct mclock_scale mclock_scale;
static const char *why_not = "not initialised";
static bool ready;

static bool kernel_clocksource_is(const char *want) {
    char name[64] = "";
    FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");

    if (f == NULL) return false;
    if (fgets(name, sizeof name, f) == NULL) name[0] = '\0';
    fclose(f);
    name[strcspn(name, "\n")] = '\0';
    return strcmp(name, want) == 0;
}

/* NULL when the counter can be trusted, else the reason against it. */
static const char *counter_refused(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d;

    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(d & 1u << 27)) return "the processor has no rdtscp";
    if (!__get_cpuid(0x80000007u, &a, &b, &c, &d) || !(d & 1u << 8))
        return "the TSC is not constant and nonstop";
    if (!kernel_clocksource_is("tsc")) return "the kernel's clocksource is not tsc";
    return NULL;
#elif defined(__aarch64__)
    if (!kernel_clocksource_is("arch_sys_counter")) return "the kernel's clocksource is not arch_sys_counter";
    return NULL;
#else
    return "no counter is known for this processor";
#endif
}

/* One pair (counter, POSIX clock), as close to simultaneous as can be had: the tightest bracket of several.
 */
static void read_pair(clockid_t id, uint64_t *ticks, uint64_t *ns) {
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < BRACKETS; i++) {
        uint64_t before = mclock_ticks();
        uint64_t t = mclock_posix_ns(id);
        uint64_t after = mclock_ticks();

        if (after - before < best) {
            best = after - before;
            *ticks = before + (after - before) / 2;
            *ns = t;
        }
    }
}

int mclock_init_as(enum mclock_source source, int64_t calibrate_ns) {
    struct mclock_scale s = {.source = MCLOCK_MONOTONIC, .mult = UINT64_C(1) << 32};
    uint64_t t0 = 0, n0 = 0, t1 = 0, n1 = 0;

    if (source == MCLOCK_COUNTER) {
        why_not = counter_refused();
        if (why_not != NULL) return -ENOTSUP;
        read_pair(CLOCK_MONOTONIC_RAW, &t0, &n0);
        do {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            read_pair(CLOCK_MONOTONIC_RAW, &t1, &n1);
        } while ((int64_t)(n1 - n0) < calibrate_ns);
        s.source = MCLOCK_COUNTER;
        s.mult = (uint64_t)(((unsigned __int128)(n1 - n0) << 32) / (t1 - t0));
        read_pair(CLOCK_MONOTONIC, &s.base_ticks, &s.base_ns);
        why_not = "";
    } else {
        why_not = "CLOCK_MONOTONIC was asked for";
    }
    mclock_scale = s;
    ready = true;
    return 0;
}

int mclock_init(void) {
    const char *asked = getenv("TRINE_CLOCK");

    if (ready) return 0;
    if (asked != NULL && strcmp(asked, "monotonic") == 0) return mclock_init_as(MCLOCK_MONOTONIC, 0);
    if (mclock_init_as(MCLOCK_COUNTER, CALIBRATE_NS) != 0) {
        const char *reason = why_not;

        mclock_init_as(MCLOCK_MONOTONIC, 0);
        why_not = reason;
    }
    return 0;
}

const char *mclock_source_name(void) {
    if (mclock_scale.source == MCLOCK_MONOTONIC) return "monotonic";
#if defined(__aarch64__)
    return "cntvct";
#else
    return "tsc";
#endif
}

const char *mclock_why_not_counter(void) {
    return why_not;
}

double mclock_tick_ns(void) {
    return mclock_scale.source == MCLOCK_COUNTER ? (double)mclock_scale.mult / 4294967296.0 : 1.0;
}
