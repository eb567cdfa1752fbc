/* gate: see gate.h. */
#include "doors/gate.h"
#include "base/json.h"
#include "doors/names.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool among(const struct strlist *l, const char *fallback, const char *name) {
    return l->n ? strlist_has(l, name) : strcmp(fallback, name) == 0;
}

static bool wanted(const struct gate_options *o, const struct measure *m) {
    return o->only.n == 0 || strlist_has(&o->only, m->experiment) || strlist_has(&o->only, m->metric);
}

static int check_backends(const char *option, const struct strlist *asked, const char *of, const struct measures *m,
                          struct err *e) {
    struct names_there t = {of, "backend", {0}};
    for (size_t i = 0; i < m->n; i++) names_add(&t, m->v[i].backend);
    int rc = names_check(option, asked, &t, e);
    names_free(&t);
    return rc;
}

/* The rows are the baseline's, so a name must be there; a canary must be on both sides, or it can move on none. */
static int check_names(const struct gate *g, const char *baseline, const char *candidate, const struct gate_options *o,
                       struct err *e) {
    static const struct strlist none;
    const struct strlist *canaries = names_none(&o->canaries) ? &none : &o->canaries;
    struct names_there t = {baseline, "experiment or metric", {0}};
    for (size_t i = 0; i < g->baseline.n; i++) names_add(&t, g->baseline.v[i].experiment);
    for (size_t i = 0; i < g->baseline.n; i++) names_add(&t, g->baseline.v[i].metric);
    int rc = names_check("--only", &o->only, &t, e);
    if (!rc) rc = check_backends("--backends", &o->backends, baseline, &g->baseline, e);
    if (!rc) rc = check_backends("--canary", canaries, baseline, &g->baseline, e);
    if (!rc && g->candidate.n) rc = check_backends("--canary", canaries, candidate, &g->candidate, e);
    names_free(&t);
    return rc;
}

/* Rows: what the baseline has of the gated backends and of the canaries. In an interleaved run the baseline
 * is build a, and what was built once has no two sides. */
static void add_rows(struct gate *g, const struct gate_options *o) {
    for (size_t i = 0; i < g->baseline.n; i++) {
        const struct measure *m = &g->baseline.v[i];
        bool gated = among(&o->backends, "trine", m->backend),
             canary = !gated && among(&o->canaries, "pthread", m->backend);
        if (!wanted(o, m) || (!gated && !canary) || (canary && m->kind != MEASURE_MEDIAN)) continue;
        if (g->interleaved && strcmp(m->build, "a") != 0) continue;
        g->rows = xrealloc(g->rows, (g->nrows + 1) * sizeof *g->rows);
        g->rows[g->nrows++] = (struct gate_row){
            .baseline = m,
            .candidate = measures_find(&g->candidate, m->name, g->interleaved ? "b" : m->build),
            .slowdown = NAN,
            .low = NAN,
            .high = NAN,
            .p_holm = NAN,
            .visible = NAN,
            .canary = canary};
    }
}

static bool timed(const struct gate_row *r) {
    return r->baseline->kind != MEASURE_COUNT && r->candidate && !r->ungated;
}

/* What may be 0 or below (the first pass less the second, say) has no ratio: shown, like a count that follows the clock. */
static void set_aside(struct gate *g) {
    for (size_t i = 0; i < g->nrows; i++) {
        struct gate_row *r = &g->rows[i];
        if (!timed(r) || (measure_positive(r->baseline) && measure_positive(r->candidate))) continue;
        r->ungated = true;
        snprintf(r->why, sizeof r->why, "0 or less in a process, so it has no slowdown: not gated");
        g->nunsteady += !r->canary;
    }
}

/* What the rule cannot know: that ten processes a side are the least that the gate believes a PASS of. */
static void demand_samples(struct gate *g, struct gate_row *r) {
    size_t nb = r->baseline->n, nc = r->candidate->n, least = nb < nc ? nb : nc;
    size_t all = r->candidate->n + r->candidate->ninvalid;
    if (least < g->least_n) g->least_n = least;
    if (all > g->planned_n) g->planned_n = all;
    if (least >= GATE_LEAST_SAMPLES || r->verdict == GATE_FAIL || r->verdict == GATE_REFUSED) return;
    r->verdict = GATE_INCONCLUSIVE;
    snprintf(r->why, sizeof r->why, "%zu against %zu valid processes, at least %d a side are needed", nb, nc,
             GATE_LEAST_SAMPLES);
    if (g->need_samples < GATE_LEAST_SAMPLES) g->need_samples = GATE_LEAST_SAMPLES;
}

