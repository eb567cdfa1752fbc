/* gate_print: a gate's verdict on a terminal, as markdown for a pull request, as JUnit and as JSON. Owns
 * nothing. */
#include "doors/gate.h"
#include "base/json.h"
#include "base/xml.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *verdict_of(const struct gate_row *r) {
    if (r->accepted) return "ACCEPTED";
    if (r->canary) return "CANARY";
    return gate_verdict_name(r->verdict);
}

/* The rows that a reader must see: what is not a PASS; the rest is counted. */
static bool matters(const struct gate_row *r) {
    return r->accepted || (!r->canary && r->verdict != GATE_PASS);
}

/* The median and the largest of the visible effects. */
static bool visible_effects(const struct gate *g, double *middle, double *worst) {
    double *x = xmalloc((g->nrows + 1) * sizeof *x);
    size_t n = 0;
    for (size_t i = 0; i < g->nrows; i++)
        if (!isnan(g->rows[i].visible)) x[n++] = isinf(g->rows[i].visible) ? 1e9 : g->rows[i].visible;
    *middle = n ? stat_median(x, n) : NAN;
    *worst = n ? stat_quantile(x, n, 1) : NAN;
    free(x);
    return n > 0;
}

static void effect_text(char *out, size_t bytes, double factor) {
    if (factor > 1e6)
        snprintf(out, bytes, "none up to 4x");
    else
        snprintf(out, bytes, "%.0f %%", ceil((factor - 1) * 100));
}

/* What the gate knows of itself, one sentence a line. */
static void self_knowledge(struct strbuf *b, const struct gate *g, const char *bullet) {
    double middle, worst;
    char m[32], w[32];
    if (isfinite(g->false_alarm))
        strbuf_printf(
            b, "%sfalse alarms: %.1f %% of %d rounds of A against A (the baseline's processes drawn anew)\n",
            bullet, g->false_alarm * 100, GATE_AA_ROUNDS);
    else
        strbuf_printf(b, "%sfalse alarms: not known, no figure has %d processes a side\n", bullet,
                      GATE_LEAST_SAMPLES);
    if (visible_effects(g, &middle, &worst)) {
        effect_text(m, sizeof m, middle);
        effect_text(w, sizeof w, worst);
        strbuf_printf(b,
                      "%ssmallest visible slowdown: %s on the median figure, %s on the noisiest (seen in 4 "
                      "tries of 5)\n",
                      bullet, m, w);
    }
    if (!g->interleaved)
        strbuf_printf(b,
                      "%sthe sides were not measured interleaved: drift between them shows in the canaries "
                      "alone (%zu here)\n",
                      bullet, g->ncanaries);
    if (g->need_samples)
        strbuf_printf(b, "%sthis gate needs %zu processes a side, it has %zu\n", bullet, g->need_samples,
                      g->least_n);
    for (size_t i = 0; i < g->marked.n; i++)
        strbuf_printf(b, "%sforced: the sides differ in %s\n", bullet, g->marked.v[i]);
    if (*g->note) strbuf_printf(b, "%s%s\n", bullet, g->note);
    for (size_t i = 0; i < g->damaged.n; i++) strbuf_printf(b, "%s%s\n", bullet, g->damaged.v[i]);
}

static void counted(struct strbuf *b, const struct gate *g) {
    strbuf_printf(b, "%zu figures, %zu counts gated (%zu not gated), %zu canaries, %zu accepted",
                  g->ntimed, g->ncounts, g->nunsteady, g->ncanaries, g->naccepted);
}

void gate_print(FILE *out, const struct gate *g) {
    struct strbuf b = {0};
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (!matters(r)) continue;
        strbuf_printf(&b, "%-12s %s: %s\n", verdict_of(r), r->baseline->name, r->why);
        if (r->accepted)
            strbuf_printf(&b, "             accepted until %s: %s\n", r->accepted->expires,
                          r->accepted->reason);
    }
    counted(&b, g);
    strbuf_puts(&b, "\n");
    self_knowledge(&b, g, "");
    strbuf_printf(&b, "%s: %s\n", gate_verdict_name(g->verdict), g->why);
    fputs(strbuf_str(&b), out);
    strbuf_free(&b);
}

static void markdown_row(struct strbuf *b, const struct gate_row *r) {
    strbuf_printf(b, "| %s | `%s` | ", verdict_of(r), r->baseline->name);
    if (isfinite(r->low) && isfinite(r->high)) /* else too few samples bound nothing */
        strbuf_printf(b, "%.3f [%.3f, %.3f]", r->slowdown, r->low, r->high);
    else
        strbuf_puts(b, "-");
    strbuf_printf(b, " | %s%s%s |\n", r->why, r->accepted ? "; accepted: " : "",
                  r->accepted ? r->accepted->reason : "");
}

