/*
 * cgroup: see cgroup.h. /proc/<pid>/cgroup says the path inside each hierarchy, /proc/self/mountinfo where
 * each is mounted and which part of it (in a container the mount's root is not "/"). No state.
 */
#include "probe/cgroup.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is `word` one of the comma-separated words of the first `len` bytes of s? */
static bool listed(const char *s, size_t len, const char *word) {
    size_t n = strlen(word);
    for (const char *end = s + len; s < end;) {
        const char *comma = memchr(s, ',', (size_t)(end - s));
        size_t m = (size_t)((comma ? comma : end) - s);
        if (m == n && memcmp(s, word, n) == 0) return true;
        s += m + 1;
    }
    return false;
}

/* The path of this process in the v1 hierarchy with the cpu controller (v1 true) or in the unified one. */
static bool own_path(const char *cgroup_text, bool v1, char *out, size_t bytes) {
    for (const char *line = cgroup_text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        const char *names = strchr(line, ':');
        const char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) return false;
        size_t names_len = (size_t)(path - names - 1);
        bool wanted =
            v1 ? listed(names + 1, names_len, "cpu") : names_len == 0 && strncmp(line, "0:", 2) == 0;
        if (!wanted) continue;
        size_t n = strcspn(path + 1, "\n");
        snprintf(out, bytes, "%.*s", (int)n, path + 1);
        return true;
    }
    return false;
}

/* Finds the mount: its point and the part of the hierarchy that it shows. */
static bool own_mount(const char *mountinfo, bool v1, char *point, size_t point_bytes, char *root,
                      size_t root_bytes) {
    for (const char *line = mountinfo; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char buf[2048], mount_root[512], mount_point[512], type[64] = "", options[512] = "";
        snprintf(buf, sizeof buf, "%.*s", (int)strcspn(line, "\n"), line);
        char *dash = strstr(buf, " - ");
        if (!dash || sscanf(buf, "%*s %*s %*s %511s %511s", mount_root, mount_point) != 2) continue;
        if (sscanf(dash + 3, "%63s %*s %511s", type, options) < 1) continue;
        bool wanted = v1 ? strcmp(type, "cgroup") == 0 && listed(options, strlen(options), "cpu")
                         : strcmp(type, "cgroup2") == 0;
        if (!wanted) continue;
        snprintf(point, point_bytes, "%s", mount_point);
        snprintf(root, root_bytes, "%s", mount_root);
        return true;
    }
    return false;
}

static bool controller_there(const struct probe_root *r, const char *mount) {
    char *s = probe_line(r, "%s/cgroup.controllers", mount);
    bool there = false;
    for (char *w = s ? strtok(s, " ") : NULL; w; w = strtok(NULL, " ")) there |= strcmp(w, "cpu") == 0;
    free(s);
    return there;
}

static void find(const struct probe_root *r, const char *who, struct cgroup_cpu *c) {
    char *groups = probe_read(r, "/proc/%s/cgroup", who), *mounts = probe_read(r, "/proc/self/mountinfo");
    char path[512], root[512];
    *c = (struct cgroup_cpu){.mode = "none"};
    bool v1 = groups && own_path(groups, true, path, sizeof path);
    char unified[512];
    bool v2 = groups && own_path(groups, false, unified, sizeof unified);
    if (!v1 && v2) snprintf(path, sizeof path, "%s", unified);
    if ((v1 || v2) && mounts && own_mount(mounts, v1, c->mount, sizeof c->mount, root, sizeof root)) {
        const char *inside = path;
        size_t n = strlen(root);
        if (strcmp(root, "/") != 0 && strncmp(path, root, n) == 0) inside = path + n;
        snprintf(c->dir, sizeof c->dir, "%s%s", c->mount, strcmp(inside, "/") == 0 ? "" : inside);
        c->version = v1 ? 1 : controller_there(r, c->mount) ? 2 : 0;
        c->mode = v1 && v2 ? "hybrid" : v1 ? "v1" : "v2";
    }
    free(groups);
    free(mounts);
}

void cgroup_find(const struct probe_root *r, struct cgroup_cpu *c) {
    find(r, "self", c);
}

void cgroup_find_of(const struct probe_root *r, pid_t pid, struct cgroup_cpu *c) {
    char who[16];
    snprintf(who, sizeof who, "%d", (int)pid);
    find(r, who, c);
}

/* Cuts the last part of dir; false at the mount itself. */
static bool parent_of(const struct cgroup_cpu *c, char *dir) {
    char *slash = strrchr(dir, '/');
    if (strlen(dir) <= strlen(c->mount) || !slash) return false;
    *slash = '\0';
    return true;
}

void cgroup_throttled(const struct probe_root *r, const struct cgroup_cpu *c, struct cgroup_throttled *t) {
    char dir[sizeof c->dir];
    t->n = 0;
    if (c->version == 0) return;
    snprintf(dir, sizeof dir, "%s", c->dir);
    do {
        char *s = probe_read(r, "%s/cpu.stat", dir);
        int64_t v = s ? probe_keyed(s, c->version == 1 ? "throttled_time" : "throttled_usec", -1) : -1;
        t->ns[t->n++] = v >= 0 && c->version == 2 ? v * 1000 : v;
        free(s);
    } while (t->n < CGROUP_LEVELS && parent_of(c, dir));
}

int64_t cgroup_throttled_most(const struct cgroup_throttled *t) {
    int64_t most = -1;
    for (size_t i = 0; i < t->n; i++)
        if (t->ns[i] > most) most = t->ns[i];
    return most;
}

int64_t cgroup_throttled_between(const struct cgroup_throttled *a, const struct cgroup_throttled *b) {
    int64_t most = -1;
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (a->ns[i] >= 0 && b->ns[i] - a->ns[i] > most) most = b->ns[i] - a->ns[i];
    return most;
}

static double quota_of(const struct probe_root *r, const struct cgroup_cpu *c, const char *dir) {
    double quota = 0, period = 0;
    if (c->version == 2) {
        char *s = probe_line(r, "%s/cpu.max", dir);
        if (!s || sscanf(s, "%lf %lf", &quota, &period) != 2) quota = 0;
        free(s);
    } else {
        char *q = probe_line(r, "%s/cpu.cfs_quota_us", dir), *p = probe_line(r, "%s/cpu.cfs_period_us", dir);
        quota = q ? atof(q) : 0;
        period = p ? atof(p) : 0;
        free(q);
        free(p);
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

double cgroup_quota_cpus(const struct probe_root *r, const struct cgroup_cpu *c) {
    char dir[sizeof c->dir];
    double least = 0;
    if (c->version == 0) return 0;
    snprintf(dir, sizeof dir, "%s", c->dir);
    do {
        double q = quota_of(r, c, dir);
        if (q > 0 && (least == 0 || q < least)) least = q;
    } while (parent_of(c, dir));
    return least;
}
