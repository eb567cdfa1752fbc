/*
 * stack_trim.c: stacks given back by age, from inside: dead Gs and their stacks on a P that no run knows, and a clock that
 * the test turns itself. Also the guards, which are made many at a time: each stack has one, whatever became of it.
 */
#include "g.h"
#include "older_kernel.h"
#include "os_linux.h"
#include "param.h"
#include "stacks.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef PIDFD_SELF_THREAD_GROUP
#define PIDFD_SELF_THREAD_GROUP (-10001) /* Linux 6.14 */
#endif

enum { CROWD = RT_TRIM_KEEP + 1300, MARK = 0x5a };
static struct p *pp;
static struct g *gs[CROWD];
static int cls, probe[2];
static int64_t now;

static uint64_t made(void) { return rt_stackcounts().made; }
static uint64_t trimmed(void) { return rt_stackcounts().trimmed; }

/* n goroutines' worth of stacks, each marked at its lowest and highest byte. */
static void take(int n)
{
    for (int i = 0; i < n; i++) {
        gs[i] = rt_gfget(pp, cls);
        assert_non_null(gs[i]);
        uint8_t *lo = (uint8_t *)gs[i]->stack_lo;
        lo[8] = lo[gs[i]->stack_bytes - 1] = MARK; /* a canary may stand at lo */
    }
}
static void give(int from, int to)
{
    for (int i = from; i < to; i++) rt_gfput(pp, gs[i]);
    rt_gfpurge(pp);
}

/* Rounds of the monitor, a microsecond apart, until one has nothing left to do; at most `most`. How many had. */
static int rounds_of_the_monitor(int most)
{
    int n = 0;
    while (n < most) {
        uint64_t before = trimmed();
        rt_gftrim(now++);
        uint64_t went = trimmed() - before;
        assert_true(went <= RT_TRIM_CHUNK);
        if (went == 0) break;
        n++;
    }
    return n;
}
static void a_period_passes(void) { now += RT_TRIM_PERIOD_NS; }
/* All that nobody uses becomes cold, and goes. */
static void all_goes(void)
{
    for (int i = 0; i < 3; i++, a_period_passes()) rounds_of_the_monitor(CROWD);
}

static int fresh(void **state)
{
    (void)state;
    rt_gfforget();
    no_arenas(state);
    memset((void *)pp, 0, sizeof *pp);
    cls = rt_stackclass(RT_STACK_BYTES);
    now = 10 * RT_TRIM_PERIOD_NS;
    return 0;
}

/* What is wanted in each period stays, however many periods pass. */
static void WarmStacksStay(void **state)
{
    (void)state;
    uint64_t before = trimmed();
    for (int i = 0; i < 6; i++, a_period_passes()) {
        take(CROWD);
        give(0, CROWD);
        rounds_of_the_monitor(CROWD);
    }
    assert_int_equal(trimmed() - before, 0);
}

/* Not in the period in which they were wanted last, nor in the next; then a chunk a round, until all went. */
static void ColdStacksGoAfterAPeriod(void **state)
{
    (void)state;
    uint64_t before = trimmed();
    rt_gftrim(now);
    take(CROWD);
    give(0, CROWD);
    a_period_passes();
    rounds_of_the_monitor(CROWD);
    assert_int_equal(trimmed() - before, 0);
    a_period_passes();
    int n = rounds_of_the_monitor(CROWD);
    assert_int_equal(trimmed() - before, CROWD - RT_TRIM_KEEP);
    assert_int_equal(n, (CROWD - RT_TRIM_KEEP + RT_TRIM_CHUNK - 1) / RT_TRIM_CHUNK);
}

/* As many as a small program ever has stay, however cold. */
static void AFewStayHoweverCold(void **state)
{
    (void)state;
    uint64_t before = trimmed();
    take(RT_TRIM_KEEP);
    give(0, RT_TRIM_KEEP);
    all_goes();
    all_goes();
    assert_int_equal(trimmed() - before, 0);
}

