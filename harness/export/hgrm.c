/* export/hgrm: the latencies' percentile distributions, as HdrHistogram's tools draw them, in us. One a
 * process: across processes percentiles are compared, never pooled. Lines that begin with # say which is
 * which. */
#include "base/hist.h"
#include "base/json.h"
#include "export/export.h"

#include <stdlib.h>

enum { TICKS = 5 }; /* lines for each halving of what lies beyond */

void export_hgrm(FILE *out, const struct side *run) {
    const json_t *p;
    size_t i;
    json_array_foreach(run->points, i, p) {
        struct hist *h = export_usable(p) ? measure_histogram(p, "latency") : NULL;
        if (!h) continue;
        char *name = export_name(p);
        fprintf(out, "#[trine %s rep %lld, us]\n", name, (long long)json_int(p, "rep", 0));
        hist_write_hgrm(h, out, TICKS, 1000.0);
        fputc('\n', out);
        free(name);
        hist_free(h);
    }
}
