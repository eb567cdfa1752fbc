/* The gate's rule. The order of the questions is the rule: significant and large fails; else a bounded effect
 * passes; else nothing was learnt. */
#include "gate_rule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *gate_verdict_name(enum gate_verdict v) {
    static const char *const names[] = {"PASS", "FAIL", "INCONCLUSIVE", "REFUSED"};

    return names[v];
}

enum gate_verdict gate_rule(double p_holm, double slowdown, double high, enum gate_kind kind) {
    double fail = kind == GATE_TAIL ? GATE_FAIL_TAIL : GATE_FAIL_MEDIAN;
    double bound = kind == GATE_TAIL ? GATE_BOUND_TAIL : GATE_BOUND_MEDIAN;

    if (p_holm < GATE_ALPHA && slowdown > fail) return GATE_FAIL;
    if (high < bound) return GATE_PASS;
    return GATE_INCONCLUSIVE;
}

enum gate_verdict gate_count_rule(double baseline, double candidate, double tolerance) {
    if (!isfinite(baseline) || !isfinite(candidate)) return GATE_INCONCLUSIVE;
    return candidate > baseline * (1 + tolerance) ? GATE_FAIL : GATE_PASS;
}

size_t gate_samples_needed(size_t n) {
    size_t k = 1;

    while (stat_least_p(k, k) * (double)n > GATE_ALPHA) k++;
    return k > GATE_LEAST_SAMPLES ? k : GATE_LEAST_SAMPLES;
}

/* The metric's p and its slowdown, turned so that above 1 is worse. */
static int measure(struct gate_metric *m) {
    struct stat_mwu u;
    struct stat_shift r;
    int err = stat_mann_whitney(m->baseline, m->nbaseline, m->candidate, m->ncandidate, &u);

    if (err == 0 && m->higher_is_better)
        err = stat_ratio(m->candidate, m->ncandidate, m->baseline, m->nbaseline, 0.95, &r);
    else if (err == 0)
        err = stat_ratio(m->baseline, m->nbaseline, m->candidate, m->ncandidate, 0.95, &r);
    if (err != 0) return err;
    m->p = u.p;
    m->slowdown = r.estimate;
    m->low = r.interval.low;
    m->high = r.interval.high;
    return 0;
}

static void refuse(struct gate_metric *m, int err) {
    m->verdict = GATE_REFUSED;
    m->p = m->p_holm = m->slowdown = m->low = m->high = NAN;
    snprintf(m->why, sizeof m->why, "cannot be compared: %s",
             err == -ENODATA ? "one side has no sample"
             : err == -EDOM  ? "a sample is not positive, so it has no ratio"
                             : "a sample is not a finite number");
}

static void too_few(struct gate_metric *m, size_t family, size_t need) {
    m->verdict = GATE_REFUSED;
    snprintf(m->why, sizeof m->why,
             "%zu against %zu samples cannot reach p < %.2g in a family of %zu: take %zu a side",
             m->nbaseline, m->ncandidate, GATE_ALPHA, family, need);
}

static void decide(struct gate_metric *m, bool final) {
    m->verdict = gate_rule(m->p_holm, m->slowdown, m->high, m->kind);
    snprintf(m->why, sizeof m->why, "%.3f times the baseline's cost [%.3f, %.3f], p = %.3g after Holm%s",
             m->slowdown, m->low, m->high, m->p_holm,
             m->verdict != GATE_INCONCLUSIVE ? ""
             : final                         ? "; final after the re-run"
                                             : "; run again with twice the samples");
}

static void count(struct gate_summary *s, const struct gate_metric *m) {
    s->npass += m->verdict == GATE_PASS;
    s->nfail += m->verdict == GATE_FAIL;
    s->ninconclusive += m->verdict == GATE_INCONCLUSIVE;
    s->nrefused += m->verdict == GATE_REFUSED;
}

/* A metric without samples leaves the family before Holm: it is no test. One with too few stays in, with its
 * p. */
int gate_judge(struct gate_metric *metrics, size_t n, bool final, struct gate_summary *out) {
    double *p = calloc(2 * (n ? n : 1), sizeof *p), *adjusted = p + n;
    size_t family = 0, most = 0;

    if (p == NULL) return -ENOMEM;
    *out = (struct gate_summary){0};
    for (size_t i = 0; i < n; i++) {
        int err = measure(&metrics[i]);

        metrics[i].verdict = GATE_PASS;
        if (err == -ENOMEM) {
            free(p);
            return err;
        }
        if (err != 0)
            refuse(&metrics[i], err);
        else
            p[family++] = metrics[i].p;
    }

    int err = stat_holm(p, family, adjusted);

    for (size_t i = 0, k = 0; err == 0 && i < n; i++) {
        struct gate_metric *m = &metrics[i];

        if (m->verdict != GATE_REFUSED) {
            m->p_holm = adjusted[k++];
            most = m->nbaseline > most ? m->nbaseline : most;
            if (stat_least_p(m->nbaseline, m->ncandidate) * (double)family > GATE_ALPHA)
                too_few(m, family, gate_samples_needed(family));
            else
                decide(m, final);
        }
        count(out, m);
    }
    free(p);
    out->verdict = out->nfail           ? GATE_FAIL
                   : out->nrefused      ? GATE_REFUSED
                   : out->ninconclusive ? GATE_INCONCLUSIVE
                                        : GATE_PASS;
    if (out->nrefused > 0)
        out->need_samples = gate_samples_needed(family ? family : 1);
    else if (out->ninconclusive > 0 && !final)
        out->need_samples = 2 * most;
    return err;
}
