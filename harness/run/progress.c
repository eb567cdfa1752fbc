/* progress: see progress.h. */
#include "run/progress.h"
#include "base/child.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_EVERY_MS = 5000 };

void progress_start(struct progress *p, size_t total, int64_t planned_ms, bool quiet) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    *p = (struct progress){.quiet = quiet || !isatty(STDERR_FILENO),
                           .total = total,
                           .planned_ms = planned_ms,
                           .start_ns = monotonic_ns()};
    p->rewrites = !p->quiet && !(term && strcmp(term, "dumb") == 0);
    p->color = p->rewrites && !(no_color && *no_color);
}

/* What the plan says is left, stretched by how the estimates have turned out so far. */
static int64_t left_ms(const struct progress *p) {
    int64_t elapsed_ms = (monotonic_ns() - p->start_ns) / 1000000;
    double stretch = p->done_planned_ms > 2000 ? (double)elapsed_ms / (double)p->done_planned_ms : 1.0;
    return (int64_t)((double)(p->planned_ms - p->done_planned_ms) * stretch);
}

static void describe(struct strbuf *b, const json_t *v, int attempt) {
    const char *key;
    const json_t *value;
    strbuf_printf(b, "%s: %s on %s, procs %lld", json_str(v, "experiment", ""), json_str(v, "workload", ""),
                  json_str(v, "backend", ""), (long long)json_int(v, "procs", 0));
    if (json_is_integer(json_object_get(v, "tasks")))
        strbuf_printf(b, ", tasks %lld", (long long)json_int(v, "tasks", 0));
    json_object_foreach((json_t *)json_object_get(v, "params"), key, value)
        strbuf_printf(b, ", %s %s", key, json_string_value(value));
    if (strcmp(json_str(v, "pin", "none"), "none") != 0) strbuf_printf(b, ", pin %s", json_str(v, "pin", ""));
    if (attempt) strbuf_printf(b, " (again: %d)", attempt);
}

static int columns(void) {
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

void progress_point(struct progress *p, const json_t *planned, int attempt) {
    int64_t now = monotonic_ns();
    if (p->quiet ||
        (!p->rewrites && p->last_line_ns && now - p->last_line_ns < PLAIN_EVERY_MS * INT64_C(1000000)))
        return;
    p->last_line_ns = now;
    struct strbuf b = {0};
    char left[64];
    format_duration(left, sizeof left, left_ms(p));
    strbuf_printf(&b, "[%zu/%zu] %s left  ", p->done + 1, p->total, left);
    describe(&b, planned, attempt);
    if (p->rewrites) {
        size_t width = (size_t)columns() - 1;
        if (b.len > width) b.s[width] = '\0';
        fprintf(stderr, "\r\033[K%s%s%s", p->color ? "\033[2m" : "", b.s, p->color ? "\033[0m" : "");
    } else {
        fprintf(stderr, "%s\n", b.s);
    }
    fflush(stderr);
    strbuf_free(&b);
}

void progress_done(struct progress *p, int64_t planned_ms) {
    p->done++;
    p->done_planned_ms += planned_ms;
}

void progress_more(struct progress *p, size_t points, int64_t planned_ms) {
    p->total += points;
    p->planned_ms += planned_ms;
}

void progress_end(struct progress *p) {
    if (p->rewrites) fputs("\r\033[K", stderr);
    fflush(stderr);
}

void progress_note(struct progress *p, const char *text) {
    progress_end(p);
    fprintf(stderr, "%s\n", text);
}
