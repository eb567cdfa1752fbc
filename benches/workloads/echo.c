/*
 * echo: how many requests does a second of processor time serve, over how many connections?
 *
 * Method       The driver is the server: a task a connection that reads and writes back. The load is a process of its
 *              own (trine-echo-client, the same for every backend): an epoll loop that keeps one request of `bytes`
 *              under way on each connection, and that reads the server's processor time from outside.
 * Unit         requests a second of the server's processor time, so that unequal use of CPUs does not matter.
 *              Beside it throughput on the clock; histogram: from a request's send to its answer, at the client.
 * Expectation  One CPU, 1,000 connections: a bare epoll loop 120,000, Go 75,000, tokio 104,000.
 * Falsified by a request without an answer (checked), or by a backend above the bare loop by more than noise.
 * Known lies   A closed loop: the latency is connections / throughput by Little's law, and its tail tells about
 *              fairness, not about an open load. Client and server share a kernel and its loopback, whose work is
 *              charged to whoever runs: part of the server's network stack is the client's time and the reverse.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd.h"
#include "fds.h"
#include "workloads.h"

extern char **environ;

static const struct param echo_params[] = {
    {"bytes", PARAM_INT, 1, 4096, "64", NULL, "of a request and of its answer"},
    {0},
};

enum { REPLY_MAX = 1 << 20 };

struct echoes {
    struct point *pt;
    int listener, replies;       /* the second: what the client prints */
    pid_t client;
};

#ifndef BE_HAS_ECHO
struct served {
    int fd;
    struct be_wg *left;
};

static void serve_connection(void *arg) {
    struct served *s = arg;
    char buf[4096];
    ssize_t n;
    while ((n = be_net_read(s->fd, buf, sizeof buf)) > 0)
        if (be_net_write(s->fd, buf, (size_t)n) != n) break;
    be_net_close(s->fd);
    be_wg_done(s->left);
}

static bool be_echo_serve(int listener, int64_t connections, size_t bytes) {
    struct be_wg left = {0};
    struct served *all = calloc((size_t)connections, sizeof *all);
    bool ok = all && be_net_open(listener) == 0;
    (void)bytes;
    for (int64_t i = 0; ok && i < connections; i++) {
        all[i] = (struct served){be_net_accept(listener), &left};
        ok = all[i].fd >= 0;
        if (!ok) break;
        be_wg_add(&left, 1);
        if (be_go(serve_connection, &all[i])) continue;
        be_wg_done(&left);
        be_net_close(all[i].fd);
        ok = false;
    }
    be_net_close(listener);
    be_wg_wait(&left);
    free(all);
    return ok;
}
#endif

static int listen_here(uint16_t *port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, length) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &length) < 0) return -1;
    *port = ntohs(addr.sin_port);
    return fd;
}

