/* file: see file.h. No state. */
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *file_read(const char *path, size_t *len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    struct strbuf b = {0};
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int saved = errno;
            close(fd);
            strbuf_free(&b);
            errno = saved;
            return NULL;
        }
        strbuf_add(&b, chunk, (size_t)n);
    }
    close(fd);
    if (len) *len = b.len;
    return b.s ? b.s : xstrdup("");
}

char *file_read_line(const char *path) {
    char *s = file_read(path, NULL);
    if (s) s[strcspn(s, "\n")] = '\0';
    return s;
}

static int write_all(int fd, const char *data, size_t len) {
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void sync_folder_of(const char *path) {
    char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');
    if (slash) *slash = '\0';
    int fd = open(slash ? (*dir ? dir : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

int file_write(const char *path, const char *data, size_t len, struct err *e) {
    char *aside = xasprintf("%s.tmp", path);
    int rc = 0;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        rc = errno;
    } else {
        rc = -write_all(fd, data, len);
        if (!rc && fsync(fd) < 0) rc = errno;
        if (close(fd) < 0 && !rc) rc = errno;
        if (!rc && rename(aside, path) < 0) rc = errno;
        if (rc) unlink(aside);
    }
    free(aside);
    if (rc) return err_set(e, TRINE_EXIT_INFRA, "cannot write %s: %s", path, strerror(rc));
    sync_folder_of(path);
    return 0;
}

enum { LINKS_MAX = 40 }; /* as the kernel's */

char *file_target(const char *path) {
    char *at = xstrdup(path), link[4096];
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(at, link, sizeof link - 1);
        if (n <= 0) break;
        link[n] = '\0';
        const char *slash = *link == '/' ? NULL : strrchr(at, '/');
        char *next = xasprintf("%.*s%s", slash ? (int)(slash + 1 - at) : 0, at, link);
        free(at);
        at = next;
    }
    return at;
}

/* A FIFO or a device: nothing is made, and there is nothing to sync. */
static int write_in_place(const char *path, const char *data, size_t len) {
    int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return errno;
    int rc = -write_all(fd, data, len);
    if (close(fd) < 0 && !rc) rc = errno;
    return rc;
}

int file_write_to(const char *path, const char *data, size_t len, struct err *e) {
    struct stat st;
    int rc = stat(path, &st) == 0 ? 0 : errno;
    if (rc == ENOENT || (rc == 0 && S_ISREG(st.st_mode))) {
        char *target = file_target(path);
        rc = file_write(target, data, len, e);
        free(target);
        return rc;
    }
    if (!rc) rc = write_in_place(path, data, len);
    return rc ? err_set(e, TRINE_EXIT_INFRA, "cannot write %s: %s", path, strerror(rc)) : 0;
}

int make_dirs(const char *path, struct err *e) {
    char *p = xstrdup(path);
    int rc = 0;
    for (char *s = p + 1; !rc; s++) {
        if (*s != '/' && *s != '\0') continue;
        char c = *s;
        *s = '\0';
        if (mkdir(p, 0755) < 0 && errno != EEXIST) rc = errno;
        *s = c;
        if (!c) break;
    }
    struct stat st;
    if (!rc && stat(path, &st) < 0) rc = errno;
    if (!rc && !S_ISDIR(st.st_mode)) rc = ENOTDIR;
    free(p);
    return rc ? err_set(e, TRINE_EXIT_INFRA, "cannot make the folder %s: %s", path, strerror(rc)) : 0;
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool file_executable(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *path_join(const char *dir, const char *name) {
    size_t n = strlen(dir);
    return xasprintf("%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

char *own_dir(void) {
    char buf[4096];
    ssize_t n = readlink("/proc/self/exe", buf, sizeof buf - 1);
    if (n <= 0) return xstrdup(".");
    buf[n] = '\0';
    char *slash = strrchr(buf, '/');
    if (slash && slash != buf) *slash = '\0';
    return xstrdup(buf);
}
