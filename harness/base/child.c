/*
 * child: see child.h. The order of events is what matters here: fork, the child waits at a gate, the parent
 * opens counters on it, the gate opens, exec, output is drained until the leader's pidfd turns readable (not
 * until end of file: a grandchild may hold the pipe), the hooks read /proc while the leader is a zombie, then
 * it is reaped.
 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STDERR_KEPT_BYTES = 64 << 10 };

struct pipes {
    int out[2], err[2];
    int gate[2];   /* the parent writes a byte when the child may exec */
    int status[2]; /* closed by exec, or holds the errno of its failure */
};

int64_t monotonic_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void close_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void close_pipes(struct pipes *p) {
    int *all[] = {p->out, p->err, p->gate, p->status};
    for (size_t i = 0; i < 4; i++) {
        close_fd(&all[i][0]);
        close_fd(&all[i][1]);
    }
}

static int open_pipes(struct pipes *p) {
    int *all[] = {p->out, p->err, p->gate, p->status};
    for (size_t i = 0; i < 4; i++) all[i][0] = all[i][1] = -1;
    for (size_t i = 0; i < 4; i++) {
        if (pipe2(all[i], O_CLOEXEC) < 0) {
            int saved = errno;
            close_pipes(p);
            return saved;
        }
    }
    return 0;
}

static _Noreturn void child_side(const struct child_spec *spec, struct pipes *p, pid_t parent) {
    char byte;
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); /* the parent died before prctl */
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, 0);
    dup2(p->out[1], 1);
    dup2(p->err[1], 2);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_fd(&p->gate[1]);
    while (read(p->gate[0], &byte, 1) < 0 && errno == EINTR) {
    }
    if (!spec->dir || chdir(spec->dir) == 0) execv(spec->argv[0], spec->argv);
    int why = errno;
    if (write(p->status[1], &why, sizeof why) < 0) _exit(126);
    _exit(127);
}

/* Reads what is there. False at end of file. */
static bool drain(int fd, struct strbuf *b, size_t keep, bool *too_long) {
    char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0) return false;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        size_t room = keep > b->len ? keep - b->len : 0;
        if ((size_t)n > room) *too_long = true;
        strbuf_add(b, chunk, (size_t)n < room ? (size_t)n : room);
    }
}

/* Until the leader exits or must die. */
static enum child_end watch(const struct child_spec *spec, struct child_result *r, struct pipes *p,
                            int pidfd) {
    int64_t deadline = monotonic_ns() + spec->timeout_ms * 1000000;
    bool ignored = false;
    for (;;) {
        int64_t left_ms = (deadline - monotonic_ns()) / 1000000;
        if (spec->stop && *spec->stop) return CHILD_STOPPED;
        if (left_ms <= 0) return CHILD_TIMEOUT;
        struct pollfd f[3] = {{.fd = pidfd, .events = POLLIN},
                              {.fd = p->out[0], .events = POLLIN},
                              {.fd = p->err[0], .events = POLLIN}};
        if (poll(f, 3, left_ms > 100 ? 100 : (int)left_ms + 1) < 0 && errno != EINTR) return CHILD_TIMEOUT;
        if (p->out[0] >= 0 && !drain(p->out[0], &r->out, spec->max_output_bytes, &r->output_too_long))
            close_fd(&p->out[0]);
        if (p->err[0] >= 0 && !drain(p->err[0], &r->err, STDERR_KEPT_BYTES, &ignored)) close_fd(&p->err[0]);
        if (f[0].revents) return CHILD_EXITED;
        if (r->output_too_long) return CHILD_TIMEOUT;
    }
}

static void reap(pid_t pid, struct child_result *r) {
    int status = 0;
    while (wait4(pid, &status, 0, &r->usage) < 0 && errno == EINTR) {
    }
    if (r->end == CHILD_EXITED && WIFSIGNALED(status)) {
        r->end = CHILD_SIGNALED;
        r->code = WTERMSIG(status);
    } else if (r->end == CHILD_EXITED) {
        r->code = WEXITSTATUS(status);
    }
}

static void call(void (*hook)(pid_t, void *), pid_t pid, void *arg) {
    if (hook) hook(pid, arg);
}

/* The parent's side from fork to the last byte of output. */
static void supervise(const struct child_spec *spec, struct child_result *r, struct pipes *p, pid_t pid) {
    int exec_errno = 0;
    setpgid(pid, pid); /* the child does it too: whoever comes first */
    close_fd(&p->out[1]);
    close_fd(&p->err[1]);
    close_fd(&p->status[1]);
    fcntl(p->out[0], F_SETFL, O_NONBLOCK);
    fcntl(p->err[0], F_SETFL, O_NONBLOCK);
    int pidfd = pidfd_open(pid, 0);
    call(spec->hooks.forked, pid, spec->hooks.arg);
    int64_t start = monotonic_ns();
    if (write(p->gate[1], "g", 1) < 0) exec_errno = errno;
    ssize_t n;
    while ((n = read(p->status[0], &exec_errno, sizeof exec_errno)) < 0 && errno == EINTR) {
    }
    if (exec_errno == 0) call(spec->hooks.started, pid, spec->hooks.arg);
    r->end = exec_errno ? CHILD_NOT_STARTED : watch(spec, r, p, pidfd);
    r->elapsed_ns = monotonic_ns() - start;
    if (r->end == CHILD_NOT_STARTED) r->code = exec_errno;
    kill(-pid, SIGKILL); /* the leader where it still runs, and whatever it left behind */
    siginfo_t si;
    while (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    call(spec->hooks.ended, pid, spec->hooks.arg);
    bool ignored = false;
    if (p->out[0] >= 0) drain(p->out[0], &r->out, spec->max_output_bytes, &r->output_too_long);
    if (p->err[0] >= 0) drain(p->err[0], &r->err, STDERR_KEPT_BYTES, &ignored);
    reap(pid, r);
    close_fd(&pidfd);
}

void child_run(const struct child_spec *spec, struct child_result *r) {
    struct pipes p;
    memset(r, 0, sizeof *r);
    r->end = CHILD_NOT_STARTED;
    r->code = open_pipes(&p);
    if (r->code) return;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) child_side(spec, &p, parent);
    if (pid < 0)
        r->code = errno;
    else
        supervise(spec, r, &p, pid);
    close_pipes(&p);
}

void child_result_free(struct child_result *r) {
    strbuf_free(&r->out);
    strbuf_free(&r->err);
}
