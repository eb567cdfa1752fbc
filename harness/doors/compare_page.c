/*
 * compare_page: a comparison as one HTML file without network: small multiples, a panel a row, the columns
 * side by side in each, every process a dot and the median a bar. Each panel has its own scale (the panels
 * share no unit), told at its edge; the figures stand under it as text, so nothing is in colour or picture
 * alone. Owns nothing.
 */
#include "base/xml.h"
#include "doors/compare.h"

#include <math.h>
#include <string.h>

enum { PANEL_W = 300, PANEL_H = 130, LEFT = 66, TOP = 8, BOTTOM = 22, SHORT_NAME = 8 };

static const char style[] =
    ":root{color-scheme:light "
    "dark;--dim:#666;--line:#8886}@media(prefers-color-scheme:dark){:root{--dim:#aaa}}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:75rem;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}.dim{color:var(--dim)}"
    "main>div{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(23rem,100%),1fr));gap:1rem}"
    "figure{margin:0;border:1px solid "
    "var(--line);border-radius:6px;padding:.5rem;min-width:0}figcaption{font-size:.85rem;overflow-x:auto}"
    "svg{width:100%;height:auto}svg "
    "text{font-size:11px;fill:currentColor}table{font-size:.76rem;border-collapse:collapse}"
    "td{padding:0 .4rem 0 "
    "0;white-space:nowrap}.worse{color:#c0392b;font-weight:600}.better{color:#1a8a5f;font-weight:600}"
    "@media print{figure{break-inside:avoid}}";

/* The colours of the report (plots/style.gp): a known backend has its own, as the old build (a) and the new one (b)
 * have; other columns take them in turn. */
static const char *colour(const char *name, size_t i) {
    static const char *const known[] = {"trine", "pthread", "pool", "go", "", "a", "boost", "tbb", "tokio", "b"};
    static const char *const colours[] = {"#2b8fd6", "#e0701b", "#1aa37a", "#c774b0", "#8a8a8a",
                                          "#7a6fd0", "#a08a1e", "#c2536b", "#5b8c2a", "#2b8fd6"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(known[k], name) == 0) return colours[k];
    return colours[i % 5];
}

struct scale {
    double low, high;
    bool log;
};

/* Over every process of the row; logarithmic where the panel would else squeeze one side into a line. */
static struct scale scale_of(const struct compare *c, const struct compare_row *r) {
    struct scale s = {INFINITY, -INFINITY, false};
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct measure *m = r->cells[i].m;
        for (size_t k = 0; m && k < m->n; k++) s.low = fmin(s.low, m->v[k]), s.high = fmax(s.high, m->v[k]);
    }
    s.log = s.low > 0 && s.high > 8 * s.low;
    double pad = s.high > s.low ? 0.06 : 0;
    if (s.log) {
        double factor = pow(s.high / s.low, pad);
        s.low /= factor, s.high *= factor;
    } else {
        double width = pad * (s.high - s.low);
        s.low -= width, s.high += width;
    }
    return s;
}

static double y_of(const struct scale *s, double v) {
    double at = s->high <= s->low ? 0.5
                : s->log          ? log(v / s->low) / log(s->high / s->low)
                                  : (v - s->low) / (s->high - s->low);
    return TOP + (1 - at) * (PANEL_H - TOP - BOTTOM);
}

/* A column's own name where all are short, else a letter. */
static void label(struct strbuf *b, const struct compare *c, size_t i) {
    bool letters = false;
    for (size_t k = 0; k < c->columns.n; k++) letters |= strlen(c->columns.v[k]) > SHORT_NAME;
    if (letters)
        strbuf_printf(b, "%c", (char)('A' + i % 26));
    else
        xml_text(b, c->columns.v[i]);
}

static void column(struct strbuf *b, const struct compare *c, const struct compare_row *r,
                   const struct scale *s, size_t i) {
    const struct compare_cell *cell = &r->cells[i];
    double step = (double)(PANEL_W - LEFT - 6) / (double)c->columns.n, x = LEFT + (double)i * step + step / 2;
    const char *fill = colour(c->columns.v[i], i);
    strbuf_printf(b, "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\">", x, PANEL_H - 6);
    label(b, c, i);
    strbuf_puts(b, "</text>");
    if (!cell->m || cell->m->n == 0) {
        strbuf_printf(b, "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\">absent</text>", x, PANEL_H / 2);
        return;
    }
    for (size_t k = 0; k < cell->m->n; k++)
        strbuf_printf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"none\" stroke=\"%s\"/>",
                      x + ((double)(k % 5) - 2) * step / 14, y_of(s, cell->m->v[k]), fill);
    strbuf_printf(b, "<path d=\"M%.1f %.1fh%.1f\" stroke=\"%s\" stroke-width=\"3\"/>", x - step * 0.3,
                  y_of(s, cell->median), step * 0.6, fill);
}

