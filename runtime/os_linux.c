/* os_linux.c: system calls, threads, memory. Floor 1; see os_linux.h. */
#include "os_linux.h"
#include "param.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef PIDFD_SELF_THREAD_GROUP
#define PIDFD_SELF_THREAD_GROUP (-10001) /* Linux 6.14 */
#endif

/* ---- faults on demand ---- */
#pragma GCC visibility push(hidden)
extern const struct os_site __start_trine_os_sites[], __stop_trine_os_sites[]; /* the linker's names for the section */
#pragma GCC visibility pop
at_u32 rt_os_armed;                             /* 1: $TRINE_FAULT names a place */
static struct { char file[32]; long line; } fault; /* written while unarmed */
static at_u32 fault_left;                       /* n: the n-th call from now fails; 0: it did */

const struct os_site *rt_os_sites(size_t *n)
{
    *n = (size_t)(__stop_trine_os_sites - __start_trine_os_sites);
    return __start_trine_os_sites;
}

void rt_os_fault_init(void)
{
    const char *s = getenv("TRINE_FAULT"), *colon = s ? strchr(s, ':') : NULL;
    at32_store_rel(&rt_os_armed, 0);
    at32_store_rlx(&fault_left, 0);
    if (!colon || (size_t)(colon - s) >= sizeof fault.file) return;
    char *end;
    memcpy(fault.file, s, (size_t)(colon - s));
    fault.file[colon - s] = '\0';
    fault.line = strtol(colon + 1, &end, 10);
    at32_store_rlx(&fault_left, *end == ':' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0);
    at32_store_rel(&rt_os_armed, 1); /* partner: rt_os_fail_at */
}

uint32_t rt_os_fault_left(void) { return at32_load_acq(&fault_left); }

int rt_os_fail_at(const struct os_site *here)
{
    static const int err[OS_KINDS] = {ENOMEM, EAGAIN, EMFILE, ENOMEM, EINTR, EMFILE, EINTR, ENOMEM, ENOMEM};
    const char *slash = strrchr(here->file, '/');
    if (!at32_load_acq(&rt_os_armed) || (long)here->line != fault.line) return 0;
    if (strcmp(slash ? slash + 1 : here->file, fault.file) != 0) return 0;
    if (at32_load_rlx(&fault_left) == 0 || at32_add_ar(&fault_left, -1u) != 1) return 0;
    return err[here->kind];
}

#ifdef TRINE_CHAOS
/* Drawn by a per-thread generator that is seeded from $TRINE_CHAOS_SEED. */
static uint64_t chaos_seed(void)
{
    const char *s = getenv("TRINE_CHAOS_SEED");
    return ((s ? strtoull(s, NULL, 10) : 1) + 1) * 0x9E3779B97F4A7C15ull;
}

static at_u32 chaos_threads;
static uint64_t chaos_draw(void)
{
    static __thread uint64_t x;
    if (x == 0) x = chaos_seed() + at32_add_rlx(&chaos_threads, 1);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}
void rt_chaos_point(void)
{
    if ((chaos_draw() & 63) == 0) syscall(SYS_sched_yield);
}
bool rt_chaos_skip(void) { return (chaos_draw() >> 8 & 7) == 0; }
#endif

/* ---- time and scheduling ---- */
int64_t rt_nanotime(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

void rt_osyield(void) { syscall(SYS_sched_yield); }

void rt_usleep(uint32_t us)
{
    struct timespec ts = {us / 1000000, (long)(us % 1000000) * 1000};
    int saved = errno;
    nanosleep(&ts, NULL);
    errno = saved;
}

int32_t rt_gettid(void) { return (int32_t)syscall(SYS_gettid); }
void rt_timerslack(unsigned long ns) { prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0); }

int rt_tgkill(int32_t tid, int sig)
{
    int saved = errno, err = syscall(SYS_tgkill, getpid(), tid, sig) < 0 ? -errno : 0;
    errno = saved; /* of the goroutine that stops the world: the thread may have ended */
    return err;
}

void (rt_futexsleep)(at_u32 *addr, uint32_t val, int64_t ns)
{
    struct timespec ts = {ns / 1000000000, ns % 1000000000};
    int saved = errno; /* of the goroutine that stops the world */
    syscall(SYS_futex, addr, FUTEX_WAIT_PRIVATE, val, ns < 0 ? NULL : &ts, NULL, 0);
    errno = saved;
}

void rt_futexwakeup(at_u32 *addr, int n) { syscall(SYS_futex, addr, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0); }

/* ---- the heavy barrier ---- */
void rt_membarrier(void) { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }

bool rt_have_membarrier(void)
{
#ifdef RT_TSAN /* which knows no membarrier */
    return false;
#else
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
}

/* ---- memory ---- */
size_t rt_pagesize(void)
{
    static size_t page;
    if (!page) page = (size_t)sysconf(_SC_PAGESIZE);
    return page;
}

