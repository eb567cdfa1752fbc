/* What a steal costs a task with a working set: the workload `locality`. Two panels over the size of the
 * payload: the time that the first pass took more than the second, and the share of its lines that were gone,
 * by that time (an estimate) and by single lines. The controls stand beside them: the same P, where nothing
 * moved, and clflush, where all is gone. */
#include "report/curves.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum quantity { COST, LINES, PROBES, NQUANTITIES };

static const char *const quantities[] = {"cost", "lines", "probes"};
static const char *const resumes[] = {"steal", "local", "flush"};
enum { NRESUMES = sizeof resumes / sizeof resumes[0] };

struct block {
    struct figure_data *d;
    const char *backend, *resume;
    enum quantity what;
    struct strlist *names;
    bool any;
};

static bool value_of(const json_t *point, enum quantity what, double *v) {
    double lines;

    switch (what) {
    case COST:
        return rep_value(point, "", v) && (*v /= 1e3, true); /* ns to us */
    case LINES:
        return rep_value(point, "m:refetched_lines", v) && rep_value(point, "m:payload_lines", &lines) &&
               lines > 0 && (*v *= 100 / lines, true);
    default:
        return rep_value(point, "m:probe_refetched_percent", v);
    }
}

static void begin(struct block *b, const char *kind) {
    char *name = xasprintf("%s:%s:%s:%s", b->backend, b->resume, quantities[b->what], kind);

    if (!b->any) strbuf_printf(&b->d->dat, "# %s\n", name), strlist_add(b->names, name);
    b->any = true;
    free(name);
}

static void end(struct block *b) {
    if (b->any) strbuf_puts(&b->d->dat, "\n\n");
    b->any = false;
}

static struct rep_summary summary(const struct rep_series *s, enum quantity what) {
    double *values = xcalloc(s->npoints + 1, sizeof *values);
    size_t n = 0;

    for (size_t i = 0; i < s->npoints; i++)
        if (rep_valid(s->points[i]) && value_of(s->points[i], what, &values[n])) n++;
    struct rep_summary found = rep_summarise(values, n);

    free(values);
    return found;
}

static void median_of(struct block *b, const struct rep_series *s, const char *kib) {
    struct rep_summary m = summary(s, b->what);

    if (m.n == 0) return;
    begin(b, "median");
    strbuf_printf(&b->d->dat, "%s %.9g %.9g %.9g %zu\n", kib, m.median, m.low, m.high, m.n);
    strbuf_printf(&b->d->csv, "%s,%s,%s,%s,%s,%.9g,%.9g,%.9g,%zu\n", b->backend, b->resume,
                  quantities[b->what], m.interval ? "median 95 %" : "median range", kib, m.median, m.low,
                  m.high, m.n);
    if (b->what != COST || strcmp(b->resume, "steal") != 0) return;
    if (b->d->least_n == 0 || m.n < b->d->least_n) b->d->least_n = m.n;
    if (m.n > b->d->most_n) b->d->most_n = m.n;
    b->d->ndrawn++;
    b->d->ninterval += m.interval;
}

static void invalid_of(struct block *b, const struct rep_series *s, const char *kib) {
    double v;

    for (size_t i = 0; i < s->npoints; i++) {
        if (!rep_measured(s->points[i]) || rep_valid(s->points[i]) || !value_of(s->points[i], b->what, &v))
            continue;
        begin(b, "invalid");
        strbuf_printf(&b->d->dat, "%s %.9g\n", kib, v);
        strbuf_printf(&b->d->csv, "%s,%s,%s,invalid,%s,%.9g,,,1\n", b->backend, b->resume,
                      quantities[b->what], kib, v);
    }
}

static int by_payload(const void *a, const void *b) {
    char *ka = rep_coordinate((*(const struct rep_series *const *)a)->first, "p:payload_kib");
    char *kb = rep_coordinate((*(const struct rep_series *const *)b)->first, "p:payload_kib");
    double x = atof(ka), y = atof(kb);

    free(ka), free(kb);
    return (x > y) - (x < y);
}

