/* doctor: prints what on this machine spoils measurements. Exit 3 only when nothing can be measured at all.
 */
#include "doctor/doctor.h"
#include "base/child.h"
#include "base/json.h"
#include "base/version.h"
#include "calibrate/calibrate.h"
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEAL_WATCH_MS = 300, MICRO_TIMEOUT_MS = 10000 };

/* What google-benchmark says of its own build, from a run of the shortest micro-benchmark; NULL: not told.
 * Caller frees. */
static char *benchmark_library(void) {
    char *path = calibrate_find_micro(), *build = NULL, why[128];
    if (!path) return NULL;
    char *argv[] = {path, "--benchmark_filter=limit/syscall_getppid", "--benchmark_min_time=0.001",
                    "--benchmark_format=json", NULL};
    struct child_spec spec = {.argv = argv, .timeout_ms = MICRO_TIMEOUT_MS, .max_output_bytes = 1 << 20};
    struct child_result r;
    child_run(&spec, &r);
    json_t *o = json_parse_object(strbuf_str(&r.out), r.out.len, why, sizeof why);
    const char *type = json_str(json_object_get(o, "context"), "library_build_type", NULL);
    if (type) build = xstrdup(type);
    json_decref(o);
    child_result_free(&r);
    free(path);
    return build;
}

static void print_findings(const json_t *list, bool all) {
    const json_t *f;
    size_t i, fine = 0, warnings = 0, unknown = 0;
    json_array_foreach(list, i, f) {
        const char *level = json_str(f, "level", "");
        bool ok = strcmp(level, "ok") == 0, open = strcmp(level, "unknown") == 0;
        fine += ok;
        unknown += open;
        warnings += !ok && !open;
        if ((ok || open) && !all) continue;
        printf("%-10s  %s: %s\n", level, json_str(f, "name", ""), json_str(f, "seen", ""));
        if (ok) continue;
        printf("            why   %s\n            do    %s\n            page  %s\n", json_str(f, "why", ""),
               json_str(f, "todo", ""), json_str(f, "page", ""));
    }
    printf("%zu checks: %zu in order, %zu to know of, %zu not visible here%s\n", json_array_size(list), fine,
           warnings, unknown, all || fine + unknown == 0 ? "" : " (--all shows every one)");
}

int cmd_doctor(int argc, char **argv) {
    static const struct probe_root machine = {""};
    bool as_json = false, all = false;
    const struct option_spec specs[] = {{.name = "json", .flag = &as_json}, {.name = "all", .flag = &all}};
    int rc = options_parse(argc, argv, specs, 2, NULL, 0, NULL);
    if (rc) return rc;
    struct timespec step;
    char *library = benchmark_library();
    struct doctor_input in = {.root = &machine,
                              .pmu = &pmu_kernel,
                              .clock_resolution_ns = clock_getres(CLOCK_MONOTONIC, &step) == 0
                                                         ? step.tv_sec * 1000000000 + step.tv_nsec
                                                         : -1,
                              .settle_ms = STEAL_WATCH_MS,
                              .build_type = trine_build_type,
                              .benchmark_library = library};
    enum doctor_level worst;
    json_t *list = doctor_run(&in, &worst);
    free(library);
    if (as_json) {
        char *text = json_pretty(list);
        puts(text);
        free(text);
    } else {
        print_findings(list, all);
    }
    json_decref(list);
    if (worst != DOCTOR_IMPOSSIBLE) return TRINE_EXIT_PASS;
    fputs("trine doctor: nothing can be measured on this machine as it is; the lines above say why\n",
          stderr);
    return TRINE_EXIT_INVALID;
}
