/* exec: see exec.h. State of one point lives in struct outside, from fork to reaping. */
#include "run/exec.h"
#include "base/child.h"
#include "base/json.h"
#include "probe/cgroup.h"
#include "probe/kernel.h"
#include "probe/quota.h"
#include "probe/sampler.h"
#include "run/ready.h"
#include "run/validity.h"
#include "store/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUOTA_PERIOD_US = 100000, SAMPLE_PERIOD_NS = 1000000, RECORD_MAX_BYTES = 64 << 20 };

struct outside {
    const struct exec_context *x;
    const json_t *planned;
    struct cgroup_cpu cgroup;
    struct quota quota; /* open where the point has one */
    bool in_quota;
    struct kernel_snapshot before, after;
    struct pmu_set pmu;
    struct strlist counters;
    struct sampler *sampler;
    int *cpus;
    size_t ncpus;
    json_t *view, *counted;
};

static void on_forked(pid_t pid, void *arg) {
    struct outside *o = arg;
    if (o->x->fault && o->x->fault->forked) o->x->fault->forked(pid, o->x->fault->arg);
    if (o->quota.group.version)
        o->in_quota = quota_enter(&o->quota, pid);
    else
        cgroup_find_of(o->x->root, pid, &o->cgroup);
    pmu_open(&o->pmu, o->x->pmu, o->counters.v, o->counters.n, pid);
    kernel_snapshot(o->x->root, &o->cgroup, &o->before);
}

static void on_started(pid_t pid, void *arg) {
    struct outside *o = arg;
    o->sampler = sampler_start(o->x->root, pid, SAMPLE_PERIOD_NS, o->cpus, o->ncpus);
    if (o->x->fault && o->x->fault->started) o->x->fault->started(pid, o->x->fault->arg);
}

static void on_ended(pid_t pid, void *arg) {
    struct outside *o = arg;
    if (o->x->fault && o->x->fault->ended) o->x->fault->ended(pid, o->x->fault->arg);
    if (o->sampler)
        sampler_stop(o->sampler, o->view);
    else
        json_object_set_new(o->view, "threads", json_unavailable("no thread could be started to sample"));
    kernel_snapshot(o->x->root, &o->cgroup, &o->after);
    o->counted = pmu_finish(&o->pmu);
}

static int64_t timeval_ns(struct timeval t) {
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static void add_usage(json_t *view, const struct rusage *u) {
    struct rusage own;
    json_t *more =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "voluntary_switches", (json_int_t)u->ru_nvcsw,
                  "involuntary_switches", (json_int_t)u->ru_nivcsw, "minor_faults", (json_int_t)u->ru_minflt,
                  "major_faults", (json_int_t)u->ru_majflt, "cpu_user_ns",
                  (json_int_t)timeval_ns(u->ru_utime), "cpu_system_ns", (json_int_t)timeval_ns(u->ru_stime));
    json_object_update(view, more);
    json_decref(more);
    /* ru_maxrss is exact, but exec keeps the forked parent's: it is the driver's only when above trine's own
     */
    getrusage(RUSAGE_SELF, &own);
    if (u->ru_maxrss > own.ru_maxrss || !json_object_get(view, "max_rss_bytes"))
        json_object_set_new(view, "max_rss_bytes",
                            u->ru_maxrss > own.ru_maxrss
                                ? json_integer((json_int_t)u->ru_maxrss * 1024)
                                : json_unavailable("the process ended before the first look"));
}

static void add_machine(struct outside *o) {
    double resolution, steal = kernel_steal_fraction(&o->before, &o->after, &resolution);
    json_object_set_new(o->view, "steal_fraction",
                        steal >= 0 ? json_real(steal) : json_unavailable("/proc/stat"));
    if (steal >= 0) json_object_set_new(o->view, "steal_resolution", json_real(resolution));
    int64_t throttled = cgroup_throttled_between(&o->before.throttled, &o->after.throttled);
    json_object_set_new(o->view, "throttled_ns",
                        throttled >= 0 ? json_integer(throttled)
                                       : json_unavailable("cgroup %s: no throttled time in cpu.stat", o->cgroup.mode));
}

/* Of the whole machine: how long some task waited, the point's own among them. */
static void add_pressure(struct outside *o) {
    json_t *all = json_object();
    for (int i = 0; i < KERNEL_PRESSURES; i++) {
        int64_t a = o->before.pressure_us[i], b = o->after.pressure_us[i];
        char *key = xasprintf("%s_some_ns", kernel_pressure_names[i]);
        if (a >= 0 && b >= a) json_object_set_new(all, key, json_integer((b - a) * 1000));
        free(key);
    }
    if (json_object_size(all) == 0)
        json_object_set_new(all, "unavailable",
                            json_string("/proc/pressure: the kernel does not tell (PSI)"));
    json_object_set_new(o->view, "pressure", all);
}

