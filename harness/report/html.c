/* The parts of the page. Everything that comes from a file is escaped; nothing of it is believed to be
 * markup. */
#include "report/html.h"
#include "report/parts.h"
#include "report/places.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void html_text(struct strbuf *b, const char *text) {
    for (; *text; text++) {
        if (*text == '<')
            strbuf_puts(b, "&lt;");
        else if (*text == '>')
            strbuf_puts(b, "&gt;");
        else if (*text == '&')
            strbuf_puts(b, "&amp;");
        else if (*text == '"')
            strbuf_puts(b, "&quot;");
        else
            strbuf_add(b, text, 1);
    }
}

void html_cell(struct strbuf *b, const char *text) {
    strbuf_puts(b, "<td>"), html_text(b, text), strbuf_puts(b, "</td>");
}

void html_backend_cell(struct strbuf *b, const char *backend) {
    strbuf_puts(b, "<td data-b=\""), html_text(b, backend), strbuf_puts(b, "\">");
    html_text(b, backend), strbuf_puts(b, "</td>");
}

/* Breaks between parameters, not within one. */
static void html_params_cell(struct strbuf *b, const char *text) {
    strbuf_puts(b, "<td class=\"p\">");
    for (size_t len; *text; text += len + (text[len] == ' ')) {
        char *one = xstrndup(text, len = strcspn(text, " "));

        strbuf_puts(b, "<span>"), html_text(b, one), strbuf_puts(b, "</span> ");
        free(one);
    }
    strbuf_puts(b, "</td>");
}

void html_long_cell(struct strbuf *b, const char *text) {
    strbuf_puts(b, "<td class=\"t\">"), html_text(b, text), strbuf_puts(b, "</td>");
}

/* Four significant digits, and the number itself for sorting; a dash where there is none. */
void html_number_cell(struct strbuf *b, double v) {
    if (!isfinite(v))
        strbuf_puts(b, "<td class=\"n\" data-v=\"-1\">–</td>");
    else if (fabs(v) >= 1e4 && fabs(v) < 1e15)
        strbuf_printf(b, "<td class=\"n\" data-v=\"%.9g\">%.0f</td>", v, v);
    else
        strbuf_printf(b, "<td class=\"n\" data-v=\"%.9g\">%.4g</td>", v, v);
}

void html_open_table(struct strbuf *b, const char *id, const char *caption, const char *const *heads,
                       size_t n) {
    strbuf_printf(b,
                  "<label class=\"dim\">Filter: <input type=\"search\" id=\"%s-filter\" hidden "
                  "placeholder=\"words that a row must hold\"></label> <span class=\"dim\" id=\"%s-shown\" "
                  "aria-live=\"polite\"></span><span class=\"chips\" id=\"%s-chips\" role=\"group\" "
                  "aria-label=\"Verdicts\"></span>"
                  "<div class=\"wrap\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table "
                  "class=\"sort\" id=\"%s\"><thead><tr>",
                  id, id, id, caption, id);
    for (size_t i = 0; i < n; i++) strbuf_printf(b, "<th scope=\"col\">%s</th>", heads[i]);
    strbuf_puts(b, "</tr></thead><tbody>\n");
}

void html_close_table(struct strbuf *b) {
    strbuf_puts(b, "</tbody></table></div>\n");
}

static size_t with_status(const struct rep_run *run, const char *status) {
    const json_t *p;
    size_t i, n = 0;

    json_array_foreach(run->points, i, p) n += strcmp(json_str(p, "status", ""), status) == 0;
    return n;
}

/* What stands in the points' file and is in no table. */
static void damage(struct strbuf *b, const struct store_damage *d) {
    if (d->lines > 0) {
        strbuf_printf(b, "<dt>Damaged</dt><dd class=\"bad\">unreadable lines of points.jsonl: %zu; the first is line %zu: ",
                      d->lines, d->first);
        html_text(b, d->why), strbuf_puts(b, "</dd>");
    }
    if (d->cut_bytes > 0)
        strbuf_printf(b, "<dt>Cut off</dt><dd class=\"bad\">the last line of points.jsonl, %zu bytes, is left out</dd>",
                      d->cut_bytes);
}

