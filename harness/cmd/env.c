/* env: prints the fingerprint of this machine. */
#include "base/json.h"
#include "cmd/cmd.h"
#include "probe/env.h"

#include <stdio.h>
#include <stdlib.h>

/* One "path value" line a leaf. */
static void print_tree(const json_t *v, const char *path) {
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_object(v) && json_object_size(v)) {
        json_object_foreach((json_t *)v, key, child) {
            char *deeper = xasprintf("%s%s%s", path, *path ? "." : "", key);
            print_tree(child, deeper);
            free(deeper);
        }
        return;
    }
    if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
        json_array_foreach(v, i, child) {
            char *line = json_line(child);
            printf("%-34s %s\n", path, line);
            free(line);
        }
        return;
    }
    char *text = json_line(v);
    printf("%-34s %s\n", path, json_is_string(v) ? json_string_value(v) : text);
    free(text);
}

int cmd_env(int argc, char **argv) {
    static const struct probe_root machine = {""};
    bool as_json = false;
    const struct option_spec specs[] = {{.name = "json", .flag = &as_json}};
    struct err e;
    int rc = options_parse(argc, argv, specs, 1, NULL, 0, NULL);
    if (rc) return rc;
    struct topo *t = topo_load(&e);
    if (!t) return cmd_fail("env", &e);
    json_t *env = env_collect(&machine, t);
    if (as_json) {
        char *text = json_pretty(env);
        puts(text);
        free(text);
    } else {
        print_tree(env, "");
    }
    json_decref(env);
    topo_free(t);
    return 0;
}
