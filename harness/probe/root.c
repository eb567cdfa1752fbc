/* root: see root.h. No state. */
#include "probe/root.h"
#include "base/file.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *vpath(const struct probe_root *r, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static char *vpath(const struct probe_root *r, const char *fmt, va_list ap) {
    char tail[2048];
    vsnprintf(tail, sizeof tail, fmt, ap);
    return xasprintf("%s%s", r->prefix, tail);
}

char *probe_path(const struct probe_root *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *path = vpath(r, fmt, ap);
    va_end(ap);
    return path;
}

char *probe_read(const struct probe_root *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *path = vpath(r, fmt, ap);
    va_end(ap);
    char *s = file_read(path, NULL);
    free(path);
    return s;
}

char *probe_line(const struct probe_root *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *path = vpath(r, fmt, ap);
    va_end(ap);
    char *s = file_read_line(path);
    free(path);
    return s;
}

int64_t probe_keyed(const char *text, const char *key, int64_t fallback) {
    size_t n = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, key, n) != 0 || !strchr(" :\t", line[n])) continue;
        const char *p = line + n + strspn(line + n, " :\t");
        char *end;
        long long v = strtoll(p, &end, 10);
        if (end != p) return v;
    }
    return fallback;
}

int64_t probe_available_kib(const struct probe_root *r) {
    char *text = probe_read(r, "/proc/meminfo");
    int64_t kib = text ? probe_keyed(text, "MemAvailable", -1) : -1;
    free(text);
    return kib;
}
