/* peers: the table of ratios of a run of profile peers; peers.json and its part of the report go into the run's folder. */
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "peers/peers.h"
#include "report/report.h"
#include "store/manifest.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

struct request {
    const char *run, *rows_path;
    bool json, markdown;
};

static int rewrite_report(const char *run, struct err *e) {
#ifdef TRINE_HAVE_REPORT
    if (report_write(run, stderr)) return err_set(e, TRINE_EXIT_INFRA, "the report of %s could not be written", run);
#endif
    (void)run, (void)e;
    return 0;
}

/* What was judged of such a run before is as false as it would be now: it goes, and so does its part of the report. */
static int refuse(const char *run, const char *path, const char *first, struct err *e) {
    bool old = remove(path) == 0;
    if (old && rewrite_report(run, e)) return e->code;
    return err_set(e, TRINE_EXIT_USAGE,
                   "%s holds nothing that profile peers measures%s%s%s%s; trine run --profile peers makes such a run", run,
                   *first ? " (" : "", first, *first ? ")" : "", old ? "; the peers.json in it is removed" : "");
}

/* Says of each row that is left out why; of those whose experiment was not run, how many. "switch: workload pingpong, not
 * switch" of the first is what a refusal shows. Caller frees. */
static char *left_out(const struct peer_rows *rows, const struct sweep *profile, const json_t *points,
                      const json_t *table) {
    char *first = NULL;
    size_t others = rows->n - json_array_size(table);
    for (size_t i = 0; i < rows->n; i++) {
        const struct peer_row *r = &rows->v[i];
        char *why = peers_absent(profile, r->experiment, points);
        if (!why) continue;
        others--;
        if (!first) first = xasprintf("%s: %s", r->experiment, why);
        if (json_array_size(table)) fprintf(stderr, "trine peers: left out: %s: %s has %s\n", r->text, r->experiment, why);
        free(why);
    }
    if (others && json_array_size(table))
        fprintf(stderr, "trine peers: left out: %zu rows whose experiments the run does not have\n", others);
    return first ? first : xstrdup("");
}

static void tell_unready(const struct sweep *profile, const json_t *held) {
    const char *why = "";
    size_t n = peers_unready(profile, held, &why);
    if (n)
        fprintf(stderr, "trine peers: %zu points were measured without the memory that the profile readies (%s): what they took "
                        "to create tasks depends on the process before each\n", n, why);
}

static int print(const struct request *q, const json_t *table, struct err *e) {
    if (q->json) return output_json("-", table, e);
    (q->markdown ? peers_markdown : peers_print)(stdout, table);
    return 0;
}

static int tell(const struct request *q, const struct peer_rows *rows, const struct sweep *profile, const json_t *points,
                struct err *e) {
    json_t *held = peers_points(profile, points), *table = peers_judge(rows, held);
    char *path = path_join(q->run, "peers.json"), *first = left_out(rows, profile, points, table);
    int rc = json_array_size(table) ? json_write_file(path, table, e) : refuse(q->run, path, first, e);
    if (!rc) tell_unready(profile, held);
    if (!rc) rc = print(q, table, e);
    if (!rc) rc = rewrite_report(q->run, e);
    free(path), free(first);
    json_decref(table);
    json_decref(held);
    return rc;
}

static int peers(const struct request *q, struct err *e) {
    struct peer_rows rows = {0};
    struct sweep profile = {0};
    struct store_damage damage;
    json_t *manifest = manifest_read(q->run, e), *points = manifest ? store_load(q->run, &damage, e) : NULL;
    json_decref(manifest);
    if (!points) return e->code;
    cmd_tell_run("peers", q->run, &damage);
    int rc = peer_rows_load(&rows, q->rows_path, e);
    if (!rc) rc = sweep_load(&profile, "peers", e);
    if (!rc) {
        json_t *latest = store_latest(points);
        rc = tell(q, &rows, &profile, latest, e);
        json_decref(latest);
    }
    peer_rows_free(&rows);
    sweep_free(&profile);
    json_decref(points);
    return rc;
}

int cmd_peers(int argc, char **argv) {
    struct request q = {0};
    const struct option_spec specs[] = {{.name = "rows", .text = &q.rows_path},
                                        {.name = "json", .flag = &q.json},
                                        {.name = "markdown", .flag = &q.markdown}};
    struct err e = {0};
    size_t n;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &q.run, 1, &n);
    if (rc) return rc;
    rc = options_one_form(q.json, q.markdown, &e);
    if (!rc)
        rc = n ? peers(&q, &e)
               : err_set(&e, TRINE_EXIT_USAGE, "of which run? (trine run --profile peers makes one; trine peers --help)");
    return rc ? cmd_fail("peers", &e) : 0;
}
