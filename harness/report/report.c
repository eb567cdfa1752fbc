/* Puts the page together, and the same figures as a table for a terminal. */
#include "report/report.h"

#include "base/file.h"
#include "base/json.h"
#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void head(struct strbuf *b, const struct rep_run *run) {
    const char *machine =
        json_str(run->env, "machine", json_str(run->manifest, "machine", "unknown machine"));
    const char *profile = json_str(run->manifest, "profile", "");
    const char *ended = json_str(run->manifest, "ended", "unknown");

    strbuf_puts(
        b,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\"><title>trine: ");
    html_text(b, machine);
    strbuf_printf(b, "</title><style>%s</style></head><body><main><h1>trine: ", page_style);
    html_text(b, machine);
    strbuf_puts(b, "</h1><p class=\"dim\">");
    if (*profile) strbuf_puts(b, "profile "), html_text(b, profile), strbuf_puts(b, ", ");
    strbuf_puts(b, "commit "), html_text(b, json_str(run->manifest, "commit", "unknown"));
    strbuf_puts(b, ", "), html_text(b, json_str(run->manifest, "started_utc", ""));
    strbuf_puts(b, " to "), html_text(b, json_str(run->manifest, "ended_utc", "?"));
    strbuf_printf(b, ", <span class=\"%s\">", strcmp(ended, "complete") == 0 ? "ok" : "warn"),
        html_text(b, ended);
    strbuf_puts(b, "</span></p>");
}

/* The comparison stands beside the report as a file of its own; without it there is no link. */
static void contents(struct strbuf *b, const struct rep_run *run, const char *run_dir) {
    char *compare = path_join(run_dir, "compare.html");

    strbuf_puts(b, "<nav aria-label=\"Sections\"><a href=\"#verdicts\">Verdicts</a>");
    if (run->claims != NULL) strbuf_puts(b, "<a href=\"#claims\">Claims</a>");
    if (run->peers != NULL) strbuf_puts(b, "<a href=\"#peers\">Peers</a>");
    strbuf_puts(b, "<a href=\"#machine\">Machine</a><a href=\"#figures\">Figures</a><a href=\"#history\">History</a>"
                   "<a href=\"#results\">Results</a><a href=\"#validity\">Validity</a><a href=\"#troubles\">Missing</a>"
                   "<a href=\"#repeat\">Repeat</a>");
    if (file_exists(compare))
        strbuf_puts(b, "<a href=\"compare.html\" title=\"a file beside this one\">Side by side</a>");
    strbuf_puts(b, "</nav>\n");
    free(compare);
}

static void figures_section(struct strbuf *b, const struct figure *f, size_t n) {
    strbuf_puts(b, "<h2 id=\"figures\">Figures</h2><nav aria-label=\"Figures\">");
    for (size_t i = 0; i < n; i++)
        if (f[i].csv != NULL && !figure_beside_table(&f[i]))
            strbuf_printf(b, "<a href=\"#fig-%s\">%s</a>", f[i].name, f[i].title);
    strbuf_puts(b, "</nav>");
    for (size_t i = 0; i < n; i++)
        if (f[i].csv != NULL && !figure_beside_table(&f[i])) html_figure(b, &f[i]);
    html_undrawn(b, f, n);
}

int report_write(const char *run_dir, FILE *log) {
    struct rep_run run;
    struct strbuf b = {0};
    struct err e;
    size_t n;

    if (rep_load(run_dir, &run, log) != 0) return -1;
    struct figure *figures = figures_make(&run, run_dir, &n, log);
    char *path = path_join(run_dir, "report.html");

    head(&b, &run);
    contents(&b, &run, run_dir);
    html_verdicts(&b, &run);
    html_claims(&b, &run);
    html_peers(&b, &run, figures, n);
    html_machine(&b, &run);
    figures_section(&b, figures, n);
    html_history(&b, &run, figures, n);
    html_results(&b, &run);
    html_validity(&b, &run);
    html_troubles(&b, &run);
    html_repeat(&b, &run);
    strbuf_printf(&b, "</main><script>%s</script></body></html>\n", page_script);

    int rc = file_write(path, b.s, b.len, &e);

    if (rc != 0) fprintf(log, "report: %s\n", e.text);
    free(path), strbuf_free(&b);
    figures_free(figures, n);
    rep_free(&run);
    return rc == 0 ? 0 : -1;
}
