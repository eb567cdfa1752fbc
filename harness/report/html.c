/* The parts of the page. Everything that comes from a file is escaped; nothing of it is believed to be
 * markup. */
#include "report/html.h"

#include "base/file.h"
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

static void cell(struct strbuf *b, const char *text) {
    strbuf_puts(b, "<td>"), html_text(b, text), strbuf_puts(b, "</td>");
}

static void long_cell(struct strbuf *b, const char *text) {
    strbuf_puts(b, "<td class=\"t\">"), html_text(b, text), strbuf_puts(b, "</td>");
}

/* Four significant digits, and the number itself for sorting; a dash where there is none. */
static void number_cell(struct strbuf *b, double v) {
    if (!isfinite(v))
        strbuf_puts(b, "<td class=\"n\" data-v=\"-1\">–</td>");
    else if (fabs(v) >= 1e4 && fabs(v) < 1e15)
        strbuf_printf(b, "<td class=\"n\" data-v=\"%.9g\">%.0f</td>", v, v);
    else
        strbuf_printf(b, "<td class=\"n\" data-v=\"%.9g\">%.4g</td>", v, v);
}

static void open_table(struct strbuf *b, const char *id, const char *caption, const char *const *heads,
                       size_t n) {
    strbuf_printf(b,
                  "<label class=\"dim\">Filter: <input type=\"search\" id=\"%s-filter\" hidden "
                  "placeholder=\"words that a row must hold\"></label> <span class=\"dim\" id=\"%s-shown\" "
                  "aria-live=\"polite\"></span>"
                  "<div class=\"wrap\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table "
                  "class=\"sort\" id=\"%s\"><thead><tr>",
                  id, id, caption, id);
    for (size_t i = 0; i < n; i++) strbuf_printf(b, "<th scope=\"col\">%s</th>", heads[i]);
    strbuf_puts(b, "</tr></thead><tbody>\n");
}

static void close_table(struct strbuf *b) {
    strbuf_puts(b, "</tbody></table></div>\n");
}

static void claim_rows(struct strbuf *b, const json_t *claim) {
    const json_t *backends = json_object_get(claim, "backends"), *v;
    const char *backend;

    if (!json_is_object(backends)) backends = claim; /* backends may stand beside the claim's own members */
    json_object_foreach((json_t *)backends, backend, v) {
        if (!json_is_object(v)) continue;
        const char *verdict = json_str(v, "verdict", ""), *class = strcmp(verdict, "reproduced") == 0 ? "ok"
                                                                   : strcmp(verdict, "contradicted") == 0
                                                                       ? "bad"
                                                                       : "warn";
        strbuf_puts(b, "<tr>"), cell(b, json_str(claim, "id", "")), cell(b, backend);
        strbuf_printf(b, "<td class=\"%s\">", class), html_text(b, verdict), strbuf_puts(b, "</td>");
        number_cell(b, json_num(v, "measured", NAN)), number_cell(b, json_num(v, "low", NAN));
        number_cell(b, json_num(v, "high", NAN)), cell(b, json_str(v, "unit", ""));
        cell(b, json_str(claim, "claimed", "")), long_cell(b, json_str(claim, "statement", ""));
        long_cell(b, json_str(v, "reason", "")), long_cell(b, json_str(claim, "meaning", ""));
        cell(b, json_str(claim, "source", "")), cell(b, json_str(claim, "scale", ""));
        strbuf_puts(b, "<td><code>"), html_text(b, json_str(claim, "command", "")),
            strbuf_puts(b, "</code></td></tr>\n");
    }
}

void html_claims(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Claim",   "Backend", "Verdict", "Measured",  "Low",
                                        "High",    "Unit",    "Claimed", "Statement", "Why",
                                        "Meaning", "Source",  "Scale",   "Command"};
    const json_t *list = json_is_object(run->claims) ? json_object_get(run->claims, "claims") : run->claims,
                 *claim;
    size_t i;

    if (json_array_size(list) == 0) return;
    strbuf_puts(b, "<h2 id=\"claims\">Claims</h2><p>What is said of goroutines, what was measured here, and "
                   "the verdict. "
                   "A contradicted claim is a finding, not a failure.</p>");
    open_table(b, "t-claims", "Claims", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach((json_t *)list, i, claim) claim_rows(b, claim);
    close_table(b);
}

