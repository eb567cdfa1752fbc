/* plan: what a run would do, without doing it. */
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_point(const json_t *v) {
    char *params = json_line(json_object_get(v, "params")), *tasks = json_line(json_object_get(v, "tasks"));
    printf("%s %s %s on %s procs %lld tasks %s %s pin %s rep %lld%s%s\n", json_str(v, "id", ""),
           json_str(v, "experiment", ""), json_str(v, "workload", ""), json_str(v, "backend", ""),
           (long long)json_int(v, "procs", 0), tasks, params, json_str(v, "pin", ""),
           (long long)json_int(v, "rep", 0), json_object_get(v, "status") ? ": " : "",
           json_str(v, "reason", ""));
    free(params);
    free(tasks);
}

static void print_summary(const struct session *s) {
    const char *name;
    json_t *about;
    char time[64];
    size_t all = json_array_size(s->plan.points);
    printf("%-14s %8s %8s  %s\n", "experiment", "points", "time", "what");
    json_object_foreach(s->plan.experiments, name, about) {
        const json_t *v;
        size_t i, n = 0;
        int64_t ms = 0;
        json_array_foreach(s->plan.points, i, v) {
            if (strcmp(json_str(v, "experiment", ""), name) != 0) continue;
            n++;
            ms += plan_point_ms(v);
        }
        format_duration(time, sizeof time, ms);
        printf("%-14s %8zu %8s  %s\n", name, n, time, json_str(about, "title", ""));
    }
    format_duration(time, sizeof time, plan_total_ms(s->plan.points));
    printf("%zu points, about %s; seed %llu\n", all, time, (unsigned long long)s->options.seed);
    if (s->sweep.budget_ms) {
        format_duration(time, sizeof time, s->sweep.budget_ms);
        printf("no point is started after %s\n", time);
    }
}

static void print_plan(const struct session *s, bool points, bool as_json) {
    const json_t *v;
    size_t i;
    if (as_json) {
        char *text = json_pretty(s->plan.points);
        puts(text);
        free(text);
    } else if (points) {
        json_array_foreach(s->plan.points, i, v) print_point(v);
    } else {
        print_summary(s);
    }
}

int cmd_plan(int argc, char **argv) {
    struct choice c = {0};
    bool points = false, as_json = false;
    const struct option_spec specs[] = {
        {.name = "profile", .text = &c.profile},   {.name = "only", .list = &c.only},
        {.name = "backends", .list = &c.backends}, {.name = "seed", .text = &c.seed},
        {.name = "driver", .list = &c.drivers},    {.name = "points", .flag = &points},
        {.name = "json", .flag = &as_json},        {.name = "reps", .text = &c.reps}};
    struct session s = {0};
    struct err e;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, NULL, 0, NULL);
    if (!rc && session_plan(&s, &c, &e)) {
        rc = cmd_fail("plan", &e);
    } else if (!rc) {
        for (size_t i = 0; i < s.plan.notices.n; i++)
            fprintf(stderr, "trine plan: %s\n", s.plan.notices.v[i]);
        print_plan(&s, points, as_json);
    }
    session_free(&s);
    choice_free(&c);
    return rc;
}
