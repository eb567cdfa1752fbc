/* ledger: see ledger.h. Here: finding and planning; judging and printing stand in files of their own. */
#include "ledger/ledger.h"
#include "base/file.h"
#include "base/json.h"
#include "base/version.h"
#include "ledger/cell.h"
#include "run/validate.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The order in which people read them; other groups follow. */
static const char *const groups[] = {"Cost of a task", "Parallelism and GOMAXPROCS", "Scheduler mechanics",
                                     "Blocking, threads, network", "Containers", "Use cases"};
enum { NGROUPS = sizeof groups / sizeof *groups };

static size_t group_rank(const char *group) {
    size_t i = 0;
    while (i < NGROUPS && strcmp(groups[i], group) != 0) i++;
    return i;
}

int ledger_order(const char *group_a, const char *id_a, const char *group_b, const char *id_b) {
    size_t x = group_rank(group_a), y = group_rank(group_b);
    if (x != y) return x < y ? -1 : 1;
    int d = strcmp(group_a, group_b);
    return d ? d : strcmp(id_a, id_b);
}

static int by_group(const void *pa, const void *pb) {
    const struct claim *a = pa, *b = pb;
    return ledger_order(a->group, a->id, b->group, b->id);
}

static char *default_dir(void) {
    char *source = path_join(trine_source_dir, "harness/claims");
    if (file_exists(source)) return source;
    free(source);
    char *own = own_dir(), *installed = path_join(own, "../share/trine/claims");
    free(own);
    return installed;
}

static int is_record(const struct dirent *d) {
    size_t n = strlen(d->d_name);
    return n > 4 && strcmp(d->d_name + n - 4, ".ini") == 0;
}

/* Their ids, sorted. code: of a folder that has none, which is the user's fault or that of the installation. */
static int find_records(const char *dir, int code, struct strlist *ids, struct err *e) {
    struct dirent **entries;
    int n = scandir(dir, &entries, is_record, alphasort);
    if (n < 0) return err_set(e, code, "cannot read the claims in %s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *id = xstrndup(entries[i]->d_name, strlen(entries[i]->d_name) - 4);
        strlist_add(ids, id);
        free(id);
        free(entries[i]);
    }
    free(entries);
    return n ? 0 : err_set(e, code, "no claim in %s", dir);
}

static int check_ids(const struct strlist *wanted, const struct strlist *found, struct err *e) {
    char hint[96];
    for (size_t i = 0; i < wanted->n; i++)
        if (!strlist_has(found, wanted->v[i]))
            return err_set(e, TRINE_EXIT_USAGE, "no claim '%s'%s (trine claims --list)", wanted->v[i],
                           did_you_mean(hint, sizeof hint, wanted->v[i], (const char *const *)found->v, found->n));
    return 0;
}

static int load(struct ledger *l, const char *dir, const char *id, struct err *e) {
    char *name = xasprintf("%s.ini", id), *path = path_join(dir, name);
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    int rc = claim_load(&l->v[l->n], path, l->full, e);
    if (!rc) l->n++;
    free(name);
    free(path);
    return rc;
}

int ledger_load(struct ledger *l, const char *dir, const struct strlist *ids, bool full, struct err *e) {
    struct strlist found = {0};
    char *own = dir ? xstrdup(dir) : default_dir();
    *l = (struct ledger){.full = full};
    int rc = find_records(own, dir ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA, &found, e);
    if (!rc) rc = check_ids(ids, &found, e);
    for (size_t i = 0; i < found.n && !rc; i++)
        if (!ids->n || strlist_has(ids, found.v[i])) rc = load(l, own, found.v[i], e);
    if (l->n) qsort(l->v, l->n, sizeof *l->v, by_group);
    if (rc) ledger_free(l);
    strlist_free(&found);
    free(own);
    return rc;
}

