/* gate: the verdict on a candidate, for a CI job: one exit code, and a summary for people. */
#include "doors/gate.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/rerun.h"
#include "store/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *baseline, *run, *accept, *markdown, *junit;
    struct gate_options options;
    bool json, force, rerun;
};

static int write_text(const char *path, char *text, struct err *e) {
    int rc = path ? output_text(path, text, e) : 0;
    free(text);
    return rc;
}

static bool to_stdout(const char *path) {
    return path && output_is_stdout(path);
}

/* One form at most on stdout: who reads it there takes it for whole. */
static int check_outputs(const struct request *q, struct err *e) {
    return q->json + to_stdout(q->markdown) + to_stdout(q->junit) < 2
               ? 0
               : err_set(e, TRINE_EXIT_USAGE, "--json, --markdown and --junit: one of them alone can go to stdout");
}

static int publish(const struct gate *g, const struct request *q, struct err *e) {
    if (q->json) {
        json_t *v = gate_json(g);
        char *text = json_pretty(v);
        puts(text);
        free(text);
        json_decref(v);
    } else if (!to_stdout(q->markdown) && !to_stdout(q->junit)) {
        gate_print(stdout, g);
    }
    int rc = write_text(q->markdown, gate_markdown(g), e);
    if (!rc) rc = write_text(q->junit, gate_junit(g), e);
    return rc ? rc : output_flush(e); /* a verdict that nobody could read is none */
}

static int judge(struct gate *g, const struct side *baseline, const struct side *run, const struct request *q,
                 struct err *e) {
    struct strlist marked = {0};
    int rc = 0;
    if (baseline) {
        const struct side pair[2] = {*baseline, *run};
        rc = side_refuse(pair, 2, "", q->force, &marked, e);
    }
    if (!rc)
        rc = baseline ? gate_make(g, baseline, run, &q->options, e) : gate_make(g, run, NULL, &q->options, e);
    g->marked = marked;
    return rc;
}

/* The one re-run at twice the repetitions, judged for good; the first verdict is replaced only by a second. */
static int judge_again(struct gate *g, const struct side *baseline, const struct side *run, struct request *q,
                       struct err *e) {
    struct side again;
    struct gate second = {0};
    size_t reps = 2 * g->planned_n > g->need_samples ? 2 * g->planned_n : g->need_samples;
    if (!reps) reps = GATE_LEAST_SAMPLES;
    fprintf(stderr, "trine gate: inconclusive; measuring once more with %zu repetitions\n", reps);
    cmd_catch_signals(); /* the child is to be stopped with us; what is computed here may just be ended */
    char *dir = rerun(run, reps, e);
    cmd_release_signals();
    int rc = dir ? side_load(&again, dir, baseline ? SIDE_POINTS : SIDE_FIGURES, e) : e->code;
    if (!rc) {
        cmd_tell("gate", &again.notices);
        q->options.final = true;
        rc = judge(&second, baseline, &again, q, e);
        side_free(&again);
        gate_free(rc ? &second : g);
        if (!rc) *g = second;
    }
    free(dir);
    return rc;
}

static void tell_expired(const struct request *q) {
    for (size_t i = 0; q->options.accepts && i < q->options.accepts->n; i++) {
        const struct accept *a = &q->options.accepts->v[i];
        if (a->expired)
            fprintf(stderr, "trine gate: %s: the entry for %s expired on %s and takes nothing\n", q->accept,
                    a->metric, a->expires);
    }
}

static int gate(const struct side *baseline, const struct side *run, struct request *q, struct err *e) {
    struct gate g = {0};
    struct err why;
    bool interrupted = false;
    int rc = judge(&g, baseline, run, q, e);
    if (!rc && q->rerun && g.verdict == GATE_INCONCLUSIVE && judge_again(&g, baseline, run, q, &why)) {
        snprintf(g.note, sizeof g.note, "the re-run failed, so this is the first verdict: %.450s", why.text);
        fprintf(stderr, "trine gate: %s\n", g.note);
        interrupted = why.code == TRINE_EXIT_INTERRUPTED;
    }
    if (!rc) rc = publish(&g, q, e);
    if (!rc) tell_expired(q);
    if (!rc) rc = interrupted ? -TRINE_EXIT_INTERRUPTED : -gate_exit_code(&g);
    gate_free(&g);
    return rc;
}

/* Loads both sides and judges. 0 or the negative exit code of a verdict; above 0: e is filled. */
static int load_and_gate(struct request *q, struct err *e) {
    struct side baseline = {0}, run = {0};
    struct accepts accepts = {0};
    char now[32];
    utc_now(now);
    now[10] = '\0';
    int rc = q->accept ? accept_load(&accepts, q->accept, now, e) : 0;
    if (!rc && q->baseline) rc = side_load(&baseline, q->baseline, SIDE_FIGURES, e);
    if (!rc) rc = side_load(&run, q->run, q->baseline ? SIDE_POINTS : SIDE_FIGURES, e); /* two builds: also the baseline */
    q->options.accepts = &accepts;
    cmd_tell("gate", &baseline.notices), cmd_tell("gate", &run.notices);
    if (!rc) rc = gate(q->baseline ? &baseline : NULL, &run, q, e);
    side_free(&baseline), side_free(&run);
    accept_free(&accepts);
    return rc;
}

int cmd_gate(int argc, char **argv) {
    struct request q = {.options.seed = 1};
    const struct option_spec specs[] = {{.name = "baseline", .text = &q.baseline},
                                        {.name = "accept", .text = &q.accept},
                                        {.name = "markdown", .text = &q.markdown},
                                        {.name = "junit", .text = &q.junit},
                                        {.name = "backends", .list = &q.options.backends},
                                        {.name = "canary", .list = &q.options.canaries},
                                        {.name = "only", .list = &q.options.only},
                                        {.name = "json", .flag = &q.json},
                                        {.name = "force", .flag = &q.force},
                                        {.name = "rerun", .flag = &q.rerun}};
    struct err e;
    size_t n = 0;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &q.run, 1, &n);
    if (!rc) {
        cmd_outlive_writes();
        rc = n ? check_outputs(&q, &e) : err_set(&e, TRINE_EXIT_USAGE, "which run is the candidate? (trine gate --help)");
        if (!rc) rc = load_and_gate(&q, &e);
        if (rc > 0) cmd_fail("gate", &e);
    }
    strlist_free(&q.options.backends), strlist_free(&q.options.canaries), strlist_free(&q.options.only);
    return rc < 0 ? -rc : rc;
}
