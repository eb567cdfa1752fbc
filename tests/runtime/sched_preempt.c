/*
 * sched_preempt.c: goroutines that give nothing up are made to: at runtime calls, in loops that make none, after
 * blocking calls, with vector registers live, inside malloc, printf and strtod, beside storms of signals and forks.
 * Counts come from $TRINE_STRESS; a slice of 20 us makes many preemptions in little time.
 */
#include "child.h"
#include "proc.h"

#include <dirent.h>
#include <pthread.h>
#include <spawn.h>

#if defined(RT_TSAN)
#define POLL() TRINE_POLL() /* TSan defers signals, so there the flag alone preempts */
#else
#define POLL() ((void)0)
#endif
#define QUICK(n) (&(trine_config){.gomaxprocs = (n), .slice_ns = RT_SLICE_MIN_NS})

static trine_wg all;
static atomic_int started, flag;

/* ---- loops without calls ---- */
static void spin_until_flag(void *arg)
{
    (void)arg;
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&flag)) POLL();
    trine_wg_done(&all);
}
/* One P, a goroutine that spins: main must come back to the P to set what it waits for. */
static void spinners(void *arg)
{
    int n = (int)(intptr_t)arg;
    for (int round = 0; round < 3; round++) {
        atomic_store(&flag, 0);
        atomic_store(&started, 0);
        trine_wg_add(&all, n);
        for (int i = 0; i < n; i++) go(spin_until_flag, NULL);
        while (atomic_load(&started) < n) trine_yield();
        atomic_store(&flag, 1);
        trine_wg_wait(&all);
    }
}
static void Preemption(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        run_in_child(&(trine_config){.gomaxprocs = procs}, spinners, (void *)(intptr_t)(procs + 2));
}

static void ask_to_poll(void) { TRINE_POLL(); }
static void ask_for_stats(void)
{
    struct trine_stats s;
    trine_stats(&s);
}
static void (*call)(void); /* what the loop below does until it sees the flag */
static void call_until_flag(void *arg)
{
    sigset_t urg;
    (void)arg;
    sigemptyset(&urg);
    sigaddset(&urg, SIGURG);
    pthread_sigmask(SIG_BLOCK, &urg, NULL);
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&flag)) call();
    trine_wg_done(&all);
}
/* The flag alone is enough where the loop calls the runtime: this goroutine's thread takes no signal. */
static void calling(void *arg)
{
    call = arg;
    trine_wg_add(&all, 1);
    go(call_until_flag, NULL);
    while (!atomic_load(&started)) trine_yield();
    atomic_store(&flag, 1);
    trine_wg_wait(&all);
    struct trine_stats s;
    trine_stats(&s);
    CHECK(s.preemptions >= 1);
}
static void PollIsAPreemptionPoint(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, calling, (void *)ask_to_poll);
}
static void StatsIsAPreemptionPoint(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, calling, (void *)ask_for_stats);
}

/* The world can be stopped while every other P spins. */
static void stop_spinners(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 4);
    for (int i = 0; i < 4; i++) go(spin_until_flag, NULL);
    while (atomic_load(&started) < 4) trine_yield();
    for (int i = 0; i < 20; i++) trine_gomaxprocs(1 + i % 4);
    atomic_store(&flag, 1);
    trine_wg_wait(&all);
}
static void AsyncPreempt(void **state) { (void)state; run_children(stop_spinners); }

/* ---- after blocking calls ---- */
static int64_t call_us;
static void block_then_spin(void *arg)
{
    (void)arg;
    trine_syscall_enter();
    struct timespec ts = {0, (long)call_us * 1000};
    nanosleep(&ts, NULL);
    trine_syscall_exit();
    atomic_fetch_add(&started, 1);
    while (!atomic_load(&flag)) POLL();
    trine_wg_done(&all);
}
static void after_syscall(void *arg)
{
    (void)arg;
    for (int round = 0; round < 10; round++) {
        atomic_store(&flag, 0);
        atomic_store(&started, 0);
        trine_wg_add(&all, 4);
        for (int i = 0; i < 4; i++) go(block_then_spin, NULL);
        while (atomic_load(&started) < 4) trine_yield();
        atomic_store(&flag, 1);
        trine_wg_wait(&all);
    }
}
static void PreemptionAfterSyscall(void **state)
{
    (void)state;
    for (call_us = 10; call_us <= 1000; call_us *= 10)
        for (int procs = 1; procs <= 2; procs++)
            run_in_child(&(trine_config){.gomaxprocs = procs, .slice_ns = 1000000}, after_syscall, NULL);
}

