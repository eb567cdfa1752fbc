/*
 * test_faults.c: every place in the runtime that asks for something which may be refused (memory, a thread, a descriptor, a
 * wait) has its N-th call fail, for N = 1 until a run makes fewer calls from there. A child runs a small workload that
 * comes to every place; the only outcomes are an ordinary end, a -errno from the call that wanted the resource, and one
 * of the ends listed here; each within five seconds. The places are the linker's list (os_linux.h), so one that no
 * workload comes to fails the test by its name; `--sites` prints them for sites.py, which compares them with the source.
 */
#include "../runtime/child.h"
#include "os_linux.h"
#include "throw.h"

enum { MOST = 300 }; /* injections a place: waits (futex, epoll_wait) are made as often as time allows */

static const char *const kinds[OS_KINDS] = {"mmap",    "clone", "epoll_create", "epoll_ctl", "epoll_wait",
                                            "eventfd", "futex", "sigaltstack",  "malloc"};

/* How a program may end when the kernel refuses: each names what was wanted. */
static const char *const listed[] = {
    "fatal error: cannot make a thread (",
    "fatal error: no alternate signal stack for a thread (",
    "fatal error: out of memory: timer heap",
    "fatal error: out of memory: ",
};

/* ---- the workload: every error that a call may return is taken as it is ---- */
static trine_wg all;
static atomic_int refused, fds[2];

static bool start(trine_fn fn, void *arg)
{
    trine_wg_add(&all, 1);
    int err = trine_go(fn, arg);
    if (!err) return true;
    CHECK(err == -ENOMEM);
    atomic_fetch_add(&refused, 1);
    trine_wg_done(&all);
    return false;
}
static void sleeper(void *arg)
{
    trine_sleep((int64_t)(intptr_t)arg);
    trine_wg_done(&all);
}
static void caller(void *arg)
{
    (void)arg;
    trine_syscall_enter();
    usleep(300);
    trine_syscall_exit();
    trine_wg_done(&all);
}
static void big(void *arg)
{
    (void)arg;
    trine_wg_done(&all);
}
static void hog(void *arg)
{
    (void)arg;
    int64_t until = trine_nanotime() + 3000000;
    while (trine_nanotime() < until) {}
    trine_wg_done(&all);
}
static void reader(void *arg)
{
    char c;
    (void)arg;
    CHECK(trine_read(fds[0], &c, 1) == 1);
    trine_wg_done(&all);
}
static void on_timer(void *arg)
{
    (void)arg;
    trine_wg_done(&all);
}
static void network(void)
{
    int p[2];
    CHECK(pipe(p) == 0);
    fds[0] = p[0];
    fds[1] = p[1];
    int err = trine_open_fd(p[0]);
    CHECK(err == 0 || err == -ENOMEM || err == -ENOSPC);
    if (err) {
        atomic_fetch_add(&refused, 1);
        return;
    }
    bool reads = start(reader, NULL);
    trine_sleep(200000);
    CHECK(write(p[1], "x", 1) == 1);
    if (!reads) return;
    trine_fd_deadline(p[0], trine_nanotime() + 1000000000, 0);
}
static void take_or_refuse(int err)
{
    CHECK(err == 0 || err == -ENOMEM || err == -EAGAIN);
    if (err) atomic_fetch_add(&refused, 1);
}
static void wide_select(void) /* more cases than fit into a frame, of which none is ready */
{
    enum { CASES = 64 };
    trine_case cases[CASES];
    trine_chan *c = trine_chan_make(0, 0);
    take_or_refuse(c ? 0 : -ENOMEM);
    for (int i = 0; i < CASES; i++) cases[i] = (trine_case){.chan = c, .op = TRINE_RECV};
    CHECK(trine_select_until(cases, CASES, trine_nanotime() + 100000) == -1);
    trine_chan_free(c);
}
static void workload(void *arg)
{
    static trine_timer t;
    (void)arg;
    int traced = trine_trace_start("/dev/null");
    take_or_refuse(traced);
    wide_select();
    for (intptr_t i = 1; i <= 3; i++) start(sleeper, (void *)(100000 * i));
    start(caller, NULL);
    start(hog, NULL);
    network();
    trine_wg_add(&all, 1);
    int err = trine_timer_start(&t, 100000, on_timer, NULL);
    CHECK(err == 0 || err == -ENOMEM);
    if (err) {
        atomic_fetch_add(&refused, 1);
        trine_wg_done(&all);
    }
    trine_wg_add(&all, 1);
    err = trine_go_with(&(trine_go_opts){.stack_bytes = 1 << 20}, big, NULL);
    CHECK(err == 0 || err == -ENOMEM);
    if (err) {
        atomic_fetch_add(&refused, 1);
        trine_wg_done(&all);
    }
    int procs = trine_gomaxprocs(3);
    take_or_refuse(procs < 0 ? procs : 0);
    trine_wg_wait(&all);
    if (traced == 0) CHECK(trine_trace_stop() == 0);
}

/* ---- one injection ---- */
enum { NOT_REACHED = 10, ENDED_WELL, CALL_REFUSED, RUN_REFUSED };
struct injection { const struct os_site *at; int nth; };

