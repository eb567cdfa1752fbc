/* run: plans, makes the run's folder with manifest and env, measures. */
#include "base/file.h"
#include "base/json.h"
#include "base/version.h"
#include "calibrate/calibrate.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "probe/env.h"
#include "store/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *driver_list(const struct catalog *c) {
    json_t *list = json_object();
    for (size_t i = 0; i < c->n; i++)
        json_object_set_new(list, c->v[i].name,
                            json_pack("{s:s,s:s}", "path", c->v[i].path, "version",
                                      json_str(c->v[i].description, "backend_version", "unknown")));
    return list;
}

static json_t *new_manifest(const struct session *s, int argc, char **argv, const char *machine) {
    char now[32];
    json_t *arguments = json_array(),
           *m = json_pack("{s:s,s:i}", "schema", "trine-manifest", "version", MANIFEST_VERSION);
    json_array_append_new(arguments, json_string("trine"));
    for (int i = 0; i < argc; i++) json_array_append_new(arguments, json_string(argv[i]));
    utc_now(now);
    json_object_set_new(m, "trine", json_string(trine_version));
    json_object_set_new(m, "commit", json_string(trine_commit));
    json_object_set_new(m, "build_type", json_string(trine_build_type));
    json_object_set_new(m, "machine", json_string(machine));
    json_object_set_new(m, "arguments", arguments);
    json_object_set_new(m, "started_utc", json_string(now));
    json_object_set_new(m, "ended_utc", json_null());
    json_object_set_new(m, "ended", json_string("running"));
    json_object_set_new(m, "profile", json_string(s->sweep.name));
    json_object_set_new(m, "profile_title", json_string(s->sweep.title ? s->sweep.title : s->sweep.name));
    json_object_set_new(m, "profile_text", json_string(s->sweep.text));
    json_object_set_new(m, "seed", json_integer((json_int_t)s->options.seed));
    json_object_set_new(m, "drivers", driver_list(&s->catalog));
    json_object_set(m, "experiments", s->plan.experiments);
    json_object_set(m, "plan", s->plan.points);
    return m;
}

/* The run's folder with env.json and manifest.json in it; NULL and e on failure. */
static char *prepare(const struct session *s, const char *out, json_t *manifest, json_t *env, struct err *e) {
    char *dir = run_dir_make(out, json_str(env, "machine", "unknown"), s->sweep.name, e);
    if (!dir) return NULL;
    char *path = path_join(dir, "env.json");
    int rc = json_write_file(path, env, e);
    free(path);
    if (!rc) rc = manifest_write(dir, manifest, e);
    if (!rc) return dir;
    free(dir);
    return NULL;
}

/* The machine's limits in this very run, so that its figures can be read as multiples of them. */
static int write_limits(const struct session *s, const char *dir, struct err *e) {
    if (!s->sweep.calibrate) return 0;
    char *micro = calibrate_find_micro(), *path = path_join(dir, "limits.json");
    struct calibrate_options o = {.quick = true, .micro = micro};
    json_t *limits = calibrate(&o);
    int rc = json_write_file(path, limits, e);
    json_decref(limits);
    free(path);
    free(micro);
    return rc;
}

/* From the plan to the end of the run. */
static int measure(const struct session *s, int argc, char **argv, const char *out, int64_t budget_ms,
                   int64_t reruns, bool quiet) {
    static const struct probe_root machine = {""};
    struct err e;
    json_t *env = env_collect(&machine, s->topo);
    json_t *manifest = new_manifest(s, argc, argv, json_str(env, "machine", "unknown"));
    json_object_set_new(manifest, "budget_ms", json_integer(budget_ms));
    json_object_set_new(manifest, "reruns", json_integer(reruns));
    char *dir = prepare(s, out, manifest, env, &e);
    int rc = dir && write_limits(s, dir, &e) == 0
                 ? session_measure("run", dir, manifest, &s->catalog, budget_ms, reruns, quiet)
                 : cmd_fail("run", &e);
    free(dir);
    json_decref(env);
    json_decref(manifest);
    return rc;
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
        {.name = "quiet", .flag = &quiet}};
    struct session s = {0};
    struct err e;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, NULL, 0, NULL);
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
        if (!rc) rc = measure(&s, argc, argv, out, budget_ms, nreruns, quiet);
    }
    session_free(&s);
    choice_free(&c);
    return rc;
}
