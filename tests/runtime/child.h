/*
 * child.h: tests in child processes, so that a hang, a crash or the end of the program is a result like any other.
 *
 * The parent never runs a goroutine, hence has one thread and may fork. in_child collects what the child wrote to
 * stderr and how it ended; a child that is still there after its time gets SIGQUIT (the runtime's own report), then
 * SIGKILL. A check inside the child says CHECK (goroutines.h); its failure makes the exit status 1.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include "goroutines.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_SECONDS = 30, STRESS_SECONDS = 3600, CHILD_TEXT = 64 << 10 };

struct outcome {
    bool late;        /* it had to be killed */
    int status;       /* exit status, or 128 + the signal */
    size_t len;
    char text[CHILD_TEXT]; /* stderr */
};
static struct outcome last; /* of the last child: too large for a frame */

static inline int64_t child_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* Reads until the end of the pipe or the deadline. False: the deadline. */
static inline bool child_collect(int fd, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - child_now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (poll(&p, 1, (int)left) == 0)) return false;
        char spill[4096];
        size_t room = sizeof last.text - 1 - last.len;
        ssize_t got = read(fd, room ? last.text + last.len : spill, room ? room : sizeof spill);
        if (got == 0) return true;
        if (got > 0 && room) last.len += (size_t)got;
    }
}

static inline void in_child_for(int seconds, void (*fn)(void *), void *arg)
{
    int out[2];
    memset(&last, 0, sizeof last);
    fflush(stdout);
    fflush(stderr);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out[1], STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        signal(SIGSEGV, SIG_DFL); /* cmocka's handler would jump out of it */
        atomic_store(&n_failures, 0);
        fn(arg);
        _exit(atomic_load(&n_failures) ? 1 : 0);
    }
    close(out[1]);
    last.late = !child_collect(out[0], child_now_ms() + seconds * 1000ll);
    if (last.late) {
        kill(pid, SIGQUIT);
        child_collect(out[0], child_now_ms() + 2000);
        kill(pid, SIGKILL);
    }
    close(out[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    last.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    last.text[last.len] = '\0';
}

static inline void in_child(void (*fn)(void *), void *arg)
{
    const char *seconds = getenv("TRINE_TEST_SECONDS"); /* short where a hang is expected: tests/mutation */
    in_child_for(seconds ? atoi(seconds) : getenv("TRINE_STRESS") ? STRESS_SECONDS : CHILD_SECONDS, fn, arg);
}

/* The last child ended well. */
static inline void assert_ended_well(const char *what)
{
    if (last.late) fail_msg("%s: still running after its time\n%s", what, last.text);
    if (last.status != 0) fail_msg("%s: status %d\n%s", what, last.status, last.text);
}

/* Runs fn in a child, under one configuration. */
struct child_run { trine_config cfg; trine_fn fn; void *arg; };
static inline void child_run_body(void *arg)
{
    struct child_run *r = arg;
    int err = trine_run(&r->cfg, r->fn, r->arg);
    if (err) fprintf(stderr, "trine_run: %d\n", err);
    CHECK(err == 0);
}
static inline void run_in_child(const trine_config *cfg, trine_fn fn, void *arg)
{
    struct child_run r = {*cfg, fn, arg};
    char what[64];
    in_child(child_run_body, &r);
    snprintf(what, sizeof what, "at %d Ps, ablation %#x", cfg->gomaxprocs, cfg->ablate);
    assert_ended_well(what);
}
static inline void run_children(trine_fn fn) /* at 1, 2 and 4 Ps */
{
    for (int procs = 1; procs <= 4; procs *= 2) run_in_child(&(trine_config){.gomaxprocs = procs}, fn, NULL);
}

/* Under cfg, fn must end the program with status 2 and `line` as the first line on stderr that starts so. */
static inline void assert_said(const char *line)
{
    const char *at = strstr(last.text, line);
    size_t n = strlen(line);
    bool whole = at && (at == last.text || at[-1] == '\n') && (at[n] == '\n' || line[n - 1] == ' ');
    if (last.late || last.status != 2 || !whole) {
        fail_msg("expected `%s` and status 2, got %sstatus %d and:\n%s", line, last.late ? "a hang, " : "",
                 last.status, last.text);
    }
}
static inline void run_must_die(const trine_config *cfg, trine_fn fn, void *arg, const char *line)
{
    struct child_run r = {*cfg, fn, arg};
    in_child(child_run_body, &r);
    assert_said(line);
}
#endif