static void peer_rows(struct strbuf *b, const json_t *row) {
    const json_t *t, *own = json_object_get(json_object_get(row, "figures"), "trine");
    size_t i;
    json_array_foreach(json_object_get(row, "targets"), i, t) {
        const json_t *ratio = json_object_get(t, "ratio");
        const char *verdict = json_str(t, "verdict", "");
        bool met = strcmp(verdict, "met") == 0, missed = strcmp(verdict, "not met") == 0;
        strbuf_puts(b, "<tr>"), cell(b, json_str(row, "row", ""));
        number_cell(b, json_num(own, "estimate", NAN)), cell(b, json_str(row, "unit", ""));
        cell(b, json_str(t, "against", "")), number_cell(b, json_num(ratio, "estimate", NAN));
        number_cell(b, json_num(ratio, "low", NAN)), number_cell(b, json_num(ratio, "high", NAN));
        cell(b, json_str(row, "better", "")), number_cell(b, json_num(t, "target", NAN));
        strbuf_printf(b, "<td class=\"%s\">", met ? "ok" : missed ? "bad" : "warn"), html_text(b, verdict);
        strbuf_puts(b, "</td>"), long_cell(b, json_str(ratio, "unavailable", "")), strbuf_puts(b, "</tr>\n");
    }
}

void html_peers(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Row", "trine", "Unit", "Against", "Ratio", "Low", "High", "Better", "Target",
                                        "Verdict", "Why"};
    const json_t *row;
    size_t i;

    if (json_array_size(run->peers) == 0) return;
    strbuf_puts(b, "<h2 id=\"peers\">Peers</h2><p>trine's figure over the peer's, in one interleaved run. A verdict holds "
                   "over the whole 95 % interval; else the row is open.</p>");
    open_table(b, "t-peers", "Peers", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach((json_t *)run->peers, i, row) peer_rows(b, row);
    close_table(b);
}

static size_t with_status(const struct rep_run *run, const char *status) {
    const json_t *p;
    size_t i, n = 0;

    json_array_foreach(run->points, i, p) n += strcmp(json_str(p, "status", ""), status) == 0;
    return n;
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
    if (run->damaged > 0)
        strbuf_printf(b, "<dt>Damaged</dt><dd class=\"bad\">unreadable lines of points.jsonl: %zu</dd>",
                      run->damaged);
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

    strbuf_puts(b, "<tr>"), cell(b, json_str(s->first, "experiment", "")),
        cell(b, json_str(s->first, "backend", ""));
    number_cell(b, json_num(s->first, "procs", NAN)), number_cell(b, json_num(s->first, "tasks", NAN));
    cell(b, json_str(s->first, "pin", "")), cell(b, params), cell(b, json_str(metric, "name", ""));
    number_cell(b, v.median), number_cell(b, v.n > 1 ? v.low : NAN), number_cell(b, v.n > 1 ? v.high : NAN);
    cell(b, v.n < 2 ? "" : v.interval ? "95 %" : "range"), cell(b, json_str(metric, "unit", ""));
    number_cell(b, (double)v.n);
    if (s->nok == 0)
        strbuf_printf(b, "<td class=\"warn\">%s</td>", json_str(s->first, "status", "?"));
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
    open_table(b, "t-results", "Results", heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < run->nseries; i++) result_row(b, &run->series[i]);
    close_table(b);
}

static void definition(struct strbuf *b, const char *name, const char *value) {
    if (value == NULL || *value == '\0') return;
    strbuf_printf(b, "<dt>%s</dt><dd>", name), html_text(b, value), strbuf_puts(b, "</dd>");
}

/* What env.json says, member by member: nothing is left out because this file does not know it. */
static void env_members(struct strbuf *b, const json_t *o, const char *prefix) {
    const char *key;
    const json_t *v;

    json_object_foreach((json_t *)o, key, v) {
        char *name = xasprintf("%s%s", prefix, key), *text = NULL;

        if (strcmp(key, "schema") == 0 || strcmp(key, "version") == 0 || strcmp(key, "flags") == 0) {
        } else if (json_is_object(v) && !json_is_unavailable(v) && strlen(prefix) < 40) {
            char *deeper = xasprintf("%s ", name);

            env_members(b, v, deeper);
            free(deeper);
        } else {
            text = json_is_string(v) ? xstrdup(json_string_value(v))
                                     : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
            if (json_is_unavailable(v))
                free(text), text = xasprintf("unavailable: %s", json_str(v, "unavailable", ""));
            if (text && strlen(text) < 400) definition(b, name, text);
        }
        free(name), free(text);
    }
}

