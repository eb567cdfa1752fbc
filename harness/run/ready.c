/* ready: see ready.h. The children are copies of this process that do nothing but touch memory of their own. */
#include "run/ready.h"
#include "base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 4, LOOK_NS = 2000000 };

static _Noreturn void touch(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) _exit(1);
    madvise((void *)p, bytes, MADV_NOHUGEPAGE); /* as stacks are: page by page */
    for (size_t i = 0; i < bytes; i += page) p[i] = 1;
    _exit(0);
}

/* As many at once as there are CPUs: pages are found and cleared in parallel. */
static int children(void) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > CHILDREN_MAX ? CHILDREN_MAX : (int)cpus;
}

/* How many of the n could be started. */
static int start(size_t bytes, int n, pid_t *child) {
    for (int i = 0; i < n; i++) {
        child[i] = fork();
        if (child[i] == 0) touch(bytes / (size_t)n);
        if (child[i] < 0) return i;
    }
    return n;
}

/* True: it touched all that it should. */
static bool finish(pid_t child, const volatile sig_atomic_t *stop) {
    int status = 0;
    pid_t got;
    while ((got = waitpid(child, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (stop && *stop) kill(child, SIGKILL);
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
    }
    return got == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

json_t *memory_ready(const struct probe_root *root, int64_t mib, const volatile sig_atomic_t *stop) {
    int64_t kib = probe_available_kib(root), there = kib / 1024;
    pid_t child[CHILDREN_MAX];
    if (kib < 0) return json_unavailable("/proc/meminfo does not tell what is available");
    if (there < mib + mib / 8)
        return json_unavailable("%lld MiB wanted, and an eighth to spare; %lld are available", (long long)mib, (long long)there);
    size_t bytes = (size_t)mib << 20;
    int n = children(), started = start(bytes, n, child);
    bool all = started == n;
    for (int i = 0; i < started; i++) all &= finish(child[i], stop);
    if (stop && *stop) return json_unavailable("interrupted");
    return all ? json_integer((json_int_t)bytes) : json_unavailable("a process that touched memory could not be started, or was killed");
}