/* Stacks in use keep what stands on them, while their neighbours' memory goes. */
static void StacksInUseStay(void **state)
{
    (void)state;
    take(CROWD);
    for (int i = 0; i < CROWD; i += 8) { /* one in eight stays in use: the others are still more than are kept anyway */
        struct g *gp = gs[i];
        gs[i] = gs[i / 8];
        gs[i / 8] = gp;
    }
    int in_use = (CROWD + 7) / 8;
    uint64_t before = trimmed();
    give(in_use, CROWD);
    all_goes();
    assert_true(trimmed() > before);
    for (int i = 0; i < in_use; i++) {
        uint8_t *lo = (uint8_t *)gs[i]->stack_lo;
        assert_int_equal(lo[8], MARK);
        assert_int_equal(lo[gs[i]->stack_bytes - 1], MARK);
        assert_int_equal(gs[i]->stackclass, cls);
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)*(struct g *const *)a, y = (uintptr_t)*(struct g *const *)b;
    return (x > y) - (x < y);
}

/* What was given back is carved again before anything new is, each slot once, and is zeroed memory: after those that
 * are kept. */
static void TrimmedStacksServeAgain(void **state)
{
    (void)state;
    take(CROWD);
    give(0, CROWD);
    all_goes();
    uint64_t before = made();
    for (int i = 0; i < CROWD; i++) {
        gs[i] = rt_gfget(pp, cls);
        assert_non_null(gs[i]);
        assert_int_equal(((uint8_t *)gs[i]->stack_lo)[8], i < (int)RT_TRIM_KEEP ? MARK : 0);
    }
    assert_int_equal(made(), before);
    qsort(gs, CROWD, sizeof *gs, by_address);
    for (int i = 1; i < CROWD; i++) assert_ptr_not_equal(gs[i - 1], gs[i]);
}

/* ---- guards ---- */
/* May the kernel read the byte at `at` for us? */
static bool readable(uintptr_t at)
{
    char c;
    bool can = write(probe[1], (void *)at, 1) == 1;
    if (can) assert_int_equal(read(probe[0], &c, 1), 1);
    else assert_int_equal(errno, EFAULT);
    return can;
}
static void assert_guards(int n)
{
    for (int i = 0; i < n; i++) {
        uintptr_t lo = gs[i]->stack_lo;
        assert_true(readable(lo) && readable(lo + gs[i]->stack_bytes - 1));
        assert_true(gs[i]->guarded != readable(lo - rt_pagesize()));
        assert_true(gs[i]->guarded != readable(lo - 1));
    }
}
/* Guards are made RT_GUARD_BATCH at a time: the last of a batch, and the last slots of an arena, have theirs too, and
 * no page of a stack is one. */
static void EveryStackHasItsGuard(void **state)
{
    static const size_t sizes[] = {RT_STACK_GUARDED_BYTES, RT_STACK_BYTES, 1u << 20, 32u << 20};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n = sizes[i] > RT_STACK_BYTES ? (int)(RT_ARENA_BYTES / sizes[i]) + 3 : CROWD;
        fresh(state);
        cls = rt_stackclass(sizes[i]);
        take(n);
        assert_guards(n);
    }
}
/* Giving the memory back leaves the guard where it is. */
static void GuardsStayWhenMemoryGoes(void **state)
{
    (void)state;
    take(CROWD);
    give(0, CROWD);
    all_goes();
    take(CROWD);
    assert_guards(CROWD);
}

/* Below the first slot of an arena nobody has anything, as far as a large frame may reach: an alternate stack there would be
 * taken for the one that a signal stands on. */
static void NothingLiesBelowTheFirst(void **state)
{
    (void)state;
    take(1);
    for (uintptr_t at = gs[0]->stack_lo - rt_pagesize(); at > gs[0]->stack_lo - RT_BELOW_BYTES; at -= rt_pagesize()) {
        assert_false(readable(at));
    }
}

/* ---- guards on kernels that refuse a way to make them ---- */
struct refusal { const char *what; int self; bool all; }; /* of process_madvise: where it names the caller so, or always */
static const struct refusal refusals[] = {
    {"without PIDFD_SELF (before Linux 6.14)", PIDFD_SELF_THREAD_GROUP, false},
    {"without guards by process_madvise (before Linux 6.13)", 0, true},
};

static void refuse(const struct refusal *r)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])), /* its low half: little endian */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->self, 0, (uint8_t)(r->all ? 0 : 1)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBADF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter_calls(code, sizeof code / sizeof *code);
}

