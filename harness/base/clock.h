/* The clock that every measurement reads.
 *
 * mclock_init() picks the source once: the processor's counter where the kernel itself trusts it (constant,
 * nonstop and the current clocksource), else CLOCK_MONOTONIC. After that mclock_now_ns() may be called from
 * any thread, allocates nothing and takes no lock; before it, readings come from CLOCK_MONOTONIC.
 *
 * Times are in ns on the scale of CLOCK_MONOTONIC at the moment of mclock_init(), so they can be laid beside
 * what another process read there. The rate is that of CLOCK_MONOTONIC_RAW: no adjustment by NTP ever bends
 * an interval, so the two drift apart by at most the kernel's slew (500 ppm) over a run. */
#ifndef TRINE_BASE_CLOCK_H
#define TRINE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum mclock_source { MCLOCK_MONOTONIC, MCLOCK_COUNTER };

/* Written by mclock_init() alone, before the threads that read it exist. */
struct mclock_scale {
    enum mclock_source source;
    uint64_t base_ticks; /* the counter when the scale was taken */
    uint64_t base_ns;    /* CLOCK_MONOTONIC at that moment */
    uint64_t mult;       /* ns in a tick, times 2^32 */
};
extern struct mclock_scale mclock_scale;

/* Picks the best source and calibrates it (20 ms with a counter, once a process). Returns 0. Call it before
 * starting threads; further calls do nothing. The environment's TRINE_CLOCK=monotonic refuses the counter. */
int mclock_init(void);

/* Forces a source: for tests, and to compare the two. Returns 0, or -ENOTSUP where the counter cannot be
 * trusted. */
int mclock_init_as(enum mclock_source source, int64_t calibrate_ns);

/* "tsc", "cntvct" or "monotonic". */
const char *mclock_source_name(void);

/* Why the counter is not used; "" when it is. */
const char *mclock_why_not_counter(void);

/* The length of one tick in ns as calibrated; 1 for CLOCK_MONOTONIC. */
double mclock_tick_ns(void);

static inline uint64_t mclock_posix_ns(clockid_t id) {
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The bare counter, ordered on both sides: rdtscp waits for all earlier instructions, the fence after it
 * keeps later ones from starting first. 0 on a processor without one. */
static inline uint64_t mclock_ticks(void) {
#if defined(__x86_64__)
    uint32_t lo, hi, aux;

    __asm__ volatile("rdtscp\n\tlfence" : "=a"(lo), "=d"(hi), "=c"(aux) : : "memory");
    return (uint64_t)hi << 32 | lo;
#elif defined(__aarch64__)
    uint64_t t;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(t) : : "memory");
    return t;
#else
    return 0;
#endif
}

/* Now, in ns. Blocks never; some 10 to 40 ns. */
static inline uint64_t mclock_now_ns(void) {
    if (__builtin_expect(mclock_scale.source == MCLOCK_COUNTER, 1)) {
        uint64_t ticks = mclock_ticks() - mclock_scale.base_ticks;

        return mclock_scale.base_ns + (uint64_t)(((unsigned __int128)ticks * mclock_scale.mult) >> 32);
    }
    return mclock_posix_ns(CLOCK_MONOTONIC);
}

#endif