static void add_arg(struct strlist *argv, const char *option, int64_t v) {
    char *text = xasprintf("%lld", (long long)v);
    strlist_add(argv, option);
    strlist_add(argv, text);
    free(text);
}

static char *cpu_list(const json_t *cpus) {
    struct strbuf b = {0};
    size_t i;
    const json_t *v;
    json_array_foreach(cpus, i, v)
        strbuf_printf(&b, "%s%lld", i ? "," : "", (long long)json_integer_value(v));
    return b.s ? b.s : xstrdup("");
}

/* docs/protocol.md, as argv; a NULL is put behind it. */
static void command_line(struct strlist *argv, const char *path, const json_t *planned) {
    const char *key;
    const json_t *value, *cpus = json_object_get(planned, "cpus");
    strlist_add(argv, path);
    strlist_add(argv, "--workload");
    strlist_add(argv, json_str(planned, "workload", ""));
    add_arg(argv, "--procs", json_int(planned, "procs", 1));
    if (json_is_integer(json_object_get(planned, "tasks")))
        add_arg(argv, "--tasks", json_int(planned, "tasks", 1));
    json_object_foreach((json_t *)json_object_get(planned, "params"), key, value) {
        char *text = xasprintf("%s=%s", key, json_string_value(value));
        strlist_add(argv, "--param");
        strlist_add(argv, text);
        free(text);
    }
    if (json_is_array(cpus)) {
        char *list = cpu_list(cpus);
        strlist_add(argv, "--cpus");
        strlist_add(argv, list);
        free(list);
    }
    add_arg(argv, "--seed", json_int(planned, "seed", 1));
    add_arg(argv, "--warmup-ms", json_int(planned, "warmup_ms", 200));
    add_arg(argv, "--measure-ms", json_int(planned, "measure_ms", 500));
    int64_t samples = json_int(planned, "samples", 0);
    if (samples) add_arg(argv, "--min-samples", samples);
    if (samples) add_arg(argv, "--max-samples", samples);
    argv->v = xrealloc(argv->v, (argv->n + 1) * sizeof *argv->v);
    argv->v[argv->n] = NULL;
}

/* The last line that the driver left on stderr: mostly the one that says why. */
static void last_words(const struct strbuf *err, char *out, size_t bytes) {
    char *copy = xstrdup(strbuf_str(err)), *text = trim(copy), *newline = strrchr(text, '\n');
    snprintf(out, bytes, "%s%.200s", *text ? ": " : "", newline ? newline + 1 : text);
    free(copy);
}

/* From how the process ended and what it printed to status and reason; the record goes in when there is one.
 */
static const char *outcome(const struct child_result *r, const json_t *planned, json_t *point, char *why,
                           size_t bytes) {
    char words[256];
    last_words(&r->err, words, sizeof words);
    why[0] = '\0';
    if (r->output_too_long) {
        snprintf(why, bytes, "the driver printed more than %d MiB", RECORD_MAX_BYTES >> 20);
        return "failed";
    }
    if (r->end == CHILD_TIMEOUT) {
        snprintf(why, bytes, "no record within %lld s",
                 (long long)(json_int(planned, "timeout_ms", 0) / 1000));
        return "timeout";
    }
    if (r->end == CHILD_SIGNALED) {
        snprintf(why, bytes, "the driver was killed by signal %d (%s)%s", r->code, strsignal(r->code), words);
        return "failed";
    }
    json_t *record = record_parse(strbuf_str(&r->out), r->out.len, why, bytes);
    if (record && strcmp(json_str(record, "status", ""), "ok") == 0 &&
        !record_answers(record, json_str(planned, "workload", ""), json_int(planned, "procs", 1), why, bytes)) {
        json_decref(record);
        record = NULL;
    }
    if (record) json_object_set_new(point, "record", record);
    if (r->code != 0 && !(record && strcmp(json_str(record, "status", ""), "error") == 0)) {
        snprintf(why, bytes, "the driver ended with status %d%s", r->code, words);
        return "failed";
    }
    if (!record) return "failed";
    snprintf(why, bytes, "%s", json_str(record, "reason", ""));
    const char *status = json_str(record, "status", "");
    return strcmp(status, "error") == 0 ? "failed" : status;
}

