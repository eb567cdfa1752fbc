/*
 * trine.h: goroutine-style scheduling for C programs: goroutines (G) on threads (M) through logical processors (P).
 *
 * The only public header of libtrine. Unless a function says otherwise:
 *   - it is called from a goroutine (a function that trine_run or trine_go started); outside of a run only
 *     trine_run, trine_nanotime, trine_num_cpu, trine_default_procs, trine_goid, trine_stats, the trace, trine_chan_make and
 *     trine_chan_free are legal, and anything else ends the program with a message;
 *   - it must not be called from a signal handler;
 *   - an int result is 0 or -errno; misuse (the panics of Go) prints `fatal error: ...` and exits with status 2;
 *   - errno is the goroutine's own and is kept over every call that can park.
 * A goroutine's thread is not its own:
 *   - it must not end it: pthread_exit in a goroutine ends the program with a message, as pthread_cancel of its thread does;
 *   - a C++ catch block must not park: C++ keeps the caught exceptions a thread, and `throw;` would find another goroutine's;
 *   - outside of trine_syscall_enter and _exit the preemption signal (SIGURG) may cut a blocking call short with EINTR where
 *     the kernel does not restart it: usleep, nanosleep, poll, select, epoll_wait, sockets with a time-out (signal(7)).
 * Times are nanoseconds on the clock of trine_nanotime (CLOCK_MONOTONIC).
 */
#ifndef TRINE_H
#define TRINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRINE_VERSION "0.1.0"

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

typedef void (*trine_fn)(void *arg);

/* Ablation: parts of the scheduler that can be switched off, to see what each is worth. */
enum {
    TRINE_NO_STEAL = 1 << 0,     /* an idle P does not take from other Ps */
    TRINE_NO_HANDOFF = 1 << 1,   /* a P stays with its M through a blocking call */
    TRINE_NO_PREEMPT = 1 << 2,   /* no time slice: neither flag nor signal */
    TRINE_NO_RUNNEXT = 1 << 3,   /* a readied goroutine goes to the tail of the queue */
    TRINE_NO_SPIN = 1 << 4,      /* an M that finds nothing parks at once, and commits no stacks ahead */
    TRINE_GLOBAL_ONLY = 1 << 5,  /* one locked queue for all Ps */
    TRINE_LOCAL_ONLY = 1 << 6,   /* no stealing, no hand-off, and what overflows stays with its P */
    TRINE_YIELD_GLOBAL = 1 << 7, /* not an ablation: trine_yield goes through the global queue, as Go's Gosched does */
    TRINE_EAGER_WAKE = 1 << 8,   /* not an ablation: every ready wakes an idle P at once, as in Go */
    TRINE_FIFO_JOIN = 1 << 9,    /* not an ablation: who waits for what it made leaves its P to the oldest, as in Go */
    TRINE_NO_GLOBAL_TICK = 1 << 10, /* the global queue is looked at when the local one is empty, not on every 61st schedule */
    TRINE_NO_BIAS = 1 << 11      /* of several Ps, one that alone runs uses locked instructions all the same */
};

typedef struct trine_config { /* all zero: the defaults */
    int gomaxprocs;           /* 0: $TRINE_PROCS, else trine_default_procs(), looked at again each second; at most 1024 */
    int maxthreads;           /* 0: 10,000; one more ends the program, as in Go */
    size_t stack_bytes;       /* 0: 64 KiB of address space a goroutine, committed as it is touched */
    int64_t slice_ns;         /* 0: 10 ms; at least 20 us */
    uint64_t seed;            /* of the scheduler's random choices; 0: from the clock */
    unsigned ablate;          /* TRINE_NO_... */
    const char *cpus;         /* NULL: unpinned; else a CPU list ("0,2-3"): the N-th P on the N-th CPU in turn */
} trine_config;