static const char *base_name(const struct os_site *at)
{
    const char *slash = strrchr(at->file, '/');
    return slash ? slash + 1 : at->file;
}
static void arm(const struct injection *in)
{
    char fault[64];
    snprintf(fault, sizeof fault, "%s:%u:%d", base_name(in->at), in->at->line, in->nth);
    setenv("TRINE_FAULT", fault, 1);
}
static void nothing(void *arg) { (void)arg; }
static void inject(void *arg)
{
    struct injection *in = arg;
    arm(in);
    int err = trine_run(&(trine_config){.slice_ns = 500000, .seed = 1}, workload, NULL); /* as many Ps as the machine says */
    bool reached = rt_os_fault_left() == 0;
    if (atomic_load(&n_failures)) _exit(1);
    if (err) {
        CHECK(err == -ENOMEM || err == -EAGAIN || err == -EMFILE);
        unsetenv("TRINE_FAULT");
        CHECK(trine_run(NULL, nothing, NULL) == 0); /* a run that was refused may be tried again */
        _exit(atomic_load(&n_failures) ? 1 : RUN_REFUSED);
    }
    _exit(!reached ? NOT_REACHED : atomic_load(&refused) ? CALL_REFUSED : ENDED_WELL);
}

/* The same while the program ends: its last words, and the dump of all goroutines, come whatever fails. */
static void (*dump)(void);
static void dump_and_tell(void)
{
    dump();
    rt_print("\nreached: %d\n", rt_os_fault_left() == 0);
}
static void die(void *arg)
{
    (void)arg;
    dump = rt_throw_dump;
    rt_throw_dump = dump_and_tell;
    trine_wg_done(&all);
}
static void inject_into_last_words(void *arg)
{
    arm(arg);
    trine_run(&(trine_config){.gomaxprocs = 2, .seed = 1}, die, NULL);
}

static bool is_listed(void)
{
    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        if (strncmp(last.text, listed[i], strlen(listed[i])) == 0) return last.status == 2;
    return false;
}

struct tally { int well, refused_calls, refused_runs, thrown, bad, done; };

/* The outcome of one child. False: it came not as far as the call that was to fail. */
static bool judge(struct tally *t, bool dies)
{
    bool told = dies && last.status == 2 && strstr(last.text, "fatal error: sync: negative WaitGroup counter\n\ngoroutine 1 ");
    if (dies ? told && strstr(last.text, "\nreached: 0\n") : !last.late && last.status == NOT_REACHED) return false;
    t->done++;
    bool fine = dies ? told || is_listed() || last.status == 0
                     : (last.status >= ENDED_WELL && last.status <= RUN_REFUSED) || is_listed();
    if (last.late || !fine) {
        t->bad++;
        print_message("%sstatus %d: %s\n", last.late ? "hung, " : "", last.status, last.text);
    }
    t->well += last.status == ENDED_WELL;
    t->refused_calls += last.status == CALL_REFUSED;
    t->refused_runs += last.status == RUN_REFUSED || (dies && last.status == 0);
    t->thrown += last.status == 2;
    return true;
}

static struct tally fail_each_call_from(const struct os_site *at)
{
    struct tally t = {0};
    bool cut = false;
    for (int dies = 0; dies < 2 && t.done == 0; dies++) {
        for (int n = 1, missed = 0; n <= MOST && missed < 3 && t.bad < 5; n++) { /* how many calls a run makes varies */
            cut |= n == MOST;
            struct injection in = {at, n};
            in_child_for(5, dies ? inject_into_last_words : inject, &in);
            missed = judge(&t, dies) ? 0 : missed + 1;
        }
    }
    print_message("%-14s %4u %-12s %3d injections%s: %d ended well, %d refused a call, %d the run, %d said why and ended\n",
                  base_name(at), at->line, kinds[at->kind], t.done, cut ? " (more calls there are)" : "", t.well, t.refused_calls,
                  t.refused_runs, t.thrown);
    return t;
}

/* ---- the places ---- */
static struct os_site sites[256];
static int nsites;

static void find_sites(void)
{
    size_t n;
    const struct os_site *all_sites = rt_os_sites(&n);
    for (size_t i = 0; i < n; i++) {
        bool known = false; /* what stands in a header is there once for each file that includes it */
        for (int j = 0; j < nsites; j++)
            known |= sites[j].line == all_sites[i].line && strcmp(base_name(&sites[j]), base_name(&all_sites[i])) == 0;
        if (!known && nsites < (int)(sizeof sites / sizeof *sites)) sites[nsites++] = all_sites[i];
    }
}

static void EachCallOfEachPlaceFails(void **state)
{
    int reached = 0, injections = 0, bad = 0;
    bool kind_seen[OS_KINDS] = {false};
    (void)state;
    for (int i = 0; i < nsites; i++) {
        struct tally t = fail_each_call_from(&sites[i]);
        reached += t.done > 0;
        injections += t.done;
        bad += t.bad;
        kind_seen[sites[i].kind] |= t.done > 0;
        if (t.done == 0) print_message("%s:%u is never come to\n", base_name(&sites[i]), sites[i].line);
    }
    print_message("%d of %d call sites covered, %d injections\n", reached, nsites, injections);
    for (int k = 0; k < OS_KINDS; k++) assert_true(kind_seen[k]);
    assert_int_equal(bad, 0);
    assert_int_equal(reached, nsites);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(EachCallOfEachPlaceFails)};
    find_sites();
    unsetenv("TRINE_PROCS");
    if (argc == 2 && strcmp(argv[1], "--sites") == 0) {
        for (int i = 0; i < nsites; i++) printf("%s:%u\n", base_name(&sites[i]), sites[i].line);
        return 0;
    }
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