/* The rule over all gated clocks, or over all canaries: a family each. */
static int judge_family(struct gate *g, bool canaries, bool final) {
    struct gate_metric *family = xcalloc(g->nrows + 1, sizeof *family);
    struct gate_summary summary;
    size_t n = 0, k = 0;
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (r->canary != canaries || !timed(r)) continue;
        family[n++] =
            (struct gate_metric){.baseline = r->baseline->v,
                                 .candidate = r->candidate->v,
                                 .nbaseline = r->baseline->n,
                                 .ncandidate = r->candidate->n,
                                 .kind = r->baseline->kind == MEASURE_TAIL ? GATE_TAIL : GATE_MEDIAN,
                                 .higher_is_better = r->baseline->higher_is_better};
    }
    int rc = n ? gate_judge(family, n, final, &summary) : 0;
    for (size_t i = 0; !rc && i < g->nrows; i++) {
        struct gate_row *r = &g->rows[i];
        if (r->canary != canaries || !timed(r)) continue;
        const struct gate_metric *m = &family[k++];
        r->slowdown = m->slowdown, r->low = m->low, r->high = m->high, r->p_holm = m->p_holm;
        r->verdict = m->verdict;
        snprintf(r->why, sizeof r->why, "%s", m->why);
        if (!canaries) demand_samples(g, r);
    }
    if (!rc && n && !canaries && summary.need_samples > g->need_samples)
        g->need_samples = summary.need_samples;
    *(canaries ? &g->ncanaries : &g->ntimed) = n;
    free(family);
    return rc;
}

/* A canary moves when it is faster or slower beyond chance and beyond the effect that counts. */
static void look_at_canaries(struct gate *g) {
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (!r->canary || !isfinite(r->p_holm) || r->p_holm >= GATE_ALPHA) continue;
        if (r->slowdown < GATE_FAIL_MEDIAN && r->slowdown > 1 / GATE_FAIL_MEDIAN) continue;
        if (!g->machine_changed)
            snprintf(g->why, sizeof g->why,
                     "the machine changed: the canary %.160s moved by a factor of %.3f", r->baseline->name,
                     r->slowdown);
        g->machine_changed = true;
    }
}

/* Counts of the baseline's processes that differ among themselves follow the clock, and are not gated. */
static void judge_count(struct gate *g, struct gate_row *r) {
    const struct measure *b = r->baseline, *c = r->candidate;
    double low = stat_quantile(b->v, b->n, 0), high = stat_quantile(b->v, b->n, 1);
    double now = stat_median(c->v, c->n),
           slack = strcmp(b->metric, "threads_peak") == 0 ? 0.5 : GATE_COUNT_SLACK;
    r->slowdown = high > 0 ? now / high : NAN;
    r->verdict = GATE_PASS;
    if (b->n < 2 || c->n < 2) {
        snprintf(r->why, sizeof r->why, "one process alone: not gated");
    } else if (high - low > GATE_COUNT_STEADY * high + slack) {
        snprintf(r->why, sizeof r->why,
                 "%.4g to %.4g over the baseline's processes: it follows the clock, not gated", low, high);
    } else {
        g->ncounts++;
        r->verdict = gate_count_rule(high + slack, now, GATE_COUNT_STEADY);
        snprintf(r->why, sizeof r->why, "%.6g, the baseline has %.6g", now, high);
        return;
    }
    g->nunsteady++;
}

static size_t failures(const struct side *s, const struct measure *like, const char *build) {
    char *full = *build ? xasprintf("%s@%s", like->backend, build) : xstrdup(like->backend);
    const json_t *p;
    size_t i, n = 0;
    json_array_foreach(s->points, i, p) {
        const char *status = json_str(p, "status", "");
        if (strcmp(status, "failed") != 0 && strcmp(status, "timeout") != 0) continue;
        if (strcmp(json_str(p, "backend", ""), full) != 0 ||
            strcmp(json_str(p, "experiment", ""), like->experiment) != 0)
            continue;
        char *cell = measure_cell(p);
        n += strcmp(cell, like->cell) == 0;
        free(cell);
    }
    free(full);
    return n;
}

/* Does a clock's row of the same processes tell of a crash? With --only COUNT there is none. */
static bool clock_beside(const struct gate *g, const struct measure *count) {
    for (size_t i = 0; i < g->nrows; i++) {
        const struct measure *m = g->rows[i].baseline;
        if (m->kind != MEASURE_COUNT && strcmp(m->experiment, count->experiment) == 0 && strcmp(m->cell, count->cell) == 0 &&
            strcmp(m->backend, count->backend) == 0 && strcmp(m->build, count->build) == 0)
            return true;
    }
    return false;
}

/* A candidate that crashes where the baseline does not is a regression, whatever its clock or a canary says. */
static void judge_presence(const struct gate *g, struct gate_row *r, const struct side *candidate) {
    bool count = r->baseline->kind == MEASURE_COUNT, told = count && clock_beside(g, r->baseline);
    if (r->canary) return;
    size_t failed = told ? 0 : failures(candidate, r->baseline, g->interleaved ? "b" : r->baseline->build);
    r->crashed = failed > 0 && r->baseline->nfailed == 0;
    if (r->crashed) {
        r->verdict = GATE_FAIL;
        snprintf(r->why, sizeof r->why, "%zu of the candidate's processes failed, none of the baseline's",
                 failed);
    } else if (!r->candidate || (count && !r->candidate->n && r->baseline->n)) {
        r->verdict = GATE_INCONCLUSIVE;
        snprintf(r->why, sizeof r->why, "not %s in the candidate", count ? "counted" : "measured");
    }
}