/* Runs fn(arg) as the main goroutine and returns 0 when it returns; then every other goroutine has stopped and
 * never runs again. Blocks the calling thread, which serves as the runtime's monitor meanwhile; signals that it has blocked
 * are blocked on the run's threads too (but for SIGURG and SIGSEGV, which the runtime needs). Not from inside a
 * run (-EBUSY). -EINVAL: fn is NULL or the configuration is bad; -ENOMEM, -EAGAIN, -EMFILE, -ENFILE: no memory,
 * thread or descriptors (of the poller) to begin with. May be called again after it returned. Between two runs the
 * poller has no descriptors of its own, and the program may fork: then parent and child can each run again. A child
 * forked during a run cannot (-EBUSY). The threads of a run have a timer slack of 1 us, which what is forked on them
 * inherits. */
int trine_run(const trine_config *cfg, trine_fn fn, void *arg);

/* Starts a goroutine. Never blocks. -ENOMEM: no stack to be had; -EINVAL: fn is NULL or an option is out of range. */
int trine_go(trine_fn fn, void *arg);
typedef struct trine_go_opts {
    const char *name;   /* shown in dumps; kept by reference: must outlive the goroutine */
    /* Overflow ends the program with the goroutine's name. A frame of more than a page can step over the guard and be noticed
     * late: compile what has such frames with -fstack-clash-protection. */
    size_t stack_bytes; /* 0: the run's own; else 2 KiB (descriptor included) to 1 GiB, rounded up to a power of two */
} trine_go_opts;
int trine_go_with(const trine_go_opts *o, trine_fn fn, void *arg);

void trine_yield(void);                          /* runtime.Gosched: lets another goroutine run */
__attribute__((noreturn)) void trine_exit(void); /* runtime.Goexit: ends this goroutine */
void trine_sleep(int64_t ns);                    /* parks the goroutine; ns <= 0 returns at once */
int64_t trine_nanotime(void);                    /* CLOCK_MONOTONIC; legal anywhere */
int trine_gomaxprocs(int n);                     /* stops the world, sets the number of Ps (1024 at most);
                                                  * n < 1 asks; the old one or -ENOMEM */
int trine_num_goroutine(void);
int trine_num_cpu(void);                         /* CPUs in this process's affinity mask; legal anywhere */
int trine_default_procs(void);                   /* affinity and cgroup quota by Go 1.25's rule; legal anywhere */
void trine_lock_os_thread(void);                 /* nests; only this goroutine runs on this thread until unlocked as often */
void trine_unlock_os_thread(void);
int64_t trine_goid(void);                        /* this goroutine's number; 0 outside of one; legal anywhere */

/* A preemption point for long loops that call nothing of the runtime. */
void trine_poll(void);
#define TRINE_POLL() trine_poll()

/* ---- channels ----
 * What goroutines of a run that ended were still waiting on (a channel, a lock, a wait group) may only be freed. */
typedef struct trine_chan trine_chan;
trine_chan *trine_chan_make(size_t elem_bytes, size_t cap); /* NULL: no memory, or a size that overflows; legal anywhere */
void trine_chan_free(trine_chan *c);                        /* NULL is allowed; nobody may be waiting on it; legal anywhere */
void trine_chan_send(trine_chan *c, const void *elem);      /* parks while full; a NULL channel blocks for good */
bool trine_chan_recv(trine_chan *c, void *elem);            /* false: closed and drained, *elem zeroed; elem NULL: discards */
bool trine_chan_try_send(trine_chan *c, const void *elem);
bool trine_chan_try_recv(trine_chan *c, void *elem, bool *open);
void trine_chan_close(trine_chan *c);
size_t trine_chan_len(const trine_chan *c);
size_t trine_chan_cap(const trine_chan *c);

enum trine_op { TRINE_SEND, TRINE_RECV };
typedef struct trine_case {
    trine_chan *chan; /* NULL: never ready */
    enum trine_op op;
    void *elem;
    bool ok; /* out, of a receive: true with a value, false when closed and drained */
} trine_case;
int trine_select(trine_case *cases, int n);                            /* the index of the case that ran */
int trine_try_select(trine_case *cases, int n);                        /* -1: none was ready */
int trine_select_until(trine_case *cases, int n, int64_t deadline_ns); /* -1: too late */

