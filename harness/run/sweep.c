/*
 * sweep: see sweep.h. inih does the tokens; it hands no line numbers to its handler, so the reader that feeds
 * it counts them, and tells a continuation line (which begins with a blank) from a key given twice.
 */
#include "run/sweep.h"
#include "base/file.h"
#include "base/perf_event.h"
#include "probe/topo.h"
#include "run/expr.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"
enum { LINE_MAX_CHARS = 195, VALUES_MAX = 256, EXPERIMENTS_MAX = 256 }; /* inih's line buffer is 200 bytes */
enum { PROCS_MAX = 1024 /* trine's bound, and Go's historic one */, CPUS_MANY = 4096 };

struct parser {
    struct sweep *s;
    const char *at;        /* next unread character */
    int line, header_line; /* the current one, and the last that opened a section */
    bool continued;        /* the current line begins with a blank */
    bool empty;            /* the section has no key yet */
    bool in_profile;
    char section[64];
    struct strlist seen; /* keys of the current section */
    struct err *e;
    bool failed;
};

static int complain(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct parser *p, const char *fmt, ...) {
    char what[768];
    va_list ap;
    if (p->failed) return 0; /* the first error is the one to mend */
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    err_set(p->e, TRINE_EXIT_USAGE, "%s:%d: %s", p->s->path, p->line, what);
    p->failed = true;
    return 0;
}

/* inih says nothing of a section without a key, and takes a header without its bracket for no header. */
static bool on_header(struct parser *p, size_t len) {
    if (!memchr(p->at, ']', len)) return complain(p, "expected [section]; the ']' is missing");
    if (p->empty) {
        p->line = p->header_line;
        return complain(p, "the section that begins here is empty");
    }
    p->header_line = p->line;
    p->empty = true;
    return true;
}

static char *next_line(char *out, int num, void *arg) {
    struct parser *p = arg;
    if (!*p->at || p->failed) return NULL;
    size_t n = strcspn(p->at, "\n"), with_newline = n + (p->at[n] == '\n');
    p->line++;
    p->continued = *p->at == ' ' || *p->at == '\t';
    if (*p->at == '[' && !on_header(p, n)) return NULL;
    if (n > LINE_MAX_CHARS || with_newline >= (size_t)num) {
        complain(p, "a line of %zu characters; expected at most %d (go on in the next line, indented)", n,
                 LINE_MAX_CHARS);
        return NULL;
    }
    memcpy(out, p->at, with_newline);
    out[with_newline] = '\0';
    p->at += with_newline;
    return out;
}

static int set_count(struct parser *p, const char *key, const char *value, int64_t min, int64_t max,
                     int64_t *out) {
    if (parse_int(value, min, max, out)) return 1;
    return complain(p, "%s = %s: expected a whole number from %lld to %lld", key, value, (long long)min,
                    (long long)max);
}

/* "5", or "3..10": at least and at most. */
static int set_reps(struct parser *p, const char *value, struct experiment *x) {
    const char *dots = strstr(value, "..");
    if (!dots) return set_count(p, "reps", value, 1, 1000, &x->reps);
    char *least = xstrndup(value, (size_t)(dots - value));
    bool ok = parse_int(trim(least), 1, 1000, &x->reps_min) && parse_int(dots + 2, 1, 1000, &x->reps) &&
              x->reps_min < x->reps;
    free(least);
    return ok ? 1 : complain(p, "reps = %s: expected a number from 1 to 1000, or two such as 3..10", value);
}

/* "2 %" */
static int set_until(struct parser *p, const char *value, double *out) {
    char *end;
    double percent = strtod(value, &end);
    if (end == value || strcmp(end + strspn(end, " "), "%") != 0 || !(percent >= 0.1 && percent <= 50))
        return complain(p, "until = %s: expected a share such as 2 %% (0.1 to 50)", value);
    *out = percent / 100;
    return 1;
}

static int set_text(char **out, const char *value, bool more) {
    char *joined = more && *out ? xasprintf("%s %s", *out, value) : xstrdup(value);
    free(*out);
    *out = joined;
    return 1;
}