char *gate_markdown(const struct gate *g) {
    struct strbuf b = {0};
    strbuf_printf(&b, "### trine gate: %s\n\n%s\n\n", gate_verdict_name(g->verdict), g->why);
    strbuf_puts(&b, "| verdict | figure | slowdown [95 %] | why |\n| --- | --- | :---: | --- |\n");
    for (size_t i = 0; i < g->nrows; i++)
        if (matters(&g->rows[i])) markdown_row(&b, &g->rows[i]);
    strbuf_puts(&b,
                "\n<details><summary>All figures</summary>\n\n| verdict | figure | slowdown [95 %] | why |\n"
                "| --- | --- | :---: | --- |\n");
    for (size_t i = 0; i < g->nrows; i++) markdown_row(&b, &g->rows[i]);
    strbuf_puts(&b, "\n</details>\n\n");
    counted(&b, g);
    strbuf_puts(&b, "\n\n");
    self_knowledge(&b, g, "- ");
    return b.s;
}

/* FAIL is a failure, what is not decided is skipped: a build must not turn red for want of data. */
char *gate_junit(const struct gate *g) {
    struct strbuf b = {0}, cases = {0};
    size_t tests = 0, failed = 0, skipped = 0;
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (r->canary) continue;
        bool fail = r->verdict == GATE_FAIL && !r->accepted && (!g->machine_changed || !gate_by_clock(r));
        bool skip = !fail && (r->verdict != GATE_PASS || (g->machine_changed && gate_by_clock(r)));
        tests++, failed += fail, skipped += skip;
        strbuf_puts(&cases, "    <testcase classname=\"trine.gate.");
        xml_text(&cases, r->baseline->experiment);
        strbuf_puts(&cases, "\" name=\"");
        xml_text(&cases, r->baseline->name);
        strbuf_puts(&cases, fail || skip ? "\">" : "\"/>\n");
        if (!fail && !skip) continue;
        strbuf_printf(&cases, "<%s message=\"", fail ? "failure" : "skipped");
        xml_text(&cases, r->why);
        strbuf_puts(&cases, "\"/></testcase>\n");
    }
    if (g->hidden) { /* skipped like all that is not decided */
        tests++, skipped++;
        strbuf_puts(&cases, "    <testcase classname=\"trine.gate\" name=\"points.jsonl\"><skipped message=\"");
        xml_text(&cases, g->damaged.v[g->damaged.n - 1]);
        strbuf_puts(&cases, "\"/></testcase>\n");
    }
    strbuf_printf(&b,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"trine "
                  "gate\" tests=\"%zu\" "
                  "failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n%s  </testsuite>\n</testsuites>\n",
                  tests, failed, skipped, strbuf_str(&cases));
    strbuf_free(&cases);
    return b.s;
}

static void set_number(json_t *o, const char *key, double v) {
    if (isfinite(v)) json_object_set_new(o, key, json_real(v));
}

json_t *gate_json(const struct gate *g) {
    json_t *rows = json_array();
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        json_t *o =
            json_pack("{s:s,s:s,s:s}", "name", r->baseline->name, "verdict", verdict_of(r), "why", r->why);
        set_number(o, "slowdown", r->slowdown);
        set_number(o, "low", r->low);
        set_number(o, "high", r->high);
        set_number(o, "p_holm", r->p_holm);
        set_number(o, "smallest_visible", r->visible);
        json_array_append_new(rows, o);
    }
    json_t *v = json_pack("{s:s,s:i,s:s,s:s,s:b,s:b,s:I}", "schema", "trine-gate", "version", 1, "verdict",
                          gate_verdict_name(g->verdict), "why", g->why, "machine_changed", g->machine_changed,
                          "interleaved", g->interleaved, "need_samples", (json_int_t)g->need_samples);
    set_number(v, "false_alarm_rate", g->false_alarm);
    json_t *damaged = json_array();
    for (size_t i = 0; i < g->damaged.n; i++) json_array_append_new(damaged, json_string(g->damaged.v[i]));
    if (g->damaged.n) json_object_set(v, "damaged", damaged);
    json_decref(damaged);
    if (*g->note) json_object_set_new(v, "note", json_string(g->note));
    json_object_set_new(v, "rows", rows);
    return v;
}
