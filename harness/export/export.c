/* export: see export.h. */
#include "export/export.h"
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct export_format export_formats[] = {
    {"gobench", "Go's benchmark text, one line a process: benchstat reads it", export_gobench, SIDE_FIGURES},
    {"gbench", "google-benchmark's JSON, one benchmark a process", export_gbench, SIDE_FIGURES},
    {"csv", "one row a process and figure, RFC 4180", export_csv, SIDE_POINTS},
    {"junit", "JUnit XML, one case a process; what is not valid is skipped", export_junit, SIDE_POINTS},
    {"gha", "github-action-benchmark: customSmallerIsBetter", export_gha, SIDE_FIGURES},
    {"gha-bigger", "github-action-benchmark: customBiggerIsBetter", export_gha_bigger, SIDE_FIGURES},
    {"openmetrics", "OpenMetrics text, medians over the processes", export_openmetrics, SIDE_FIGURES},
    {"hgrm", "HDR percentile distributions of the latencies, in us, one a process", export_hgrm, SIDE_FIGURES},
};
const size_t nexport_formats = sizeof export_formats / sizeof *export_formats;

bool export_usable(const json_t *p) {
    return strcmp(json_str(p, "status", ""), "ok") == 0 && json_flag(p, "valid", false);
}

int64_t export_operations(const json_t *p) {
    int64_t n = json_int(json_object_get(json_object_get(p, "record"), "counts"), "operations", 1);
    return n > 0 ? n : 1;
}

const char *export_machine(const struct side *run) {
    return json_str(run->env, "machine", json_str(run->manifest, "machine", "unknown"));
}

/* measure_cell with "key=value" between slashes: "procs 2, tasks 2" becomes "procs=2/tasks=2". */
char *export_name(const json_t *p) {
    char *cell = measure_cell(p);
    struct strbuf b = {0};
    strbuf_printf(&b, "%s/", json_str(p, "experiment", ""));
    bool value = false;
    for (const char *c = cell; *c; c++) {
        if (strncmp(c, ", ", 2) == 0) {
            strbuf_puts(&b, "/");
            c++;
            value = false;
        } else if (*c == ' ') {
            strbuf_puts(&b, value ? "_" : "=");
            value = true;
        } else {
            strbuf_add(&b, c, 1);
        }
    }
    strbuf_printf(&b, "/backend=%s", json_str(p, "backend", ""));
    free(cell);
    return b.s;
}
