/*
 * The interface between a workload and the runtime that it measures.
 *
 * A workload is written once against the names below and compiled once per backend: `backend_impl.h` is found on
 * the include path (backends/trine, backends/pthread, backends/pool) and defines them as static inline functions,
 * so that no function pointer and no call stands between the workload's loop and the runtime.
 * What need not be fast lives in that folder's backend.c.
 *
 *   struct be_wg, be_mutex, be_sema      zero value ready for use; a semaphore starts at 0
 *   typedef be_chan                      a bounded channel of fixed-size elements; capacity 0 is a rendezvous
 *
 *   bool     be_go(be_fn fn, void *arg)          starts a task; false: no more can be made (threads, memory)
 *   void     be_yield(void)                      lets another task run
 *   void     be_sleep(int64_t ns)                parks for at least ns
 *   void     be_wg_add(wg, n), be_wg_done(wg), be_wg_wait(wg)    any number of waiters
 *   be_chan *be_chan_make(elem_bytes, cap)       elem_bytes 1 to 4096
 *   void     be_chan_send(c, elem), bool be_chan_recv(c, elem)   recv: false when closed and drained
 *   void     be_chan_close(c), be_chan_free(c)
 *   void     be_mutex_lock(m), be_mutex_unlock(m)
 *   void     be_sema_acquire(s), be_sema_release(s)
 *   ssize_t  be_read_blocking(fd, buf, n)        a read(2) that blocks a kernel thread; bytes or -errno
 *   void     be_block_enter(void), be_block_exit(void)   brackets any call that blocks a kernel thread; no be_ call
 *                                                between them, errno read before the exit
 *   int      be_net_open(fd)                     hands a non-blocking or blocking socket to the backend's poller
 *   ssize_t  be_net_read(fd, buf, n), be_net_write(fd, buf, n)   parks the task; write writes everything
 *   int      be_net_accept(fd)                   a connected descriptor, already opened, or -errno
 *   int      be_net_connect(fd, addr, len)       0 or -errno; fd was opened before
 *   int      be_net_close(fd)
 *   int64_t  be_threads_made(void)               kernel threads made so far, the caller's own left out
 *
 * What only some backends have is announced by a macro in backend_impl.h; a workload does without it or is refused:
 *   BE_HAS_FORK      struct be_fork, be_fork, be_fork_done, be_join: its own fork-join (else workloads/fork.h)
 *   BE_HAS_SELECT    be_case, BE_CASE_RECV(chan, elem), be_select(cases, n): the index of the case that ran
 *   BE_HAS_SMALL     be_go_small(fn, arg): be_go with the smallest stack that can be declared
 *   BE_HAS_SWITCH    be_switch_trips(n): n bare switches to another context and back; false: it did not run n times
 *   BE_HAS_ECHO      be_echo_serve(listener, connections, bytes): its own echo server, until all have closed
 *
 * All of them but be_threads_made are legal only inside be_run. A task never outlives its run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "params.h"

typedef void (*be_fn)(void *arg);

enum { BE_MAX_CPUS = 1024, BE_MAX_COUNTS = 48 };

struct be_config {
    int procs;                   /* GOMAXPROCS or its like, at least 1 */
    int ncpus;                   /* of the list below; 0: unpinned */
    int cpus[BE_MAX_CPUS];
    const char *cpu_list;        /* the same as text, NULL: unpinned */
    uint64_t seed;
    const struct param_set *rt;  /* the backend's own parameters, validated */
};

struct be_count {
    const char *name;
    uint64_t value;
};

struct json_t;

extern const char be_name[];
extern const char be_version[];
extern const char be_procs_meaning[];
extern const struct param be_rt_params[];   /* ended by a null name */

/* Why this backend cannot run a workload by its nature, one line; NULL: it can. */
const char *be_refusal(const char *workload);

/* How many tasks may be blocked at once without a deadlock; INT64_MAX where nothing but memory limits it. */
int64_t be_parked_limit(const struct be_config *cfg);

/* Runs fn as the main task; returns 0 when it returned, or -errno. */
int be_run(const struct be_config *cfg, be_fn fn, void *arg);

/* The runtime's own totals; returns how many of them this backend keeps. */
int be_counts(struct be_count out[BE_MAX_COUNTS]);

/* What a reader must know to judge the figures (stack size, arenas, spinning), as a JSON object. */
struct json_t *be_baseline(const struct be_config *cfg);

#include "backend_impl.h"