static int add_values(struct parser *p, const char *key, const char *value, struct values *v) {
    strlist_split(&v->list, value, SEPARATORS);
    v->line = p->line;
    if (v->list.n == 0) return complain(p, "%s has no value; expected a list such as 'a b c'", key);
    if (v->list.n > VALUES_MAX) return complain(p, "%s has more than %d values", key, VALUES_MAX);
    return 1;
}

/* What grows with the CPUs (n) is no mistake where few of them make it too small, or many too large. */
static bool in_range(const char *text, int64_t max) {
    int64_t at_one, at_many;
    if (!expr_raw(text, 1, &at_one)) return false;
    return at_one <= max && (!expr_raw(text, CPUS_MANY, &at_many) || at_many >= 1);
}

static int add_numbers(struct parser *p, const char *key, const char *value, struct values *v) {
    int64_t ignored, max = strcmp(key, "procs") == 0 ? PROCS_MAX : EXPR_MAX;
    size_t from = v->list.n;
    if (!add_values(p, key, value, v)) return 0;
    for (size_t i = from; i < v->list.n; i++) {
        const char *w = v->list.v[i];
        if (strcmp(key, "tasks") == 0 && strcmp(w, "default") == 0) continue;
        if (!expr_eval(w, 1, &ignored))
            return complain(p, "%s: '%s' is no number; expected such as 1, 10k, n, 2n, n/2 (n: the CPUs)",
                            key, w);
        if (!in_range(w, max))
            return complain(p, "%s: '%s' is out of range; expected 1 to %lld", key, w, (long long)max);
    }
    return 1;
}

static int add_counters(struct parser *p, const char *value, struct values *v) {
    static const char *const usual[] = {"cycles",       "instructions",     "branches",       "branch-misses", "cache-references",
                                        "cache-misses", "context-switches", "cpu-migrations", "page-faults"};
    char hint[96];
    size_t from = v->list.n;
    if (!add_values(p, "counters", value, v)) return 0;
    for (size_t i = from; i < v->list.n; i++)
        if (!pmu_event_known(v->list.v[i]))
            return complain(p, "counters: '%s' is no event that libpfm4 knows, of this machine or another%s", v->list.v[i],
                            did_you_mean(hint, sizeof hint, v->list.v[i], usual, sizeof usual / sizeof *usual));
    return 1;
}

static int add_pins(struct parser *p, const char *value, struct values *v) {
    char hint[96];
    if (!add_values(p, "pin", value, v)) return 0;
    for (size_t i = 0; i < v->list.n; i++) {
        bool known = false;
        for (size_t k = 0; k < topo_npolicies; k++) known |= strcmp(v->list.v[i], topo_policies[k]) == 0;
        if (!known)
            return complain(
                p, "pin: '%s' is no policy; expected none compact scatter cores smt llc numa reverse%s",
                v->list.v[i], did_you_mean(hint, sizeof hint, v->list.v[i], topo_policies, topo_npolicies));
    }
    return 1;
}

static int add_param(struct parser *p, struct experiment *x, const char *key, const char *value) {
    for (size_t i = 0; i < x->nparams; i++)
        if (strcmp(x->params[i].key, key) == 0) return add_values(p, key, value, &x->params[i].values);
    if (!*key) return complain(p, "'param.' needs a name behind it: param.bytes = 0 64");
    x->params = xrealloc(x->params, (x->nparams + 1) * sizeof *x->params);
    x->params[x->nparams] = (struct sweep_param){.key = xstrdup(key)};
    return add_values(p, key, value, &x->params[x->nparams++].values);
}

static int profile_key(struct parser *p, const char *key, const char *value) {
    static const char *const keys[] = {"title", "budget", "reruns", "calibrate"};
    char hint[96];
    if (strcmp(key, "title") == 0) return set_text(&p->s->title, value, p->continued);
    if (strcmp(key, "reruns") == 0) return set_count(p, key, value, 0, 10, &p->s->reruns);
    if (strcmp(key, "calibrate") == 0) return set_count(p, key, value, 0, 1, &p->s->calibrate);
    if (strcmp(key, "budget") == 0)
        return parse_duration_ms(value, &p->s->budget_ms)
                   ? 1
                   : complain(p, "budget = %s: expected a time such as 60s, 5m, 2h", value);
    return complain(p, "unknown key '%s' in [profile]; expected title, budget, reruns or calibrate%s", key,
                    did_you_mean(hint, sizeof hint, key, keys, 4));
}

