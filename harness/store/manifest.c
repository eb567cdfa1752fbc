/* manifest: see manifest.h. No state. */
#include "store/manifest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

json_t *manifest_read(const char *run_dir, struct err *e) {
    char *path = path_join(run_dir, "manifest.json");
    json_t *m = NULL;
    if (!file_exists(run_dir))
        err_set(e, TRINE_EXIT_USAGE, "there is no folder %s", run_dir);
    else if (!file_exists(path))
        err_set(e, TRINE_EXIT_USAGE, "%s is not a run of trine: it has no manifest.json", run_dir);
    else
        m = json_read_file(path, e);
    if (m && strcmp(json_str(m, "schema", ""), "trine-manifest") != 0) {
        err_set(e, TRINE_EXIT_USAGE, "%s is not a run of trine: its manifest.json is something else",
                run_dir);
    } else if (m && json_int(m, "version", 0) > MANIFEST_VERSION) {
        err_set(e, TRINE_EXIT_USAGE, "%s was written by a newer trine (schema %lld, this one reads up to %d)",
                run_dir, (long long)json_int(m, "version", 0), MANIFEST_VERSION);
    } else {
        free(path);
        return m;
    }
    json_decref(m);
    free(path);
    return NULL;
}

int manifest_write(const char *run_dir, const json_t *m, struct err *e) {
    char *path = path_join(run_dir, "manifest.json");
    int rc = json_write_file(path, m, e);
    free(path);
    return rc;
}

json_t *env_read(const char *run_dir, char **fault) {
    char *path = path_join(run_dir, "env.json");
    struct err e;
    json_t *env = file_exists(path) ? json_read_file(path, &e) : NULL;
    *fault = NULL;
    if (!env)
        *fault = xasprintf("%s%s: the machine is known by the manifest's name for it alone", file_exists(path) ? e.text : path,
                           file_exists(path) ? "" : " is absent");
    free(path);
    return env ? env : json_object();
}

void utc_now(char out[32]) {
    time_t t = time(NULL);
    struct tm tm;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

char *run_dir_make(const char *out, const char *machine, const char *profile, struct err *e) {
    char stamp[32];
    time_t t = time(NULL);
    struct tm tm;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
    char *parent = path_join(out, machine), *dir = NULL;
    int rc = make_dirs(parent, e);
    for (int i = 1; !rc && i < 100; i++) {
        char *name = i == 1 ? xasprintf("%s-%s-%s", stamp, trine_commit, profile)
                            : xasprintf("%s-%s-%s-%d", stamp, trine_commit, profile, i);
        dir = path_join(parent, name);
        free(name);
        if (mkdir(dir, 0755) == 0) break;
        if (errno != EEXIST)
            rc = err_set(e, TRINE_EXIT_INFRA, "cannot make the folder %s: %s", dir, strerror(errno));
        free(dir);
        dir = NULL;
    }
    free(parent);
    return dir;
}