static void *map(size_t bytes, int prot, int flags)
{
    void *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *(rt_sysalloc)(size_t bytes) { return map(bytes, PROT_READ | PROT_WRITE, 0); }

void rt_sysfree(void *p, size_t bytes)
{
    if (p) munmap(p, bytes);
}

void *(rt_sysreserve)(size_t bytes, size_t align)
{
    uint8_t *raw = map(bytes + align, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    if (!raw) return NULL;
    uint8_t *p = (uint8_t *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
    if (p > raw) munmap(raw, (size_t)(p - raw));
    if (p < raw + align) munmap(p + bytes, (size_t)(raw + align - p));
    madvise(p, bytes, MADV_NOHUGEPAGE); /* a huge page would commit 2 MiB at the first touch */
    return p;
}

const void *rt_mapfile(const char *path, size_t *bytes)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && !rt_os_fail(OS_MMAP))
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    *bytes = p == MAP_FAILED ? 0 : (size_t)st.st_size;
    return p == MAP_FAILED ? NULL : p;
}

void rt_sysunused(void *p, size_t bytes) { madvise(p, bytes, MADV_DONTNEED); }

/* It reads nothing and writes nothing, so whoever has the page by now is not disturbed. */
bool rt_syscommit(uintptr_t page)
{
    int saved = errno;
    bool did = madvise((void *)page, rt_pagesize(), MADV_POPULATE_WRITE) == 0;
    errno = saved;
    return did;
}

/* Does MADV_GUARD_INSTALL work here? qemu-user takes the call and ignores it, so only a fault is believed: a child
 * would be heavy, so the kernel is asked to read the page for us, by a call that is older than guards. */
static bool guard_probe(void)
{
    size_t page = rt_pagesize();
    void *p = rt_sysalloc(page);
    if (!p) return false;
    bool works = madvise(p, page, MADV_GUARD_INSTALL) == 0 && madvise(p, page, MADV_POPULATE_READ) < 0 && errno == EFAULT;
    munmap(p, page);
    return works;
}

/* What a guard is made of; 0: not asked yet. */
enum { BY_MADVISE = 1, BY_MPROTECT };

/* The ways to make several by one call, the better first. */
enum { BY_SELF, BY_DESCRIPTOR, ONE_BY_ONE };

/* A descriptor is opened each time: one kept would name the parent in a forked child, and be anybody's after a program
 * closed what it did not open. */
static bool guards_by(uint32_t way, const struct iovec *v, int n)
{
    int self = way == BY_SELF ? PIDFD_SELF_THREAD_GROUP : (int)syscall(SYS_pidfd_open, getpid(), 0);
    long did = syscall(SYS_process_madvise, self, v, (size_t)n, MADV_GUARD_INSTALL, 0);
    if (self >= 0) close(self);
    return did == (long)((size_t)n * rt_pagesize());
}

/* All by one call: 0.4 us a guard here, against 1.0 us by a call each. It wants Linux 6.13, without a descriptor 6.14: what
 * was refused once is not asked for again. */
static bool guard_vector(uintptr_t at, size_t stride, int n)
{
    static at_u32 way;
    uint32_t w = at32_load_rlx(&way);
    struct iovec v[RT_GUARD_BATCH];
    for (int i = 0; i < n; i++) v[i] = (struct iovec){(void *)(at + (size_t)i * stride), rt_pagesize()};
    while (w < ONE_BY_ONE && !guards_by(w, v, n)) at32_store_rlx(&way, ++w);
    return w < ONE_BY_ONE;
}

/* A guard by mprotect splits a mapping in three. A process may have vm.max_map_count of them, and whoever uses them up can
 * map nothing more, no thread's stack either: half of them is the program's. */
static uint32_t most_split(void)
{
    static uint32_t most;
    char text[24] = "";
    if (most) return most;
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) close(fd);
    unsigned long maps = n > 0 ? strtoul(text, NULL, 10) : 0;
    most = (uint32_t)((maps ? maps : RT_MAPS) / 4);
    return most;
}

static at_u32 nsplit; /* guards by mprotect that stand */

static bool guard_split(void *p)
{
    if (at32_load_rlx(&nsplit) >= most_split() || mprotect(p, rt_pagesize(), PROT_NONE) < 0) return false;
    at32_add_rlx(&nsplit, 1);
    return true;
}

void rt_sysforbid(void *p, size_t bytes) { (void)!mprotect(p, bytes, PROT_NONE); }

void rt_sysguards_gone(uint32_t n)
{
    uint32_t stand = at32_load_rlx(&nsplit);
    at32_store_rlx(&nsplit, stand - (n < stand ? n : stand));
}

static bool guard_one(uint32_t *means, uintptr_t at)
{
    void *p = (void *)at;
    if (*means == BY_MADVISE && madvise(p, rt_pagesize(), MADV_GUARD_INSTALL) == 0) return true;
    *means = BY_MPROTECT;
    return guard_split(p);
}

