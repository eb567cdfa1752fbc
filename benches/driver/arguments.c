/* The command line of docs/protocol.md. Every problem is one line: what, and what was expected. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static const char *next_workload(const void *ctx, size_t i) {
    (void)ctx;
    return all_workloads[i] ? all_workloads[i]->name : NULL;
}

static const struct workload *find_workload(const char *name) {
    for (size_t i = 0; all_workloads[i]; i++)
        if (!strcmp(all_workloads[i]->name, name)) return all_workloads[i];
    return NULL;
}

struct number_option {
    const char *name;
    int64_t min, max;
    size_t offset;       /* of an int64_t in struct options */
};

static const struct number_option number_options[] = {
    {"--tasks", 1, 100000000, offsetof(struct options, tasks)},
    {"--warmup-ms", 0, 3600000, offsetof(struct options, warmup_ms)},
    {"--measure-ms", 0, 3600000, offsetof(struct options, measure_ms)},
    {"--min-samples", 1, 1000000, offsetof(struct options, min_samples)},
    {"--max-samples", 1, 1000000, offsetof(struct options, max_samples)},
};
enum { NNUMBERS = sizeof number_options / sizeof number_options[0] };

static const char *next_option(const void *ctx, size_t i) {
    static const char *const others[] = {"--workload", "--describe", "--procs", "--param", "--cpus", "--seed", NULL};
    (void)ctx;
    return i < NNUMBERS ? number_options[i].name : others[i - NNUMBERS];
}

static bool parse_range(const char *option, const char *text, int64_t min, int64_t max, int64_t *out, char *why,
                        size_t why_size) {
    if (parse_int(text, out) && *out >= min && *out <= max) return true;
    snprintf(why, why_size, "%s: '%s' is not a whole number from %lld to %lld", option, text, (long long)min,
             (long long)max);
    return false;
}

static bool parse_cpus(struct be_config *cfg, const char *text, char *why, size_t why_size) {
    cpu_set_t allowed;
    bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    cfg->cpu_list = text;
    for (const char *at = text;; at++) {
        char *end;
        long cpu = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || cpu < 0 || cpu >= BE_MAX_CPUS || cfg->ncpus == BE_MAX_CPUS) {
            snprintf(why, why_size, "--cpus: '%s' is not a comma list of CPU numbers below %d", text, BE_MAX_CPUS);
            return false;
        }
        if (known && !CPU_ISSET(cpu, &allowed)) {
            snprintf(why, why_size, "--cpus: CPU %ld is not in this process's affinity mask", cpu);
            return false;
        }
        cfg->cpus[cfg->ncpus++] = (int)cpu;
        if (!*end) return true;
        at = end;
    }
}

static bool parse_param(struct point *pt, const char *text, char *why, size_t why_size) {
    char name[64];
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name) {
        snprintf(why, why_size, "--param: '%s' is not of the form KEY=VALUE", text);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    struct param_set *set = strncmp(name, "rt.", 3) ? &pt->params : &pt->rt_params;
    return params_set(set, name, equals + 1, why, why_size);
}

static bool parse_option(struct point *pt, const char *option, const char *value, char *why, size_t why_size) {
    int64_t number;
    for (size_t i = 0; i < NNUMBERS; i++) {
        const struct number_option *o = &number_options[i];
        if (strcmp(option, o->name)) continue;
        return parse_range(option, value, o->min, o->max, (int64_t *)((char *)&pt->options + o->offset), why,
                           why_size);
    }
    if (!strcmp(option, "--procs")) {
        if (!parse_range(option, value, 1, BE_MAX_CPUS, &number, why, why_size)) return false;
        pt->config.procs = (int)number;
        return true;
    }
    if (!strcmp(option, "--seed")) {
        if (!parse_range(option, value, 0, INT64_MAX, &number, why, why_size)) return false;
        pt->config.seed = (uint64_t)number;
        return true;
    }
    if (!strcmp(option, "--cpus")) return parse_cpus(&pt->config, value, why, why_size);
    return parse_param(pt, value, why, why_size);
}

static bool is_option(const char *word) {
    for (size_t i = 0; next_option(NULL, i); i++)
        if (!strcmp(word, next_option(NULL, i))) return true;
    return false;
}

/* First pass: every word is an option with its value; the workload, whose parameters the second pass needs. */
static bool scan(struct point *pt, int argc, char **argv, bool *describe, char *why, size_t why_size) {
    for (int i = 1; i < argc; i++) {
        if (!is_option(argv[i])) {
            const char *near = nearest_word(argv[i], next_option, NULL);
            snprintf(why, why_size, "unknown option '%s'%s%s%s (see docs/protocol.md)", argv[i],
                     near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
            return false;
        }
        if (!strcmp(argv[i], "--describe")) {
            *describe = true;
            continue;
        }
        if (i + 1 == argc) {
            snprintf(why, why_size, "option %s needs a value", argv[i]);
            return false;
        }
        if (strcmp(argv[i++], "--workload")) continue;
        pt->workload = find_workload(argv[i]);
        if (!pt->workload) {
            const char *near = nearest_word(argv[i], next_workload, NULL);
            snprintf(why, why_size, "unknown workload '%s'%s%s%s (see --describe)", argv[i],
                     near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
            return false;
        }
    }
    if (pt->workload || *describe) return true;
    snprintf(why, why_size, "no --workload given: see --describe for their names");
    return false;
}

static int cpus_allowed(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static bool check_together(struct point *pt, char *why, size_t why_size) {
    const struct workload *w = pt->workload;
    pt->tasks = pt->options.tasks ? pt->options.tasks : w->tasks;
    if (pt->tasks < w->tasks_min || pt->tasks > w->tasks_max) {
        snprintf(why, why_size, "--tasks: %lld is out of range for %s: expected %lld to %lld", (long long)pt->tasks,
                 w->name, (long long)w->tasks_min, (long long)w->tasks_max);
        return false;
    }
    if (pt->options.min_samples > pt->options.max_samples) {
        snprintf(why, why_size, "--min-samples %lld is above --max-samples %lld",
                 (long long)pt->options.min_samples, (long long)pt->options.max_samples);
        return false;
    }
    if (w->prepare && !w->prepare(pt)) {
        snprintf(why, why_size, "%s", pt->reason);
        return false;
    }
    return true;
}

bool driver_arguments(struct point *pt, int argc, char **argv, bool *describe, char *why, size_t why_size) {
    *describe = false;
    if (!scan(pt, argc, argv, describe, why, why_size)) return false;
    if (*describe) return true;
    pt->options = (struct options){.warmup_ms = 200, .measure_ms = 500, .min_samples = 10, .max_samples = 2000};
    pt->config.procs = cpus_allowed();
    pt->config.seed = 1;
    params_init(&pt->params, pt->workload->params);
    params_init(&pt->rt_params, be_rt_params);
    pt->config.rt = &pt->rt_params;
    for (int i = 1; i < argc; i += 2)
        if (strcmp(argv[i], "--workload") && !parse_option(pt, argv[i], argv[i + 1], why, why_size)) return false;
    return check_together(pt, why, why_size);
}
