/* export/medians: the formats that take one figure a series: github-action-benchmark and OpenMetrics. The
 * figure is the median over the valid processes. */
#include "base/json.h"
#include "export/export.h"
#include "stats/stats.h"

#include <stdlib.h>
#include <string.h>

static void gha(FILE *out, const struct side *run, bool bigger) {
    struct measures all;
    json_t *list = json_array();
    measures_of(run->points, &all);
    for (size_t i = 0; i < all.n; i++) {
        const struct measure *m = &all.v[i];
        char range[64], extra[128], name[256];
        if (m->n == 0 || m->kind == MEASURE_COUNT || m->higher_is_better != bigger) continue;
        double low = stat_quantile(m->v, m->n, 0), high = stat_quantile(m->v, m->n, 1),
               median = stat_median(m->v, m->n);
        snprintf(name, sizeof name, "%s%s%s", m->name, *m->build ? "@" : "", m->build);
        snprintf(range, sizeof range, "± %.4g", (high - low) / 2);
        snprintf(extra, sizeof extra, "median of %zu processes, from %.6g to %.6g", m->n, low, high);
        json_array_append_new(list, json_pack("{s:s,s:s,s:f,s:s,s:s}", "name", name, "unit",
                                              *m->unit ? m->unit : "1", "value", median, "range", range,
                                              "extra", extra));
    }
    char *text = json_pretty(list);
    fprintf(out, "%s\n", text);
    free(text);
    json_decref(list);
    measures_free(&all);
}

void export_gha(FILE *out, const struct side *run) {
    gha(out, run, false);
}

void export_gha_bigger(FILE *out, const struct side *run) {
    gha(out, run, true);
}

static void label(FILE *out, const char *name, const char *value, const char *before) {
    fprintf(out, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

static void labels(FILE *out, const struct side *run, const struct measure *m) {
    label(out, "machine", export_machine(run), "{");
    label(out, "commit", json_str(run->manifest, "commit", ""), ",");
    label(out, "experiment", m->experiment, ",");
    label(out, "cell", m->cell, ",");
    label(out, "backend", m->backend, ",");
    if (*m->build) label(out, "build", m->build, ",");
    label(out, "metric", m->metric, ",");
    label(out, "unit", m->unit, ",");
    label(out, "better", m->higher_is_better ? "higher" : "lower", ",");
    fputs("} ", out);
}

/* One family's samples stand together: the format demands it. */
void export_openmetrics(FILE *out, const struct side *run) {
    struct measures all;
    measures_of(run->points, &all);
    fputs("# HELP trine_figure Median over the processes of one figure; its labels say which and in what "
          "unit.\n"
          "# TYPE trine_figure gauge\n",
          out);
    for (size_t i = 0; i < all.n; i++) {
        if (all.v[i].n == 0) continue;
        fputs("trine_figure", out);
        labels(out, run, &all.v[i]);
        fprintf(out, "%.10g\n", stat_median(all.v[i].v, all.v[i].n));
    }
    fputs("# HELP trine_processes Valid processes behind the figure.\n# TYPE trine_processes gauge\n", out);
    for (size_t i = 0; i < all.n; i++) {
        fputs("trine_processes", out);
        labels(out, run, &all.v[i]);
        fprintf(out, "%zu\n", all.v[i].n);
    }
    fputs("# EOF\n", out);
    measures_free(&all);
}
