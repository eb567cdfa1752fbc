/* print: the ledger for a terminal, and the page of all claims that docs/claims.md is. */
#include "base/json.h"
#include "ledger/ledger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 4 significant digits in the unit that suits. */
static void format(char *out, size_t bytes, double v, const char *unit) {
    static const struct {
        const char *unit, *larger;
        double factor;
    } steps[] = {{"ns", "us", 1e3}, {"us", "ms", 1e3}, {"ms", "s", 1e3}, {"bytes", "KiB", 1024}, {"KiB", "MiB", 1024},
                 {"MiB", "GiB", 1024}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(unit, steps[i].unit) != 0 || fabs(v) < steps[i].factor * 10) continue;
        v /= steps[i].factor;
        unit = steps[i].larger;
    }
    snprintf(out, bytes, fabs(v) >= 1e6 || (v != 0 && fabs(v) < 1e-3) ? "%.3e%s%s" : fabs(v) >= 1000 ? "%.0f%s%s" : "%.4g%s%s",
             v, *unit ? " " : "", unit);
}

/* "256 ms [250 ms, 262 ms]" */
static void put_figure(struct strbuf *text, double v, const json_t *ends, const char *unit) {
    char figure[48], low[48], high[48];
    format(figure, sizeof figure, v, unit);
    strbuf_puts(text, figure);
    if (!json_object_get(ends, "low") || !json_object_get(ends, "high")) return;
    format(low, sizeof low, json_num(ends, "low", 0), unit);
    format(high, sizeof high, json_num(ends, "high", 0), unit);
    strbuf_printf(text, " [%s, %s]", low, high);
}

/* The names of those that have the same reason for being absent stand before it together. */
static void print_beside(FILE *out, const json_t *list) {
    const json_t *v;
    const char *why = "";
    struct strbuf text = {0};
    size_t i;
    if (!json_array_size(list)) return;
    json_array_foreach((json_t *)list, i, v) {
        const char *reason = json_str(v, "unavailable", "");
        if (*why && strcmp(why, reason) != 0) strbuf_printf(&text, ": %s", why);
        if (text.len) strbuf_puts(&text, ", ");
        strbuf_puts(&text, json_str(v, "name", ""));
        if (!*reason) {
            strbuf_puts(&text, " ");
            /* counts of nothing: no interval is worth a look */
            bool exact = json_num(v, "low", NAN) == json_num(v, "high", NAN);
            put_figure(&text, json_num(v, "value", NAN), exact ? NULL : v, json_str(v, "unit", ""));
        }
        why = reason;
    }
    if (*why) strbuf_printf(&text, ": %s", why);
    fprintf(out, "      beside   %s\n", strbuf_str(&text));
    strbuf_free(&text);
}

static void print_backend(FILE *out, const char *backend, const json_t *b) {
    const char *reason = json_str(b, "reason", "");
    double measured = json_num(b, "measured", NAN);
    struct strbuf text = {0};
    if (isfinite(measured)) put_figure(&text, measured, b, json_str(b, "unit", ""));
    fprintf(out, "    %-8s %-20s %s%s%s\n", backend, json_str(b, "verdict", "?"), strbuf_str(&text),
            text.len && *reason ? "  " : "", reason);
    print_beside(out, json_object_get(b, "beside"));
    strbuf_free(&text);
}

static void print_control(FILE *out, const char *backend, const json_t *control) {
    if (!control) return;
    const char *reason = json_str(control, "reason", "");
    fprintf(out, "    control  on %s: %s%s%s%s\n", backend, json_str(control, "verdict", ""),
            json_flag(control, "proves", false) ? ", as it must" : ", which proves nothing", *reason ? ": " : "", reason);
}

static void print_claim(FILE *out, const json_t *claim, const struct strlist *backends) {
    const json_t *all = json_object_get(claim, "backends");
    const char *scale = json_str(claim, "scale", "");
    fprintf(out, "\n%s: %s\n    claimed  %s (%s)\n", json_str(claim, "id", ""), json_str(claim, "statement", ""),
            json_str(claim, "claimed", ""), json_str(claim, "source", ""));
    if (*scale) fprintf(out, "    scale    %s\n", scale);
    for (size_t i = 0; i < backends->n; i++) print_backend(out, backends->v[i], json_object_get(all, backends->v[i]));
    for (size_t i = 0; i < backends->n; i++)
        print_control(out, backends->v[i], json_object_get(json_object_get(all, backends->v[i]), "control"));
    const char *note = json_str(claim, "beside_note", NULL);
    if (note) fprintf(out, "    beside   %s\n", note);
    fprintf(out, "    means    %s\n    again    %s\n", json_str(claim, "meaning", ""), json_str(claim, "command", ""));
}

static void print_differences(FILE *out, const json_t *claims) {
    const json_t *c;
    size_t i, n = 0;
    json_array_foreach((json_t *)claims, i, c) {
        const json_t *all = json_object_get(c, "backends");
        if (!json_flag(c, "trine_and_go_differ", false)) continue;
        if (n++ == 0) fputs("\nWhere trine and Go differ\n", out);
        fprintf(out, "    %s: trine %s, Go %s: %s\n", json_str(c, "id", ""),
                json_str(json_object_get(all, "trine"), "verdict", ""), json_str(json_object_get(all, "go"), "verdict", ""),
                json_str(c, "differs", "no reason is known yet"));
    }
}