static void picture(struct strbuf *b, const struct compare *c, const struct compare_row *r) {
    struct scale s = scale_of(c, r);
    strbuf_printf(b, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", PANEL_W, PANEL_H);
    xml_text(b, r->experiment);
    strbuf_puts(b, ", ");
    xml_text(b, r->cell);
    strbuf_printf(b, "\"><path d=\"M%d %dv%dh%d\" fill=\"none\" stroke=\"#808080\" stroke-width=\".8\"/>",
                  LEFT, TOP, PANEL_H - TOP - BOTTOM, PANEL_W - LEFT - 6);
    if (isfinite(s.low)) {
        strbuf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text>", LEFT - 4, TOP + 9,
                      s.high);
        strbuf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text>", LEFT - 4,
                      PANEL_H - BOTTOM, s.low);
        if (s.log)
            strbuf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">log</text>", LEFT - 4, PANEL_H / 2);
    }
    for (size_t i = 0; i < c->columns.n; i++) column(b, c, r, &s, i);
    strbuf_puts(b, "</svg>");
}

static void caption(struct strbuf *b, const struct compare *c, const struct compare_row *r) {
    strbuf_puts(b, "<figcaption>");
    if (*r->backend) strbuf_puts(b, "<b>"), xml_text(b, r->backend), strbuf_puts(b, "</b> ");
    xml_text(b, r->cell);
    strbuf_puts(b, "<table>");
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct compare_cell *cell = &r->cells[i];
        const char *verdict = compare_verdict_name(cell->verdict);
        strbuf_puts(b, "<tr><td>");
        label(b, c, i);
        strbuf_puts(b, "</td><td>");
        if (isfinite(cell->median)) strbuf_printf(b, "%.4g ", cell->median), xml_text(b, r->unit);
        strbuf_puts(b, "</td><td>");
        if (isfinite(cell->limits)) strbuf_printf(b, "%.4g&#215;", cell->limits);
        strbuf_puts(b, "</td><td>");
        if (i && isfinite(cell->low))
            strbuf_printf(b, "%.3f [%.3f, %.3f]", cell->ratio, cell->low, cell->high);
        if (i) strbuf_printf(b, "</td><td class=\"%s\">%s", verdict, verdict);
        strbuf_puts(b, "</td></tr>");
    }
    strbuf_puts(b, "</table></figcaption>");
}

static void heads(struct strbuf *b, const struct compare *c) {
    strbuf_printf(b,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                  "content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" "
                  "href=\"data:,\"><title>trine compare</title>"
                  "<style>%s</style></head><body><main><h1>trine compare</h1><p>",
                  style);
    for (size_t i = 0; i < c->columns.n; i++) {
        strbuf_printf(b, "%s<b>%c</b> ", i ? ", " : "", (char)('A' + i % 26));
        xml_text(b, c->columns.v[i]);
    }
    strbuf_puts(b, "</p><p class=\"dim\">A dot is a process, a bar the median over them; each panel has its "
                   "own scale. Ratios are to A "
                   "(Hodges-Lehmann, 95 %), verdicts after Holm over all of them");
    if (c->limit < NLIMITS)
        strbuf_printf(b, "; &#215;: multiples of %s on that machine", limit_docs[c->limit]);
    strbuf_puts(b, ".</p>");
    for (size_t i = 0; i < c->marked.n; i++) {
        strbuf_puts(b, "<p><b>The sides differ in ");
        xml_text(b, c->marked.v[i]);
        strbuf_puts(b, "</b></p>");
    }
}

/* Whether any column has a process to be trusted: a panel of nothing is not drawn. */
static bool shown(const struct compare *c, const struct compare_row *r) {
    for (size_t i = 0; i < c->columns.n; i++)
        if (r->cells[i].m && r->cells[i].m->n > 0) return true;
    return false;
}

char *compare_page(const struct compare *c) {
    struct strbuf b = {0};
    const struct compare_row *before = NULL;
    size_t left_out = 0;
    heads(&b, c);
    for (size_t i = 0; i < c->nrows; i++) {
        const struct compare_row *r = &c->rows[i];
        if (!shown(c, r)) {
            left_out++;
            continue;
        }
        if (!before || strcmp(before->experiment, r->experiment) != 0 ||
            strcmp(before->metric, r->metric) != 0) {
            strbuf_puts(&b, before ? "</div><h2>" : "<h2>");
            xml_text(&b, r->experiment);
            strbuf_puts(&b, ": ");
            xml_text(&b, r->metric);
            strbuf_printf(&b, " <span class=\"dim\">(%s is better)</span></h2><div>\n",
                          r->higher_is_better ? "more" : "less");
        }
        strbuf_puts(&b, "<figure>");
        picture(&b, c, r);
        caption(&b, c, r);
        strbuf_puts(&b, "</figure>\n");
        before = r;
    }
    if (before) strbuf_puts(&b, "</div>");
    if (left_out)
        strbuf_printf(&b, "<p class=\"dim\">Figures without a valid process on any side, not drawn: %zu.</p>", left_out);
    strbuf_puts(&b, "</main></body></html>\n");
    return b.s;
}
