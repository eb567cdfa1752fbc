/* output: see output.h. */
#include "cmd/output.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opened a second time it would be written over from its start, or replaced under the open stdout. */
static bool is_stdout(const char *path) {
    struct stat a, b;
    if (strcmp(path, "-") == 0) return true;
    return stat(path, &a) == 0 && fstat(STDOUT_FILENO, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int output_text(const char *path, const char *text, struct err *e) {
    if (!is_stdout(path)) return file_write_to(path, text, strlen(text), e);
    fputs(text, stdout);
    return 0;
}

int output_json(const char *path, const json_t *v, struct err *e) {
    char *pretty = json_pretty(v), *text = xasprintf("%s\n", pretty);
    int rc = output_text(path, text, e);
    free(pretty), free(text);
    return rc;
}