static void apply_accepts(struct gate *g, struct accepts *accepts) {
    for (size_t i = 0; accepts && i < g->nrows; i++) {
        struct gate_row *r = &g->rows[i];
        if (r->canary || r->crashed || r->verdict != GATE_FAIL) continue;
        r->accepted = accept_find(accepts, r->baseline->name, r->slowdown);
        g->naccepted += r->accepted != NULL;
    }
}

bool gate_by_clock(const struct gate_row *r) {
    return isfinite(r->p_holm) && !r->crashed;
}

static void decide(struct gate *g) {
    size_t hard = 0, slow = 0, open = 0, judged = g->ntimed + g->ncounts;
    const struct gate_row *first = NULL;
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (r->canary || r->accepted || r->verdict == GATE_PASS) continue;
        bool fail = r->verdict == GATE_FAIL, clock = gate_by_clock(r);
        hard += fail && !clock, slow += fail && clock, open += !fail;
        if (g->machine_changed && clock) continue; /* does not stand, so it decided nothing */
        if (!first || (fail && first->verdict != GATE_FAIL)) first = r;
    }
    if (hard)
        g->verdict = GATE_FAIL;
    else if (g->machine_changed)
        g->verdict = GATE_INCONCLUSIVE;
    else
        g->verdict = slow ? GATE_FAIL : open || judged == 0 || g->hidden ? GATE_INCONCLUSIVE : GATE_PASS;
    if (g->machine_changed && !hard) return;
    if (first)
        snprintf(g->why, sizeof g->why, "%.110s: %.100s%s", first->baseline->name, first->why,
                 g->machine_changed ? "; a canary moved, so no clock decides" : "");
    else if (judged == 0)
        snprintf(g->why, sizeof g->why, "there is no figure that both sides have and that can be gated");
    else if (g->hidden)
        snprintf(g->why, sizeof g->why, "none of %zu figures and counts is worse, but the candidate's damaged lines may hide a crash", judged);
    else
        snprintf(g->why, sizeof g->why, "%zu figures and %zu counts, none is worse", g->ntimed, g->ncounts);
}

static void note_damage(struct gate *g, const struct side *s) {
    char *text = store_damage_text(s->dir, &s->damage);
    if (text) strlist_add(&g->damaged, text);
    free(text);
}

int gate_make(struct gate *g, const struct side *baseline, const struct side *candidate,
              const struct gate_options *o, struct err *e) {
    *g = (struct gate){.least_n = SIZE_MAX, .false_alarm = NAN, .interleaved = candidate == NULL};
    const struct side *c = candidate ? candidate : baseline;
    measures_of(baseline->points, &g->baseline);
    measures_of(c->points, &g->candidate);
    if (g->interleaved && !measures_have_builds(&g->baseline))
        return err_set(
            e, TRINE_EXIT_USAGE,
            "%s holds one build: give --baseline, or measure two builds with trine run --ab OLD NEW",
            baseline->name);
    if (g->interleaved && o->canaries.n && !names_none(&o->canaries))
        return err_set(e, TRINE_EXIT_USAGE, "--canary: the two builds of %s were measured interleaved, so what moves both is no "
                                            "matter; leave it out, or say none", baseline->name);
    int rc = check_names(g, baseline->name, c->name, o, e);
    if (rc) return rc;
    if (candidate) note_damage(g, baseline);
    note_damage(g, c);
    g->hidden = store_damaged(&c->damage);
    add_rows(g, o);
    set_aside(g);
    if (judge_family(g, false, o->final) != 0 || judge_family(g, true, true) != 0)
        return err_set(e, TRINE_EXIT_INFRA, "out of memory");
    for (size_t i = 0; i < g->nrows; i++) {
        struct gate_row *r = &g->rows[i];
        if (!r->canary && r->baseline->kind == MEASURE_COUNT && r->candidate && r->baseline->n &&
            r->candidate->n)
            judge_count(g, r);
        judge_presence(g, r, c);
    }
    look_at_canaries(g);
    apply_accepts(g, o->accepts);
    gate_know_itself(g, o->seed);
    decide(g);
    if (g->least_n == SIZE_MAX) g->least_n = 0;
    return 0;
}

void gate_free(struct gate *g) {
    measures_free(&g->baseline), measures_free(&g->candidate);
    free(g->rows);
    strlist_free(&g->marked), strlist_free(&g->damaged);
    *g = (struct gate){0};
}

int gate_exit_code(const struct gate *g) {
    return g->verdict == GATE_PASS   ? TRINE_EXIT_PASS
           : g->verdict == GATE_FAIL ? TRINE_EXIT_REGRESSION
                                     : TRINE_EXIT_INVALID;
}