static int set_quota(struct parser *p, const char *value, struct experiment *x) {
    char *end;
    x->quota_cpus = strtod(value, &end);
    if (*value && !*end && x->quota_cpus >= 0.01 && x->quota_cpus <= 1024) return 1;
    return complain(p, "quota = %s: expected CPUs from 0.01 to 1024", value);
}

static int experiment_key(struct parser *p, struct experiment *x, const char *key, const char *value) {
    static const char *const keys[] = {"title",     "doc",       "workload", "backends", "procs",
                                       "tasks",     "param.",    "pin",      "reps",     "measure_ms",
                                       "warmup_ms", "timeout_s", "counters", "throttled", "until",
                                       "anchor",    "samples",   "quota",    "ready_mib"};
    char hint[96];
    if (strcmp(key, "title") == 0) return set_text(&x->title, value, p->continued);
    if (strcmp(key, "doc") == 0) return set_text(&x->doc, value, p->continued);
    if (strcmp(key, "workload") == 0) {
        x->workload_line = p->line;
        return *value ? set_text(&x->workload, value, false) : complain(p, "workload has no value");
    }
    if (strcmp(key, "backends") == 0) return add_values(p, key, value, &x->backends);
    if (strcmp(key, "procs") == 0) return add_numbers(p, key, value, &x->procs);
    if (strcmp(key, "tasks") == 0) return add_numbers(p, key, value, &x->tasks);
    if (strcmp(key, "pin") == 0) return add_pins(p, value, &x->pins);
    if (strcmp(key, "counters") == 0) return add_counters(p, value, &x->counters);
    if (strcmp(key, "reps") == 0) return set_reps(p, value, x);
    if (strcmp(key, "until") == 0) return set_until(p, value, &x->until);
    if (strcmp(key, "anchor") == 0) return set_count(p, key, value, 0, 1, &x->anchor);
    if (strcmp(key, "measure_ms") == 0) return set_count(p, key, value, 1, 3600000, &x->measure_ms);
    if (strcmp(key, "warmup_ms") == 0) return set_count(p, key, value, 0, 3600000, &x->warmup_ms);
    if (strcmp(key, "samples") == 0) return set_count(p, key, value, 1, 1000000, &x->samples);
    if (strcmp(key, "quota") == 0) return set_quota(p, value, x);
    if (strcmp(key, "ready_mib") == 0) return set_count(p, key, value, 1, 1 << 20, &x->ready_mib);
    if (strcmp(key, "throttled") == 0) return set_count(p, key, value, 0, 1, &x->throttle_expected);
    if (strcmp(key, "timeout_s") == 0) {
        if (!set_count(p, key, value, 1, 86400, &x->timeout_ms)) return 0;
        x->timeout_ms *= 1000;
        return 1;
    }
    if (strncmp(key, "param.", 6) == 0) return add_param(p, x, key + 6, value);
    return complain(p, "unknown key '%s' in [%s]%s", key, p->section,
                    did_you_mean(hint, sizeof hint, key, keys, sizeof keys / sizeof *keys));
}

static int begin_section(struct parser *p, const char *section) {
    struct sweep *s = p->s;
    snprintf(p->section, sizeof p->section, "%s", section);
    strlist_free(&p->seen);
    p->in_profile = strcmp(section, "profile") == 0;
    if (p->in_profile) return 1;
    const char *name = section + 10;
    if (strncmp(section, "experiment", 10) != 0 || !isspace((unsigned char)*name))
        return complain(p, "[%s]: expected [profile] or [experiment NAME]", section);
    name += strspn(name, " \t");
    if (!*name) return complain(p, "[experiment] has no name; expected [experiment NAME]");
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            return complain(p, "experiment '%s': expected a name of letters, digits, '-', '_' and '.'", name);
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->experiments[i].name, name) == 0)
            return complain(p, "experiment '%s' stands in line %d already", name, s->experiments[i].line);
    if (s->n == EXPERIMENTS_MAX) return complain(p, "more than %d experiments", EXPERIMENTS_MAX);
    s->experiments = xrealloc(s->experiments, (s->n + 1) * sizeof *s->experiments);
    s->experiments[s->n++] = (struct experiment){.name = xstrdup(name),
                                                 .line = p->line,
                                                 .reps = 3,
                                                 .measure_ms = 500,
                                                 .warmup_ms = 200,
                                                 .timeout_ms = 30000};
    return 1;
}

