/* selftest: puts known faults in, and says whether the instrument saw them. */
#include "selftest/selftest.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "run/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_names(const struct strlist *only, struct err *e) {
    const char *names[32];
    char hint[96];
    for (size_t i = 0; i < selftest_ntrials && i < 32; i++) names[i] = selftest_trials[i]->name;
    for (size_t i = 0; i < only->n; i++) {
        bool known = false;
        for (size_t k = 0; k < selftest_ntrials; k++) known |= strcmp(names[k], only->v[i]) == 0;
        if (!known)
            return err_set(e, TRINE_EXIT_USAGE, "--only %s: there is no such trial (trine selftest --list)%s",
                           only->v[i], did_you_mean(hint, sizeof hint, only->v[i], names, selftest_ntrials));
    }
    return 0;
}

static const struct driver *choose_driver(const struct catalog *c, const char *backend, struct err *e) {
    const struct driver *d = catalog_driver(c, backend ? backend : "trine");
    if (d && d->description) return d;
    err_set(e, backend ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA,
            "no driver of the backend %s was found: build the benches, or give --driver NAME=PATH",
            backend ? backend : "trine");
    return NULL;
}

static void print_table(const json_t *trials) {
    const json_t *t, *e;
    size_t i, k;
    json_array_foreach(trials, i, t) {
        printf("%-8s %-15s %s%s%s\n", json_str(t, "verdict", ""), json_str(t, "name", ""),
               json_str(t, "doc", ""), *json_str(t, "why", "") ? "\n                         " : "",
               json_str(t, "why", ""));
        json_array_foreach(json_object_get(t, "expectations"), k, e) {
            if (json_is_unavailable(json_object_get(e, "found"))) continue;
            printf("           %-50s %10.4g %-3s", json_str(e, "what", ""), json_num(e, "found", 0),
                   json_str(e, "unit", ""));
            if (json_flag(e, "control", false))
                printf(" control: %.4g to %.4g\n", json_num(e, "low", 0), json_num(e, "high", 0));
            else
                printf(" predicted %.4g (%.4g to %.4g)\n", json_num(e, "predicted", 0), json_num(e, "low", 0),
                       json_num(e, "high", 0));
        }
    }
}

static int conclude(const struct selftest_result *r) {
    printf("%zu passed, %zu broken, %zu noisy, %zu skipped\n", r->passed, r->failed, r->noisy, r->skipped);
    fflush(stdout); /* the verdict on stderr stands behind the table */
    if (r->interrupted) {
        fputs("trine selftest: interrupted\n", stderr);
        return TRINE_EXIT_INTERRUPTED;
    }
    if (r->failed) {
        fprintf(stderr, "trine selftest: instrument broken: %zu fault(s) were not seen as they should be\n",
                r->failed);
        return TRINE_EXIT_INVALID;
    }
    if (r->noisy) {
        fprintf(stderr, "trine selftest: machine too noisy to judge: %zu trial(s) without a silent control\n",
                r->noisy);
        return TRINE_EXIT_INVALID;
    }
    if (r->passed) return TRINE_EXIT_PASS;
    fputs("trine selftest: nothing could be tried on this machine\n", stderr);
    return TRINE_EXIT_INVALID;
}

static int run_aa(const struct selftest_options *o, const char *runs_text) {
    struct aa_options a = {
        .base = o, .metrics = o->quick ? 10 : 40, .runs = o->quick ? 3 : 20, .samples = 10, .measure_ms = 25};
    struct aa_result r;
    int64_t runs;
    if (runs_text && !parse_int(runs_text, 1, 1000, &runs)) {
        fprintf(stderr, "trine selftest: --runs %s: expected a whole number from 1 to 1000\n", runs_text);
        return TRINE_EXIT_USAGE;
    }
    if (runs_text) a.runs = (size_t)runs;
    if (selftest_aa(&a, &r) != 0) {
        fprintf(stderr,
                "trine selftest: the driver gives only %zu metrics of the %zu that are judged together\n",
                r.metrics, a.metrics);
        return TRINE_EXIT_INFRA;
    }
    printf("A against A: %zu metrics, %zu runs, %zu processes a side: %zu runs with a false alarm, %zu runs with a figure that decides "
           "nothing\n",
           r.metrics, r.runs, a.samples, r.alarms, r.inconclusive);
    if (r.interrupted) return TRINE_EXIT_INTERRUPTED;
    if (r.alarms <= 1) return TRINE_EXIT_PASS;
    fputs("trine selftest: instrument broken: the rule cries out where nothing differs\n", stderr);
    return TRINE_EXIT_INVALID;
}

static int run(const struct selftest_options *o, bool as_json) {
    struct selftest_result r;
    selftest_run(o, &r);
    if (as_json) {
        char *text = json_pretty(r.trials);
        puts(text);
        free(text);
        json_decref(r.trials);
        return r.interrupted                      ? TRINE_EXIT_INTERRUPTED
               : r.failed || r.noisy || !r.passed ? TRINE_EXIT_INVALID
                                                  : TRINE_EXIT_PASS;
    }
    print_table(r.trials);
    json_decref(r.trials);
    return conclude(&r);
}

int cmd_selftest(int argc, char **argv) {
    bool quick = false, as_json = false, list = false, aa = false, verbose = false;
    const char *backend = NULL, *runs = NULL;
    struct strlist only = {0}, drivers = {0};
    const struct option_spec specs[] = {
        {.name = "quick", .flag = &quick},     {.name = "json", .flag = &as_json},
        {.name = "list", .flag = &list},       {.name = "only", .list = &only},
        {.name = "backend", .text = &backend}, {.name = "driver", .list = &drivers},
        {.name = "aa", .flag = &aa},           {.name = "runs", .text = &runs},
        {.name = "verbose", .flag = &verbose}};
    struct catalog catalog = {0};
    struct err e;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, NULL, 0, NULL);
    if (!rc && list)
        for (size_t i = 0; i < selftest_ntrials; i++)
            printf("%-15s %s\n", selftest_trials[i]->name, selftest_trials[i]->doc);
    if (!rc && !list) {
        rc = check_names(&only, &e);
        if (!rc) rc = catalog_find(&catalog, &drivers, &e);
        const struct driver *d = rc ? NULL : choose_driver(&catalog, backend, &e);
        if (!d) rc = cmd_fail("selftest", &e);
        cmd_catch_signals();
        struct selftest_options o = {.driver_path = d ? d->path : NULL,
                                     .backend = d ? d->name : NULL,
                                     .quick = quick,
                                     .only = &only,
                                     .stop = &cmd_stop,
                                     .log = verbose || isatty(2) ? stderr : NULL,
                                     .decode = pmu_decode};
        if (d) rc = aa ? run_aa(&o, runs) : run(&o, as_json);
    }
    catalog_free(&catalog);
    strlist_free(&only);
    strlist_free(&drivers);
    return rc;
}
