/* run: plans, makes the run's folder with manifest and env, measures. */
#include "base/file.h"
#include "base/json.h"
#include "calibrate/calibrate.h"
#include "cmd/cmd.h"
#include "cmd/session.h"

#include <stdio.h>
#include <stdlib.h>

/* The machine's limits in this very run, so that its figures can be read as multiples of them. */
static int write_limits(const struct session *s, const char *dir, struct err *e) {
    if (!s->sweep.calibrate) return 0;
    char *micro = calibrate_find_micro(), *path = path_join(dir, "limits.json");
    struct calibrate_options o = {.quick = true, .micro = micro, .stop = &cmd_stop};
    json_t *limits = calibrate(&o);
    int rc = json_write_file(path, limits, e);
    json_decref(limits);
    free(path);
    free(micro);
    return rc;
}

/* From the plan to the end of the run. */
static int measure(const struct session *s, int argc, char **argv, const struct limits *l, bool quiet) {
    json_t *manifest;
    struct err e;
    char *dir = session_start(s, argc, argv, l, &manifest, &e);
    if (!dir) return cmd_fail("run", &e);
    int rc = write_limits(s, dir, &e) == 0
                 ? session_measure("run", dir, manifest, &s->catalog, l->budget_ms, l->reruns, quiet)
                 : cmd_fail("run", &e);
    free(dir);
    json_decref(manifest);
    return rc;
}

/* --ab OLD NEW: the parser has put OLD into the list, and NEW stands among the words. */
static int complete_builds(struct strlist *builds, const char *second) {
    struct err e;
    if (second) strlist_add(builds, second);
    if (builds->n == 0 || builds->n == 2) return 0;
    if (second && builds->n == 1)
        err_set(&e, TRINE_EXIT_USAGE, "'%s' was not expected (trine run --help)", second);
    else
        err_set(&e, TRINE_EXIT_USAGE, "--ab needs two build folders: --ab OLD NEW");
    return cmd_fail("run", &e);
}

int cmd_run(int argc, char **argv) {
    struct choice c = {0};
    const char *out = "results", *budget = NULL, *reruns = NULL;
    bool quiet = false;
    const struct option_spec specs[] = {
        {.name = "profile", .text = &c.profile},   {.name = "only", .list = &c.only},
        {.name = "backends", .list = &c.backends}, {.name = "seed", .text = &c.seed},
        {.name = "driver", .list = &c.drivers},    {.name = "out", .text = &out},
        {.name = "budget", .text = &budget},       {.name = "reruns", .text = &reruns},
        {.name = "quiet", .flag = &quiet},         {.name = "reps", .text = &c.reps},
        {.name = "ab", .list = &c.builds}};
    struct session s = {0};
    struct err e;
    const char *second = NULL; /* of --ab OLD NEW */
    size_t words = 0;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, &second, 1, &words);
    if (!rc) rc = complete_builds(&c.builds, second);
    if (!rc) {
        int64_t budget_ms = 0, nreruns = 0;
        cmd_catch_signals();
        rc = parse_limits(budget, reruns, &budget_ms, &nreruns, &e); /* before anything takes time */
        if (!rc) rc = session_plan(&s, &c, &e);
        if (rc) cmd_fail("run", &e);
        if (!budget) budget_ms = s.sweep.budget_ms;
        if (!reruns) nreruns = s.sweep.reruns;
        for (size_t i = 0; !rc && i < s.plan.notices.n; i++)
            fprintf(stderr, "trine run: %s\n", s.plan.notices.v[i]);
        if (!rc) rc = measure(&s, argc, argv, &(struct limits){out, budget_ms, nreruns}, quiet);
    }
    session_free(&s);
    choice_free(&c);
    return rc;
}