void html_validity(struct strbuf *b, const struct rep_run *run) {
    size_t total = json_array_size(run->points), measured = with_status(run, "ok"), invalid = 0;

    for (size_t i = 0; i < run->nseries; i++) invalid += run->series[i].ninvalid;
    strbuf_puts(b, "<h2 id=\"validity\">Validity</h2><dl>");
    strbuf_printf(b, "<dt>Points</dt><dd>%zu in %zu series, from %zu attempts</dd>", total, run->nseries,
                  run->attempts);
    strbuf_printf(b, "<dt>Measured</dt><dd>%zu</dd>", measured);
    if (measured > 0)
        strbuf_printf(b, "<dt>Valid</dt><dd class=\"%s\">%zu of %zu (%.1f %%)</dd>", invalid ? "warn" : "ok",
                      measured - invalid, measured, 100.0 * (double)(measured - invalid) / (double)measured);
    strbuf_printf(b,
                  "<dt>Not applicable</dt><dd>%zu</dd><dt>Skipped</dt><dd>%zu</dd><dt>Failed or timed "
                  "out</dt><dd>%zu</dd>",
                  with_status(run, "not_applicable"), with_status(run, "skipped"),
                  with_status(run, "failed") + with_status(run, "timeout"));
    damage(b, &run->damage);
    strbuf_puts(b, "</dl>");
}

static char *params_text(const json_t *point) {
    struct strbuf b = {0};
    const json_t *v;
    const char *key;

    json_object_foreach((json_t *)json_object_get(point, "params"), key, v) {
        char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY);

        strbuf_printf(&b, "%s%s=%s", b.len ? " " : "", key, text ? text : "");
        free(text);
    }
    return b.s ? b.s : xstrdup("");
}

/* A row of a table, of one series or point, and by what it is sorted. */
struct row {
    char *key;
    const void *of;
};

static int by_key(const void *a, const void *b) {
    return strverscmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

/* What is compared stands together: the cell first, then its backends (as everywhere), then the repetitions. */
static char *row_key(const json_t *p, const struct strlist *backends) {
    char *params = params_text(p), *key;
    size_t rank = 0;

    while (rank < backends->n && strcmp(backends->v[rank], json_str(p, "backend", "")) != 0) rank++;
    key = xasprintf("%s\n%s\n%s\n%lld\n%lld\n%zu\n%lld", json_str(p, "experiment", ""), params, json_str(p, "pin", ""),
                    (long long)json_int(p, "procs", 0), (long long)json_int(p, "tasks", 0), rank,
                    (long long)json_int(p, "rep", 0));
    free(params);
    return key;
}

static void free_rows(struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) free(rows[i].key);
    free(rows);
}

/* The record that names the metric: that of the first measured point. */
static const json_t *metric_of(const struct rep_series *s) {
    for (size_t i = 0; i < s->npoints; i++)
        if (rep_measured(s->points[i]))
            return json_object_get(json_object_get(s->points[i], "record"), "metric");
    return NULL;
}

static void result_row(struct strbuf *b, const struct rep_series *s) {
    struct rep_summary v = rep_series_summary(s, "");
    const json_t *metric = metric_of(s);
    char *params = params_text(s->first);

    strbuf_puts(b, "<tr>"), html_cell(b, json_str(s->first, "experiment", "")),
        html_backend_cell(b, json_str(s->first, "backend", ""));
    html_number_cell(b, json_num(s->first, "procs", NAN)), html_number_cell(b, json_num(s->first, "tasks", NAN));
    html_cell(b, json_str(s->first, "pin", "")), html_params_cell(b, params), html_cell(b, json_str(metric, "name", ""));
    html_number_cell(b, v.median), html_number_cell(b, v.n > 1 ? v.low : NAN), html_number_cell(b, v.n > 1 ? v.high : NAN);
    html_cell(b, v.n < 2 ? "" : v.interval ? "95 %" : "range"), html_cell(b, json_str(metric, "unit", ""));
    html_number_cell(b, (double)v.n);
    if (s->nok == 0)
        strbuf_puts(b, "<td class=\"warn\">"), html_text(b, json_str(s->first, "status", "?")), strbuf_puts(b, "</td>");
    else if (s->ninvalid == s->nok)
        strbuf_puts(b, "<td class=\"bad\">all invalid</td>");
    else if (s->ninvalid > 0)
        strbuf_printf(b, "<td class=\"warn\">%zu of %zu invalid</td>", s->ninvalid, s->nok);
    else
        strbuf_puts(b, "<td class=\"ok\">valid</td>");
    strbuf_puts(b, "</tr>\n");
    free(params);
}

