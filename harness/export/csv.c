/* export/csv: one row a process and figure, RFC 4180. Invalid processes are there and say so; those that
 * failed have a row without a figure, so that nothing is missing without a trace. */
#include "base/hist.h"
#include "base/json.h"
#include "base/text.h"
#include "export/export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void field(FILE *out, const char *s) {
    char *word = csv_word(s);
    fprintf(out, "%s,", word);
    free(word);
}

/* value NaN: none. */
static void row(FILE *out, const struct side *run, const json_t *p, const char *metric, const char *unit,
                const char *better, double value) {
    char *cell = measure_cell(p);
    field(out, export_machine(run));
    field(out, json_str(run->manifest, "commit", ""));
    field(out, json_str(p, "started_utc", ""));
    field(out, json_str(p, "experiment", ""));
    field(out, json_str(p, "workload", ""));
    field(out, json_str(p, "backend", ""));
    field(out, cell);
    fprintf(out, "%lld,%lld,", (long long)json_int(p, "rep", 0), (long long)json_int(p, "attempt", 0));
    field(out, json_str(p, "status", ""));
    fprintf(out, "%d,", json_flag(p, "valid", false));
    field(out, metric);
    field(out, unit);
    field(out, better);
    if (isfinite(value)) fprintf(out, "%.10g", value);
    fputs("\r\n", out);
    free(cell);
}

static void p99_row(FILE *out, const struct side *run, const json_t *p) {
    struct hist *h = measure_histogram(p, "latency");
    uint64_t p99;
    if (h && hist_percentile(h, 99, &p99) == 0)
        row(out, run, p, "latency_p99_ns", "ns", "lower", (double)p99);
    hist_free(h);
}

void export_csv(FILE *out, const struct side *run) {
    const json_t *p;
    size_t i;
    fputs("machine,commit,started_utc,experiment,workload,backend,cell,rep,attempt,status,valid,metric,unit,"
          "better,value\r\n",
          out);
    json_array_foreach(run->points, i, p) {
        const json_t *metric = json_object_get(json_object_get(p, "record"), "metric");
        const char *name = json_str(metric, "name", "");
        row(out, run, p, name, json_str(metric, "unit", ""), json_str(metric, "better", ""),
            measure_primary(p));
        if (*name && !strstr(name, "p99")) p99_row(out, run, p);
    }
}
