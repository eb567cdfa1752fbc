/* cell: see cell.h. */
#include "ledger/cell.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct sweep_param *)a)->key, ((const struct sweep_param *)b)->key);
}

static void add_params(struct strbuf *b, const struct experiment *x) {
    struct sweep_param *sorted = xcalloc(x->nparams + 1, sizeof *sorted);
    if (x->nparams) memcpy(sorted, x->params, x->nparams * sizeof *sorted);
    qsort(sorted, x->nparams, sizeof *sorted, by_key);
    for (size_t i = 0; i < x->nparams; i++)
        strbuf_printf(b, "/%s=%s", sorted[i].key, sorted[i].values.list.v[0]);
    free(sorted);
}

char *cell_name(const struct experiment *x) {
    struct strbuf b = {0};
    char hex[17], *counters = strlist_join(&x->counters.list, "+");
    strbuf_printf(&b, "%s/%s/%s/%s", x->workload, x->procs.list.v[0], x->tasks.list.v[0], x->pins.list.v[0]);
    strbuf_printf(&b, "/%lld/%lld/%lld/%lld/%s", (long long)x->warmup_ms, (long long)x->measure_ms,
                  (long long)x->timeout_ms, (long long)x->throttle_expected, counters);
    strbuf_printf(&b, "/%lld/%g", (long long)x->samples, x->quota_cpus);
    if (x->ready_mib) strbuf_printf(&b, "/%lld", (long long)x->ready_mib);
    add_params(&b, x);
    hash_hex(hash_bytes(b.s, b.len), hex);
    char *name = xasprintf("%s-%.8s", x->workload, hex);
    free(counters);
    strbuf_free(&b);
    return name;
}

char *cell_of(const struct claim *c, const char *experiment) {
    for (size_t i = 0; i < c->sweep.n; i++)
        if (strcmp(c->sweep.experiments[i].name, experiment) == 0) return cell_name(&c->sweep.experiments[i]);
    return NULL;
}
