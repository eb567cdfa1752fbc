/* output: see output.h. */
#include "cmd/output.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opened a second time it would be written over from its start, or replaced under the open stdout. */
bool output_is_stdout(const char *path) {
    struct stat a, b;
    if (strcmp(path, "-") == 0) return true;
    return stat(path, &a) == 0 && fstat(STDOUT_FILENO, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int output_text(const char *path, const char *text, struct err *e) {
    if (!output_is_stdout(path)) return file_write_to(path, text, strlen(text), e);
    fputs(text, stdout);
    return 0;
}

int output_json(const char *path, const json_t *v, struct err *e) {
    char *pretty = json_pretty(v), *text = xasprintf("%s\n", pretty);
    int rc = output_text(path, text, e);
    free(pretty), free(text);
    return rc;
}

/* stdio keeps no reason of a write that failed earlier: one more byte behind what is cut off anyway tells it. */
static const char *why_lost(void) {
    return errno || write(STDOUT_FILENO, "\n", 1) < 0 ? strerror(errno) : "an earlier write failed";
}

int output_flush(struct err *e) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    return err_set(e, TRINE_EXIT_INFRA, "cannot write to stdout: %s; what was printed is cut off: make room and call again",
                   why_lost());
}

static bool reader_gone(void) {
    struct pollfd p = {.fd = STDOUT_FILENO};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int output_end(const char *verb, int code) {
    struct err e;
    bool told = code == TRINE_EXIT_USAGE || code == TRINE_EXIT_INFRA || code == TRINE_EXIT_INTERRUPTED;
    if (output_flush(&e) == 0 || told || reader_gone()) return code;
    fprintf(stderr, "trine%s%s: %s\n", verb ? " " : "", verb ? verb : "", e.text);
    return e.code;
}
