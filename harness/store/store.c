/* store: see store.h. `length` is the owner's only; the file's lock keeps other processes out. */
#include "store/store.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int io_error(const struct store *s, const char *what, int errnum, struct err *e) {
    return err_set(e, TRINE_EXIT_INFRA, "%s %s: %s; what was measured before is kept", what, s->path,
                   strerror(errnum));
}

enum { POINT_VERSION = 1 };

/* Is the part behind the last newline a whole point that only lacks the newline? */
static bool whole(const char *line, size_t len) {
    char why[256];
    json_t *v = json_parse_object(line, len, why, sizeof why);
    bool ok = v && *json_str(v, "id", "");
    json_decref(v);
    return ok;
}

/* Makes the file end with a whole line. */
static int mend_tail(struct store *s, size_t *cut_bytes, struct err *e) {
    size_t len;
    char *text = file_read(s->path, &len);
    if (!text) return io_error(s, "cannot read", errno, e);
    size_t start = len;
    while (start > 0 && text[start - 1] != '\n') start--;
    size_t tail = len - start;
    bool keep = tail && whole(text + start, tail);
    free(text);
    s->length = (off_t)(keep ? len : start);
    *cut_bytes = keep ? 0 : tail;
    if (tail && !keep && ftruncate(s->fd, s->length) < 0) return io_error(s, "cannot mend", errno, e);
    if (keep) {
        if (write(s->fd, "\n", 1) != 1) return io_error(s, "cannot mend", errno, e);
        s->length++;
    }
    if (tail && fdatasync(s->fd) < 0) return io_error(s, "cannot sync", errno, e);
    return 0;
}

int store_open(struct store *s, const char *run_dir, bool create, size_t *cut_bytes, struct err *e) {
    s->path = path_join(run_dir, "points.jsonl");
    s->length = 0;
    *cut_bytes = 0;
    s->fd = open(s->path, O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
    int rc = 0;
    if (s->fd < 0)
        rc = io_error(s, "cannot open", errno, e);
    else if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
        rc = err_set(e, TRINE_EXIT_INFRA, "%s is in use: another trine is writing this run", s->path);
    else
        rc = mend_tail(s, cut_bytes, e);
    if (rc) store_close(s);
    return rc;
}

int store_append(struct store *s, const json_t *point, struct err *e) {
    char *line = json_line(point);
    size_t len = strlen(line), done = 0;
    int failed = 0;
    line[len++] = '\n'; /* in the NUL's place: what follows counts bytes */
    while (done < len && !failed) {
        ssize_t n = write(s->fd, line + done, len - done);
        if (n < 0 && errno != EINTR) failed = errno;
        if (n > 0) done += (size_t)n;
    }
    free(line);
    if (!failed && fdatasync(s->fd) < 0 && errno != EINVAL) failed = errno;
    if (!failed) {
        s->length += (off_t)len;
        return 0;
    }
    if (ftruncate(s->fd, s->length) < 0) failed = failed ? failed : errno; /* no half line stays behind */
    return io_error(s, "cannot write", failed, e);
}

void store_close(struct store *s) {
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
    free(s->path);
    s->path = NULL;
}

/* One line to its point. NULL with e filled: it is none; NULL with e->code 0: it is the last one and cut off.
 */
static json_t *load_line(const char *path, size_t number, const char *line, size_t len, bool last,
                         struct err *e) {
    char why[256] = "";
    json_t *v = json_parse_object(line, len, why, sizeof why);
    int64_t version = json_int(v, "version", 0);
    e->code = 0;
    if (v && version > POINT_VERSION)
        err_set(e, TRINE_EXIT_USAGE, "%s:%zu: a point of schema %lld, this trine reads up to %d", path,
                number, (long long)version, POINT_VERSION);
    else if (v && *json_str(v, "id", ""))
        return v;
    else if (!last)
        err_set(e, TRINE_EXIT_INFRA, "%s:%zu: not a point: %s", path, number, v ? "it has no id" : why);
    json_decref(v);
    return NULL;
}

json_t *store_load(const char *run_dir, bool *cut, struct err *e) {
    char *path = path_join(run_dir, "points.jsonl");
    size_t len = 0, number = 1;
    char *text = file_read(path, &len);
    json_t *points = text ? json_array() : NULL;
    if (cut) *cut = false;
    if (!text)
        err_set(e, errno == ENOENT ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA, "cannot read %s: %s", path,
                strerror(errno));
    for (size_t at = 0; points && at < len; number++) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline - (text + at)) : len - at;
        json_t *v = load_line(path, number, text + at, n, !newline, e);
        if (v) {
            json_array_append_new(points, v);
        } else if (e->code) {
            json_decref(points);
            points = NULL;
        } else if (cut) {
            *cut = true;
        }
        at += n + 1;
    }
    free(text);
    free(path);
    return points;
}

json_t *store_latest(const json_t *points) {
    json_t *by_id = json_object(), *latest = json_array(), *p;
    size_t i;
    const char *id;
    json_array_foreach(points, i, p) json_object_set(by_id, json_str(p, "id", ""), p);
    json_object_foreach(by_id, id, p) json_array_append(latest, p);
    json_decref(by_id);
    return latest;
}
