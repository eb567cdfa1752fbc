/* rerun: see rerun.h. Owns the child while it runs. */
#include "cmd/rerun.h"
#include "base/child.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "store/manifest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RERUN_TIMEOUT_MS = 4 * 3600 * 1000, OUTPUT_MAX_BYTES = 16 << 20 };

/* The last folder by name, or NULL; history.sqlite may stand beside it. */
static char *newest_in(const char *dir) {
    struct dirent **entries;
    struct stat st;
    char *found = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = path_join(dir, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            free(found);
            found = path;
        } else {
            free(path);
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return found;
}

static char *newest_run(const char *out) {
    char *machine = newest_in(out), *run = machine ? newest_in(machine) : NULL;
    free(machine);
    return run;
}

/* As argv, with a NULL behind it. */
static void command(struct strlist *argv, const struct side *run, size_t reps, const char *out) {
    const json_t *word;
    size_t i;
    char *own = own_dir(), *exe = path_join(own, "trine"), count[32];
    snprintf(count, sizeof count, "%zu", reps);
    strlist_add(argv, exe);
    json_array_foreach(json_object_get(run->manifest, "arguments"), i, word)
        if (i > 0 && json_is_string(word)) strlist_add(argv, json_string_value(word));
    /* The last of an option counts. A budget that the first half of the repetitions used up would cut off the second. */
    const char *const more[] = {"--reps", count, "--budget", "0", "--out", out, "--quiet"};
    for (i = 0; i < sizeof more / sizeof *more; i++) strlist_add(argv, more[i]);
    argv->v = xrealloc(argv->v, (argv->n + 1) * sizeof *argv->v);
    argv->v[argv->n] = NULL;
    free(own), free(exe);
}

static bool complete(const char *dir) {
    struct err ignored;
    json_t *m = manifest_read(dir, &ignored);
    bool yes = strcmp(json_str(m, "ended", ""), "complete") == 0;
    json_decref(m);
    return yes;
}

/* A process that crashed in it makes trine run end with 4, and is a finding: a whole run is one to judge. */
static bool can_be_judged(const struct child_result *r, const char *dir) {
    if (r->end != CHILD_EXITED || !dir) return false;
    return r->code == TRINE_EXIT_PASS || r->code == TRINE_EXIT_INVALID || (r->code == TRINE_EXIT_INFRA && complete(dir));
}

static void explain(const struct child_result *r, const struct child_spec *spec, const char *out, struct err *e) {
    char *words = xstrdup(strbuf_str(&r->err)), *text = trim(words), *newline = strrchr(text, '\n');
    if (r->end == CHILD_STOPPED)
        err_set(e, TRINE_EXIT_INTERRUPTED, "it was interrupted; what it measured is kept in %s", out);
    else if (r->end == CHILD_NOT_STARTED)
        err_set(e, TRINE_EXIT_INFRA, "it cannot be started in %s: %s", spec->dir ? spec->dir : ".", strerror(r->code));
    else if (r->end == CHILD_TIMEOUT)
        err_set(e, TRINE_EXIT_INFRA, "it did not end within %d h; what it measured is kept in %s",
                RERUN_TIMEOUT_MS / 3600000, out);
    else
        err_set(e, TRINE_EXIT_INFRA, "it %s %d: %.300s", r->end == CHILD_SIGNALED ? "was killed by signal" : "ended with",
                r->code, newline ? newline + 1 : text);
    free(words);
}

char *rerun(const struct side *run, size_t reps, struct err *e) {
    struct strlist argv = {0};
    struct child_result r;
    char *whole = realpath(run->dir, NULL), *out = path_join(whole ? whole : run->dir, "rerun");
    char *before = newest_run(out);
    command(&argv, run, reps, out);
    struct child_spec spec = {.argv = argv.v,
                              .dir = json_str(run->manifest, "directory", NULL),
                              .timeout_ms = RERUN_TIMEOUT_MS,
                              .max_output_bytes = OUTPUT_MAX_BYTES,
                              .stop = &cmd_stop};
    child_run(&spec, &r);
    char *dir = newest_run(out);
    bool fresh = dir && (!before || strcmp(dir, before) != 0);
    if (!can_be_judged(&r, fresh ? dir : NULL)) {
        explain(&r, &spec, out, e);
        free(dir);
        dir = NULL;
    }
    child_result_free(&r);
    strlist_free(&argv);
    free(whole), free(out), free(before);
    return dir;
}
