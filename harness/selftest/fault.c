/*
 * fault: the faults that come from outside: signals, affinity, competing processes, a quota. Each runs in a
 * thread of its own from `delay_ms` after the start of the point and undoes itself; whatever is left is
 * undone when the point ends.
 */
#include "base/child.h"
#include "base/file.h"
#include "probe/cgroup.h"
#include "selftest/trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUOTA_PERIOD_US = 50000, FLIPS = 200, FLIP_EVERY_US = 4000, TASKS_MAX = 256 };

static const struct probe_root machine = {""};

static void nap_us(int64_t us) {
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* In steps, so that a point that ends early is not waited for. False: it is gone. */
static bool wait_for_moment(struct fault *f) {
    for (int64_t ms = 0; ms < f->delay_ms && !atomic_load(&f->gone); ms++) nap_us(1000);
    return !atomic_load(&f->gone);
}

static void *fault_main(void *arg) {
    struct fault *f = arg;
    if (wait_for_moment(f)) f->at(f);
    return NULL;
}

static void on_started(pid_t pid, void *arg) {
    struct fault *f = arg;
    f->pid = pid;
    f->started_ns = monotonic_ns();
    f->running = f->at && pthread_create(&f->thread, NULL, fault_main, f) == 0;
}

static void on_ended(pid_t pid, void *arg) {
    struct fault *f = arg;
    (void)pid;
    f->ended_ns = monotonic_ns();
    atomic_store(&f->gone, true);
    if (f->running) pthread_join(f->thread, NULL);
    f->running = false;
}

void fault_init(struct fault *f, int64_t delay_ms, void (*at)(struct fault *f), void *arg) {
    *f = (struct fault){.hooks = {NULL, on_started, on_ended, f}, .delay_ms = delay_ms, .at = at, .arg = arg};
}

/* The pid cannot be anybody else's: the process is not reaped before this thread is joined. */
void fault_stop(struct fault *f) {
    int64_t start = monotonic_ns();
    if (kill(f->pid, SIGSTOP) != 0) return;
    nap_us(*(const int64_t *)f->arg * 1000);
    kill(f->pid, SIGCONT);
    f->done = (double)(monotonic_ns() - start);
}

/* Every thread of the process, at most TASKS_MAX of them; how many. */
static size_t list_threads(pid_t pid, pid_t *tids) {
    char *path = probe_path(&machine, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    size_t n = 0;
    for (struct dirent *e; d && n < TASKS_MAX && (e = readdir(d)) != NULL;) {
        tids[n] = (pid_t)atoi(e->d_name);
        n += tids[n] > 0;
    }
    if (d) closedir(d);
    free(path);
    return n;
}

/* The one that has run longest, by schedstat; 0: none can be read. */
static pid_t busiest_thread(pid_t pid, const pid_t *tids, size_t n) {
    int64_t most = -1;
    pid_t best = 0;
    for (size_t i = 0; i < n; i++) {
        char *s = probe_line(&machine, "/proc/%d/task/%d/schedstat", (int)pid, (int)tids[i]);
        int64_t ran = s ? strtoll(s, NULL, 10) : -1;
        if (ran > most) {
            most = ran;
            best = tids[i];
        }
        free(s);
    }
    return best;
}

static void bind_thread(pid_t tid, int cpu, double *count) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(tid, sizeof one, &one) == 0 && count) ++*count;
}

/* The others are held on one CPU: left free, the monitor wakes on whichever CPU has just become idle, so that
 * on a quiet machine each move would be counted twice. */