void html_results(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Experiment", "Backend", "Procs",     "Tasks", "Pin",
                                        "Parameters", "Metric",  "Median",    "Low",   "High",
                                        "Interval",   "Unit",    "Processes", "State"};

    strbuf_puts(
        b,
        "<h2 id=\"results\">Results</h2><p>Each line is one series: the median over processes of each "
        "process's "
        "median. <i>95 %</i>: the interval of that median by order statistics; <i>range</i>: fewer than six "
        "processes, so only their least and greatest.</p>");
    struct row *rows = xcalloc(run->nseries + 1, sizeof *rows);
    struct strlist backends;

    run_backends(run, &backends);
    for (size_t i = 0; i < run->nseries; i++)
        rows[i] = (struct row){row_key(run->series[i].first, &backends), &run->series[i]};
    qsort(rows, run->nseries, sizeof *rows, by_key);
    html_open_table(b, "t-results", "Results", heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < run->nseries; i++) result_row(b, rows[i].of);
    html_close_table(b);
    free_rows(rows, run->nseries);
    strlist_free(&backends);
}

static void percent_encoded(struct strbuf *b, const char *text) {
    for (; *text; text++) {
        if (strchr(" %\"#<>&\n\r", *text))
            strbuf_printf(b, "%%%02X", (unsigned char)*text);
        else
            strbuf_add(b, text, 1);
    }
}

void html_figure(struct strbuf *b, const struct figure *f) {
    strbuf_printf(b, "<figure id=\"fig-%s\"><h3>%s</h3>", f->name, f->title);
    if (f->svg != NULL)
        strbuf_puts(b, "<div class=\"scroll\" tabindex=\"0\">"), strbuf_puts(b, f->svg), strbuf_puts(b, "</div>");
    strbuf_puts(b, "<figcaption><b>"), html_text(b, f->see), strbuf_puts(b, "</b> "), html_text(b, f->note);
    if (f->csv != NULL) {
        strbuf_printf(b, " <a download=\"%s.csv\" href=\"data:text/csv;charset=utf-8,", f->name);
        percent_encoded(b, f->csv);
        strbuf_puts(b, "\">Data (CSV)</a>");
    }
    strbuf_puts(b, "</figcaption></figure>\n");
}

void html_undrawn(struct strbuf *b, const struct figure *f, size_t n) {
    size_t shown = 0;

    for (size_t i = 0; i < n; i++) {
        if (f[i].csv != NULL || figure_beside_table(&f[i])) continue;
        strbuf_puts(b, shown++ ? "; " : "<p class=\"dim\">Not in this run: "), html_text(b, f[i].title);
        if (f[i].kind == FIGURE_PROCS)
            strbuf_puts(b, " (no experiment swept both GOMAXPROCS and the number of tasks)");
    }
    if (shown > 0) strbuf_puts(b, ". The profile has no such point, or none was valid.</p>");
}

static void change_row(struct strbuf *b, const json_t *series, const json_t *c) {
    const json_t *run = json_array_get(json_object_get(series, "runs"), (size_t)json_int(c, "index", 0));
    double before = json_num(c, "before", NAN), after = json_num(c, "after", NAN);
    bool more = after > before, higher = strcmp(json_str(series, "better", ""), "higher") == 0;
    const char *verdict = json_flag(c, "machine_changed", false) ? "the machine changed" : more == higher ? "better" : "worse";

    strbuf_puts(b, "<tr>"), html_cell(b, json_str(series, "name", "")), html_cell(b, json_str(run, "started_utc", ""));
    html_cell(b, json_str(run, "commit", "")), html_number_cell(b, before), html_number_cell(b, after);
    html_cell(b, json_str(series, "unit", "")), html_number_cell(b, (after / before - 1) * 100);
    html_number_cell(b, json_num(c, "p", NAN));
    strbuf_printf(b, "<td class=\"%s\">%s</td></tr>\n", strcmp(verdict, "better") == 0 ? "ok"
                  : strcmp(verdict, "worse") == 0 ? "bad" : "warn", verdict);
}