int rt_sysguards(uintptr_t at, size_t stride, int n)
{
    static at_u32 means;
    uint32_t m = at32_load_rlx(&means);
    int done = 0, saved = errno;
    if (m == 0) m = guard_probe() ? BY_MADVISE : BY_MPROTECT;
    if (m == BY_MADVISE && guard_vector(at, stride, n)) done = n;
    while (done < n && guard_one(&m, at + (size_t)done * stride)) done++;
    at32_store_rlx(&means, m);
    errno = saved;
    return done;
}

/* ---- threads ---- */
static int add_tls(struct dl_phdr_info *of, size_t bytes, void *sum)
{
    (void)bytes;
    for (int i = 0; i < of->dlpi_phnum; i++)
        if (of->dlpi_phdr[i].p_type == PT_TLS) *(size_t *)sum += of->dlpi_phdr[i].p_memsz + of->dlpi_phdr[i].p_align;
    return 0;
}

size_t rt_tlsbytes(void)
{
    size_t sum = 0, page = rt_pagesize();
    dl_iterate_phdr(add_tls, &sum);
    return (sum + page - 1) & ~(page - 1);
}

int (rt_newosthread)(void *(*fn)(void *), void *arg, size_t stack_bytes)
{
    pthread_attr_t attr;
    pthread_t t;
    sigset_t all, old;
    if (pthread_attr_init(&attr)) return -ENOMEM;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, stack_bytes);
    sigfillset(&all); /* born with signals blocked: it has no alternate stack yet */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&t, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}

static sigset_t run_mask; /* written before the run has threads */

void rt_sigmask_remember(void)
{
    pthread_sigmask(SIG_SETMASK, NULL, &run_mask);
    sigdelset(&run_mask, SIGURG);  /* preemption */
    sigdelset(&run_mask, SIGSEGV); /* stacks that overflow are named */
}

void rt_sigmask_take(void) { pthread_sigmask(SIG_SETMASK, &run_mask, NULL); }

void rt_threadstack(uintptr_t *lo, size_t *bytes)
{
    pthread_attr_t attr;
    void *p = NULL;
    if (pthread_getattr_np(pthread_self(), &attr)) return;
    pthread_attr_getstack(&attr, &p, bytes);
    *lo = (uintptr_t)p;
    pthread_attr_destroy(&attr);
}

int (rt_setaltstack)(void **base, size_t *bytes)
{
    size_t n = getauxval(AT_MINSIGSTKSZ); /* with AMX or AVX-512 a frame is 3 to 11 KiB */
    if (n < 2048) n = 2048;
    n = (n + (16u << 10) + rt_pagesize() - 1) & ~(rt_pagesize() - 1);
    void *p = rt_sysalloc(n);
    if (!p) return -ENOMEM;
    stack_t ss = {.ss_sp = p, .ss_size = n};
    if (sigaltstack(&ss, NULL) < 0) {
        int err = errno;
        rt_sysfree(p, n);
        return -err;
    }
    *base = p;
    *bytes = n;
    return 0;
}

void rt_freealtstack(void *base, size_t bytes)
{
    stack_t ss = {.ss_flags = SS_DISABLE};
    sigaltstack(&ss, NULL);
    rt_sysfree(base, bytes);
}

bool rt_onaltstack(void)
{
    stack_t ss;
    return sigaltstack(NULL, &ss) == 0 && (ss.ss_flags & SS_ONSTACK);
}

static cpu_set_t run_cpus;   /* of who began the pinned run; written before the run has threads */
static at_u32 run_is_pinned; /* partner of the release in rt_affinity_hold: process_cpus */

void rt_affinity_hold(bool pinned)
{
    if (pinned) sched_getaffinity(0, sizeof run_cpus, &run_cpus);
    at32_store_rel(&run_is_pinned, pinned);
}

/* In a pinned run a thread's own mask is the pin of the P that it carries. */
static bool process_cpus(cpu_set_t *set)
{
    bool pinned = at32_load_acq(&run_is_pinned);
    if (pinned) *set = run_cpus;
    return pinned || sched_getaffinity(0, sizeof *set, set) == 0;
}

int rt_ncpu_affinity(void)
{
    cpu_set_t set;
    return process_cpus(&set) ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

bool rt_cpu_allowed(int cpu)
{
    cpu_set_t set;
    return cpu < CPU_SETSIZE && process_cpus(&set) && CPU_ISSET(cpu, &set);
}

int rt_bindcpu(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, cpu < 0 ? &run_cpus : &set) < 0 ? -errno : 0;
}

uint64_t rt_randseed(void)
{
#ifdef TRINE_CHAOS /* steals and selects draw the same again */
    return chaos_seed() | 1;
#endif
    uint64_t x = (uint64_t)rt_nanotime() * 0x9E3779B97F4A7C15ull ^ (uint64_t)getpid() << 32;
    return x ? x : 1;
}

__attribute__((noinline)) int *rt_errno_loc(void)
{
    __asm__ volatile("" ::: "memory");
    return &errno;
}
