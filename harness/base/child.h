/*
 * child: runs one program in a process group of its own, with a time limit, its output captured. Whatever
 * happens, the whole group is dead when child_run returns, and so it is when trine itself is killed. Called
 * from the main thread; the hooks run there too.
 */
#ifndef TRINE_HARNESS_CHILD_H
#define TRINE_HARNESS_CHILD_H

#include "base/text.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child_hooks {
    void (*forked)(pid_t pid, void *arg);  /* before exec: the child waits; counters are opened here */
    void (*started)(pid_t pid, void *arg); /* exec has succeeded */
    void (*ended)(pid_t pid, void *arg);   /* has exited but is not reaped: /proc/<pid> still stands */
    void *arg;
};

struct child_spec {
    char *const *argv; /* argv[0] is the path */
    const char *dir;   /* it starts there; NULL: where trine is */
    int64_t timeout_ms;
    size_t max_output_bytes;           /* of stdout; stderr keeps its first 64 KiB */
    const volatile sig_atomic_t *stop; /* non-zero: kill and return; may be NULL */
    struct child_hooks hooks;
};

enum child_end { CHILD_EXITED, CHILD_SIGNALED, CHILD_TIMEOUT, CHILD_STOPPED, CHILD_NOT_STARTED };

struct child_result {
    enum child_end end;
    int code; /* exit status, signal number, or errno for CHILD_NOT_STARTED */
    struct strbuf out, err;
    bool output_too_long; /* the group was killed for it */
    struct rusage usage;
    int64_t elapsed_ns; /* from exec to exit */
};

void child_run(const struct child_spec *spec, struct child_result *r);
void child_result_free(struct child_result *r);
int64_t monotonic_ns(void);

#endif
