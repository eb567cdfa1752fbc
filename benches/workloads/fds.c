/* Limits on descriptors, and the kernel's count of threads: see fds.h. */
#include "fds.h"

#include <stdio.h>
#include <sys/resource.h>

bool fds_need(struct point *pt, uint64_t n) {
    enum { OTHERS = 64 };            /* stdio, the poller, /proc files */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return true;
    if (limit.rlim_cur >= n + OTHERS) return true;
    limit.rlim_cur = limit.rlim_max < n + OTHERS ? limit.rlim_max : n + OTHERS;
    if (limit.rlim_cur >= n + OTHERS && setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    point_fail(pt, "%llu descriptors are needed and the hard limit is %llu: raise it (ulimit -Hn) or lower --tasks",
               (unsigned long long)n, (unsigned long long)limit.rlim_max);
    return false;
}

int64_t threads_now(void) {
    char line[256];
    long long threads = 0;
    FILE *f = fopen("/proc/self/status", "re");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "Threads: %lld", &threads) == 1) break;
    fclose(f);
    return threads;
}
