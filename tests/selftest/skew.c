/* A clock that runs twice as fast, for a process that is started with this in LD_PRELOAD: what an instrument
 * with a wrong scale does. Only CLOCK_MONOTONIC, so that sleeps and the kernel stay as they are. Loaded by
 * test_broken.c. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts) {
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && id == CLOCK_MONOTONIC) {
        static long long first; /* set by the first reading, before there are threads */
        long long now = (long long)ts->tv_sec * 1000000000 + ts->tv_nsec;
        if (first == 0) first = now;
        now = first + 2 * (now - first);
        ts->tv_sec = now / 1000000000;
        ts->tv_nsec = now % 1000000000;
    }
    return rc;
}
