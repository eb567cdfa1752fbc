/* print: the table for a terminal and as Markdown. See peers.h. */
#include "base/json.h"
#include "base/text.h"
#include "peers/peers.h"

#include <math.h>
#include <string.h>

/* Four significant digits, in the unit that suits. */
static void put(struct strbuf *out, double v, const char *unit) {
    static const char *const larger[] = {"ns", "us", "ms", "s"};
    size_t k = 0;
    if (strcmp(unit, "ns") == 0) {
        for (; k < 3 && fabs(v) >= 10000; k++) v /= 1000;
        unit = larger[k];
    }
    strbuf_printf(out, fabs(v) >= 1000 ? "%.0f" : "%.3g", v);
    if (strcmp(unit, "1") != 0) strbuf_printf(out, " %s", unit);
}

/* Behind a space each: no Markdown takes a tilde there for the end of a struck-out passage. */
static void put_marks(struct strbuf *out, const json_t *v) {
    if (json_object_get(v, "disturbed")) strbuf_puts(out, " *");
    if (json_object_get(v, "widened")) strbuf_puts(out, " ~");
}

static void put_figure(struct strbuf *out, const json_t *v, const char *unit) {
    if (json_object_get(v, "unavailable")) strbuf_puts(out, "-");
    else put(out, json_num(v, "estimate", NAN), unit);
    put_marks(out, v);
}

static void put_others(struct strbuf *out, const json_t *row) {
    const char *backend;
    json_t *v;
    json_object_foreach(json_object_get(row, "figures"), backend, v) {
        if (strcmp(backend, "trine") == 0) continue;
        strbuf_printf(out, "%s%s ", out->len ? ", " : "", backend);
        put_figure(out, v, json_str(row, "unit", ""));
    }
}

static void put_ratio(struct strbuf *out, const json_t *target, const char *unit) {
    const json_t *r = json_object_get(target, "ratio");
    const char *against = json_str(target, "against", "");
    if (json_object_get(r, "unavailable")) {
        strbuf_printf(out, "- (%s)", json_str(r, "unavailable", ""));
        return;
    }
    if (*against) strbuf_printf(out, "%.3g x %s", json_num(r, "estimate", NAN), against);
    else put(out, json_num(r, "estimate", NAN), unit);
    if (json_object_get(r, "low") && *against) {
        strbuf_printf(out, " [%.3g, %.3g]", json_num(r, "low", NAN), json_num(r, "high", NAN));
    } else if (json_object_get(r, "low")) {
        strbuf_puts(out, " ["), put(out, json_num(r, "low", NAN), unit);
        strbuf_puts(out, ", "), put(out, json_num(r, "high", NAN), unit), strbuf_puts(out, "]");
    }
    put_marks(out, r);
}

static const char *bound(const json_t *row, const json_t *target) {
    return *json_str(target, "against", "") && strcmp(json_str(row, "better", ""), "higher") == 0 ? ">=" : "<=";
}

static void count(const json_t *table, size_t *met, size_t *all) {
    const json_t *row, *t;
    size_t i, k;
    *met = *all = 0;
    json_array_foreach((json_t *)table, i, row) json_array_foreach(json_object_get(row, "targets"), k, t) {
        ++*all;
        *met += strcmp(json_str(t, "verdict", ""), "met") == 0;
    }
}

static bool any_widened(const json_t *table) {
    const json_t *row, *t;
    json_t *v;
    const char *backend;
    size_t i, k;
    json_array_foreach(table, i, row) {
        json_array_foreach(json_object_get(row, "targets"), k, t)
            if (json_object_get(json_object_get(t, "ratio"), "widened")) return true;
        json_object_foreach(json_object_get(row, "figures"), backend, v)
            if (json_object_get(v, "widened")) return true;
    }
    return false;
}

static const char unsteady[] = "some of its processes were not steady; the interval is widened by the drift that they show together";

void peers_print(FILE *out, const json_t *table) {
    const json_t *row, *t;
    size_t i, k, met, all;
    json_array_foreach((json_t *)table, i, row) {
        struct strbuf own = {0}, others = {0};
        put_figure(&own, json_object_get(json_object_get(row, "figures"), "trine"), json_str(row, "unit", ""));
        put_others(&others, row);
        fprintf(out, "%s\n    trine %s; %s\n", json_str(row, "row", ""), strbuf_str(&own), strbuf_str(&others));
        json_array_foreach(json_object_get(row, "targets"), k, t) {
            struct strbuf ratio = {0};
            put_ratio(&ratio, t, json_str(row, "unit", ""));
            fprintf(out, "    %-12s %s %-6g  %s\n", json_str(t, "verdict", ""), bound(row, t), json_num(t, "target", NAN),
                    strbuf_str(&ratio));
            strbuf_free(&ratio);
        }
        strbuf_free(&own);
        strbuf_free(&others);
    }
    count(table, &met, &all);
    fprintf(out, "\n%zu of %zu targets met; * fewer than three processes of it were valid, so it decides nothing\n", met, all);
    if (any_widened(table)) fprintf(out, "~ %s\n", unsteady);
}

void peers_markdown(FILE *out, const json_t *table) {
    const json_t *row, *t;
    size_t i, k, met, all;
    fputs("| row | trine | others | ratio [95 %] | target | verdict |\n| --- | --- | --- | --- | --- | --- |\n", out);
    json_array_foreach((json_t *)table, i, row) {
        struct strbuf own = {0}, others = {0};
        put_figure(&own, json_object_get(json_object_get(row, "figures"), "trine"), json_str(row, "unit", ""));
        put_others(&others, row);
        json_array_foreach(json_object_get(row, "targets"), k, t) {
            struct strbuf ratio = {0};
            put_ratio(&ratio, t, json_str(row, "unit", ""));
            fprintf(out, "| %s | %s | %s | %s | %s %g | %s |\n", k ? "" : json_str(row, "row", ""),
                    k ? "" : strbuf_str(&own), k ? "" : strbuf_str(&others), strbuf_str(&ratio), bound(row, t),
                    json_num(t, "target", NAN), json_str(t, "verdict", ""));
            strbuf_free(&ratio);
        }
        strbuf_free(&own);
        strbuf_free(&others);
    }
    count(table, &met, &all);
    fprintf(out, "\n%zu of %zu targets met; `*`: fewer than three processes of it were valid, so it decides nothing.\n", met, all);
    if (any_widened(table)) fprintf(out, "`~`: %s.\n", unsteady);
}
