/*
 * os_linux.h: all that the runtime asks of the kernel and libc. Floor 1. Nothing here knows of G, M or P.
 *
 * Every call that can be interrupted is repeated on EINTR, but for a sleep of microseconds. Calls that may fail stand behind
 * rt_os_fail, so that the fault-injection tests can make the N-th from each place fail.
 */
#ifndef RT_OS_LINUX_H
#define RT_OS_LINUX_H

#include "atomic.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- faults on demand: each place that asks for something which may be refused is known by name ----
 * $TRINE_FAULT=file.c:line:n makes the n-th call from that line fail. rt_os_fail(kind) stands before the call; the calls
 * that several places make have it in a macro of their own name, so that each place counts for itself. */
enum os_kind {
    OS_MMAP, OS_CLONE, OS_EPOLL_CREATE, OS_EPOLL_CTL, OS_EPOLL_WAIT, OS_EVENTFD, OS_FUTEX, OS_SIGALTSTACK, OS_MALLOC, OS_KINDS
};
struct os_site { const char *file; uint32_t line; enum os_kind kind; };
void rt_os_fault_init(void);     /* reads $TRINE_FAULT */
uint32_t rt_os_fault_left(void); /* calls until the one that fails; 0: it was reached, or none was asked for */
const struct os_site *rt_os_sites(size_t *n); /* all there are; a line may stand more than once */
int rt_os_fail_at(const struct os_site *here);
#ifdef TRINE_MODEL /* the models bring their own */
int rt_os_fail(enum os_kind kind); /* 0, or the errno to fail with */
#else
extern at_u32 rt_os_armed;
#define RT_OS_HERE(kind)                                                                                   \
    ({                                                                                                     \
        static const struct os_site here_ __attribute__((section("trine_os_sites"), used)) = {__FILE__, __LINE__, kind}; \
        &here_;                                                                                            \
    })
#define rt_os_fail(kind) (__builtin_expect(at32_load_rlx(&rt_os_armed) != 0, 0) ? rt_os_fail_at(RT_OS_HERE(kind)) : 0)
#define RT_OS_ERR(kind, call) ({ int err_ = rt_os_fail(kind); err_ ? -err_ : (call); })
#define rt_sysalloc(bytes) (rt_os_fail(OS_MMAP) ? NULL : rt_sysalloc(bytes))
#define rt_sysreserve(bytes, align) (rt_os_fail(OS_MMAP) ? NULL : rt_sysreserve(bytes, align))
/* as if woken without reason: */
#define rt_futexsleep(addr, val, ns) (rt_os_fail(OS_FUTEX) ? (void)0 : rt_futexsleep(addr, val, ns))
#define rt_newosthread(fn, arg, stack_bytes) RT_OS_ERR(OS_CLONE, rt_newosthread(fn, arg, stack_bytes))
#define rt_setaltstack(base, bytes) RT_OS_ERR(OS_SIGALTSTACK, rt_setaltstack(base, bytes))
#endif

bool rt_have_membarrier(void);     /* and registers the process for it; before any thread */

int64_t rt_nanotime(void); /* CLOCK_MONOTONIC */
void rt_osyield(void);
void rt_usleep(uint32_t us);
int32_t rt_gettid(void);
void rt_timerslack(unsigned long ns); /* of the calling thread, and inherited by processes that it forks */
int rt_tgkill(int32_t tid, int sig); /* 0 or -errno */

/* Sleeps while *addr == val, ns < 0: without limit. Wakes without reason too: the caller checks again. Legal in a
 * signal handler. */
void (rt_futexsleep)(at_u32 *addr, uint32_t val, int64_t ns);
void rt_futexwakeup(at_u32 *addr, int n);

/* Zeroed memory straight from the kernel, never malloc: a thread stopped in the preemption handler may own malloc's
 * lock. NULL when there is none. */
void *(rt_sysalloc)(size_t bytes);
void rt_sysfree(void *p, size_t bytes);
void *(rt_sysreserve)(size_t bytes, size_t align); /* NORESERVE, no huge pages */
const void *rt_mapfile(const char *path, size_t *bytes); /* read-only, kept; NULL: cannot */
void rt_sysunused(void *p, size_t bytes);       /* contents may go */
void rt_sysforbid(void *p, size_t bytes);       /* each touch faults from here on, unless the kernel has no mapping left for it */
bool rt_syscommit(uintptr_t page);              /* its memory there before it is touched; false: it cannot be (before 5.14) */
/* Makes the pages at `at`, at + stride, ... fault, n of them (at most RT_GUARD_BATCH). How many it did, from the first
 * on: fewer when the kernel has no means left (the caller falls back on a canary). */
int rt_sysguards(uintptr_t at, size_t stride, int n);
void rt_sysguards_gone(uint32_t n); /* so many were unmapped; one caller of the two at a time */
size_t rt_pagesize(void);

/* Of static TLS a thread of this program has at most; takes a lock of the loader's. */
size_t rt_tlsbytes(void);
/* Starts a detached thread with a stack of its own. 0 or -errno. */
int (rt_newosthread)(void *(*fn)(void *), void *arg, size_t stack_bytes);
/* Signals that the caller of a run has blocked stay so on its threads, as in Go: the one remembers the calling thread's mask,
 * the other gives it to the calling thread, without the two signals that the runtime lives by (SIGURG, SIGSEGV). */
void rt_sigmask_remember(void);
void rt_sigmask_take(void);
void rt_threadstack(uintptr_t *lo, size_t *bytes); /* of the calling thread; untouched if unknown */
int (rt_setaltstack)(void **base, size_t *bytes); /* at least AT_MINSIGSTKSZ + 16 KiB; 0 or -errno */
void rt_freealtstack(void *base, size_t bytes);
bool rt_onaltstack(void); /* the calling thread, on whichever it has set last: in a signal handler, that is */
/* A run begins on the calling thread, or (false) has ended or is not pinned. While a pinned one lasts, the two below answer
 * by the mask of who began it, wherever they are called: a thread's own is the pin of the P that it carries. */
void rt_affinity_hold(bool pinned);
int rt_ncpu_affinity(void);
bool rt_cpu_allowed(int cpu);
int rt_bindcpu(int cpu); /* the calling thread, in a pinned run; -1: back to the mask of who began it */
uint64_t rt_randseed(void);
int *rt_errno_loc(void); /* not inlined, not const */

#endif
