/*
 * cgroup.c: the CPU quota that the kernel holds this process to. Floor 2.
 *
 * Where to look, as cgroups(7) has it:
 *   /proc/self/cgroup     lines ID:CONTROLLERS:PATH; v2 is the line "0::PATH", v1 the one whose controllers hold "cpu"
 *   /proc/self/mountinfo  where that hierarchy is mounted, and which of its cgroups stands at the mount point
 * In a hybrid system both kinds are there; the cpu controller is in one of them, and a v1 line with "cpu" says that it
 * is there. Go reads the process's own cgroup only; a quota binds the whole subtree, so every cgroup up to the mount
 * point is read here, and the tightest counts. What cannot be read or parsed is taken as no limit: a default must
 * not fail.
 */
#include "cgroup.h"
#include "os_linux.h"
#include "param.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_BYTES 65536 /* of /proc/self/mountinfo: a few hundred mounts; what lies beyond is not seen */

enum version { NO_CGROUP, V1, V2 };

/* A place, and what reading takes. Straight from the kernel: too large for a goroutine's stack, and for a thread's static
 * storage; what is not touched costs nothing. */
struct rt_cgroup {
    enum version version;
    size_t top;          /* how much of own is the mount point */
    char own[PATH_MAX];  /* the directory of the process's cgroup */
    char cgroup[PATH_MAX], dir[PATH_MAX], path[PATH_MAX], lines[LINES_BYTES];
};

static const struct cpu_quota none = {-1, 0};

/* The whole file in buf, ended by 0. False: cannot be opened or read. */
static bool slurp(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t n = 0;
    for (;;) {
        ssize_t r = read(fd, buf + n, size - 1 - n);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) break;
        n += (size_t)r;
    }
    close(fd);
    buf[n] = 0;
    return n > 0;
}

/* path = a + b + c; false: too long. */
static bool join(char path[PATH_MAX], const char *a, const char *b, const char *c)
{
    int n = snprintf(path, PATH_MAX, "%s%s%s", a, b, c);
    return n > 0 && n < PATH_MAX;
}

/* Is word one of the comma-separated items of list? */
static bool has_item(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *s = list; s; s = strchr(s, ','), s = s ? s + 1 : NULL) {
        if (strncmp(s, word, n) == 0 && (s[n] == ',' || s[n] == 0)) return true;
    }
    return false;
}

static char *next_line(char **rest)
{
    char *line;
    do line = strsep(rest, "\n");
    while (line && !*line);
    return line;
}

/* ---- which cgroup ---- */
static enum version find_cgroup(const char *root, struct rt_cgroup *w)
{
    char *rest = w->lines;
    enum version found = NO_CGROUP;
    if (!join(w->path, root, "/proc/self/cgroup", "") || !slurp(w->path, w->lines, LINES_BYTES)) return NO_CGROUP;
    for (char *line; (line = next_line(&rest)) != NULL;) {
        char *id = strsep(&line, ":"), *controllers = strsep(&line, ":");
        if (!controllers || !line || *line != '/') continue;
        bool v1 = has_item(controllers, "cpu"), v2 = strcmp(id, "0") == 0 && !*controllers;
        if (!(v1 || (v2 && found == NO_CGROUP)) || !join(w->cgroup, line, "", "")) continue;
        found = v1 ? V1 : V2;
        if (v1) break; /* a v1 cpu controller is not in v2 as well */
    }
    return found;
}

/* ---- where it is mounted ---- */
/* mountinfo writes space, tab, newline and backslash as \ooo. In place. */
static void unescape(char *s)
{
    char *to = s;
    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = 0;
}

/* One line: ID PARENT DEV ROOT POINT OPTIONS [TAG ...] - TYPE SOURCE SUPER_OPTIONS. */
static bool parse_mount(char *line, enum version v, char **mount_root, char **point)
{
    char *field[6];
    for (int i = 0; i < 6; i++) {
        if (!(field[i] = strsep(&line, " ")) || !line) return false;
    }
    char *type;
    while ((type = strsep(&line, " ")) != NULL && strcmp(type, "-") != 0) {
    }
    type = type ? strsep(&line, " ") : NULL;
    if (!type || !strsep(&line, " ") || !line) return false;
    if (v == V2 ? strcmp(type, "cgroup2") != 0 : strcmp(type, "cgroup") != 0 || !has_item(line, "cpu")) return false;
    *mount_root = field[3];
    *point = field[4];
    unescape(*mount_root);
    unescape(*point);
    return true;
}