static void guards_when_refused(void *arg)
{
    const struct refusal *r = arg;
    struct iovec none = {0};
    refuse(r);
    CHECK(syscall(SYS_process_madvise, PIDFD_SELF_THREAD_GROUP, &none, 0, MADV_NORMAL, 0) == -1 && errno == EBADF);
    void *first = rt_sysreserve(CROWD * 2 * rt_pagesize(), rt_pagesize());
    CHECK(first != NULL);
    for (int i = 0; first && i < CROWD; i += RT_GUARD_BATCH) {
        uintptr_t at = (uintptr_t)first + (size_t)i * 2 * rt_pagesize();
        int n = CROWD - i < RT_GUARD_BATCH ? CROWD - i : RT_GUARD_BATCH;
        CHECK(rt_sysguards(at, 2 * rt_pagesize(), n) == n);
        for (int k = 0; k < n; k++, at += 2 * rt_pagesize()) CHECK(!readable(at) && readable(at + rt_pagesize()));
    }
}

static void GuardsByWhatTheKernelHas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct refusal r = refusals[i];
        filtered_child(guards_when_refused, &r, r.what);
    }
}

/* A kernel without guards but by mprotect, which is every one before 6.13. */
static void refuse_guards(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_madvise, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 1), /* MADV_GUARD_INSTALL */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter_calls(code, sizeof code / sizeof *code);
}

/* As many as are made of those at `at`, every second page; at most n. */
static uint32_t guards_from(uintptr_t at, uint32_t n)
{
    uint32_t made = 0;
    for (int did = RT_GUARD_BATCH; made < n && did == RT_GUARD_BATCH; made += (uint32_t)did)
        did = rt_sysguards(at + made * 2 * rt_pagesize(), 2 * rt_pagesize(), RT_GUARD_BATCH);
    return made;
}

/* Each splits a mapping, of which a process has so many: half of them stay the program's. What is unmapped counts no more. */
static void guards_split(void *maps)
{
    uint32_t most = (uint32_t)(*(long *)maps / 4), bytes2 = (uint32_t)(2 * rt_pagesize());
    refuse_guards();
    uintptr_t at = (uintptr_t)rt_sysreserve((size_t)(most + 100) * bytes2, rt_pagesize());
    CHECK(at != 0);
    CHECK(guards_from(at, most + 100) == most);
    CHECK(!readable(at + (size_t)(most - 1) * bytes2) && readable(at + (size_t)most * bytes2));
    void *more[64]; /* each a mapping of its own, that nothing merges: another protection */
    for (int i = 0; i < 64; i++) {
        more[i] = mmap(NULL, rt_pagesize(), i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(more[i] != MAP_FAILED);
    }
    CHECK(munmap((void *)at, (size_t)bytes2 * 80) == 0);
    rt_sysguards_gone(80);
    CHECK(guards_from(at + (size_t)most * bytes2, 100) == 80);
}

static void GuardsLeaveTheProgramItsMappings(void **state)
{
    long maps = 0;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
    (void)state;
    if (f && fscanf(f, "%ld", &maps) != 1) maps = 0;
    if (f) fclose(f);
    if (maps < 1000 || maps > 1000000) {
        print_message("SKIP: vm.max_map_count is not there or too large for a test\n");
        skip();
    }
    filtered_child(guards_split, &maps, "guards by mprotect");
}

static int setup(void **state)
{
    (void)state;
    pp = aligned_alloc(RT_CACHE_LINE, sizeof *pp);
    return !pp || pipe(probe);
}
static int teardown(void **state)
{
    fresh(state);
    free(pp);
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        T(WarmStacksStay),          T(ColdStacksGoAfterAPeriod), T(AFewStayHoweverCold),     T(StacksInUseStay),
        T(TrimmedStacksServeAgain), T(EveryStackHasItsGuard),    T(GuardsStayWhenMemoryGoes),
        T(NothingLiesBelowTheFirst), T(GuardsByWhatTheKernelHas), T(GuardsLeaveTheProgramItsMappings),
    };
    return cmocka_run_group_tests_name("stacks given back by age, and guards", tests, setup, teardown);
}
