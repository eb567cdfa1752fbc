/* export/gobench: Go's benchmark text (golang.org/design/14313-benchmark-format). One line a process, so that
 * benchstat sees as many samples as there were processes. A time is ns/op; what benchstat cannot know to be
 * better when it is more is said in a Unit line. */
#include "base/hist.h"
#include "base/json.h"
#include "base/text.h"
#include "export/export.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *unit_of(const json_t *metric) {
    const char *unit = json_str(metric, "unit", "");
    if (strcmp(unit, "ns") == 0) return "ns/op";
    if (strcmp(unit, "bytes") == 0) return "B/op";
    return json_str(metric, "name", "figure");
}

static void config(FILE *out, const char *key, const char *value) {
    if (*value) fprintf(out, "%s: %s\n", key, value);
}

static void heads(FILE *out, const struct side *run) {
    struct strlist said = {0};
    const json_t *p;
    size_t i;
    config(out, "goos", "linux");
    config(out, "cpu", json_str(json_object_get(run->env, "cpu"), "model", ""));
    /* not as keys: benchstat makes a table for each value of a key, and would never compare two commits */
    fprintf(out, "# machine %s, commit %s, profile %s\n", export_machine(run),
            json_str(run->manifest, "commit", "unknown"), json_str(run->manifest, "profile", "unknown"));
    json_array_foreach(run->points, i, p) {
        const json_t *metric = json_object_get(json_object_get(p, "record"), "metric");
        const char *unit = unit_of(metric);
        bool more = export_usable(p) && strcmp(json_str(metric, "better", ""), "higher") == 0;
        if (!more || strlist_has(&said, unit)) continue;
        fprintf(out, "Unit %s better=higher\n", unit);
        strlist_add(&said, unit);
    }
    strlist_free(&said);
    fputc('\n', out);
}

void export_gobench(FILE *out, const struct side *run) {
    const json_t *p;
    size_t i;
    heads(out, run);
    json_array_foreach(run->points, i, p) {
        double v = measure_primary(p);
        if (!export_usable(p) || !isfinite(v)) continue;
        char *name = export_name(p);
        struct hist *h = measure_histogram(p, "latency");
        uint64_t p99;
        name[0] = (char)toupper((unsigned char)name[0]);
        fprintf(out, "Benchmark%s-%lld %lld %.10g %s", name, (long long)json_int(p, "procs", 1),
                (long long)export_operations(p), v,
                unit_of(json_object_get(json_object_get(p, "record"), "metric")));
        if (h && hist_percentile(h, 99, &p99) == 0) fprintf(out, " %llu p99-ns/op", (unsigned long long)p99);
        fputc('\n', out);
        hist_free(h);
        free(name);
    }
}