/* The block's series, smallest payload first. */
static void each_size(struct block *b, const struct rep_run *run,
                      void (*add)(struct block *, const struct rep_series *, const char *)) {
    const struct rep_series **own = xcalloc(run->nseries + 1, sizeof(struct rep_series *));
    size_t n = 0;

    for (size_t i = 0; i < run->nseries; i++) {
        const json_t *first = run->series[i].first;
        char *resume = rep_coordinate(first, "p:resume");

        if (strcmp(json_str(first, "experiment", ""), b->d->experiment) == 0 &&
            strcmp(resume, b->resume) == 0 && strcmp(json_str(first, "backend", ""), b->backend) == 0)
            own[n++] = &run->series[i];
        free(resume);
    }
    if (n > 0)
        qsort(own, n, sizeof(struct rep_series *), by_payload); /* glibc's keeps the plan's order of equals */
    for (size_t i = 0; i < n; i++) {
        char *kib = rep_coordinate(own[i]->first, "p:payload_kib");

        add(b, own[i], kib), free(kib);
    }
    end(b);
    free(own);
}

/* "32:L1d 1024:L2 32768:L3" of the machine that was measured, in KiB; empty where it is not known. */
static char *caches(const struct rep_run *run) {
    const json_t *list = json_object_get(json_object_get(run->env, "topology"), "caches"), *c;
    struct strlist all = {0};
    size_t i;

    json_array_foreach(list, i, c) {
        double bytes = json_num(c, "bytes", 0);

        if (bytes <= 0) continue;
        char *mark = xasprintf("%.9g:%s", bytes / 1024, json_str(c, "level", "?"));
        if (!strlist_has(&all, mark)) strlist_add(&all, mark);
        free(mark);
    }
    char *text = strlist_join(&all, " ");

    strlist_free(&all);
    return text;
}

static const char *choose(const struct rep_run *run, const struct figure_spec *spec) {
    for (size_t i = 0; i < run->nseries; i++) {
        char *resume = rep_coordinate(run->series[i].first, "p:resume");
        bool steals = strcmp(resume, "steal") == 0 && run->series[i].nok > 0 &&
                      figure_lists(spec->workloads, json_str(run->series[i].first, "workload", ""));

        free(resume);
        if (steals) return json_str(run->series[i].first, "experiment", "");
    }
    return NULL;
}

void collect_steal(const struct rep_run *run, const struct figure_spec *spec, struct figure_data *d,
                   const struct strlist *backends) {
    static const char *const titles[] = {"what it cost, µs: first pass less second",
                                         "lines gone, % of the payload"};
    struct strlist names[2] = {{0}, {0}};

    d->experiment = choose(run, spec);
    if (d->experiment == NULL) return;
    strbuf_puts(&d->csv, "backend,resume,quantity,kind,payload_kib,value,low,high,n\n");
    for (size_t i = 0; i < backends->n; i++)
        for (size_t r = 0; r < NRESUMES; r++)
            for (int what = 0; what < NQUANTITIES; what++) {
                struct block b = {d,    backends->v[i], resumes[r], (enum quantity)what, &names[what != COST],
                                  false};
                size_t before = b.names->n;

                each_size(&b, run, median_of);
                if (b.names->n > before && !strlist_has(&d->present, b.backend))
                    strlist_add(&d->present, b.backend);
                before = b.names->n;
                each_size(&b, run, invalid_of);
                if (b.names->n > before && !strlist_has(&d->invalid, b.backend))
                    strlist_add(&d->invalid, b.backend);
            }
    char *sizes = caches(run);

    for (int i = 0; i < 2; i++) {
        char *all = strlist_join(&names[i], " ");

        strlist_add(&d->panels, titles[i]), strlist_add(&d->marks, all);
        strlist_free(&names[i]), free(all);
    }
    strlist_add(&d->marks, sizes), free(sizes);
    strbuf_puts(
        &d->note,
        "Lines gone: the cost over (remote - L1), calibrated in each process, is an estimate; single lines "
        "are timed "
        "against a threshold. Controls: on the same P about 0, behind clflush about 100 % of single lines. ");
}
