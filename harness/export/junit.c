/* export/junit: one case a process. A crash or a timeout is a failure; what is not valid, was skipped or
 * cannot run on a backend is skipped with its reason. */
#include "base/json.h"
#include "base/xml.h"
#include "export/export.h"

#include <stdlib.h>
#include <string.h>

struct tally {
    size_t tests, failures, skipped;
};

/* "failure", "skipped" or NULL, and why. */
static const char *outcome(const json_t *p, const char **why) {
    const char *status = json_str(p, "status", "");
    const json_t *because = json_object_get(p, "invalid_because");
    *why = json_str(p, "reason", "");
    if (strcmp(status, "failed") == 0 || strcmp(status, "timeout") == 0) return "failure";
    if (strcmp(status, "ok") != 0) return "skipped";
    if (json_flag(p, "valid", false)) return NULL;
    const char *first = json_string_value(json_array_get(because, 0));
    *why = first ? first : "not valid";
    return "skipped";
}

static void add_case(struct strbuf *b, struct tally *t, const json_t *p) {
    const char *why, *how = outcome(p, &why);
    char *cell = measure_cell(p);
    t->tests++;
    t->failures += how && how[0] == 'f';
    t->skipped += how && how[0] == 's';
    strbuf_puts(b, "    <testcase classname=\"trine.");
    xml_text(b, json_str(p, "experiment", ""));
    strbuf_puts(b, "\" name=\"");
    xml_text(b, json_str(p, "backend", ""));
    strbuf_puts(b, ", ");
    xml_text(b, cell);
    strbuf_printf(b, ", rep %lld\" time=\"%.6f\"", (long long)json_int(p, "rep", 0),
                  json_num(p, "elapsed_ns", 0) / 1e9);
    if (how) {
        strbuf_printf(b, "><%s message=\"", how);
        xml_text(b, why);
        strbuf_puts(b, "\"/></testcase>\n");
    } else {
        strbuf_puts(b, "/>\n");
    }
    free(cell);
}

void export_junit(FILE *out, const struct side *run) {
    struct strbuf cases = {0}, name = {0};
    struct tally t = {0};
    const json_t *p;
    size_t i;
    json_array_foreach(run->points, i, p) add_case(&cases, &t, p);
    xml_text(&name, json_str(run->manifest, "profile", "run"));
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"trine %s\" "
            "tests=\"%zu\" "
            "failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n%s  </testsuite>\n</testsuites>\n",
            strbuf_str(&name), t.tests, t.failures, t.skipped, strbuf_str(&cases));
    strbuf_free(&cases), strbuf_free(&name);
}
