/* profile: finds the sweep file that a name means, among those that come with trine or as a path. No state.
 */
#include "base/file.h"
#include "base/version.h"
#include "run/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sweep_profile_dirs(struct strlist *dirs) {
    char *own = own_dir();
    char *installed = path_join(own, "../share/trine/profiles");
    char *source = path_join(trine_source_dir, "harness/profiles");
    if (file_exists(source)) strlist_add(dirs, source);
    strlist_add(dirs, installed);
    free(own);
    free(installed);
    free(source);
}

static char *find(const char *name) {
    struct strlist dirs = {0};
    char *hit = NULL;
    sweep_profile_dirs(&dirs);
    for (size_t i = 0; i < dirs.n && !hit; i++) {
        char *path = xasprintf("%s/%s.ini", dirs.v[i], name);
        if (file_exists(path))
            hit = path;
        else
            free(path);
    }
    strlist_free(&dirs);
    return hit;
}

static int unknown(const char *name, struct err *e) {
    static const char *const own[] = {"smoke", "quick", "full", "gate", "peers"};
    char hint[96];
    return err_set(e, TRINE_EXIT_USAGE,
                   "unknown profile '%s'; expected smoke, quick, full, gate, peers or the path of a sweep file%s", name,
                   did_you_mean(hint, sizeof hint, name, own, 5));
}

int sweep_load(struct sweep *s, const char *name, struct err *e) {
    bool is_path = strchr(name, '/') || (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".ini") == 0);
    char *path = is_path ? xstrdup(name) : find(name);
    if (!path) return unknown(name, e);
    char *text = file_read(path, NULL);
    int rc = text ? sweep_parse(s, path, text, e)
                  : err_set(e, errno == ENOENT || errno == EISDIR ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA,
                            "cannot read the sweep file %s: %s", path, strerror(errno));
    free(text);
    free(path);
    return rc;
}
