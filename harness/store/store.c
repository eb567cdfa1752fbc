/* store: see store.h. `length` is the owner's only; the file's lock keeps other processes out. */
#include "store/store.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* A line to its point, of whatever schema; NULL and why: it is none. The reason may quote the line: only what a
 * terminal and JSON take is left of it. */
static json_t *point_of(const char *line, size_t len, char *why, size_t why_bytes) {
    json_t *v = json_parse_object(line, len, why, why_bytes);
    if (v && *json_str(v, "id", "")) return v;
    if (v) snprintf(why, why_bytes, "it has no id");
    json_decref(v);
    why[strcspn(why, "(")] = '\0'; /* the place within the line */
    for (char *c = why; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    trim(why);
    return NULL;
}

/* Looks at each line in turn: those that are points go to `take`, the others into d and to `leave`; either may be
 * NULL. take returns false to end it. */
struct reader {
    bool (*take)(json_t *point, const char *line, size_t len, size_t number, void *arg);
    void (*leave)(const char *line, size_t len, void *arg);
    void *arg;
};

static void read_lines(const char *text, size_t len, const struct reader *r, struct store_damage *d) {
    char why[sizeof d->why];
    *d = (struct store_damage){0};
    for (size_t at = 0, number = 1; at < len; number++) {
        const char *line = text + at, *newline = memchr(line, '\n', len - at);
        size_t n = newline ? (size_t)(newline - line) : len - at;
        json_t *v = n ? point_of(line, n, why, sizeof why) : NULL;
        bool go_on = !v || r->take(v, line, n, number, r->arg);
        json_decref(v);
        if (!go_on) return;
        if (!v && n && !newline) {
            d->cut_bytes = n;
        } else if (!v && n) {
            if (d->lines++ == 0) d->first = number, memcpy(d->why, why, sizeof why);
            if (r->leave) r->leave(line, n, r->arg);
        }
        at += n + 1;
    }
}

bool store_damaged(const struct store_damage *d) {
    return d->lines || d->cut_bytes;
}

char *store_damage_text(const char *run_dir, const struct store_damage *d) {
    if (!store_damaged(d)) return NULL;
    struct strbuf b = {0};
    bool one = d->lines + (d->cut_bytes > 0) == 1;
    strbuf_printf(&b, "%s/points.jsonl: ", run_dir);
    if (d->lines)
        strbuf_printf(&b, "%zu damaged line%s left out, the first is line %zu: %s", d->lines,
                      d->lines == 1 ? " is" : "s are", d->first, d->why);
    if (d->cut_bytes) strbuf_printf(&b, "%sthe last line is cut off and left out", d->lines ? "; " : "");
    strbuf_printf(&b, "; trine resume %s measures %s again", run_dir, one ? "its point" : "their points");
    return b.s;
}

/* Makes the file end with a whole line. */
static int mend_tail(struct store *s, const char *text, size_t len, size_t cut_bytes, struct err *e) {
    bool cut = cut_bytes > 0, bare = !cut && len && text[len - 1] != '\n';
    s->length = (off_t)(len - cut_bytes);
    if (cut && ftruncate(s->fd, s->length) < 0) return io_error(s, "cannot mend", errno, e);
    if (bare) {
        if (write(s->fd, "\n", 1) != 1) return io_error(s, "cannot mend", errno, e);
        s->length++;
    }
    if ((cut || bare) && fdatasync(s->fd) < 0) return io_error(s, "cannot sync", errno, e);
    return 0;
}

/* The file that the path names now, and nobody else's: one that was replaced while we waited is not it. */
static int open_locked(struct store *s, bool create, struct err *e) {
    struct stat own, named;
    s->fd = open(s->path, O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
    if (s->fd < 0) return io_error(s, "cannot open", errno, e);
    if (flock(s->fd, LOCK_EX | LOCK_NB) == 0 && fstat(s->fd, &own) == 0 && stat(s->path, &named) == 0 &&
        own.st_ino == named.st_ino && own.st_dev == named.st_dev)
        return 0;
    return err_set(e, TRINE_EXIT_INFRA, "%s is in use: another trine is writing this run", s->path);
}

/* The good lines and the damaged ones, apart. */
struct sorted {
    struct strbuf good, bad;
};

static bool keep_line(json_t *point, const char *line, size_t len, size_t number, void *arg) {
    struct sorted *t = arg;
    (void)point, (void)number;
    strbuf_add(&t->good, line, len), strbuf_puts(&t->good, "\n");
    return true;
}

static void drop_line(const char *line, size_t len, void *arg) {
    struct sorted *t = arg;
    strbuf_add(&t->bad, line, len), strbuf_puts(&t->bad, "\n");
}

/* Appends to PATH.damaged: nothing is thrown away. */
static int put_aside(const struct store *s, const struct strbuf *bad, struct err *e) {
    char *path = xasprintf("%s.damaged", s->path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644), rc = 0;
    ssize_t n = fd < 0 ? -1 : write(fd, bad->s, bad->len);
    if (n != (ssize_t)bad->len || fsync(fd) < 0)
        rc = io_error(s, "cannot put aside what is damaged in", n < 0 ? errno : ENOSPC, e);
    if (fd >= 0) close(fd);
    free(path);
    return rc;
}

/* Rewrites the file without its damaged lines. The old one stays locked until the new one is. */
static int mend_lines(struct store *s, const struct sorted *t, struct err *e) {
    int old = s->fd, rc = put_aside(s, &t->bad, e);
    if (!rc) rc = file_write(s->path, strbuf_str(&t->good), t->good.len, e);
    if (rc) return rc;
    rc = open_locked(s, false, e);
    s->length = (off_t)t->good.len;
    close(old);
    return rc;
}

static int mend(struct store *s, struct store_damage *d, struct err *e) {
    struct sorted t = {0};
    const struct reader r = {keep_line, drop_line, &t};
    size_t len;
    char *text = file_read(s->path, &len);
    if (!text) return io_error(s, "cannot read", errno, e);
    read_lines(text, len, &r, d);
    int rc = d->lines ? mend_lines(s, &t, e) : mend_tail(s, text, len, d->cut_bytes, e);
    strbuf_free(&t.good), strbuf_free(&t.bad);
    free(text);
    return rc;
}

int store_open(struct store *s, const char *run_dir, bool create, struct store_damage *d, struct err *e) {
    *s = (struct store){.fd = -1, .path = path_join(run_dir, "points.jsonl")};
    *d = (struct store_damage){0};
    int rc = open_locked(s, create, e);
    if (!rc) rc = mend(s, d, e);
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

/* Where store_load collects. */
struct collection {
    json_t *points;
    const char *path;
    struct err *e;
};

/* A newer trine's point is no damage: what it says must not be passed over. */
static bool collect(json_t *point, const char *line, size_t len, size_t number, void *arg) {
    struct collection *c = arg;
    int64_t version = json_int(point, "version", 0);
    (void)line, (void)len;
    if (version <= POINT_VERSION) {
        json_array_append(c->points, point);
        return true;
    }
    err_set(c->e, TRINE_EXIT_USAGE, "%s:%zu: a point of schema %lld, this trine reads up to %d: take the trine that measured it",
            c->path, number, (long long)version, POINT_VERSION);
    json_decref(c->points);
    c->points = NULL;
    return false;
}

json_t *store_load(const char *run_dir, struct store_damage *d, struct err *e) {
    struct store_damage unseen;
    struct collection c = {.path = path_join(run_dir, "points.jsonl"), .e = e};
    const struct reader r = {collect, NULL, &c};
    size_t len = 0;
    char *text = file_read(c.path, &len);
    if (!text)
        err_set(e, errno == ENOENT ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA, "cannot read %s: %s", c.path, strerror(errno));
    c.points = text ? json_array() : NULL;
    if (d) *d = (struct store_damage){0};
    if (text) read_lines(text, len, &r, d ? d : &unseen);
    free(text);
    free((char *)c.path);
    return c.points;
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
