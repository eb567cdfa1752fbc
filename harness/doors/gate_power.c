/*
 * gate_power: what this gate can see on this machine, from A against A: both sides are drawn from the
 * baseline's own processes (with replacement, seeded), so nothing has changed and every FAIL is a false
 * alarm. Multiplying one side by a factor says how large a slowdown must be to be seen in four tries of five.
 * The draws know the noise inside the baseline's run; drift between two runs is not in it: canaries watch
 * that.
 */
#include "doors/gate.h"
#include "base/text.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

enum { VISIBLE_ROUNDS = 100, VISIBLE_STEPS = 7 };
#define VISIBLE_MOST 4.0 /* a slowdown that is seen by eye */

static void draw(const struct measure *m, double *out, size_t n, uint64_t *seed) {
    for (size_t i = 0; i < n; i++) out[i] = m->v[stat_random_below(seed, m->n)];
}

/* With fewer processes the gate decides nothing, and knows nothing of itself. */
static bool gated(const struct gate_row *r) {
    return !r->canary && !r->ungated && r->candidate && r->baseline->kind != MEASURE_COUNT &&
           r->baseline->n >= GATE_LEAST_SAMPLES && r->candidate->n >= GATE_LEAST_SAMPLES;
}

/* One round over the whole family: does any of it fail? */
static bool alarm(const struct gate *g, struct gate_metric *family, uint64_t *seed) {
    struct gate_summary summary = {0};
    size_t n = 0;
    for (size_t i = 0; i < g->nrows; i++) {
        const struct gate_row *r = &g->rows[i];
        if (!gated(r)) continue;
        struct gate_metric *m = &family[n++];
        double *a = xmalloc((r->baseline->n + r->candidate->n) * sizeof *a), *b = a + r->baseline->n;
        draw(r->baseline, a, r->baseline->n, seed);
        draw(r->baseline, b, r->candidate->n, seed);
        *m = (struct gate_metric){.baseline = a,
                                  .candidate = b,
                                  .nbaseline = r->baseline->n,
                                  .ncandidate = r->candidate->n,
                                  .kind = r->baseline->kind == MEASURE_TAIL ? GATE_TAIL : GATE_MEDIAN,
                                  .higher_is_better = r->baseline->higher_is_better};
    }
    bool failed = gate_judge(family, n, true, &summary) == 0 && summary.nfail > 0;
    for (size_t i = 0; i < n; i++) free((void *)family[i].baseline);
    return failed;
}

/* In what share of the rounds is a slowdown by factor seen? The first step of Holm is the strictest: p times
 * the family's size. */
static double power(const struct gate_row *r, size_t family, double factor, uint64_t seed) {
    size_t nb = r->baseline->n, nc = r->candidate->n, seen = 0;
    double fail = r->baseline->kind == MEASURE_TAIL ? GATE_FAIL_TAIL : GATE_FAIL_MEDIAN;
    double *a = xmalloc((nb + nc) * sizeof *a), *b = a + nb;
    for (int round = 0; round < VISIBLE_ROUNDS; round++) {
        struct stat_mwu u;
        struct stat_shift s;
        draw(r->baseline, a, nb, &seed);
        draw(r->baseline, b, nc, &seed);
        for (size_t i = 0; i < nc; i++) b[i] *= factor;
        seen += stat_mann_whitney(a, nb, b, nc, &u) == 0 && u.p * (double)family < GATE_ALPHA &&
                stat_ratio(a, nb, b, nc, 0.95, &s) == 0 && s.estimate > fail;
    }
    free(a);
    return (double)seen / VISIBLE_ROUNDS;
}

static double visible(const struct gate_row *r, size_t family, uint64_t seed) {
    double low = 1, high = VISIBLE_MOST;
    if (power(r, family, high, seed) < GATE_POWER) return INFINITY;
    for (int i = 0; i < VISIBLE_STEPS; i++) {
        double middle = sqrt(low * high);
        *(power(r, family, middle, seed) < GATE_POWER ? &low : &high) = middle;
    }
    return high;
}

void gate_know_itself(struct gate *g, uint64_t seed) {
    struct gate_metric *family = xcalloc(g->nrows + 1, sizeof *family);
    size_t alarms = 0, n = 0;
    for (size_t i = 0; i < g->nrows; i++) n += gated(&g->rows[i]);
    for (int round = 0; n && round < GATE_AA_ROUNDS; round++) alarms += alarm(g, family, &seed);
    if (n) g->false_alarm = (double)alarms / GATE_AA_ROUNDS;
    for (size_t i = 0; i < g->nrows; i++)
        if (gated(&g->rows[i])) g->rows[i].visible = visible(&g->rows[i], n, seed + i);
    free(family);
}
