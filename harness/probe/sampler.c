/*
 * sampler: see sampler.h. Owns its thread; the creator touches the struct only before start and after join,
 * so the one shared word is `stop`.
 *
 * Two looks: the cheap one (list /proc/<pid>/task) each period, the dear one (schedstat and affinity of every
 * thread, VmHWM) each 10 ms. Both stretch so that the sampler takes at most a twentieth of one CPU: with
 * 10,000 threads a look takes milliseconds, and a sampler that eats a core would measure itself.
 */
#include "probe/sampler.h"
#include "base/child.h"
#include "base/json.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEAR_PERIOD_NS = 10 * 1000000, DUTY_INVERSE = 20, SERIES_MAX = 4096, TASKS_PER_DEAR_LOOK = 512 };

/* One thread that was ever seen. */
struct task {
    pid_t tid;
    int bound_cpu; /* the only CPU it may run on, or -1 */
    int64_t run_delay_ns;
};

struct sampler {
    const struct probe_root *root;
    pid_t pid;
    int64_t period_ns, start_ns;
    const int *cpus;
    size_t ncpus;
    pthread_t thread;
    atomic_bool stop;
    /* all below: the sampler's thread until it is joined */
    struct task *tasks; /* open addressing by tid, tid 0 is free */
    size_t ntasks, cap;
    pid_t *now; /* tids of the last look */
    size_t nnow, now_cap, dear_from;
    int64_t looks, dear_looks, first_ns, last_ns, weighted, peak, last_count;
    int64_t max_rss_bytes, delays_read;
    int64_t series[SERIES_MAX][2]; /* [ns from start, threads], changes only */
    size_t nseries;
    bool series_cut;
};

static struct task *slot_of(struct task *table, size_t cap, pid_t tid) {
    size_t i = (size_t)tid * 0x9e3779b1u & (cap - 1);
    while (table[i].tid && table[i].tid != tid) i = (i + 1) & (cap - 1);
    return &table[i];
}

static struct task *task_of(struct sampler *s, pid_t tid) {
    if (s->ntasks * 2 >= s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct task *bigger = xcalloc(cap, sizeof *bigger);
        for (size_t i = 0; i < s->cap; i++)
            if (s->tasks[i].tid) *slot_of(bigger, cap, s->tasks[i].tid) = s->tasks[i];
        free(s->tasks);
        s->tasks = bigger;
        s->cap = cap;
    }
    struct task *t = slot_of(s->tasks, s->cap, tid);
    if (!t->tid) {
        *t = (struct task){.tid = tid, .bound_cpu = -1};
        s->ntasks++;
    }
    return t;
}

static void list_tasks(struct sampler *s, const char *dir) {
    DIR *d = opendir(dir);
    s->nnow = 0;
    if (!d) return;
    for (struct dirent *de; (de = readdir(d));) {
        pid_t tid = (pid_t)atoi(de->d_name);
        if (tid <= 0) continue;
        if (s->nnow == s->now_cap) {
            s->now_cap = s->now_cap ? s->now_cap * 2 : 64;
            s->now = xrealloc(s->now, s->now_cap * sizeof *s->now);
        }
        s->now[s->nnow++] = tid;
        task_of(s, tid);
    }
    closedir(d);
}

static void count_threads(struct sampler *s) {
    int64_t t = monotonic_ns() - s->start_ns, n = (int64_t)s->nnow;
    if (n == 0) return;                              /* the process is gone: the last count stood until now */
    if (s->looks == 0) s->first_ns = s->last_ns = t; /* before the first look nothing is known */
    s->weighted += s->last_count * (t - s->last_ns);
    s->last_ns = t;
    if (n > s->peak) s->peak = n;
    if (n != s->last_count && s->nseries < SERIES_MAX) {
        s->series[s->nseries][0] = t;
        s->series[s->nseries++][1] = n;
    } else if (n != s->last_count) {
        s->series_cut = true;
    }
    s->last_count = n;
    s->looks++;
}

static int only_cpu(pid_t tid) {
    cpu_set_t set;
    if (sched_getaffinity(tid, sizeof set, &set) < 0 || CPU_COUNT(&set) != 1) return -1;
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &set)) return c;
    return -1;
}

static void look_closely(struct sampler *s) {
    size_t n = s->nnow < TASKS_PER_DEAR_LOOK ? s->nnow : TASKS_PER_DEAR_LOOK;
    for (size_t k = 0; k < n;
         k++) { /* in turn, so that every one of very many threads is seen now and then */
        pid_t tid = s->now[(s->dear_from + k) % s->nnow];
        char *text = probe_line(s->root, "/proc/%d/task/%d/schedstat", (int)s->pid, (int)tid);
        struct task *t = task_of(s, tid);
        long long delay;
        if (text && sscanf(text, "%*s %lld", &delay) == 1) {
            t->run_delay_ns = delay;
            s->delays_read++;
        }
        free(text);
        if (s->ncpus && !*s->root->prefix) t->bound_cpu = only_cpu(tid);
    }
    s->dear_from = s->nnow ? (s->dear_from + n) % s->nnow : 0;
    char *status = probe_read(s->root, "/proc/%d/status", (int)s->pid);
    int64_t kib = status ? probe_keyed(status, "VmHWM", -1) : -1;
    if (kib >= 0) s->max_rss_bytes = kib * 1024;
    free(status);
    s->dear_looks++;
}

