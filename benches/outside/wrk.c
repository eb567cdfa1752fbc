/* Running wrk and reading what it prints: see wrk.h. The child of wrk_start owns the process of wrk. */
#include "wrk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

enum { TEXT_BYTES = 8192, GRACE_S = 5, PATIENCE_S = 10, LOOK_NS = 500000 };

bool wrk_installed(void) {
    const char *dirs = getenv("PATH");
    char file[4096];
    for (size_t n; dirs && *dirs; dirs += n + (dirs[n] == ':')) {
        n = strcspn(dirs, ":");
        snprintf(file, sizeof file, "%.*s/wrk", (int)n, dirs);
        if (access(file, X_OK) == 0) return true;
    }
    return false;
}

/* "8.95ms" in ns; false: it is no time. */
static bool time_ns(const char *text, double *ns) {
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};
    char *end;
    double v = strtod(text, &end);
    for (size_t i = 0; end != text && i < sizeof units / sizeof units[0]; i++)
        if (!strcmp(end, units[i].unit)) {
            *ns = v * units[i].ns;
            return true;
        }
    return false;
}

enum { SAW_LATENCY = 1, SAW_P50 = 2, SAW_P75 = 4, SAW_P90 = 8, SAW_P99 = 16, SAW_REQUESTS = 32, SAW_RATE = 64 };

static const char *const missing[] = {"latency of 'Thread Stats'", "50%", "75%", "90%", "99%", "'requests in'", "'Requests/sec'"};

static int read_percentile(int percent, const char *text, struct wrk_report *r) {
    const struct {
        int percent, saw;
        double *to;
    } wanted[] = {{50, SAW_P50, &r->p50_ns}, {75, SAW_P75, &r->p75_ns}, {90, SAW_P90, &r->p90_ns}, {99, SAW_P99, &r->p99_ns}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i].percent == percent && time_ns(text, wanted[i].to)) return wanted[i].saw;
    return 0;
}

/* One line; what it was. */
static int read_line(const char *line, struct wrk_report *r) {
    char a[32], b[32], c[32];
    long long n, m, k, l;
    int percent;
    if (sscanf(line, " Latency %31s %31s %31s", a, b, c) == 3 && time_ns(a, &r->mean_ns) && time_ns(c, &r->max_ns))
        return SAW_LATENCY;
    if (sscanf(line, " %d%% %31s", &percent, a) == 2) return read_percentile(percent, a, r);
    if (sscanf(line, " %lld requests in %31[^,],", &n, a) == 2) {
        r->requests = n;
        return SAW_REQUESTS;
    }
    if (sscanf(line, " Socket errors: connect %lld, read %lld, write %lld, timeout %lld", &n, &m, &k, &l) == 4) {
        r->connect_errors = n;
        r->read_errors = m;
        r->write_errors = k;
        r->timeouts = l;
    }
    if (sscanf(line, " Non-2xx or 3xx responses: %lld", &n) == 1) r->refused = n;
    return sscanf(line, "Requests/sec: %lf", &r->rate) == 1 ? SAW_RATE : 0;
}

const char *wrk_parse(const char *text, struct wrk_report *r) {
    char line[256];
    int saw = 0;
    *r = (struct wrk_report){0};
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        saw |= read_line(line, r);
    }
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
        if (!(saw & 1 << i)) return missing[i];
    return NULL;
}

static void become_wrk(const struct wrk_config *c, int out) {
    char threads[16], connections[16], seconds[16], patience[16], url[64], address[INET_ADDRSTRLEN];
    struct rlimit limit;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    inet_ntop(AF_INET, &c->addr.sin_addr, address, sizeof address);
    snprintf(threads, sizeof threads, "-t%d", c->threads);
    snprintf(connections, sizeof connections, "-c%d", c->connections);
    snprintf(seconds, sizeof seconds, "-d%ds", c->seconds);
    snprintf(patience, sizeof patience, "%ds", PATIENCE_S);
    snprintf(url, sizeof url, "http://%s:%d/order", address, ntohs(c->addr.sin_port));
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execlp("wrk", "wrk", threads, connections, seconds, "--latency", "--timeout", patience, url, (char *)NULL);
    fprintf(stderr, "it did not start: %s\n", strerror(errno));
    fflush(stderr);
    _exit(127);
}

/* All that comes until the end: NULL, or what is wrong with it. */
static const char *read_all(int fd, char *text, int64_t until_ns) {
    size_t have = 0;
    while (have < TEXT_BYTES - 1) {
        struct pollfd ready = {fd, POLLIN, 0};
        int64_t left_ms = (until_ns - child_now_ns()) / 1000000;
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) == 0) return "wrk did not end in time";
        ssize_t got = read(fd, text + have, TEXT_BYTES - 1 - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return NULL;
        text[have += (size_t)got] = '\0';
    }
    return "wrk printed more than it ever does";
}

/* Its status; what does not end by itself is killed. */
static int end_of(pid_t pid, int64_t until_ns) {
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && child_now_ns() < until_ns) child_nap_ns(LOOK_NS);
    if (got == 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    }
    return status;
}

static void judge_end(struct wrk_shared *s, const char *text, int status) {
    const char *lacking;
    if (WIFSIGNALED(status)) snprintf(s->failure, sizeof s->failure, "wrk was killed by signal %d", WTERMSIG(status));
    else if (status != 0) snprintf(s->failure, sizeof s->failure, "wrk: %.*s", (int)strcspn(text, "\n"), text);
    else if ((lacking = wrk_parse(text, &s->report)))
        snprintf(s->failure, sizeof s->failure, "wrk printed no %s", lacking);
}

struct runner {
    struct wrk_config config;
    struct wrk_shared *shared;
};

static void run_wrk(void *arg) {
    struct runner *r = arg;
    char text[TEXT_BYTES] = "";
    int ends[2];
    while (!atomic_load(&r->shared->go)) child_nap_ns(LOOK_NS);
    pid_t pid = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (pid == 0) become_wrk(&r->config, ends[1]);
    if (pid < 0) snprintf(r->shared->failure, sizeof r->shared->failure, "wrk: no process for it: %s", strerror(errno));
    else {
        close(ends[1]);
        int64_t until_ns = child_now_ns() + (r->config.seconds + GRACE_S) * (int64_t)1000000000;
        const char *wrong = read_all(ends[0], text, until_ns);
        int status = end_of(pid, wrong ? 0 : until_ns);
        if (wrong) snprintf(r->shared->failure, sizeof r->shared->failure, "%s", wrong);
        else judge_end(r->shared, text, status);
    }
    atomic_store(&r->shared->done, 1);
}

int wrk_start(struct wrk *w, const struct wrk_config *config) {
    struct runner r = {.config = *config};
    *w = (struct wrk){0};
    r.shared = w->shared = child_shared(sizeof *w->shared);
    if (!w->shared) return -ENOMEM;
    w->pid = child_start(run_wrk, &r);
    return w->pid < 0 ? (int)w->pid : 0;
}

void wrk_stop(struct wrk *w) {
    child_stop(w->pid);
    w->pid = 0;
}
