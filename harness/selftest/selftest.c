/*
 * selftest: see selftest.h. A trial that is outside its prediction is tried once more, one on a noisy machine
 * twice: a neighbour comes and goes, a broken instrument stays. No state.
 */
#include "selftest/selftest.h"
#include "base/json.h"
#include "selftest/trial.h"

#include <string.h>

enum { ATTEMPTS_MAX = 3, FAILURES_MAX = 2 };
/* Beyond these a finding outside its range may be a neighbour's doing: a share of the time, and CPUs. */
#define WAITING_MAX    0.15
#define NEIGHBOURS_MAX 0.1

const struct trial *const selftest_trials[] = {
    &trial_counter,        &trial_clock,     &trial_stall, &trial_closed_loop, &trial_slowdown,
    &trial_small_slowdown, &trial_migration, &trial_quota, &trial_blocking,    &trial_flush,
};
const size_t selftest_ntrials = sizeof selftest_trials / sizeof *selftest_trials;

const char *trial_verdict_name(enum trial_verdict v) {
    static const char *const names[] = {"pass", "broken", "noisy", "skipped"};
    return names[v];
}

static bool outside(const struct expectation *e) {
    return !e->measured || e->found < e->low || e->found > e->high;
}

/* Outside on the side to which no neighbour can push it. */
static bool certain(const struct expectation *e) {
    return e->measured && !e->control &&
           (e->noise == NOISE_NONE || (e->noise == NOISE_RAISES && e->found < e->low));
}

/* The first expectation that decides: one that is certain, else a control, else any. NULL: all is as it
 * should be. */
static const struct expectation *decisive(const struct outcome *t) {
    const struct expectation *best = NULL;
    int rank = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct expectation *e = &t->e[i];
        int r = !outside(e) ? 0 : certain(e) ? 3 : e->control ? 2 : 1;
        if (r <= rank) continue;
        best = e;
        rank = r;
    }
    return best;
}

/* why gets what decided. */
static enum trial_verdict judge(const struct outcome *t, char *why, size_t bytes) {
    const struct expectation *e = decisive(t);
    why[0] = '\0';
    if (t->skipped[0] || t->missing[0]) {
        snprintf(why, bytes, "%s", t->skipped[0] ? t->skipped : t->missing);
        return t->skipped[0] ? TRIAL_SKIPPED : TRIAL_FAIL;
    }
    if (!e) return TRIAL_PASS;
    if (!e->measured) {
        snprintf(why, bytes, "%s: not measured", e->what);
        return TRIAL_FAIL;
    }
    bool noisy = !certain(e) && (e->control || t->waiting > WAITING_MAX || t->neighbours > NEIGHBOURS_MAX);
    int n = snprintf(why, bytes, "%s: %.4g %s%sexpected %.4g to %.4g", e->what, e->found, e->unit,
                     *e->unit ? ", " : "; ", e->low, e->high);
    if (noisy && !e->control && (size_t)n < bytes)
        snprintf(why + n, bytes - (size_t)n,
                 "; other programs used %.2f CPUs, and without the fault %.0f %% of the time went by waiting",
                 t->neighbours, 100 * t->waiting);
    return noisy ? TRIAL_NOISY : TRIAL_FAIL;
}

static json_t *expectations_json(const struct outcome *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->n; i++) {
        const struct expectation *e = &t->e[i];
        json_t *o = json_pack("{s:s,s:s,s:b,s:f,s:f,s:b}", "what", e->what, "unit", e->unit, "control",
                              e->control, "low", e->low, "high", e->high, "ok", !outside(e));
        if (!e->control) json_object_set_new(o, "predicted", json_real(e->predicted));
        json_object_set_new(o, "found", e->measured ? json_real(e->found) : json_unavailable("not measured"));
        json_array_append_new(list, o);
    }
    return list;
}

static void run_one(const struct selftest_options *o, const struct trial *trial, struct selftest_result *r) {
    enum trial_verdict v = TRIAL_NOISY;
    struct outcome t;
    char why[400];
    int attempts = 0, failures = 0;
    do {
        if (o->log) fprintf(o->log, "%s%s: %s\n", trial->name, attempts ? ", once more" : "", trial->doc);
        t = (struct outcome){.o = o};
        trial->run(o, &t);
        attempts++;
        v = judge(&t, why, sizeof why);
        failures += v == TRIAL_FAIL;
        if (o->stop && *o->stop) {
            r->interrupted = true;
            return;
        }
    } while (v != TRIAL_PASS && v != TRIAL_SKIPPED && failures < FAILURES_MAX && attempts < ATTEMPTS_MAX);
    r->passed += v == TRIAL_PASS;
    r->failed += v == TRIAL_FAIL;
    r->noisy += v == TRIAL_NOISY;
    r->skipped += v == TRIAL_SKIPPED;
    if (o->log) fprintf(o->log, "    %s%s%s\n", trial_verdict_name(v), *why ? ": " : "", why);
    json_t *done = json_pack("{s:s,s:s,s:s,s:s,s:i,s:f,s:f,s:o}", "name", trial->name, "doc", trial->doc,
                             "verdict", trial_verdict_name(v), "why", why, "attempts", attempts,
                             "waiting_share", t.waiting, "neighbours_cpus", t.neighbours, "expectations",
                             expectations_json(&t));
    json_array_append_new(r->trials, done);
}

void selftest_run(const struct selftest_options *o, struct selftest_result *r) {
    *r = (struct selftest_result){.trials = json_array()};
    for (size_t i = 0; i < selftest_ntrials && !r->interrupted; i++) {
        const struct trial *t = selftest_trials[i];
        bool asked = o->only && o->only->n && strlist_has(o->only, t->name);
        if (o->only && o->only->n ? asked : !(o->quick && t->full_only)) run_one(o, t, r);
    }
}