static bool has_points(const struct claim *c, const json_t *points) {
    const json_t *p;
    size_t i;
    for (size_t k = 0; k < c->sweep.n; k++) {
        char *cell = cell_name(&c->sweep.experiments[k]);
        bool found = false;
        json_array_foreach((json_t *)points, i, p) found |= strcmp(json_str(p, "experiment", ""), cell) == 0;
        free(cell);
        if (found) return true;
    }
    return false;
}

static bool has_id(const json_t *ids, const char *id) {
    const json_t *v;
    size_t i;
    json_array_foreach((json_t *)ids, i, v)
        if (json_is_string(v) && strcmp(json_string_value(v), id) == 0) return true;
    return false;
}

void ledger_keep_run(struct ledger *l, const json_t *ids, const json_t *points) {
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct claim *c = &l->v[i];
        if (ids ? has_id(ids, c->id) : has_points(c, points)) l->v[kept++] = *c;
        else claim_free(c);
    }
    l->n = kept;
}

void ledger_ask_controls(struct ledger *l) {
    for (size_t i = 0; i < l->n; i++) l->v[i].controlled = true;
}

void ledger_free(struct ledger *l) {
    for (size_t i = 0; i < l->n; i++) claim_free(&l->v[i]);
    free(l->v);
    *l = (struct ledger){0};
}

/* asked: --backends; empty: none was given. */
static bool is_asked(const struct strlist *asked, const char *backend) {
    return !asked->n || strlist_has(asked, backend);
}

/* Backends that an experiment of "all" is run on: those that get a verdict by measurement, or that a figure of
 * it names, asked for or not: who is judged against a backend needs its figures. A peer is judged when it is asked for. */
static void choose_backends(const struct claim *c, const char *experiment, const struct catalog *catalog,
                            const struct strlist *asked, struct values *out) {
    for (size_t i = 0; i < catalog->n; i++) {
        const struct driver *d = &catalog->v[i];
        bool judged = !claim_fixed(c, d->name) && (asked->n ? strlist_has(asked, d->name) : !is_peer(d->name));
        if (d->description && (judged || claim_reads(c, experiment, d->name))) strlist_add(&out->list, d->name);
    }
}

/* The claim's sweep with its experiments under the names of their cells; the rest is the claim's own. */
static void cells_of(const struct claim *c, const struct catalog *catalog, const struct strlist *asked,
                     struct sweep *out) {
    *out = c->sweep;
    out->experiments = xcalloc(c->sweep.n, sizeof *out->experiments);
    for (size_t i = 0; i < c->sweep.n; i++) {
        struct experiment *x = &out->experiments[i];
        *x = c->sweep.experiments[i];
        x->name = cell_name(x);
        bool all = x->backends.list.n == 1 && strcmp(x->backends.list.v[0], "all") == 0;
        const struct strlist *given = &c->sweep.experiments[i].backends.list;
        x->backends = (struct values){.line = x->backends.line};
        if (all) choose_backends(c, c->sweep.experiments[i].name, catalog, asked, &x->backends);
        for (size_t k = 0; !all && k < given->n; k++)
            if (is_asked(asked, given->v[k]) || claim_reads(c, c->sweep.experiments[i].name, given->v[k]))
                strlist_add(&x->backends.list, given->v[k]);
    }
}

static void cells_free(struct sweep *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->experiments[i].name);
        strlist_free(&s->experiments[i].backends.list);
    }
    free(s->experiments);
}

/* Takes over what is new of one claim's plan. */
static void merge(struct plan *p, struct plan *part, json_t *seen) {
    json_t *point;
    size_t i;
    json_array_foreach(part->points, i, point) {
        const char *id = json_str(point, "id", "");
        if (json_object_get(seen, id)) continue;
        json_object_set_new(seen, id, json_true());
        json_array_append(p->points, point);
    }
    json_object_update(p->experiments, part->experiments);
    for (i = 0; i < part->notices.n; i++)
        if (!strlist_has(&p->notices, part->notices.v[i])) strlist_add(&p->notices, part->notices.v[i]);
}