static uint64_t preemptions(void)
{
    struct trine_stats s;
    trine_stats(&s);
    return s.preemptions;
}

/* Ten slices and more of the usual length. */
static void no_preemption_in_100_ms(void *arg)
{
    (void)arg;
    for (int64_t until = rt_nanotime() + 100000000; rt_nanotime() < until;) TRINE_POLL();
    CHECK(preemptions() == 0);
}
static void ASliceWithoutEnd(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1, .slice_ns = INT64_MAX}, no_preemption_in_100_ms, NULL);
}

/* ---- registers ---- */
static uint64_t wanted; /* preemptions */

#if defined(__x86_64__) && !defined(RT_TSAN)
/* Fills every vector register and most general ones with a pattern, holds them over a loop in which the thread is
 * stopped and goes on, and returns how many differ after it. */
static uint64_t hold_sse(uint64_t pattern)
{
    uint64_t out[32], bad = 0;
#define SET(n) "movq %[x], %%xmm" #n "\n\tpunpcklqdq %%xmm" #n ", %%xmm" #n "\n\t"
#define GET(n) "movdqu %%xmm" #n ", 16*" #n "(%[o])\n\t"
#define ALL16(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
    __asm__ volatile(ALL16(SET) "movl $20000, %%ecx\n1:\tpause\n\tdecl %%ecx\n\tjnz 1b\n\t" ALL16(GET)
                     :
                     : [x] "r"(pattern), [o] "r"(out)
                     : "rcx", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (int i = 0; i < 32; i++) bad += out[i] != pattern;
    return bad;
}
__attribute__((target("avx"))) static uint64_t hold_avx(uint64_t pattern)
{
    uint64_t in[4] = {pattern, ~pattern, pattern + 1, pattern * 3}, out[64], bad = 0;
#define VSET(n) "vmovdqu (%[x]), %%ymm" #n "\n\t"
#define VGET(n) "vmovdqu %%ymm" #n ", 32*" #n "(%[o])\n\t"
    __asm__ volatile(ALL16(VSET) "movl $20000, %%ecx\n1:\tpause\n\tdecl %%ecx\n\tjnz 1b\n\t" ALL16(VGET) "vzeroupper"
                     :
                     : [x] "r"(in), [o] "r"(out)
                     : "rcx", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (int i = 0; i < 64; i++) bad += out[i] != in[i % 4];
    return bad;
}
static void hold_registers(void *arg)
{
    uint64_t pattern = (uint64_t)(uintptr_t)arg * 0x9E3779B97F4A7C15ull;
    bool avx = __builtin_cpu_supports("avx");
    while (preemptions() < wanted) {
        CHECK(hold_sse(++pattern) == 0);
        if (avx) CHECK(hold_avx(pattern) == 0);
    }
    trine_wg_done(&all);
}
static void registers(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 4);
    for (intptr_t i = 1; i <= 4; i++) go(hold_registers, (void *)i);
    trine_wg_wait(&all);
    struct trine_stats s;
    trine_stats(&s);
    CHECK(s.preempt_parked > 0); /* by signal, not by flag */
}
static void VectorRegistersSurvive(void **state)
{
    (void)state;
    wanted = getenv("TRINE_STRESS") ? (uint64_t)rounds(50000) : 400; /* 1e6 with a factor of 20, as the stress test has it */
    run_in_child(QUICK(2), registers, NULL);
}
#else
static void VectorRegistersSurvive(void **state)
{
    (void)state;
    puts("SKIP: x86-64 only, and TSan defers signals");
    skip();
}
#endif

/* ---- libc ---- */
static void live_in_malloc(void *arg)
{
    enum { N = 32 };
    unsigned char *held[N] = {0}, me = (unsigned char)(uintptr_t)arg;
    size_t size[N] = {0};
    for (uint32_t i = 0, x = me; preemptions() < wanted; i++) {
        x = x * 1664525 + 1013904223;
        uint32_t at = (x >> 8) % N;
        for (size_t k = 0; k < size[at]; k++) CHECK(held[at][k] == (unsigned char)(me + at));
        free(held[at]);
        size[at] = (x >> 16) % 3000;
        held[at] = malloc(size[at] + 1);
        memset(held[at], (unsigned char)(me + at), size[at]);
        POLL();
    }
    for (int i = 0; i < N; i++) free(held[i]);
    trine_wg_done(&all);
}
static void live_in_stdio(void *arg)
{
    char want[64], got[64];
    FILE *null = fopen("/dev/null", "w");
    for (unsigned i = (unsigned)(uintptr_t)arg; preemptions() < wanted; i++) {
        double d = i * 1.0009765625;
        snprintf(want, sizeof want, "%u %.10f %s", i, d, "trine");
        snprintf(got, sizeof got, "%u %.10f %s", i, d, "trine");
        CHECK(strcmp(want, got) == 0);
        CHECK(strtod(strchr(want, ' '), NULL) == d);
        fprintf(null, "%s\n", want);
        POLL();
    }
    fclose(null);
    trine_wg_done(&all);
}
static __attribute__((noinline)) void set_errno(int e) { errno = e; __asm__ volatile("" ::: "memory"); }
static __attribute__((noinline)) int get_errno(void) { __asm__ volatile("" ::: "memory"); return errno; }
static void live_in_errno(void *arg)
{
    int e = (int)(intptr_t)arg;
    while (preemptions() < wanted) {
        set_errno(e);
        for (int i = 0; i < 100; i++) __asm__ volatile("" ::: "memory");
        CHECK(get_errno() == e);
        close(-1);
        CHECK(get_errno() == EBADF);
        POLL();
    }
    trine_wg_done(&all);
}
static void libc(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 9);
    for (intptr_t i = 1; i <= 3; i++) {
        go(live_in_malloc, (void *)(40 * i));
        go(live_in_stdio, (void *)i);
        go(live_in_errno, (void *)i);
    }
    trine_wg_wait(&all);
}
static void LibcIsPreemptedSoundly(void **state)
{
    (void)state;
    wanted = (uint64_t)rounds(80);
    for (int procs = 1; procs <= 4; procs *= 2) run_in_child(QUICK(procs), libc, NULL);
}

