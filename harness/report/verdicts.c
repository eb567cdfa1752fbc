/* The verdicts of a run: how many of each stand at the top, then the tables of claims and of peers. */
#include "report/html.h"
#include "report/parts.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every verdict of claims and of peers, in the order in which they are counted, with its colour. */
static const char *const verdicts[][2] = {
    {"reproduced", "ok"}, {"met", "ok"},        {"partly", "warn"},       {"contradicted", "bad"},
    {"not met", "bad"},   {"inconclusive", "warn"}, {"open", "warn"}, {"not measurable here", "dim"},
    {"not applicable", "dim"}};
enum { NVERDICTS = sizeof verdicts / sizeof verdicts[0] };

static const char *class_of(const char *verdict) {
    for (size_t i = 0; i < NVERDICTS; i++)
        if (strcmp(verdict, verdicts[i][0]) == 0) return verdicts[i][1];
    return "warn";
}

/* "wrk_rate 2835 1/s, wrk_p50_ns: why not" */
static void beside_cell(struct strbuf *b, const json_t *list) {
    struct strbuf text = {0};
    const json_t *v;
    size_t i;
    json_array_foreach((json_t *)list, i, v) {
        const char *why = json_str(v, "unavailable", NULL);
        strbuf_printf(&text, "%s%s", text.len ? ", " : "", json_str(v, "name", ""));
        if (why) strbuf_printf(&text, ": %s", why);
        else strbuf_printf(&text, " %.4g %s", json_num(v, "value", NAN), json_str(v, "unit", ""));
    }
    html_long_cell(b, strbuf_str(&text));
    strbuf_free(&text);
}

static void claim_rows(struct strbuf *b, const json_t *claim) {
    const json_t *backends = json_object_get(claim, "backends"), *v;
    const char *backend;

    if (!json_is_object(backends)) backends = claim; /* backends may stand beside the claim's own members */
    json_object_foreach((json_t *)backends, backend, v) {
        if (!json_is_object(v)) continue;
        const char *verdict = json_str(v, "verdict", "");
        strbuf_puts(b, "<tr>"), html_cell(b, json_str(claim, "id", "")), html_backend_cell(b, backend);
        strbuf_printf(b, "<td class=\"%s\">", class_of(verdict)), html_text(b, verdict), strbuf_puts(b, "</td>");
        html_long_cell(b, json_str(claim, "statement", "")), html_long_cell(b, json_str(claim, "claimed", ""));
        html_number_cell(b, json_num(v, "measured", NAN)), html_number_cell(b, json_num(v, "low", NAN));
        html_number_cell(b, json_num(v, "high", NAN)), html_cell(b, json_str(v, "unit", ""));
        html_long_cell(b, json_str(v, "reason", ""));
        beside_cell(b, json_object_get(v, "beside"));
        html_long_cell(b, json_str(claim, "meaning", ""));
        html_cell(b, json_str(claim, "source", "")), html_cell(b, json_str(claim, "scale", ""));
        strbuf_puts(b, "<td><code>"), html_text(b, json_str(claim, "command", "")),
            strbuf_puts(b, "</code></td></tr>\n");
    }
}