void html_history(struct strbuf *b, const struct rep_run *run, const struct figure *f, size_t n) {
    static const char *const heads[] = {"Series", "Since the run of", "Commit", "Before", "After",
                                        "Unit",   "Change, %",        "p",      "Verdict"};
    const json_t *list = json_object_get(run->history, "series"), *s, *c;
    size_t i, k, changes = 0;

    strbuf_puts(b, "<h2 id=\"history\">History</h2>");
    if (json_array_size(list) == 0) {
        strbuf_puts(b, "<p class=\"dim\">No history: the run does not stand in a folder of results.</p>");
        return;
    }
    json_array_foreach((json_t *)list, i, s) changes += json_array_size(json_object_get(s, "changes"));
    for (i = 0; i < n; i++)
        if (f[i].kind == FIGURE_HISTORY) html_figure(b, &f[i]);
    if (changes == 0) {
        strbuf_printf(b, "<p>No level of %zu series changed. A change needs five runs on each side of it.</p>",
                      json_array_size(list));
        return;
    }
    html_open_table(b, "t-history", "Changes of level", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach((json_t *)list, i, s) json_array_foreach(json_object_get(s, "changes"), k, c) change_row(b, s, c);
    html_close_table(b);
}

static void reasons(struct strbuf *b, const json_t *point) {
    const json_t *list = json_object_get(point, "invalid_because"), *v;
    size_t i;

    html_text(b, json_str(point, "reason", ""));
    json_array_foreach((json_t *)list, i, v) {
        char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY);

        strbuf_puts(b, i ? "; " : ""), html_text(b, text ? text : "");
        free(text);
    }
}

static void trouble_row(struct strbuf *b, const json_t *p) {
    char *params = params_text(p);

    strbuf_puts(b, "<tr>"), html_cell(b, json_str(p, "experiment", "")), html_backend_cell(b, json_str(p, "backend", ""));
    html_number_cell(b, json_num(p, "procs", NAN)), html_number_cell(b, json_num(p, "tasks", NAN)), html_params_cell(b, params);
    html_number_cell(b, json_num(p, "rep", NAN)), html_cell(b, rep_measured(p) ? "invalid" : json_str(p, "status", "?"));
    strbuf_puts(b, "<td class=\"t\">"), reasons(b, p), strbuf_puts(b, "</td></tr>\n");
    free(params);
}

void html_troubles(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Experiment", "Backend",    "Procs", "Tasks",
                                        "Parameters", "Repetition", "State", "Reason"};
    struct row *rows = xcalloc(json_array_size(run->points) + 1, sizeof *rows);
    struct strlist backends;
    const json_t *p;
    size_t i, n = 0;

    run_backends(run, &backends);
    json_array_foreach(run->points, i, p) if (!rep_valid(p)) rows[n++] = (struct row){row_key(p, &backends), p};
    qsort(rows, n, sizeof *rows, by_key);
    strbuf_puts(b, "<h2 id=\"troubles\">What is missing or not to be trusted</h2>");
    html_open_table(b, "t-troubles", "Points without a trusted figure", heads, sizeof heads / sizeof heads[0]);
    for (i = 0; i < n; i++) trouble_row(b, rows[i].of);
    html_close_table(b);
    free_rows(rows, n);
    strlist_free(&backends);
}

/* A seed that came from the clock was not among the arguments; a run without it is another order. */
void html_repeat(struct strbuf *b, const struct rep_run *run) {
    const json_t *args = json_object_get(run->manifest, "arguments"), *seed = json_object_get(run->manifest, "seed"), *v;
    bool seeded = !json_is_integer(seed);
    size_t i;

    strbuf_puts(b, "<h2 id=\"repeat\">Repeat this run</h2>");
    if (json_array_size(args) == 0) {
        strbuf_puts(b, "<p class=\"warn\">The manifest does not hold the command.</p>");
        return;
    }
    strbuf_puts(b, "<pre>");
    json_array_foreach((json_t *)args, i, v) {
        const char *text = json_is_string(v) ? json_string_value(v) : "";
        char *word = shell_word(text);

        seeded |= strcmp(text, "--seed") == 0 || strncmp(text, "--seed=", 7) == 0;
        strbuf_puts(b, i ? " " : ""), html_text(b, word);
        free(word);
    }
    if (!seeded) strbuf_printf(b, " --seed %lld", (long long)json_integer_value(seed));
    strbuf_puts(b, "</pre>");
}