void fault_migrate(struct fault *f) {
    pid_t tids[TASKS_MAX];
    cpu_set_t all;
    int cpus[2], n = 0;
    size_t ntids = list_threads(f->pid, tids);
    pid_t busiest = busiest_thread(f->pid, tids, ntids);
    sched_getaffinity(0, sizeof all, &all);
    for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
        if (CPU_ISSET((size_t)i, &all)) cpus[n++] = i;
    if (n < 2 || busiest <= 0) return;
    for (size_t i = 0; i < ntids; i++)
        if (tids[i] != busiest) bind_thread(tids[i], cpus[0], NULL);
    for (int i = 0; i < FLIPS && !atomic_load(&f->gone); i++) {
        bind_thread(busiest, cpus[i % 2], &f->done);
        nap_us(FLIP_EVERY_US);
    }
    for (size_t i = 0; i < ntids; i++) sched_setaffinity(tids[i], sizeof all, &all);
}

static pid_t start_burner(int cpu) {
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) return pid;
    cpu_set_t one;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    for (;;) __asm__ volatile("" : : : "memory");
}

/* Only async-signal-safe calls in the child: this process has threads. */
void fault_burn(struct fault *f) {
    pid_t burners[BURNERS_MAX];
    cpu_set_t all;
    size_t n = 0;
    sched_getaffinity(0, sizeof all, &all);
    for (int i = 0; i < CPU_SETSIZE && n < BURNERS_MAX; i++) {
        if (!CPU_ISSET((size_t)i, &all)) continue;
        burners[n] = start_burner(i);
        n += burners[n] > 0;
    }
    f->done = (double)n;
    while (!atomic_load(&f->gone)) nap_us(1000);
    for (size_t i = 0; i < n; i++) kill(burners[i], SIGKILL);
    for (size_t i = 0; i < n; i++) waitpid(burners[i], NULL, 0);
}

/* Kernel files take a value in one write, and cannot be written aside. */
static bool put(const char *dir, const char *name, const char *value) {
    char *path = path_join(dir, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    if (fd >= 0) close(fd);
    free(path);
    return ok;
}

static bool put_quota(const struct quota_group *q, int64_t quota_us) {
    char value[64];
    if (q->version == 2) {
        snprintf(value, sizeof value, quota_us > 0 ? "%lld %d" : "max", (long long)quota_us, QUOTA_PERIOD_US);
        return put(q->dir, "cpu.max", value);
    }
    snprintf(value, sizeof value, "%d", QUOTA_PERIOD_US);
    bool ok = put(q->dir, "cpu.cfs_period_us", value);
    snprintf(value, sizeof value, "%lld", (long long)(quota_us > 0 ? quota_us : -1));
    return ok && put(q->dir, "cpu.cfs_quota_us", value);
}

bool quota_make(struct quota_group *q, char *why, size_t bytes) {
    struct cgroup_cpu c;
    cgroup_find(&machine, &c);
    *q = (struct quota_group){.version = c.version, .quota_us = q->quota_us};
    if (c.version == 0) {
        snprintf(why, bytes, "no cpu controller is mounted");
        return false;
    }
    if (c.version == 2)
        put(c.dir, "cgroup.subtree_control", "+cpu"); /* refused where it is on, or not ours */
    snprintf(q->dir, sizeof q->dir, "%s/trine-selftest-%d", c.dir, (int)getpid());
    if (mkdir(q->dir, 0755) != 0 || !put_quota(q, 0)) {
        snprintf(why, bytes, "no group with a quota can be made below %.100s: %s", c.dir, strerror(errno));
        rmdir(q->dir);
        return false;
    }
    return true;
}

void quota_join(pid_t pid, void *arg) {
    const struct fault *f = arg;
    const struct quota_group *q = f->arg;
    char value[32];
    snprintf(value, sizeof value, "%d", (int)pid);
    put(q->dir, "cgroup.procs", value);
}

void fault_quota(struct fault *f) {
    const struct quota_group *q = f->arg;
    f->done = put_quota(q, q->quota_us) ? (double)monotonic_ns() : 0;
}

/* The kernel needs a moment after the last process has gone. */
void quota_remove(struct quota_group *q) {
    for (int i = 0; i < 100 && rmdir(q->dir) != 0 && errno == EBUSY; i++) nap_us(5000);
}
