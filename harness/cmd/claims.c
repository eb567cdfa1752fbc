/* claims: measures the claims, judges them and prints the ledger; or judges a run that stands on the disk. */
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/pages.h"
#include "cmd/session.h"
#include "doors/names.h"
#include "ledger/ledger.h"
#include "run/validate.h"
#include "store/manifest.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDS_MAX = 256, QUICK_BUDGET_MS = 540000, QUICK_RERUNS = 1, FULL_RERUNS = 3 };

struct request {
    const char *run, *claims, *seed, *budget, *reruns, *out;
    bool full, controls, list, plan, document, quiet;
    struct strlist ids, backends, drivers;
};

static void request_free(struct request *q) {
    strlist_free(&q->ids);
    strlist_free(&q->backends);
    strlist_free(&q->drivers);
}

/* Those asked for, now or when the run was made; else the known four and whatever further driver is there. */
static void choose_backends(const struct request *q, const json_t *manifest, struct strlist *out) {
    static const char *const known[] = {"trine", "pthread", "pool", "go"};
    const json_t *drivers = json_object_get(manifest, "drivers"), *asked = json_object_get(manifest, "claims_backends"), *d;
    const char *name;
    size_t i;
    for (i = 0; i < q->backends.n; i++) strlist_add(out, q->backends.v[i]);
    if (!out->n) json_array_foreach((json_t *)asked, i, d) strlist_add(out, json_string_value(d));
    if (out->n) return;
    for (i = 0; i < 4; i++) strlist_add(out, known[i]);
    json_object_foreach((json_t *)drivers, name, d) {
        if (!is_peer(name) && !strlist_has(out, name)) strlist_add(out, name);
    }
}

/* claims.json: the claims just judged, and what it held of others. */
static int write_verdicts(const char *path, const json_t *claims, struct err *e) {
    json_t *old = json_load_file(path, 0, NULL);
    if (!json_is_array(old) && file_exists(path)) fprintf(stderr, "trine claims: %s is not what trine wrote: made anew\n", path);
    json_t *all = ledger_merge(claims, old);
    int rc = json_write_file(path, all, e);
    if (!rc && json_array_size(all) > json_array_size(claims))
        fprintf(stderr, "trine claims: %zu claims judged, the verdicts of %zu others are kept\n", json_array_size(claims),
                json_array_size(all) - json_array_size(claims));
    json_decref(all);
    json_decref(old);
    return rc;
}