static void *sampler_main(void *arg) {
    struct sampler *s = arg;
    char *dir = probe_path(s->root, "/proc/%d/task", (int)s->pid);
    int64_t next = monotonic_ns(), next_dear = next;
    while (!atomic_load(&s->stop)) {
        int64_t began = monotonic_ns();
        list_tasks(s, dir);
        count_threads(s);
        if (began >= next_dear) {
            look_closely(s);
            int64_t took = monotonic_ns() - began;
            next_dear = began + (took * DUTY_INVERSE > DEAR_PERIOD_NS ? took * DUTY_INVERSE : DEAR_PERIOD_NS);
        }
        int64_t now = monotonic_ns(), cost = (now - began) * DUTY_INVERSE;
        next += s->period_ns;
        if (next < began + cost) next = began + cost;
        if (next < now) next = now + s->period_ns;
        struct timespec until = {next / 1000000000, next % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    free(dir);
    return NULL;
}

struct sampler *sampler_start(const struct probe_root *r, pid_t pid, int64_t period_ns, const int *cpus,
                              size_t n) {
    struct sampler *s = xcalloc(1, sizeof *s);
    sigset_t all, before;
    s->root = r;
    s->pid = pid;
    s->period_ns = period_ns;
    s->cpus = cpus;
    s->ncpus = n;
    s->start_ns = monotonic_ns();
    sigfillset(&all); /* signals are for the main thread, which is the one that waits */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, sampler_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0) return s;
    free(s);
    return NULL;
}

double sampler_rise_per_s(const int64_t (*series)[2], size_t n) {
    int64_t most = 0;
    for (size_t i = 0, from = 0; i < n; i++) {
        while (series[from + 1 < n ? from + 1 : from][0] <= series[i][0] - SAMPLER_RISE_NS && from < i) from++;
        if (series[i][1] - series[from][1] > most) most = series[i][1] - series[from][1];
    }
    return (double)most * 1e9 / SAMPLER_RISE_NS;
}

int64_t sampler_shrink_ns(const int64_t (*series)[2], size_t n) {
    int64_t peak = 0, left_ns = -1;
    for (size_t i = 0; i < n; i++) peak = series[i][1] > peak ? series[i][1] : peak;
    for (size_t i = 0; i < n; i++) {
        if (series[i][1] == peak)
            left_ns = i + 1 < n ? series[i + 1][0] : -1;
        else if (left_ns >= 0 && 2 * series[i][1] <= peak)
            return series[i][0] - left_ns;
    }
    return -1;
}

static json_t *threads_json(const struct sampler *s) {
    if (s->looks == 0) return json_unavailable("the process ended before the first look");
    json_t *series = json_array();
    for (size_t i = 0; i < s->nseries; i++)
        json_array_append_new(series,
                              json_pack("[I,I]", (json_int_t)s->series[i][0], (json_int_t)s->series[i][1]));
    int64_t span = s->last_ns - s->first_ns;
    double mean = span > 0 ? (double)s->weighted / (double)span : (double)s->last_count;
    json_t *o = json_pack("{s:I,s:f,s:I,s:I,s:I,s:o}", "peak", (json_int_t)s->peak, "mean", mean, "made",
                          (json_int_t)s->ntasks, "period_ns",
                          (json_int_t)(s->looks > 1 ? span / (s->looks - 1) : s->period_ns), "looks",
                          (json_int_t)s->looks, "series", series);
    int64_t shrink_ns = s->series_cut ? -1 : sampler_shrink_ns(s->series, s->nseries);
    json_object_set_new(o, "rise_per_s", json_real(sampler_rise_per_s(s->series, s->nseries)));
    json_object_set_new(o, "shrink_ns",
                        shrink_ns >= 0 ? json_integer(shrink_ns)
                                       : json_unavailable("not seen to fall to half of the peak"));
    if (s->series_cut) json_object_set_new(o, "series_cut", json_true());
    return o;
}

/* Each CPU of the list must have been seen as the only one of some thread. */
static json_t *pinning_json(const struct sampler *s) {
    json_t *bound = json_array();
    size_t missing = 0;
    if (s->dear_looks == 0) return json_unavailable("the process ended before the first look");
    for (size_t i = 0; i < s->ncpus; i++) {
        bool seen = false;
        for (size_t k = 0; k < s->cap && !seen; k++)
            seen = s->tasks[k].tid && s->tasks[k].bound_cpu == s->cpus[i];
        if (seen) json_array_append_new(bound, json_integer(s->cpus[i]));
        missing += !seen;
    }
    return json_pack("{s:b,s:o}", "verified", missing == 0, "bound_cpus", bound);
}

void sampler_stop(struct sampler *s, json_t *outside) {
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    json_object_set_new(outside, "threads", threads_json(s));
    int64_t delay = 0;
    for (size_t i = 0; i < s->cap; i++) delay += s->tasks[i].run_delay_ns;
    json_object_set_new(outside, "run_delay_ns",
                        s->delays_read ? json_integer(delay)
                                       : json_unavailable("/proc/<pid>/task/*/schedstat"));
    if (s->max_rss_bytes) json_object_set_new(outside, "max_rss_bytes", json_integer(s->max_rss_bytes));
    if (s->ncpus) json_object_set_new(outside, "pinning", pinning_json(s));
    free(s->tasks);
    free(s->now);
    free(s);
}
