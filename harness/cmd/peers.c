/* peers: the table of ratios of a run of profile peers; peers.json and its part of the report go into the run's folder. */
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "peers/peers.h"
#include "report/report.h"
#include "store/manifest.h"
#include "store/store.h"

#include <stdlib.h>

static int tell(const char *run, const char *rows_path, bool as_json, bool markdown, struct err *e) {
    struct peer_rows rows;
    json_t *manifest = manifest_read(run, e), *points = manifest ? store_load(run, NULL, e) : NULL;
    json_decref(manifest);
    if (!points) return e->code;
    int rc = peer_rows_load(&rows, rows_path, e);
    if (!rc) {
        json_t *latest = store_latest(points), *table = peers_judge(&rows, latest);
        char *path = path_join(run, "peers.json");
        rc = json_array_size(table) ? json_write_file(path, table, e)
                                    : err_set(e, TRINE_EXIT_USAGE, "%s holds no experiment of a row: is it of profile peers?", run);
        if (!rc && as_json) rc = output_json("-", table, e);
        else if (!rc && markdown) peers_markdown(stdout, table);
        else if (!rc) peers_print(stdout, table);
#ifdef TRINE_HAVE_REPORT
        if (!rc && report_write(run, stderr)) rc = err_set(e, TRINE_EXIT_INFRA, "the report of %s could not be written", run);
#endif
        free(path);
        json_decref(table);
        json_decref(latest);
    }
    peer_rows_free(&rows);
    json_decref(points);
    return rc;
}

int cmd_peers(int argc, char **argv) {
    const char *run = NULL, *rows = NULL;
    bool as_json = false, markdown = false;
    const struct option_spec specs[] = {
        {.name = "rows", .text = &rows}, {.name = "json", .flag = &as_json}, {.name = "markdown", .flag = &markdown}};
    struct err e = {0};
    size_t n;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &run, 1, &n);
    if (rc) return rc;
    rc = options_one_form(as_json, markdown, &e);
    if (!rc)
        rc = n ? tell(run, rows, as_json, markdown, &e)
               : err_set(&e, TRINE_EXIT_USAGE, "of which run? (trine run --profile peers makes one; trine peers --help)");
    return rc ? cmd_fail("peers", &e) : 0;
}