/* errno goes with the goroutine from thread to thread, over every call that parks. */
static void errno_over_parks(void *arg)
{
    int e = (int)(intptr_t)arg;
    trine_chan *c = make_chan(sizeof(int), 1);
    CHECK(get_errno() == 0); /* a new goroutine begins with none */
    for (int i = 0; i < 200; i++) {
        set_errno(e);
        trine_yield();
        CHECK(get_errno() == e);
        trine_sleep(i % 10 == 0 ? 1000 : 0);
        CHECK(get_errno() == e);
        send_int(c, i);
        recv_int(c);
        CHECK(get_errno() == e);
        trine_syscall_enter();
        errno = e + 1; /* the call's own result */
        trine_syscall_exit();
        CHECK(get_errno() == e + 1);
    }
    trine_wg_done(&all);
}
static void many_errnos(void *arg)
{
    (void)arg;
    trine_wg_add(&all, 20);
    for (intptr_t i = 1; i <= 20; i++) go(errno_over_parks, (void *)i);
    trine_wg_wait(&all);
}
static void ErrnoIsTheGoroutines(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) run_in_child(QUICK(procs), many_errnos, NULL);
}

/* ---- signals and forks ---- */
static atomic_int nstorm, storm_over;
static void on_storm(int sig) { (void)sig; atomic_fetch_add(&nstorm, 1); }
static void *storm(void *unused) /* over every thread of the process but this one */
{
    (void)unused;
    pid_t own = rt_gettid();
    while (!atomic_load(&storm_over)) {
        DIR *threads = opendir("/proc/self/task");
        for (struct dirent *d; threads && (d = readdir(threads)) != NULL;)
            if (atoi(d->d_name) > 0 && atoi(d->d_name) != own) rt_tgkill(atoi(d->d_name), SIGUSR1);
        if (threads) closedir(threads);
        usleep(20);
    }
    return NULL;
}
static int fds[2];
static void feed(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        CHECK(trine_write(fds[1], &i, sizeof i) == sizeof i);
        if (i % 50 == 0) trine_sleep(300000);
    }
    CHECK(trine_close(fds[1]) == 0);
}
static void storm_work(void *arg)
{
    (void)arg;
    int x, n = 0;
    CHECK(pipe(fds) == 0 && trine_open_fd(fds[0]) == 0 && trine_open_fd(fds[1]) == 0);
    go(feed, NULL);
    for (ssize_t got; (got = trine_read(fds[0], &x, sizeof x)) != 0; n++) {
        CHECK(got == sizeof x && x == n);
        if (got < 0) break;
    }
    CHECK(n == 500);
    spinners((void *)2);
    int before_sleeps = atomic_load(&nstorm);
    for (int i = 0; i < 20; i++) {
        int64_t before = trine_nanotime();
        trine_sleep(100000);
        CHECK(trine_nanotime() - before >= 100000); /* a signal must not cut it short */
    }
    trine_gomaxprocs(3);
    while (atomic_load(&nstorm) == before_sleeps) trine_sleep(100000); /* it is still on */
}
static void eintr_storm(void *arg)
{
    struct child_run *r = arg;
    struct sigaction sa = {.sa_handler = on_storm, .sa_flags = SA_ONSTACK}; /* no SA_RESTART */
    pthread_t t;
    sigaction(SIGUSR1, &sa, NULL);
    if (pthread_create(&t, NULL, storm, NULL)) abort();
    child_run_body(r);
    atomic_store(&storm_over, 1);
    pthread_join(t, NULL);
    CHECK(atomic_load(&nstorm) > 0);
}
static void EINTRStorm(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct child_run r = {{.gomaxprocs = procs}, storm_work, NULL};
        in_child(eintr_storm, &r);
        assert_ended_well("in a storm of signals");
    }
}