/* The CPUs that the run could use, as its plan counted them. */
static int cpus_of(const char *run_dir) {
    char *fault; /* the report tells it */
    json_t *env = env_read(run_dir, &fault);
    int64_t n = json_int(json_object_get(env, "topology"), "cpus", 0);
    json_decref(env);
    free(fault);
    return n > 0 ? (int)n : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void add_option(struct strbuf *b, const char *option, const char *value) {
    char *word = shell_word(value);
    strbuf_printf(b, " --%s %s", option, word);
    free(word);
}

static void add_list(struct strbuf *b, const char *option, const struct strlist *given) {
    char *all = strlist_join(given, ",");
    if (given->n) add_option(b, option, all);
    free(all);
}

/* What repeats these verdicts beside the claim's own name: other backends, records or drivers than those that come with trine.
 * Of a run that stands on the disk, what it was made with, unless other backends are judged. Caller frees. */
static char *repeat_options(const struct request *q, const json_t *manifest) {
    const char *kept = json_str(manifest, "claims_options", NULL);
    struct strbuf b = {0};
    if (q->run && kept && !q->backends.n) return xstrdup(kept);
    add_list(&b, "backends", &q->backends);
    if (q->claims) add_option(&b, "claims", q->claims);
    for (size_t i = 0; i < q->drivers.n; i++) add_option(&b, "driver", q->drivers.v[i]);
    return b.s ? b.s : xstrdup("");
}

/* claims.json, the report, the ledger on stdout. points: the latest of each. */
static int tell(const struct request *q, const struct ledger *l, const char *run_dir, const json_t *manifest,
                const json_t *points, struct err *e) {
    struct strlist backends = {0};
    choose_backends(q, manifest, &backends);
    char *options = repeat_options(q, manifest);
    json_t *claims = ledger_judge(l, points, &backends, json_object_get(manifest, "drivers"), cpus_of(run_dir), options);
    free(options);
    char *path = path_join(run_dir, "claims.json");
    int rc = write_verdicts(path, claims, e);
    if (!rc) ledger_print(stdout, claims, &backends);
    if (!rc) rc = pages_write(run_dir, e);
    if (!rc) printf("\nledger: %s\nreport: %s/report.html\n", path, run_dir);
    free(path);
    strlist_free(&backends);
    json_decref(claims);
    return rc;
}

static json_t *load_latest(const char *run_dir, struct err *e) {
    struct store_damage damage;
    json_t *points = store_load(run_dir, &damage, e), *latest = points ? store_latest(points) : NULL;
    if (points) cmd_tell_run("claims", run_dir, &damage);
    json_decref(points);
    return latest;
}

/* A backend is there when the run knew its driver, though it need not have measured it. */
static int check_backends(const struct request *q, const json_t *manifest, const json_t *points, struct err *e) {
    struct names_there there = {q->run, "backend", {0}};
    const char *name;
    const json_t *d;
    size_t i;
    json_object_foreach((json_t *)json_object_get(manifest, "drivers"), name, d) names_add(&there, name);
    json_array_foreach((json_t *)points, i, d) names_add(&there, json_str(d, "backend", ""));
    int rc = names_check("--backends", &q->backends, &there, e);
    names_free(&there);
    return rc;
}

/* Without ids: the claims that the run was made for, or that it holds points of. */
static int judge_run(const struct request *q, struct ledger *l, const json_t *manifest, struct err *e) {
    json_t *points = load_latest(q->run, e);
    if (!points) return e->code;
    if (!q->ids.n) ledger_keep_run(l, json_object_get(manifest, "claims"), points);
    int rc = check_backends(q, manifest, points, e);
    if (!rc)
        rc = l->n ? tell(q, l, q->run, manifest, points, e)
                  : err_set(e, TRINE_EXIT_USAGE, "%s is of profile %s and holds no point of any claim; to judge one all the same, "
                                                 "name it: trine claims ID --run %s", q->run, json_str(manifest, "profile", ""), q->run);
    json_decref(points);
    return rc;
}

static int make_session(struct session *s, const struct request *q, const struct ledger *l, struct err *e) {
    int64_t seed = 1;
    memset(s, 0, sizeof *s);
    if (q->seed && !parse_int(q->seed, 0, INT64_MAX, &seed))
        return err_set(e, TRINE_EXIT_USAGE, "--seed %s: expected a whole number from 0 up", q->seed);
    s->options = (struct plan_options){.seed = (uint64_t)seed, .backends = q->backends};
    s->sweep = (struct sweep){.name = xstrdup(q->full ? "claims-full" : "claims"), .path = xstrdup("claims"),
                              .text = xstrdup(""), .title = xstrdup("the claims ledger")};
    int rc = catalog_find(&s->catalog, &q->drivers, e);
    if (!rc && s->catalog.n == 0)
        rc = err_set(e, TRINE_EXIT_INFRA, "no driver was found: build the benches, or give --driver NAME=PATH or "
                                          "the folder in TRINE_DRIVERS");
    if (!rc) rc = validate_backends(&q->backends, &s->catalog, e);
    if (!rc && !(s->topo = topo_load(e))) rc = e->code;
    return rc ? rc : ledger_plan(&s->plan, l, &s->catalog, s->topo, &s->options, e);
}

/* What --run needs to judge the same again. */
static void add_request(json_t *manifest, const struct request *q, const struct ledger *l) {
    json_t *ids = json_array(), *backends = json_array();
    for (size_t i = 0; i < l->n; i++) json_array_append_new(ids, json_string(l->v[i].id));
    for (size_t i = 0; i < q->backends.n; i++) json_array_append_new(backends, json_string(q->backends.v[i]));
    json_object_set_new(manifest, "claims", ids);
    json_object_set_new(manifest, "claims_backends", backends);
    json_object_set_new(manifest, "claims_controls", json_boolean(q->controls));
    char *options = repeat_options(q, NULL);
    json_object_set_new(manifest, "claims_options", json_string(options));
    free(options);
}

/* Backends that --backends left out and that are measured all the same: those that are compared with. Caller frees. */
static char *comparators(const struct request *q, const json_t *points) {
    struct strlist names = {0};
    const json_t *p;
    size_t i;
    json_array_foreach((json_t *)points, i, p) {
        const char *backend = json_str(p, "backend", "");
        if (q->backends.n && !strlist_has(&q->backends, backend) && !strlist_has(&names, backend)) strlist_add(&names, backend);
    }
    char *text = names.n ? strlist_join(&names, " and ") : NULL;
    strlist_free(&names);
    return text;
}

/* A batch of long tasks takes longer than measure_ms says, so the sum of settings is the least. */
static int print_plan(const struct request *q, const struct ledger *l, const struct session *s) {
    char least[64], budget[64];
    format_duration(least, sizeof least, plan_total_ms(s->plan.points));
    format_duration(budget, sizeof budget, QUICK_BUDGET_MS);
    printf("%zu claims, %zu points, at least %s", l->n, json_array_size(s->plan.points), least);
    if (!q->full && !q->budget) printf(", at most %s", budget);
    char *others = comparators(q, s->plan.points);
    if (others) printf(", %s measured too: claims compare with it", others);
    putchar('\n');
    free(others);
    return 0;
}

static int measure(const struct request *q, const struct ledger *l, const struct session *s, int argc, char **argv,
                   struct err *e) {
    struct limits limits = {q->out, q->full ? 0 : QUICK_BUDGET_MS, q->full ? FULL_RERUNS : QUICK_RERUNS};
    struct run_result result;
    json_t *manifest;
    int rc = parse_limits(q->budget, q->reruns, &limits.budget_ms, &limits.reruns, e);
    if (rc) return rc;
    char *dir = session_start(s, argc, argv, &limits, &manifest, e);
    if (!dir) return e->code;
    add_request(manifest, q, l);
    rc = manifest_write(dir, manifest, e); /* before anything is measured: whoever is killed can be judged later */
    if (rc) {
        json_decref(manifest);
        free(dir);
        return rc;
    }
    char *others = comparators(q, s->plan.points);
    if (others) fprintf(stderr, "trine claims: %s is measured too: claims compare with it\n", others);
    free(others);
    rc = session_run("claims", dir, manifest, &s->catalog, limits.budget_ms, limits.reruns, q->quiet, &result);
    if (rc) snprintf(e->text, sizeof e->text, "the measurement stopped; what there is stands in %s", dir);
    if (rc) e->code = rc;
    json_t *points = rc ? NULL : load_latest(dir, e);
    if (!rc) rc = points ? tell(q, l, dir, manifest, points, e) : e->code;
    json_decref(points);
    if (!rc && result.failed)
        fprintf(stderr, "trine claims: %zu of %zu points failed; the first: %s\n", result.failed, result.complete,
                result.first_failure);
    if (!rc && result.unstarted && !result.interrupted)
        rc = err_set(e, TRINE_EXIT_INFRA, "%zu points could not be run; the first: %.300s; when it is there again: trine resume "
                     "%.300s, then trine claims --run", result.unstarted, result.first_unstarted, dir);
    if (!rc && result.complete < result.points && !result.interrupted)
        fprintf(stderr, "trine claims: the time budget is used up, %zu of %zu points are left; go on with: trine resume "
                        "%s --budget 0, then trine claims --run %s\n",
                result.points - result.complete, result.points, dir, dir);
    if (!rc && result.interrupted) rc = TRINE_EXIT_INTERRUPTED;
    if (rc == TRINE_EXIT_INTERRUPTED)
        err_set(e, rc, "interrupted; what was measured is judged and kept in %s", dir);
    json_decref(manifest);
    free(dir);
    return rc;
}

static int print_list(const struct ledger *l) {
    const char *group = "";
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(group, l->v[i].group) != 0) printf("%s%s\n", i ? "\n" : "", l->v[i].group);
        group = l->v[i].group;
        printf("  %-18s %s\n", l->v[i].id, l->v[i].statement);
    }
    return 0;
}