static bool runs_somewhere(const struct experiment *x, const struct catalog *c) {
    for (size_t k = 0; k < x->backends.list.n; k++)
        if (catalog_driver(c, x->backends.list.v[k])) return true;
    return false;
}

/* The cells to run, out of those that the verdicts read: an experiment that is left without a backend is none. */
static void choose_cells(const struct sweep *s, const struct strlist *wanted, const struct catalog *c, struct strlist *only) {
    for (size_t i = 0; i < s->n; i++) {
        const struct experiment *x = &s->experiments[i];
        if (strlist_has(wanted, x->name) && !strlist_has(only, x->name) && runs_somewhere(x, c)) strlist_add(only, x->name);
    }
}

static int plan_claim(struct plan *p, const struct claim *c, const struct catalog *catalog, const struct topo *t,
                      const struct plan_options *o, json_t *seen, struct err *e) {
    struct plan_options own = {.seed = o->seed, .lenient = true};
    struct strlist wanted = {0}, cells = {0};
    struct sweep s;
    struct plan part;
    claim_experiments(c, c->controlled, &wanted);
    for (size_t i = 0; i < wanted.n; i++) {
        char *cell = cell_of(c, wanted.v[i]);
        strlist_add(&cells, cell);
        free(cell);
    }
    cells_of(c, catalog, &o->backends, &s);
    choose_cells(&s, &cells, catalog, &own.only);
    int rc = 0;
    if (own.only.n) {
        rc = plan_make(&part, &s, catalog, t, &own, e);
        if (!rc) {
            merge(p, &part, seen);
            plan_free(&part);
        }
    }
    cells_free(&s);
    strlist_free(&wanted);
    strlist_free(&cells);
    strlist_free(&own.only);
    return rc;
}

/* A claim with a verdict for all (that is asked for), or without what it needs, is judged without a point. */
static bool measurable(const struct claim *c, const struct strlist *asked) {
    char *lacking = needs_lacking(c);
    bool yes = !lacking && !claim_fixed(c, "all"), open = !asked->n;
    for (size_t i = 0; i < asked->n; i++) open |= !claim_fixed(c, asked->v[i]);
    yes &= open;
    free(lacking);
    return yes;
}

static int by_repetition(const void *pa, const void *pb) {
    const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
    int64_t x = json_int(a, "rep", 0), y = json_int(b, "rep", 0);
    if (x != y) return x < y ? -1 : 1;
    x = json_int(a, "order", 0), y = json_int(b, "order", 0);
    return x < y ? -1 : x > y;
}

/* A run that is broken off has then measured every claim a little. */
static void sort_points(struct plan *p) {
    size_t n = json_array_size(p->points);
    json_t **v = xcalloc(n + 1, sizeof *v), *sorted = json_array();
    for (size_t i = 0; i < n; i++) {
        v[i] = json_array_get(p->points, i);
        json_object_set_new(v[i], "order", json_integer((json_int_t)i));
    }
    qsort(v, n, sizeof *v, by_repetition);
    for (size_t i = 0; i < n; i++) {
        json_array_append(sorted, v[i]);
    }
    json_decref(p->points);
    p->points = sorted;
    free(v);
}

int ledger_plan(struct plan *p, const struct ledger *l, const struct catalog *c, const struct topo *t,
                const struct plan_options *o, struct err *e) {
    json_t *seen = json_object();
    int rc = 0;
    *p = (struct plan){.points = json_array(), .experiments = json_object()};
    for (size_t i = 0; i < l->n && !rc; i++)
        if (l->v[i].sweep.n && measurable(&l->v[i], &o->backends)) rc = plan_claim(p, &l->v[i], c, t, o, seen, e);
    json_decref(seen);
    if (rc) plan_free(p);
    else sort_points(p);
    return rc;
}