/* The client stands beside the driver. Its signals are set back, since a runtime may have blocked some. */
static int start_client(struct echoes *w, uint16_t port) {
    char path[4096], words[6][24];
    int ends[2];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
    if (length < 0 || pipe2(ends, O_CLOEXEC) < 0) return -errno;
    path[length] = '\0';
    snprintf(strrchr(path, '/') + 1, 32, "trine-echo-client");
    const int64_t numbers[6] = {port, w->pt->tasks, point_int(w->pt, "bytes"), w->pt->options.warmup_ms,
                                w->pt->options.measure_ms, getpid()};
    char *argv[9] = {path};
    for (int i = 0; i < 6; i++) {
        snprintf(words[i], sizeof words[i], "%lld", (long long)numbers[i]);
        argv[1 + i] = words[i];
    }
    argv[7] = (char *)w->pt->config.cpu_list;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int err = posix_spawn(&w->client, path, &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    close(ends[1]);
    if (err) close(ends[0]);
    else w->replies = ends[0];
    return -err;
}

/* All that the client printed, as JSON; NULL when it failed. */
static json_t *client_report(struct echoes *w) {
    char *text = malloc(REPLY_MAX);
    size_t length = 0;
    ssize_t n = 0;
    int status = 0;
    while (text && length < REPLY_MAX && (n = be_read_blocking(w->replies, text + length, REPLY_MAX - length)) > 0)
        length += (size_t)n;
    close(w->replies);
    while (waitpid(w->client, &status, 0) < 0 && errno == EINTR) {}
    json_t *o = text && status == 0 ? json_loadb(text, length, 0, NULL) : NULL;
    free(text);
    return o;
}

static int64_t field(const json_t *o, const char *name) {
    return (int64_t)json_integer_value(json_object_get(o, name));
}

static const char no_window[] = "switches are counted from the first connection to the last, requests in the client's window";

static void echo_conclude(struct point *pt, const json_t *o) {
    double elapsed_s = (double)(field(o, "end_ns") - field(o, "start_ns")) / 1e9;
    double requests = (double)field(o, "requests"), cpu_s = (double)field(o, "server_cpu_ns") / 1e9;
    const json_t *h = json_object_get(o, "latency"), *bucket;
    struct hist *latency = point_histogram(pt, "latency", "ns");
    size_t i;
    json_array_foreach(json_object_get(h, "buckets"), i, bucket)
        hist_record_n(latency, (uint64_t)json_integer_value(json_array_get(bucket, 0)),
                      (uint64_t)json_integer_value(json_array_get(bucket, 1)));
    if (latency->count)
        hist_set_exact(latency, (uint64_t)field(h, "min"), (uint64_t)field(h, "max"),
                       json_real_value(json_object_get(h, "mean")));
    /* The window is the client's: what was counted around it contains the connecting and the warm-up. */
    pt->phases[pt->nphases - 1] = (struct phase){"measure", field(o, "start_ns"), field(o, "end_ns")};
    pt->elapsed_ns = field(o, "end_ns") - field(o, "start_ns");
    point_sample(pt, requests / cpu_s);
    point_operations(pt, field(o, "sent"), field(o, "answered"));
    point_metric_unavailable(pt, "switches_per_operation", no_window);
    point_metric_unavailable(pt, "kernel_switches_per_operation", no_window);
    point_metric(pt, "throughput", requests / elapsed_s, "1/s", "higher");
    point_metric(pt, "server_cpus", cpu_s / elapsed_s, "CPUs", "lower");
    point_metric(pt, "client_cpus", (double)field(o, "client_cpu_ns") / 1e9 / elapsed_s, "CPUs", "lower");
    point_quote_percentiles(pt, "latency", latency);
}

static void echo_run(struct point *pt) {
    struct echoes w = {.pt = pt};
    uint16_t port = 0;
    if (!fds_need(pt, (uint64_t)pt->tasks + 8)) return;
    w.listener = listen_here(&port);
    if (w.listener < 0) {
        point_fail(pt, "no socket could listen on 127.0.0.1: %s", strerror(errno));
        return;
    }
    int err = start_client(&w, port);
    if (err) {
        close(w.listener);
        point_fail(pt, "trine-echo-client could not be started: %s", strerror(-err));
        return;
    }
    point_begin(pt);
    bool served = be_echo_serve(w.listener, pt->tasks, (size_t)point_int(pt, "bytes"));
    point_end(pt);
    json_t *report = client_report(&w);
    if (!served || !report) point_fail(pt, served ? "the client failed" : "a connection could not be accepted");
    else echo_conclude(pt, report);
    json_decref(report);
}

static int64_t echo_parked(const struct point *pt) {
    return pt->tasks;
}

const struct workload echo = {
    .name = "echo",
    .doc = "TCP echo for a client process: requests a second of processor time, and their latency",
    .metric = "requests_per_cpu_s", .unit = "1/s", .better = "higher",
    .tasks = 100, .tasks_min = 1, .tasks_max = 50000,
    .params = echo_params,
    .parked = echo_parked,
    .run = echo_run,
};