static void fork_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) _exit(i);
        CHECK(pid > 0);
        trine_syscall_enter();
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        trine_syscall_exit();
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
        char *argv[] = {"true", NULL}, *env[] = {NULL};
        CHECK(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) == 0);
        trine_syscall_enter();
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        trine_syscall_exit();
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    trine_wg_done(&all);
}
static void fork_under_load(void *arg)
{
    (void)arg;
    wanted = UINT64_MAX; /* the load runs until the run ends */
    for (intptr_t i = 1; i <= 2; i++) go(live_in_malloc, (void *)i);
    trine_wg_add(&all, 2);
    for (int i = 0; i < 2; i++) go(fork_often, NULL);
    trine_wg_wait(&all);
}
static void ForkUnderLoad(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 2; procs++)
        run_in_child(&(trine_config){.gomaxprocs = procs, .slice_ns = 1000000}, fork_under_load, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Preemption),         cmocka_unit_test(PollIsAPreemptionPoint),
        cmocka_unit_test(StatsIsAPreemptionPoint),
        cmocka_unit_test(AsyncPreempt),       cmocka_unit_test(PreemptionAfterSyscall),
        cmocka_unit_test(ASliceWithoutEnd),
        cmocka_unit_test(VectorRegistersSurvive), cmocka_unit_test(LibcIsPreemptedSoundly),
        cmocka_unit_test(ErrnoIsTheGoroutines), cmocka_unit_test(EINTRStorm),
        cmocka_unit_test(ForkUnderLoad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