void html_claims(struct strbuf *b, const struct rep_run *run) {
    static const char *const heads[] = {"Claim", "Backend", "Verdict", "Statement", "Claimed", "Measured", "Low",
                                        "High",  "Unit",    "Why",     "Beside",    "Meaning",   "Source",  "Scale",    "Command"};
    const json_t *list = json_is_object(run->claims) ? json_object_get(run->claims, "claims") : run->claims,
                 *claim;
    size_t i;

    if (json_array_size(list) == 0) return;
    strbuf_puts(b, "<h2 id=\"claims\">Claims</h2><p>What is said of goroutines, what was measured here, and "
                   "the verdict. "
                   "A contradicted claim is a finding, not a failure.</p>");
    html_open_table(b, "t-claims", "Claims", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach((json_t *)list, i, claim) claim_rows(b, claim);
    html_close_table(b);
}

static const char *why_of(const json_t *ratio) {
    if (json_object_get(ratio, "disturbed")) return "* fewer than three processes of one side were valid";
    if (json_object_get(ratio, "widened")) return "~ some processes were not steady: widened by the drift that they show together";
    return json_str(ratio, "unavailable", "");
}

static void peer_rows(struct strbuf *b, const json_t *row) {
    const json_t *t, *own = json_object_get(json_object_get(row, "figures"), "trine");
    size_t i;
    json_array_foreach(json_object_get(row, "targets"), i, t) {
        const json_t *ratio = json_object_get(t, "ratio");
        const char *verdict = json_str(t, "verdict", "");
        strbuf_puts(b, "<tr>"), html_cell(b, json_str(row, "row", ""));
        strbuf_printf(b, "<td class=\"%s\">", class_of(verdict)), html_text(b, verdict), strbuf_puts(b, "</td>");
        html_number_cell(b, json_num(own, "estimate", NAN)), html_cell(b, json_str(row, "unit", ""));
        html_backend_cell(b, json_str(t, "against", "")), html_number_cell(b, json_num(ratio, "estimate", NAN));
        html_number_cell(b, json_num(ratio, "low", NAN)), html_number_cell(b, json_num(ratio, "high", NAN));
        html_cell(b, json_str(row, "better", "")), html_number_cell(b, json_num(t, "target", NAN));
        html_long_cell(b, why_of(ratio)), strbuf_puts(b, "</tr>\n");
    }
}

void html_peers(struct strbuf *b, const struct rep_run *run, const struct figure *f, size_t n) {
    static const char *const heads[] = {"Row",  "Verdict", "trine",  "Unit",   "Against", "Ratio",
                                        "Low", "High",    "Better", "Target", "Why"};
    const json_t *row;
    size_t i;

    if (json_array_size(run->peers) == 0) return;
    strbuf_puts(b, "<h2 id=\"peers\">Peers</h2><p>trine's figure over the peer's, in one interleaved run. A verdict holds "
                   "over the whole 95 % interval; else the row is open.</p>");
    for (i = 0; i < n; i++)
        if (f[i].kind == FIGURE_PEERS) html_figure(b, &f[i]);
    html_open_table(b, "t-peers", "Peers", heads, sizeof heads / sizeof heads[0]);
    json_array_foreach((json_t *)run->peers, i, row) peer_rows(b, row);
    html_close_table(b);
}

/* --- the summary above all --- */

static void count(json_t *counts, const char *verdict) {
    if (*verdict) json_object_set_new(counts, verdict, json_integer(json_int(counts, verdict, 0) + 1));
}

/* {"trine": {"reproduced": 40, …}, …} */
static json_t *claims_by_backend(const struct rep_run *run) {
    const json_t *list = json_is_object(run->claims) ? json_object_get(run->claims, "claims") : run->claims, *claim, *v;
    json_t *all = json_object();
    const char *backend;
    size_t i;

    json_array_foreach((json_t *)list, i, claim) {
        const json_t *backends = json_object_get(claim, "backends");

        json_object_foreach((json_t *)(json_is_object(backends) ? backends : claim), backend, v) {
            if (!json_is_object(v)) continue;
            if (json_object_get(all, backend) == NULL) json_object_set_new(all, backend, json_object());
            count(json_object_get(all, backend), json_str(v, "verdict", ""));
        }
    }
    return all;
}

static void one_count(struct strbuf *b, const char *verdict, json_int_t n, bool first) {
    strbuf_printf(b, "%s<span class=\"%s\">%lld ", first ? "" : ", ", class_of(verdict), (long long)n);
    html_text(b, verdict), strbuf_puts(b, "</span>");
}

/* Takes the counts apart: the verdicts known, in their order, then any other. */
static void counts_line(struct strbuf *b, const char *name, json_t *counts) {
    const char *verdict;
    const json_t *n;
    bool first = true;

    if (json_object_size(counts) == 0) return;
    strbuf_puts(b, "<dt>"), html_text(b, name), strbuf_puts(b, "</dt><dd>");
    for (size_t i = 0; i < NVERDICTS; i++) {
        json_int_t known = json_int(counts, verdicts[i][0], 0);

        if (known == 0) continue;
        one_count(b, verdicts[i][0], known, first);
        first = false;
        json_object_del(counts, verdicts[i][0]);
    }
    json_object_foreach(counts, verdict, n) one_count(b, verdict, json_integer_value(n), first), first = false;
    strbuf_puts(b, "</dd>");
}

static void peers_line(struct strbuf *b, const struct rep_run *run) {
    json_t *counts = json_object();
    const json_t *row, *t;
    size_t i, k;

    json_array_foreach(run->peers, i, row)
        json_array_foreach(json_object_get(row, "targets"), k, t) count(counts, json_str(t, "verdict", ""));
    counts_line(b, "Targets against peers", counts);
    json_decref(counts);
}

/* The level of how many series changed with this run's machine and profile, ever; "" without a history. */
static void history_line(struct strbuf *b, const struct rep_run *run) {
    const json_t *list = json_object_get(run->history, "series"), *s;
    size_t i, changed = 0;

    if (json_array_size(list) == 0) return;
    json_array_foreach((json_t *)list, i, s) changed += json_array_size(json_object_get(s, "changes")) > 0;
    strbuf_printf(b, "<dt>History</dt><dd><a href=\"#history\">%zu series, the level of %zu changed</a></dd>",
                  json_array_size(list), changed);
}

void html_verdicts(struct strbuf *b, const struct rep_run *run) {
    json_t *claims = claims_by_backend(run), *counts;
    size_t measured = 0, valid = 0, i;
    const json_t *p;
    const char *backend;

    json_array_foreach(run->points, i, p) measured += rep_measured(p), valid += rep_valid(p);
    strbuf_printf(b, "<h2 id=\"verdicts\">Verdicts</h2><dl><dt>Instrument</dt><dd class=\"%s\"><a "
                  "href=\"#validity\">%zu of %zu measured points are valid</a></dd>",
                  valid == measured ? "ok" : "warn", valid, measured);
    json_object_foreach(claims, backend, counts) {
        char *name = xasprintf("Claims on %s", backend);

        counts_line(b, name, counts);
        free(name);
    }
    peers_line(b, run), history_line(b, run);
    strbuf_puts(b, "</dl>");
    json_decref(claims);
}