static int on_key(void *arg, const char *section, const char *key, const char *value) {
    struct parser *p = arg;
    if (p->failed) return 0;
    p->empty = false;
    if (!*section)
        return complain(p, "'%s' stands before the first section; expected [profile] or [experiment NAME]",
                        key);
    if (strcmp(section, p->section) != 0) {
        int key_line = p->line;
        p->line = p->header_line; /* inih tells of a section only with its first key */
        if (!begin_section(p, section)) return 0;
        p->line = key_line;
    }
    if (strlist_has(&p->seen, key) && !p->continued)
        return complain(p, "'%s' is given twice in [%s]", key, section);
    strlist_add(&p->seen, key);
    return p->in_profile ? profile_key(p, key, value)
                         : experiment_key(p, &p->s->experiments[p->s->n - 1], key, value);
}

/* What an experiment needs and what it may leave out. */
static int complete(struct parser *p) {
    struct sweep *s = p->s;
    if (s->n == 0) return complain(p, "no [experiment NAME] section");
    for (size_t i = 0; i < s->n; i++) {
        struct experiment *x = &s->experiments[i];
        p->line = x->line;
        if (!x->workload) return complain(p, "[experiment %s] has no workload", x->name);
        if ((x->reps_min > 0) != (x->until > 0))
            return complain(p, "[experiment %s] reps = 3..10 and until = 2 %% are given together or not at all",
                            x->name);
        if (!x->title) x->title = xstrdup(x->name);
        if (!x->procs.list.n) strlist_add(&x->procs.list, "n");
        if (!x->tasks.list.n) strlist_add(&x->tasks.list, "default");
        if (!x->pins.list.n) strlist_add(&x->pins.list, "none");
        if (!x->backends.list.n) strlist_add(&x->backends.list, "all");
        if (x->timeout_ms <= x->warmup_ms + x->measure_ms)
            return complain(p, "[experiment %s] timeout_s is not above warmup_ms + measure_ms", x->name);
    }
    return 1;
}

static char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = xstrdup(slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name) *dot = '\0';
    return name;
}

int sweep_parse(struct sweep *s, const char *path, const char *text, struct err *e) {
    struct parser p = {.s = s, .at = text, .e = e};
    *s = (struct sweep){.name = base_name(path), .path = xstrdup(path), .text = xstrdup(text), .reruns = 3};
    int bad_line = ini_parse_stream(next_line, &p, on_key, &p);
    if (bad_line && !p.failed) {
        p.line = bad_line;
        complain(&p, "expected [section], 'key = value' or a comment");
    }
    if (!p.failed && p.empty) {
        p.line = p.header_line;
        complain(&p, "the section that begins here is empty");
    }
    if (!p.failed) complete(&p);
    strlist_free(&p.seen);
    if (!p.failed) return 0;
    sweep_free(s);
    return e->code;
}

static void values_free(struct values *v) {
    strlist_free(&v->list);
}

void sweep_free(struct sweep *s) {
    for (size_t i = 0; i < s->n; i++) {
        struct experiment *x = &s->experiments[i];
        struct values *all[] = {&x->backends, &x->procs, &x->tasks, &x->pins, &x->counters};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) values_free(all[k]);
        for (size_t k = 0; k < x->nparams; k++) {
            free(x->params[k].key);
            values_free(&x->params[k].values);
        }
        free(x->params);
        free(x->name);
        free(x->title);
        free(x->doc);
        free(x->workload);
    }
    free(s->experiments);
    free(s->name);
    free(s->path);
    free(s->text);
    free(s->title);
    *s = (struct sweep){0};
}