/* ---- synchronisation: the zero value is ready for use; the fields are the runtime's ---- */
typedef struct trine_sema { uint32_t count, nwait; uint32_t lock, pad; void *head, *tail; } trine_sema;
typedef struct trine_wg { uint64_t state; trine_sema sema; } trine_wg;
typedef struct trine_mutex { uint32_t state, pad; trine_sema sema; } trine_mutex;
typedef struct trine_rwmutex {
    trine_mutex w;
    trine_sema writer_sema, reader_sema;
    int32_t reader_count, reader_wait;
} trine_rwmutex;
typedef struct trine_once { uint32_t done, pad; trine_mutex m; } trine_once;

void trine_wg_add(trine_wg *wg, int delta);
void trine_wg_done(trine_wg *wg);
void trine_wg_wait(trine_wg *wg);
void trine_mutex_lock(trine_mutex *m);
void trine_mutex_unlock(trine_mutex *m);
bool trine_mutex_trylock(trine_mutex *m);
void trine_rwmutex_rlock(trine_rwmutex *rw);
void trine_rwmutex_runlock(trine_rwmutex *rw);
void trine_rwmutex_lock(trine_rwmutex *rw);
void trine_rwmutex_unlock(trine_rwmutex *rw);
/* Not Go's: fn that ends its goroutine by trine_exit leaves it undone, and whoever waits for it waits for good. */
void trine_once_do(trine_once *o, trine_fn fn, void *arg);
void trine_sema_acquire(trine_sema *s); /* the count starts at 0 */
void trine_sema_release(trine_sema *s);

/* ---- timers: fn runs in a goroutine of its own; several goroutines may start, stop and reset one timer at once ---- */
typedef struct trine_timer { void *impl; trine_fn fn; void *arg; } trine_timer; /* zero before the first start; the runtime's */
int trine_timer_start(trine_timer *t, int64_t ns, trine_fn fn, void *arg); /* -ENOMEM, -EINVAL; -EBUSY: still pending */
/* True: it was pending and will not fire. Its memory goes with the stop alone, so stop once also what has fired. */
bool trine_timer_stop(trine_timer *t);
/* True: it was pending. It fires ns from now in either case, with the function and arg of its last start: also when it was
 * stopped. Misuse: never started. */
bool trine_timer_reset(trine_timer *t, int64_t ns);

/* ---- descriptors through the network poller: these park the goroutine, not the thread ----
 * All: -EBADF: not open, or closed meanwhile; -EPERM: open, but never given to the poller (trine_open_fd, trine_accept
 * and trine_connect do that). Several goroutines may use one descriptor: they take turns. A socket whose peer is gone
 * gives -EPIPE without SIGPIPE; for a pipe the program's own choice about that signal holds. trine_close also closes what
 * the poller does not know. What an earlier run was given serves a later one as well, where its first use registers it
 * again (with the errors of trine_open_fd), while its number is the same file and non-blocking; else -EPERM. */
int trine_open_fd(int fd); /* 0, -EBADF, -EPERM (not pollable: a regular file), -ENOMEM, -ENOSPC; non-blocking; idempotent */
ssize_t trine_read(int fd, void *buf, size_t n);                 /* after one read: bytes, 0 at the end, or -errno */
ssize_t trine_write(int fd, const void *buf, size_t n);          /* everything, or the count before an error, or -errno */
int trine_accept(int fd, struct sockaddr *addr, socklen_t *len); /* a registered descriptor, or -errno */
/* Asks again where a UNIX listener's queue is full. */
int trine_connect(int fd, const struct sockaddr *addr, socklen_t len);
int trine_close(int fd); /* wakes whoever waits on it, with -EBADF; G alone waits where close(2) blocks, as with SO_LINGER */
int trine_fd_deadline(int fd, int64_t read_deadline_ns, int64_t write_deadline_ns); /* 0: none; past it -ETIMEDOUT */