static int serve(const struct request *q, struct ledger *l, const json_t *manifest, int argc, char **argv, struct err *e) {
    struct session s;
    if (q->list) return print_list(l);
    if (q->document) {
        ledger_document(stdout, l);
        return 0;
    }
    if (q->run) return judge_run(q, l, manifest, e);
    cmd_catch_signals();
    int rc = make_session(&s, q, l, e);
    for (size_t i = 0; !rc && i < s.plan.notices.n; i++) fprintf(stderr, "trine claims: %s\n", s.plan.notices.v[i]);
    if (!rc) rc = q->plan ? print_plan(q, l, &s) : measure(q, l, &s, argc, argv, e);
    session_free(&s);
    return rc;
}

/* The form is that of the run, if that was made here. */
static int take_form(struct request *q, json_t **manifest, struct err *e) {
    if (!q->run) return 0;
    *manifest = manifest_read(q->run, e);
    if (!*manifest) return e->code;
    if (json_object_get(*manifest, "claims")) q->full = strcmp(json_str(*manifest, "profile", ""), "claims-full") == 0;
    q->controls |= json_flag(*manifest, "claims_controls", false);
    return 0;
}

int cmd_claims(int argc, char **argv) {
    struct request q = {.out = "results"};
    const char *words[IDS_MAX];
    size_t n = 0;
    const struct option_spec specs[] = {
        {.name = "full", .flag = &q.full},         {.name = "backends", .list = &q.backends},
        {.name = "seed", .text = &q.seed},         {.name = "driver", .list = &q.drivers},
        {.name = "out", .text = &q.out},           {.name = "budget", .text = &q.budget},
        {.name = "reruns", .text = &q.reruns},     {.name = "run", .text = &q.run},
        {.name = "claims", .text = &q.claims},     {.name = "list", .flag = &q.list},
        {.name = "document", .flag = &q.document}, {.name = "quiet", .flag = &q.quiet},
        {.name = "plan", .flag = &q.plan},         {.name = "controls", .flag = &q.controls}};
    struct ledger l = {0};
    struct err e = {0};
    json_t *manifest = NULL;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, words, IDS_MAX, &n);
    if (!rc) {
        for (size_t i = 0; i < n; i++) strlist_add(&q.ids, words[i]);
        rc = take_form(&q, &manifest, &e);
        if (!rc) rc = ledger_load(&l, q.claims, &q.ids, q.full, &e);
        if (!rc && q.controls) ledger_ask_controls(&l);
        if (!rc) rc = serve(&q, &l, manifest, argc, argv, &e);
        if (rc) cmd_fail("claims", &e);
    }
    json_decref(manifest);
    ledger_free(&l);
    request_free(&q);
    return rc;
}
