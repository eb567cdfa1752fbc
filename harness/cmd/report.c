/* report: the report and the table of a run that stands on the disk. */
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "store/manifest.h"

int cmd_report(int argc, char **argv) {
    const char *dir = NULL;
    struct err e;
    size_t n;
    int rc = options_parse(argc, argv, NULL, 0, &dir, 1, &n);
    if (rc) return rc;
    if (!n) {
        err_set(&e, TRINE_EXIT_USAGE, "of which run? (trine report --help)");
        return cmd_fail("report", &e);
    }
    json_t *manifest = manifest_read(dir, &e);
    rc = manifest ? session_report("report", dir, &e) : e.code;
    json_decref(manifest);
    return rc ? cmd_fail("report", &e) : 0;
}