/* Bracket any blocking call of the program's own: the P may leave the thread meanwhile, and nothing preempts it there. */
void trine_syscall_enter(void);
void trine_syscall_exit(void);

/* ---- what happened: totals of the process, readable at any time, also outside of a run ---- */
struct trine_stats {
    uint64_t steals, stolen; /* successful steal operations; goroutines that they moved */
    uint64_t handoffs;       /* Ps that left their M: in a blocking call, preempted, ended, its locked G parked */
    uint64_t preemptions;    /* forced by the slice, by flag or by signal */
    uint64_t parks, wakes;   /* of goroutines */
    uint64_t spins;          /* times an M began to spin */
    uint64_t threads_made;   /* the caller's own thread left out */
    int threads, gomaxprocs, goroutines;
    /* further fields */
    int threads_idle, threads_preempt_parked;
    uint64_t switches;       /* goroutines resumed or begun */
    uint64_t yields;         /* trine_yield that let another goroutine run */
    uint64_t spawns;         /* goroutines made */
    uint64_t mwakes;         /* idle Ms woken */
    uint64_t global_gets, global_puts; /* goroutines through the global queue */
    uint64_t overflows;      /* times half of a local queue moved to the global one */
    uint64_t runnext_hits;   /* goroutines run from runnext */
    uint64_t tick61;         /* times the global queue was served first */
    uint64_t preempt_signals; /* signals sent */
    uint64_t preempt_parked; /* threads stopped inside foreign code so that their P could leave */
    uint64_t syscalls;       /* blocking calls bracketed */
    uint64_t netpolls;       /* goroutines readied by the network poller */
    uint64_t netpolls_outside; /* of these, by who held no P, the monitor most often: no track of a trace shows them */
    uint64_t timers_fired;
    uint64_t bias_given;     /* times a P that was the only one not idle got the bias; of these, ended by another thread */
    uint64_t bias_revoked;
    uint64_t stacks_made, stacks_unguarded; /* stacks carved; of these, those that only a canary guards */
    uint64_t stacks_trimmed;                /* given back to the kernel because nobody wanted them for a while */
    uint64_t stacks_ahead;                  /* pages of stacks committed, by who had nothing to do, before they were carved */
    uint64_t trace_events, trace_dropped;   /* events written to the trace; those for which there was no room */
    uint64_t retakes;        /* of the handoffs, and of stops of the world: Ps taken from an M in a blocking call */
    uint64_t runnext_steals; /* of the steals: from runnext */
    uint64_t need_spinning;  /* times that nobody could be woken for new work, so the next to drop a P looks for it */
    uint64_t timer_wakes, timer_steals; /* goroutines readied by timers; of these, by another P than the timer's */
    uint64_t mutex_handoffs; /* unlocks that gave a mutex to the one who had waited longest */
    uint64_t world_stops;    /* stops of the world: changes of the number of Ps, ends of runs */
    uint64_t poller_breaks;  /* sleeps in the network poller that were cut short */
    uint64_t sysmon_rounds;  /* looks of the monitor */
};
/* The totals so far, each read for itself: not one instant. NULL ends the program. From anywhere but a signal
 * handler (it takes a lock of the runtime's); on a goroutine it is a preemption point. Never parks. */
void trine_stats(struct trine_stats *out);

/* ---- the event trace: a JSON file that Perfetto (ui.perfetto.dev) opens; $TRINE_TRACE=file traces a whole run;
 * the second one of a process goes to file.2, one in the child of a fork to file.pidN ---- */
/* One at a time; goes on over the end of a run, and over a fork in the parent alone. -EINVAL: no path; -EBUSY: one is on; else
 * what open or making a thread says. Legal anywhere but in a signal handler; does not park, but may block the thread in the
 * file system. */
int trine_trace_start(const char *path);
/* Waits until the file is complete. -EINVAL: none is on; else what writing says. Legal anywhere but in a signal handler. */
int trine_trace_stop(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
