/*
 * net_deadlock.c: a deadlock is found although the poller was in use: nothing that once waited for a descriptor or a
 * timer, and no longer does, keeps the program from being told. Each case is a program of its own, which must die.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trine.h"

static const int64_t ms = 1000000;

static void writer(void *arg)
{
    trine_sleep(ms);
    trine_write(*(int *)arg, "x", 1);
}

static void reader(void *arg)
{
    char c;
    trine_read(*(int *)arg, &c, 1);
}

static void nothing(void *arg) { (void)arg; }

static void open_pipe(int fd[2])
{
    if (pipe(fd) < 0 || trine_open_fd(fd[0]) || trine_open_fd(fd[1])) _exit(9);
}

/* ---- the programs: each ends in a wait that nobody can end ---- */
static void after_a_read(void *arg)
{
    (void)arg;
    int fd[2];
    char c;
    open_pipe(fd);
    trine_go(writer, &fd[1]);
    if (trine_read(fd[0], &c, 1) != 1) _exit(9);
    trine_chan_recv(NULL, NULL);
}

static void after_a_close(void *arg)
{
    (void)arg;
    int fd[2];
    open_pipe(fd);
    trine_go(reader, &fd[0]);
    trine_sleep(ms);
    trine_close(fd[0]); /* the one that waited for the network is gone */
    trine_chan_recv(NULL, NULL);
}

static void after_a_deadline(void *arg)
{
    (void)arg;
    int fd[2];
    open_pipe(fd);
    trine_fd_deadline(fd[0], trine_nanotime() + ms, 0);
    reader(&fd[0]);
    trine_fd_deadline(fd[0], trine_nanotime() + 3600000 * ms, 0);
    trine_fd_deadline(fd[0], 0, 0); /* stopped, but still in the heap */
    trine_chan_recv(NULL, NULL);
}

static void after_a_timer(void *arg)
{
    (void)arg;
    trine_timer t = {0};
    trine_timer_start(&t, 3600000 * ms, nothing, NULL);
    trine_sleep(ms);
    trine_timer_stop(&t);
    trine_chan_recv(NULL, NULL);
}

static void reset_of_an_unstarted_timer(void *arg)
{
    (void)arg;
    trine_timer t = {0};
    trine_timer_reset(&t, 1);
}

static const struct { const char *name, *message; trine_fn fn; } program[] = {
    {"after_a_read", "fatal error: all goroutines are asleep - deadlock!", after_a_read},
    {"after_a_close", "fatal error: all goroutines are asleep - deadlock!", after_a_close},
    {"after_a_deadline", "fatal error: all goroutines are asleep - deadlock!", after_a_deadline},
    {"after_a_timer", "fatal error: all goroutines are asleep - deadlock!", after_a_timer},
    {"reset_of_an_unstarted_timer", "fatal error: trine_timer_reset called on a timer", reset_of_an_unstarted_timer},
};
#define PROGRAMS (sizeof program / sizeof *program)

/* stderr of `/proc/self/exe NAME PROCS`, which must exit with 2 within the time limit. */
static void must_die(size_t i, int procs)
{
    int out[2], status;
    char procs_arg[16], text[8192];
    size_t n = 0;
    snprintf(procs_arg, sizeof procs_arg, "%d", procs);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out[1], 2);
        close(out[0]);
        alarm(20);
        execl("/proc/self/exe", "net_deadlock", program[i].name, procs_arg, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    for (ssize_t r; n < sizeof text - 1 && (r = read(out[0], text + n, sizeof text - 1 - n)) > 0;) n += (size_t)r;
    text[n] = 0;
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) fail_msg("%s at %d Ps: signal %d; %s", program[i].name, procs, WTERMSIG(status), text);
    if (WEXITSTATUS(status) != 2) fail_msg("%s at %d Ps: status %d; %s", program[i].name, procs, WEXITSTATUS(status), text);
    if (!strstr(text, program[i].message)) fail_msg("%s at %d Ps says: %s", program[i].name, procs, text);
}

static void test_programs_die(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROGRAMS; i++) {
        for (int procs = 1; procs <= 4; procs *= 2) must_die(i, procs);
    }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < PROGRAMS; i++) {
        if (strcmp(argv[1], program[i].name) != 0) continue;
        trine_config cfg = {.gomaxprocs = atoi(argv[2])};
        return trine_run(&cfg, program[i].fn, NULL) == 0 ? 0 : 9;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_programs_die)};
    return cmocka_run_group_tests_name("deadlock beside the poller", tests, NULL, NULL);
}
