/* support: see support.h. */
#include "support.h"
#include "store/store.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *scratch_make(void) {
    const char *base = getenv("TMPDIR");
    char *dir = xasprintf("%s/trine-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f) {
    (void)st, (void)type, (void)f;
    return remove(path);
}

void scratch_remove(char *dir) {
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

char *scratch_file(const char *dir, const char *name, const char *text) {
    struct err e;
    char *path = xasprintf("%s/%s", dir, name), *folder = xstrdup(path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(make_dirs(folder, &e), 0);
    assert_int_equal(file_write(path, text, strlen(text), &e), 0);
    free(folder);
    return path;
}

void trine(struct child_result *r, int64_t timeout_ms, ...) {
    char *argv[32] = {TRINE_EXE};
    va_list ap;
    size_t n = 1;
    va_start(ap, timeout_ms);
    while (n < 31 && (argv[n] = va_arg(ap, char *))) n++;
    va_end(ap);
    argv[n] = NULL;
    setenv("TRINE_DRIVERS", FAKE_DRIVERS, 1);
    struct child_spec spec = {.argv = argv, .timeout_ms = timeout_ms, .max_output_bytes = 1 << 20};
    child_run(&spec, r);
}

static char *only_entry(const char *dir) {
    DIR *d = opendir(dir);
    char *found = NULL;
    for (struct dirent *de; d && (de = readdir(d));) {
        if (de->d_name[0] == '.' || de->d_type != DT_DIR) continue; /* history.sqlite stands beside the machines */
        assert_null(found);
        found = path_join(dir, de->d_name);
    }
    if (d) closedir(d);
    return found;
}

char *only_run(const char *out) {
    char *machine = only_entry(out), *run = machine ? only_entry(machine) : NULL;
    free(machine);
    return run;
}

json_t *run_sweep(const char *dir, const char *text, struct child_result *r) {
    char *ini = scratch_file(dir, "s.ini", text), *out = path_join(dir, "out");
    struct err e;
    trine(r, 60000, "run", "--profile", ini, "--out", out, "--backends", "fake", "--seed", "1", NULL);
    char *run = only_run(out);
    json_t *points = run ? store_load(run, NULL, &e) : NULL;
    free(run), free(out), free(ini);
    return points;
}

bool contains(const struct strbuf *b, const char *needle) {
    return strstr(strbuf_str(b), needle) != NULL;
}

void assert_one_line(const struct strbuf *b) {
    const char *s = strbuf_str(b), *newline = strchr(s, '\n');
    assert_memory_equal(s, "trine", b->len < 5 ? b->len : 5);
    assert_non_null(newline);
    if (newline) assert_string_equal(newline, "\n");
}
