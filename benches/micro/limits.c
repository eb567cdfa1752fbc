/*
 * limit/...: what does this machine charge for the things that a scheduler cannot do without?
 *
 * Method       Each is repeated back to back by one thread: an atomic addition, FUTEX_WAKE without a waiter, the
 *              shortest system call, reading the clock, the first touch of a page.
 * Unit         ns of real time an operation (page_first_touch: a page, its share of mmap and munmap included).
 *              With two threads google-benchmark's Time is wall time over the additions of both; CPU is one thread's.
 * Expectation  2 to 8 uncontended locked add, 5 times that contended by two; futex 172; getppid 110 to 143; clock_gettime 39;
 *              first touch 1,600 to 2,100.
 * Falsified by a time that does not grow with iterations (folded away), or a contended add that costs no more.
 * Known lies   Back to back hides latency behind throughput: a lone atomic after cold code costs more.
 */
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

static _Atomic uint64_t shared __attribute__((aligned(128)));

static void atomic_add(struct gbench *b, int64_t arg) {
    (void)arg;
    while (gbench_more(b, 1000))
        for (int i = 0; i < 1000; i++) atomic_fetch_add(&shared, 1);
}

static void futex_wake_nobody(struct gbench *b, int64_t arg) {
    _Atomic uint32_t word = 0;
    (void)arg;
    while (gbench_more(b, 100))
        for (int i = 0; i < 100; i++) syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void syscall_getppid(struct gbench *b, int64_t arg) {
    (void)arg;
    while (gbench_more(b, 100))
        for (int i = 0; i < 100; i++) gbench_sink((uint64_t)syscall(SYS_getppid));
}

static void clock_reading(struct gbench *b, int64_t arg) {
    struct timespec ts;
    (void)arg;
    while (gbench_more(b, 100))
        for (int i = 0; i < 100; i++) {
            clock_gettime(CLOCK_MONOTONIC, &ts);
            gbench_sink((uint64_t)ts.tv_nsec);
        }
}

static void page_first_touch(struct gbench *b, int64_t arg) {
    enum { PAGES = 256 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)arg;
    while (gbench_more(b, PAGES)) {
        char *at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            gbench_skip(b, "mmap failed");
            return;
        }
        madvise(at, PAGES * page, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < PAGES; i++) *(volatile char *)(at + i * page) = 1;
        munmap(at, PAGES * page);
    }
}

void micro_limits_register(void) {
    gbench_register("limit/atomic_add", atomic_add, 0, 1);
    gbench_register("limit/atomic_add_contended", atomic_add, 0, 2);
    gbench_register("limit/futex_wake_nobody", futex_wake_nobody, 0, 1);
    gbench_register("limit/syscall_getppid", syscall_getppid, 0, 1);
    gbench_register("limit/clock_gettime", clock_reading, 0, 1);
    gbench_register("limit/page_first_touch", page_first_touch, 0, 1);
}