void html_machine(struct strbuf *b, const struct rep_run *run, const char *run_dir) {
    const json_t *topology = json_object_get(run->env, "topology");
    char *path = path_join(run_dir, "topology.svg"), *drawing = file_read(path, NULL);
    const char *svg = drawing ? strstr(drawing, "<svg") : NULL;
    int64_t cpus = json_int(topology, "cpus", 0);

    strbuf_puts(b, "<h2 id=\"machine\">Machine</h2>");
    if (run->env == NULL)
        strbuf_puts(b, "<p class=\"warn\">env.json is absent: nothing is known of the machine.</p>");
    strbuf_puts(b, "<div class=\"topo\">");
    if (svg != NULL) strbuf_puts(b, svg);
    for (int64_t i = 0; svg == NULL && i < cpus && i < 512; i++)
        strbuf_printf(b, "<div>CPU %lld</div>", (long long)i);
    strbuf_puts(b, "</div><details><summary>Everything known of it</summary><dl>");
    env_members(b, run->env, "");
    strbuf_puts(b, "</dl></details>");
    free(path), free(drawing);
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
        strbuf_puts(b, "<div class=\"scroll\">"), strbuf_puts(b, f->svg), strbuf_puts(b, "</div>");
    strbuf_puts(b, "<figcaption><b>"), html_text(b, f->see), strbuf_puts(b, "</b> "), html_text(b, f->note);
    if (f->csv != NULL) {
        strbuf_printf(b, " <a download=\"%s.csv\" href=\"data:text/csv;charset=utf-8,", f->name);
        percent_encoded(b, f->csv);
        strbuf_puts(b, "\">Data (CSV)</a>");
    }
    strbuf_puts(b, "</figcaption></figure>\n");
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

void html_troubles(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Experiment", "Backend",    "Procs", "Tasks",
                                        "Parameters", "Repetition", "State", "Reason"};
    const json_t *p;
    size_t i;

    strbuf_puts(b, "<h2 id=\"troubles\">What is missing or not to be trusted</h2>");
    open_table(b, "t-troubles", "Points without a trusted figure", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach(run->points, i, p) {
        if (rep_valid(p)) continue;
        char *params = params_text(p);

        strbuf_puts(b, "<tr>"), cell(b, json_str(p, "experiment", "")), cell(b, json_str(p, "backend", ""));
        number_cell(b, json_num(p, "procs", NAN)), number_cell(b, json_num(p, "tasks", NAN)), cell(b, params);
        number_cell(b, json_num(p, "rep", NAN)),
            cell(b, rep_measured(p) ? "invalid" : json_str(p, "status", "?"));
        strbuf_puts(b, "<td class=\"t\">"), reasons(b, p), strbuf_puts(b, "</td></tr>\n");
        free(params);
    }
    close_table(b);
}

void html_repeat(struct strbuf *b, const struct rep_run *run) {
    const json_t *args = json_object_get(run->manifest, "arguments"), *v;
    size_t i;

    if (args == NULL) args = json_object_get(run->manifest, "args");
    strbuf_puts(b, "<h2 id=\"repeat\">Repeat this run</h2>");
    if (json_is_string(args)) {
        strbuf_puts(b, "<pre>"), html_text(b, json_string_value(args)), strbuf_puts(b, "</pre>");
        return;
    }
    if (json_array_size(args) == 0) {
        strbuf_puts(b, "<p class=\"warn\">The manifest does not hold the command.</p>");
        return;
    }
    strbuf_puts(b, "<pre>");
    json_array_foreach((json_t *)args, i, v) {
        strbuf_puts(b, i ? " " : ""), html_text(b, json_is_string(v) ? json_string_value(v) : "");
    }
    strbuf_puts(b, "</pre>");
}