static void print_totals(FILE *out, const json_t *claims, const struct strlist *backends) {
    static const char *const verdicts[] = {"reproduced",   "contradicted",        "partly",
                                           "inconclusive", "not measurable here", "not applicable"};
    fprintf(out, "\n%-20s", "verdicts");
    for (size_t b = 0; b < backends->n; b++) fprintf(out, " %8s", backends->v[b]);
    fputc('\n', out);
    for (size_t v = 0; v < sizeof verdicts / sizeof *verdicts; v++) {
        fprintf(out, "%-20s", verdicts[v]);
        for (size_t b = 0; b < backends->n; b++) {
            const json_t *c;
            size_t i, n = 0;
            json_array_foreach((json_t *)claims, i, c) {
                const json_t *one = json_object_get(json_object_get(c, "backends"), backends->v[b]);
                n += strcmp(json_str(one, "verdict", ""), verdicts[v]) == 0;
            }
            fprintf(out, " %8zu", n);
        }
        fputc('\n', out);
    }
}

/* Of each backend, as its driver said: behaviour changes with it. */
static void print_versions(FILE *out, const json_t *claims, const struct strlist *backends) {
    fputs("backends:", out);
    for (size_t b = 0; b < backends->n; b++) {
        const json_t *c;
        const char *version = "not there";
        size_t i;
        json_array_foreach((json_t *)claims, i, c)
            version = json_str(json_object_get(json_object_get(c, "backends"), backends->v[b]), "version", version);
        fprintf(out, "%s %s (%s)", b ? "," : "", backends->v[b], version);
    }
    fputc('\n', out);
}

void ledger_print(FILE *out, const json_t *claims, const struct strlist *backends) {
    const char *group = "";
    const json_t *c;
    size_t i;
    print_versions(out, claims, backends);
    json_array_foreach((json_t *)claims, i, c) {
        if (strcmp(group, json_str(c, "group", "")) != 0) {
            group = json_str(c, "group", "");
            fprintf(out, "\n== %s ==\n", group);
        }
        print_claim(out, c, backends);
    }
    print_differences(out, claims);
    print_totals(out, claims, backends);
}

static void document_formulas(FILE *out, const char *title, const struct named_formula *v, size_t n) {
    if (n) fprintf(out, "- %s:\n", title);
    for (size_t i = 0; i < n; i++) fprintf(out, "  - `%s = %s`\n", v[i].name, v[i].text);
}

static void document_control(FILE *out, const struct control *k) {
    if (!k->given) return;
    if (k->none) {
        fprintf(out, "- Negative control: none: %s\n", k->none);
        return;
    }
    fputs("- Negative control:", out);
    for (size_t i = 0; i < k->from.n; i++)
        fprintf(out, "%s `%s` in place of `%s`", i ? "," : "", k->to.v[i], k->from.v[i]);
    if (k->backend) fprintf(out, " the figures of %s", k->backend);
    char *expect = strlist_join(&k->expect, " or ");
    fprintf(out, "; it must come out as %s\n", k->expect.n ? expect : "contradicted");
    free(expect);
}

static void document_experiment(FILE *out, const struct experiment *x) {
    fprintf(out, "  - `%s`: `%s`, procs %s, tasks %s", x->name, x->workload, x->procs.list.v[0], x->tasks.list.v[0]);
    for (size_t i = 0; i < x->nparams; i++) fprintf(out, ", %s %s", x->params[i].key, x->params[i].values.list.v[0]);
    if (strcmp(x->pins.list.v[0], "none") != 0) fprintf(out, ", pinned %s", x->pins.list.v[0]);
    fprintf(out, ", %lld processes\n", (long long)x->reps);
}

static void document_claim(FILE *out, const struct claim *c) {
    fprintf(out, "\n### %s\n\n%s\n\n- Claimed: %s (%s)\n", c->id, c->statement, c->claimed, c->source);
    if (c->tolerance) fprintf(out, "- Tolerance: %s\n", c->tolerance);
    if (c->scale) fprintf(out, "- Scale of the quick form: %s\n", c->scale);
    if (c->full_scale) fprintf(out, "- Scale of the full form: %s\n", c->full_scale);
    document_formulas(out, "Quantities", c->quantities, c->nquantities);
    document_formulas(out, "Reproduced when", c->predicates, c->npredicates);
    if (c->beside.n) {
        char *names = strlist_join(&c->beside, "`, `");
        fprintf(out, "- Beside it, without a verdict: `%s`: %s\n", names, c->beside_note);
        free(names);
    }
    if (c->sweep.n) fputs("- Experiments (quick form):\n", out);
    for (size_t i = 0; i < c->sweep.n; i++) document_experiment(out, &c->sweep.experiments[i]);
    fprintf(out, "- Falsified by: %s\n", c->falsifier);
    document_control(out, &c->control);
    for (size_t i = 0; i < c->nfixed; i++)
        fprintf(out, "- %s on %s: %s\n", c->fixed[i].kind == MISSING_BY_NATURE ? "Not applicable" : "Not measurable",
                c->fixed[i].backend, c->fixed[i].reason);
    if (c->needs.n) {
        char *needs = strlist_join(&c->needs, ", ");
        fprintf(out, "- Needs: %s\n", needs);
        free(needs);
    }
    if (c->differs) fprintf(out, "- Where trine and Go differ: %s\n", c->differs);
    fprintf(out, "- Means: %s\n- Repeat: `trine claims %s`\n", c->meaning, c->id);
}

void ledger_document(FILE *out, const struct ledger *l) {
    const char *group = "";
    fputs("# The claims\n\nGenerated by `trine claims --document` from the records in `harness/claims/`; a test holds the "
          "two together.\nHow a record is written stands in [claims-format.md](claims-format.md). Sources: S0 the overview "
          "of the GMP scheduler,\nS1 the GOMAXPROCS deep dive, S2 inside the GMP model and worker pools, S3 the use cases, "
          "S4 the GOMAXPROCS trap.\n",
          out);
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(group, l->v[i].group) != 0) fprintf(out, "\n## %s\n", l->v[i].group);
        group = l->v[i].group;
        document_claim(out, &l->v[i]);
    }
}