/* If the cgroup lies at or below base, what follows base in its path; else NULL. */
static const char *below(const char *cgroup, const char *base)
{
    if (strcmp(base, "/") == 0) return strcmp(cgroup, "/") == 0 ? "" : cgroup;
    size_t n = strlen(base);
    if (strncmp(cgroup, base, n) != 0 || (cgroup[n] != '/' && cgroup[n] != 0)) return NULL;
    return cgroup + n;
}

/* w->own = root + mount point + the rest of the cgroup's path. */
static bool find_mount(const char *root, enum version v, struct rt_cgroup *w)
{
    char *rest = w->lines, *mount_root, *point;
    if (!join(w->path, root, "/proc/self/mountinfo", "") || !slurp(w->path, w->lines, LINES_BYTES)) return false;
    for (char *line; (line = next_line(&rest)) != NULL;) {
        if (!parse_mount(line, v, &mount_root, &point)) continue;
        const char *tail = below(w->cgroup, mount_root);
        if (!tail || !join(w->own, root, point, tail)) continue;
        w->top = strlen(root) + strlen(point);
        return true;
    }
    return false;
}

/* ---- its quota ---- */
static bool read_numbers(struct rt_cgroup *w, const char *name, char *buf, size_t size)
{
    return join(w->path, w->dir, "/", name) && slurp(w->path, buf, size);
}

static struct cpu_quota quota_of(struct rt_cgroup *w, enum version v)
{
    char quota[64], period[64];
    if (v == V2) { /* "QUOTA PERIOD" or "max PERIOD" */
        if (!read_numbers(w, "cpu.max", quota, sizeof quota)) return none;
        char *space = strchr(quota, ' ');
        if (!space) return none;
        strcpy(period, space + 1);
    } else if (!read_numbers(w, "cpu.cfs_quota_us", quota, sizeof quota) ||
               !read_numbers(w, "cpu.cfs_period_us", period, sizeof period)) {
        return none;
    }
    char *end;
    struct cpu_quota q = {strtoll(quota, &end, 10), 0};
    if (end == quota || q.quota_us < 0) return none; /* "max", or v1's -1 */
    q.period_us = strtoll(period, &end, 10);
    return end == period || q.period_us <= 0 ? none : q;
}

static bool tighter(struct cpu_quota a, struct cpu_quota b)
{
    if (a.quota_us < 0 || b.quota_us < 0) return a.quota_us >= 0;
    return (__int128)a.quota_us * b.period_us < (__int128)b.quota_us * a.period_us;
}

struct rt_cgroup *rt_cgroup_find(const char *root)
{
    int saved = errno;
    struct rt_cgroup *w = rt_sysalloc(sizeof *w);
    if (!w) return NULL;
    if (!root) root = "";
    w->version = find_cgroup(root, w);
    if (w->version != NO_CGROUP && !find_mount(root, w->version, w)) w->version = NO_CGROUP;
    errno = saved;
    return w;
}

struct cpu_quota rt_cgroup_read(struct rt_cgroup *w)
{
    int saved = errno;
    struct cpu_quota best = none;
    bool more = w && w->version != NO_CGROUP;
    if (more) memcpy(w->dir, w->own, sizeof w->dir);
    while (more) {
        struct cpu_quota q = quota_of(w, w->version);
        if (tighter(q, best)) best = q;
        char *slash = strlen(w->dir) > w->top ? strrchr(w->dir, '/') : NULL;
        more = slash != NULL;
        if (slash) *slash = 0; /* the cgroup above */
    }
    errno = saved;
    return best;
}

struct cpu_quota rt_cgroup_quota(const char *root)
{
    struct rt_cgroup *w = rt_cgroup_find(root);
    struct cpu_quota q = rt_cgroup_read(w);
    if (w) rt_sysfree(w, sizeof *w);
    return q;
}

int rt_procs_rule(int ncpu, struct cpu_quota q)
{
    if (ncpu < 1) ncpu = 1;
    if (ncpu > RT_MAX_PROCS) ncpu = RT_MAX_PROCS;
    if (q.quota_us < 0) return ncpu;
    int64_t procs = q.quota_us / q.period_us + (q.quota_us % q.period_us != 0);
    if (procs < 2) procs = 2;
    return procs < ncpu ? (int)procs : ncpu;
}

int rt_default_procs(const char *root) { return rt_procs_rule(rt_ncpu_affinity(), rt_cgroup_quota(root)); }