/* What identifies the point, copied from the plan, in the order of results/README.md. */
static json_t *new_point(const json_t *planned, int attempt) {
    static const char *const first[] = {"id", "series", "experiment", "rep"};
    static const char *const then[] = {"backend", "workload", "procs", "tasks",
                                       "params",  "pin",      "cpus",  "seed",
                                       "anchor",  "quota_cpus"};
    json_t *p = json_pack("{s:s,s:i}", "schema", "trine-point", "version", 1);
    char now[32];
    time_t t = time(NULL);
    struct tm tm;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        json_object_set(p, first[i], json_object_get(planned, first[i]));
    json_object_set_new(p, "attempt", json_integer(attempt));
    for (size_t i = 0; i < sizeof then / sizeof *then; i++)
        json_object_set(p, then[i], json_object_get(planned, then[i]));
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    json_object_set_new(p, "started_utc", json_string(now));
    return p;
}

/* A reason was cut to its room, perhaps inside a character, which JSON does not take. */
static void set_status(json_t *point, const char *status, const char *reason) {
    char *whole = xstrdup(reason);
    text_make_utf8(whole);
    json_object_set_new(point, "status", json_string(status));
    json_object_set_new(point, "reason", json_string(whole));
    free(whole);
}

static json_t *without_running(const json_t *planned, const char *status, const char *reason) {
    json_t *point = new_point(planned, 0);
    json_object_set_new(point, "elapsed_ns", json_integer(0));
    set_status(point, status, reason);
    validity_judge(point, planned);
    return point;
}

static void prepare(struct outside *o, const struct exec_context *x, const json_t *planned) {
    const json_t *list = json_object_get(planned, "cpus"), *v;
    size_t i;
    *o = (struct outside){.x = x, .planned = planned, .view = json_object()};
    o->ncpus = json_array_size(list);
    o->cpus = xcalloc(o->ncpus, sizeof *o->cpus);
    json_array_foreach(list, i, v) o->cpus[i] = (int)json_integer_value(v);
    json_array_foreach(json_object_get(planned, "counters"), i, v)
        strlist_add(&o->counters, json_string_value(v));
}

/* A cgroup of its own for a point that asks for a quota. */
static bool limit(struct outside *o, char *why, size_t bytes) {
    double cpus = json_num(o->planned, "quota_cpus", 0);
    if (cpus <= 0) return true;
    if (!quota_open(&o->quota, o->x->root, cpus, QUOTA_PERIOD_US, why, bytes)) return false;
    o->cgroup = o->quota.group;
    return true;
}

static void release(struct outside *o, struct strlist *argv, struct child_result *r) {
    quota_close(&o->quota);
    json_decref(o->view);
    json_decref(o->counted);
    strlist_free(&o->counters);
    free(o->cpus);
    strlist_free(argv);
    child_result_free(r);
}

json_t *exec_point(const struct exec_context *x, const json_t *planned, int attempt,
                   const char *driver_path, struct err *e) {
    struct outside o;
    struct strlist argv = {0};
    struct child_result r;
    char why[1024];
    const char *decided = json_str(planned, "status", NULL);
    e->code = 0;
    if (decided) return without_running(planned, decided, json_str(planned, "reason", ""));
    if (!driver_path) {
        err_set(e, TRINE_EXIT_INFRA, "the driver of %s is gone", json_str(planned, "backend", "?"));
        return NULL;
    }
    prepare(&o, x, planned);
    command_line(&argv, driver_path, planned);
    struct child_spec spec = {.argv = argv.v,
                              .timeout_ms = json_int(planned, "timeout_ms", 30000),
                              .max_output_bytes = RECORD_MAX_BYTES,
                              .stop = x->stop,
                              .hooks = {on_forked, on_started, on_ended, &o}};
    json_t *point = new_point(planned, attempt);
    if (!limit(&o, why, sizeof why)) {
        memset(&r, 0, sizeof r);
        release(&o, &argv, &r);
        json_decref(point);
        return without_running(planned, "skipped", why);
    }
    int64_t mib = json_int(planned, "ready_mib", 0);
    if (mib) json_object_set_new(o.view, "readied_bytes", memory_ready(x->root, mib, x->stop));
    child_run(&spec, &r);
    if (r.end == CHILD_NOT_STARTED)
        err_set(e, TRINE_EXIT_INFRA, "%s cannot be started: %s", driver_path, strerror(r.code));
    if (r.end == CHILD_STOPPED || r.end == CHILD_NOT_STARTED) {
        json_decref(point);
        point = NULL;
    } else {
        json_object_set_new(point, "elapsed_ns", json_integer(r.elapsed_ns));
        const char *status = outcome(&r, planned, point, why, sizeof why);
        set_status(point, status, why);
        add_usage(o.view, &r.usage);
        add_machine(&o);
        add_pressure(&o);
        if (o.quota.group.version) json_object_set_new(o.view, "in_quota", json_boolean(o.in_quota));
        json_object_set_new(o.view, "elapsed_ns", json_integer(r.elapsed_ns));
        json_object_set(point, "outside", o.view);
        json_object_set(point, "counters", o.counted);
        validity_judge(point, planned);
    }
    release(&o, &argv, &r);
    return point;
}
