/* quota: see quota.h. The folder's name carries our pid, so that one whose trine has died can be told, and a number,
 * so that one that could not be removed is not in the way of the next. */
#include "probe/quota.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "trine-quota-"

static bool put(const char *dir, const char *file, const char *text) {
    char *path = xasprintf("%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : -1;
    if (fd >= 0) close(fd);
    free(path);
    return n == (ssize_t)strlen(text);
}

/* What a trine that was killed has left: its pid is gone. */
static void remove_stale(const char *parent) {
    DIR *d = opendir(parent);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0) continue;
        pid_t owner = (pid_t)atol(entry->d_name + strlen(PREFIX));
        char *path = xasprintf("%s/%s", parent, entry->d_name);
        if (owner > 0 && kill(owner, 0) < 0 && errno == ESRCH) rmdir(path);
        free(path);
    }
    if (d) closedir(d);
}

static bool set(const struct cgroup_cpu *c, double cpus, int64_t period_us) {
    char period[32], quota[32], both[72];
    snprintf(period, sizeof period, "%lld", (long long)period_us);
    snprintf(quota, sizeof quota, "%lld", (long long)(cpus * (double)period_us));
    snprintf(both, sizeof both, "%s %s", quota, period);
    if (c->version == 2) return put(c->dir, "cpu.max", both);
    return put(c->dir, "cpu.cfs_period_us", period) && put(c->dir, "cpu.cfs_quota_us", quota);
}

bool quota_open(struct quota *q, const struct probe_root *r, double cpus, int64_t period_us, char *why,
                size_t bytes) {
    static unsigned number; /* the main thread's */
    struct cgroup_cpu own;
    cgroup_find(r, &own);
    q->group = own;
    if (own.version) remove_stale(own.dir);
    if (own.version == 2) put(own.dir, "cgroup.subtree_control", "+cpu");
    int n = snprintf(q->group.dir, sizeof q->group.dir, "%.900s/" PREFIX "%d-%u", own.dir, (int)getpid(), number++);
    bool made = own.version && n > 0 && mkdir(q->group.dir, 0755) == 0;
    if (made && set(&q->group, cpus, period_us)) return true;
    int fault = errno;
    if (made) rmdir(q->group.dir);
    snprintf(why, bytes, "a CPU quota needs root or a delegated cgroup (%s%s%s)", own.version ? own.dir : "no cpu controller is mounted",
             own.version ? ": " : "", own.version ? strerror(fault) : "");
    q->group = (struct cgroup_cpu){.mode = "none"};
    return false;
}

bool quota_enter(const struct quota *q, pid_t pid) {
    char text[32];
    snprintf(text, sizeof text, "%d", (int)pid);
    return put(q->group.dir, "cgroup.procs", text);
}

/* What the driver started outside of its process group is still in the group: it would compute beside all further points. */
static void end_all(const struct cgroup_cpu *c) {
    char *path = xasprintf("%s/cgroup.procs", c->dir);
    FILE *f = fopen(path, "re");
    int pid;
    while (f && fscanf(f, "%d", &pid) == 1)
        if (pid > 0 && pid != getpid()) kill(pid, SIGKILL);
    if (f) fclose(f);
    free(path);
}

/* A group that has just lost its last process may be busy for a moment. */
void quota_close(struct quota *q) {
    for (int i = 0; q->group.version && i < 100 && rmdir(q->group.dir) < 0 && errno == EBUSY; i++) {
        end_all(&q->group);
        usleep(1000);
    }
    q->group = (struct cgroup_cpu){.mode = "none"};
}
