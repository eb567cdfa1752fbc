/*
 * sched_end.c: the end of a run, and the next one: threads do not pile up, memory goes back, and what a run left in
 * foreign code (a hog, a blocking read) ends at its next runtime call and never runs goroutine code again.
 */
#include "child.h"
#include "proc.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>

static int n_threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}
#if defined(RT_TSAN)
enum { IDLE_THREADS = 4 }; /* TSan has its own */
#else
enum { IDLE_THREADS = 2 }; /* the caller, and the one that makes threads */
#endif
static long rss_kib(void)
{
    long pages = 0, rss = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(fscanf(f, "%ld %ld", &pages, &rss) == 2);
    fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
}
/* Ended threads leave the list later, and one may be made behind the end, which leaves again: one look at so few will do. */
static void wait_for_threads(int most)
{
    int n, i = 0;
    while ((n = n_threads()) > most && i++ < 60000) usleep(1000);
    CHECK(n <= most || fprintf(stderr, "%d threads, expected at most %d\n", n, most) < 0);
}
/* Of the runtime's own threads none is left. The kernel's list alone cannot tell: the thread that makes threads exists
 * only once a slice ran out, and before that one zombie hides in its place. */
static void wait_for_no_zombie(void)
{
    struct trine_stats s;
    trine_stats(&s);
    for (int i = 0; i < 60000 && s.threads > 0; i++) {
        usleep(1000);
        trine_stats(&s);
    }
    CHECK(s.threads == 0);
    wait_for_threads(IDLE_THREADS);
}
static void run(int procs, trine_fn fn, void *arg)
{
    CHECK(trine_run(&(trine_config){.gomaxprocs = procs, .slice_ns = 1000000}, fn, arg) == 0);
}

/* ---- leftovers ---- */
static atomic_int ran_on, in_place, release_all;
static trine_chan *nobody;
static int fds[2];

static void left_in_recv(void *arg) { (void)arg; recv_int(nobody); atomic_store(&ran_on, 1); }
static void left_in_select(void *arg)
{
    trine_case c = {.chan = nobody, .op = TRINE_RECV, .elem = arg};
    trine_select(&c, 1);
    atomic_store(&ran_on, 1);
}
static void left_asleep(void *arg) { (void)arg; trine_sleep(3600ll * 1000000000); atomic_store(&ran_on, 1); }
static void left_yielding(void *arg) { (void)arg; for (;;) trine_yield(); }
static void left_locked(void *arg) { trine_lock_os_thread(); left_in_recv(arg); }
static void left_in_poller(void *arg)
{
    char c;
    CHECK(trine_open_fd(fds[0]) == 0);
    trine_read(fds[0], &c, 1);
    atomic_store(&ran_on, 1);
    (void)arg;
}
static void left_new(void *arg) { (void)arg; }

static void leave_everything(void *arg)
{
    static int x;
    (void)arg;
    for (int i = 0; i < 10; i++) {
        go(left_in_recv, NULL);
        go(left_in_select, &x);
        go(left_asleep, NULL);
        go(left_yielding, NULL);
        go(left_locked, NULL);
    }
    go(left_in_poller, NULL);
    for (int i = 0; i < 20; i++) trine_yield();
    trine_sleep(1000000);
    for (int i = 0; i < 1000; i++) go(left_new, NULL);
}

static void run_often(void *arg)
{
    (void)arg;
    CHECK(pipe(fds) == 0);
    for (int i = 0; i < rounds(20); i++) {
        nobody = make_chan(sizeof(int), 0); /* one a run: who waited on it is gone with its run */
        run(1 + i % 4, leave_everything, NULL);
        wait_for_no_zombie(); /* a yielder may have been stopped by signal */
        struct trine_stats s;
        trine_stats(&s);
        CHECK(s.goroutines == 0 && s.gomaxprocs == 0);
        trine_chan_free(nobody);
    }
    CHECK(!atomic_load(&ran_on));
}
static void RunAgain(void **state)
{
    (void)state;
    in_child(run_often, NULL);
    assert_ended_well("many runs, each with leftovers");
}

static void touch_stack(void *arg)
{
    volatile char page[6000];
    page[0] = 1;
    left_in_recv(arg);
    page[5999] = page[0];
}
static void ten_thousand(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) go(touch_stack, NULL);
    trine_yield();
    trine_sleep(1000000);
}
/* 10,000 touched stacks are 80 MB; after three such runs fewer than 20 MB of them may still be there. */
static void memory_goes_back(void *arg)
{
    (void)arg;
    run(2, left_new, NULL);
    long before = rss_kib();
    for (int i = 0; i < 3; i++) {
        nobody = make_chan(sizeof(int), 0);
        run(2, ten_thousand, NULL);
        trine_chan_free(nobody);
    }
    CHECK(rss_kib() - before < 20 << 10);
}
#if defined(RT_TSAN)
enum { CROWD = 3000 }; /* TSan has room for a few thousand fibers */
#else
enum { CROWD = 10000 };
#endif
struct crowd { trine_wg here, open, left; };
static void touch_and_end(void *arg)
{
    struct crowd *c = arg;
    volatile char page[6000];
    page[0] = 1;
    trine_wg_done(&c->here);
    trine_wg_wait(&c->open);
    page[5999] = page[0];
    trine_wg_done(&c->left);
}
static void crowd(void) /* all alive at once */
{
    struct crowd c = {0};
    trine_wg_add(&c.here, CROWD);
    trine_wg_add(&c.left, CROWD);
    trine_wg_add(&c.open, 1);
    for (int i = 0; i < CROWD; i++) go(touch_and_end, &c);
    trine_wg_wait(&c.here);
    trine_wg_done(&c.open);
    trine_wg_wait(&c.left);
}
/* Within a run too: stacks that are no more wanted are given back after two periods, in which little may go on; and
 * they serve again: hardly a new one is carved. */
static void cold_stacks_go_back(void *arg)
{
    struct trine_stats s;
    (void)arg;
    crowd();
    trine_stats(&s);
    uint64_t made = s.stacks_made;
    long before = rss_kib();
    uint64_t kept = RT_TRIM_KEEP + RT_GFREE_MAX, last = 0; /* the P keeps some as well */
    for (int i = 0; i < 500 && (s.stacks_trimmed + kept < made || s.stacks_trimmed != last); i++) {
        last = s.stacks_trimmed; /* and none is under way: what is, cannot serve the next crowd */
        trine_sleep(50000000);
        trine_stats(&s);
    }
    CHECK(s.stacks_trimmed + kept >= made);
#if !defined(RT_ASAN) && !defined(RT_TSAN) /* their shadow counts too */
    CHECK(before - rss_kib() > CROWD * 6L); /* of 8 KiB that each touched */
#else
    (void)before;
#endif
    crowd();
    trine_stats(&s);
    CHECK(s.stacks_made < made + 100);
}
static void ColdStacksGoBack(void **state)
{
    (void)state;
    run_in_child(&(trine_config){.gomaxprocs = 1}, cold_stacks_go_back, NULL);
}

static void MemoryGoesBack(void **state)
{
    (void)state;
#if defined(RT_ASAN) || defined(RT_TSAN)
    puts("SKIP: the sanitizers' shadow counts too");
    skip();
#endif
    in_child(memory_goes_back, NULL);
    assert_ended_well("three runs of 10,000 goroutines");
}

/* ---- what sits in foreign code ---- */
static void hog(void *arg)
{
    (void)arg;
    atomic_fetch_add(&in_place, 1);
    while (!atomic_load(&release_all)) at_pause();
    trine_yield(); /* here it ends: its run is over */
    atomic_store(&ran_on, 1);
}
static void reader(void *arg)
{
    char c;
    (void)arg;
    trine_syscall_enter();
    atomic_fetch_add(&in_place, 1);
    CHECK(read(fds[0], &c, 1) == 1);
    trine_syscall_exit();
    atomic_store(&ran_on, 1);
}
static void leave(void *arg)
{
    trine_fn fn = *(trine_fn *)arg;
    for (int i = 0; i < 3; i++) go(fn, NULL);
    while (atomic_load(&in_place) < 3) trine_yield();
    trine_sleep(3000000); /* some are stopped in the handler by now, some have lost their P */
}
static void count(void *arg) { atomic_fetch_add((atomic_int *)arg, 1); trine_yield(); }
static void an_ordinary_run(void *arg)
{
    atomic_int n = 0;
    (void)arg;
    for (int i = 0; i < 100; i++) go(count, &n);
    while (atomic_load(&n) < 100) trine_yield();
}
static void zombies(void *arg)
{
    trine_fn fn = (trine_fn)arg;
    struct trine_stats s;
    for (int round = 1; round <= 3; round++) {
        atomic_store(&in_place, 0);
        atomic_store(&release_all, 0);
        CHECK(pipe(fds) == 0);
        run(round, leave, &fn);
        trine_stats(&s);
        CHECK(s.threads == 3); /* each keeps its thread */
        run(2, an_ordinary_run, NULL); /* beside them */
        atomic_store(&release_all, 1);
        if (fn == reader) CHECK(write(fds[1], "xyz", 3) == 3);
        wait_for_no_zombie();
        run(2, an_ordinary_run, NULL);
        close(fds[0]);
        close(fds[1]);
    }
    CHECK(!atomic_load(&ran_on));
}
static void EndWithHogs(void **state)
{
    (void)state;
#if defined(RT_TSAN)
    puts("SKIP: TSan defers signals, so a loop without calls cannot be stopped there");
    skip();
#endif
    in_child(zombies, (void *)hog);
    assert_ended_well("runs that leave hogs");
}
static void EndWithBlockingReads(void **state)
{
    (void)state;
    in_child(zombies, (void *)reader);
    assert_ended_well("runs that leave blocking reads");
}

/* A zombie wakes while the next run is busy: neither disturbs the other. */
static void wake_beside_a_run(void *arg)
{
    (void)arg;
    atomic_store(&release_all, 1);
    CHECK(write(fds[1], "xyz", 3) == 3);
    for (int i = 0; i < 50; i++) {
        an_ordinary_run(NULL);
        trine_gomaxprocs(1 + i % 3);
    }
}
static void zombies_wake_in_the_next_run(void *arg)
{
    trine_fn fn = reader;
    (void)arg;
    CHECK(pipe(fds) == 0);
    run(2, leave, &fn);
    run(2, wake_beside_a_run, NULL);
    wait_for_threads(IDLE_THREADS);
    CHECK(!atomic_load(&ran_on));
}
static void ZombiesWakeInTheNextRun(void **state)
{
    (void)state;
    in_child(zombies_wake_in_the_next_run, NULL);
    assert_ended_well("blocking reads that return in the next run");
}

/* Hogs that live in malloc: the caller's own malloc must work after the run, for their threads were let go on. */
static void churn(void *arg)
{
    (void)arg;
    atomic_fetch_add(&in_place, 1);
    while (!atomic_load(&release_all)) {
        void *p = malloc(5000);
        *(volatile char *)p = 1;
        free(p);
    }
    trine_yield();
    atomic_store(&ran_on, 1);
}
static void malloc_after_the_run(void *arg)
{
    trine_fn fn = churn;
    (void)arg;
    CHECK(trine_run(&(trine_config){.gomaxprocs = 2, .slice_ns = RT_SLICE_MIN_NS}, leave, &fn) == 0);
    for (int i = 0; i < 1000; i++) {
        void *p = malloc((size_t)(i * 37 % 9000));
        *(volatile char **)&p = p;
        free(p);
    }
    fprintf(stderr, "%s\n", "still prints");
    atomic_store(&release_all, 1);
    wait_for_threads(IDLE_THREADS);
    CHECK(!atomic_load(&ran_on));
}
static void LibcIsUsableAfterTheRun(void **state)
{
    (void)state;
#if defined(RT_TSAN)
    puts("SKIP: TSan defers signals, so a loop without calls cannot be stopped there");
    skip();
#endif
    in_child(malloc_after_the_run, NULL);
    assert_ended_well("a run that leaves goroutines in malloc");
}

/* ---- the number of goroutines, for who asks from outside ---- */
static atomic_int asked_enough, n_negative;
static int goroutines_now(void)
{
    struct trine_stats s;
    trine_stats(&s);
    return s.goroutines;
}
static void *ask_always(void *arg)
{
    while (!atomic_load(&asked_enough))
        if (goroutines_now() < 0) atomic_fetch_add(&n_negative, 1);
    return arg;
}
static void yield_once(void *arg) { trine_yield(); trine_wg_done(arg); }
static void come_and_go(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    for (int i = 0; i < 40; i++) {
        trine_wg_add(&wg, 1);
        go(yield_once, &wg);
        if (i % 10 == 0) go(left_yielding, NULL);
        trine_sleep(1000);
    }
    trine_wg_wait(&wg);
}
static void ask_over_many_runs(void *arg)
{
    pthread_t asks;
    (void)arg;
    CHECK(pthread_create(&asks, NULL, ask_always, NULL) == 0); /* also while the Ps are made */
    run(2, left_new, NULL);
    for (int i = 0; i < rounds(200); i++) {
        run(2, come_and_go, NULL);
        CHECK(goroutines_now() == 0); /* four were left */
    }
    atomic_store(&asked_enough, 1);
    pthread_join(asks, NULL);
    CHECK(atomic_load(&n_negative) == 0);
}
static void GoroutinesAreNeverNegative(void **state)
{
    (void)state;
    in_child(ask_over_many_runs, NULL);
    assert_ended_well("a thread that asks while runs begin and end");
}

static void run_inside(void *arg)
{
    (void)arg;
    CHECK(trine_run(NULL, left_new, NULL) == -EBUSY);
}
static void results(void *arg)
{
    static const trine_config bad[] = {
        {.gomaxprocs = -1}, {.gomaxprocs = RT_MAX_PROCS + 1}, {.gomaxprocs = INT32_MIN}, {.maxthreads = -1},
        {.stack_bytes = 1}, {.stack_bytes = RT_STACK_MIN_BYTES - 1}, {.stack_bytes = SIZE_MAX}, {.slice_ns = -1},
        {.slice_ns = 1}, {.slice_ns = INT64_MIN}, {.ablate = 1u << 31}, {.ablate = ~0u}, {.cpus = ""}, {.cpus = "x"},
        {.cpus = "0,"}, {.cpus = ",0"}, {.cpus = "3-1"}, {.cpus = "0-99999999999"}, {.cpus = "-1"}, {.cpus = "0 "},
    };
    struct rlimit files;
    (void)arg;
    CHECK(trine_run(NULL, NULL, NULL) == -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int err = trine_run(&bad[i], left_new, NULL);
        if (err != -EINVAL) fprintf(stderr, "bad[%zu]: %d\n", i, err);
        CHECK(err == -EINVAL);
    }
    getrlimit(RLIMIT_NOFILE, &files);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, files.rlim_max}) == 0 && trine_run(NULL, left_new, NULL) == -EMFILE);
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK(trine_run(NULL, run_inside, NULL) == 0); /* a refused one leaves nothing behind */
    CHECK(trine_run(&(trine_config){.cpus = "0"}, left_new, NULL) == 0);
    wait_for_threads(IDLE_THREADS);
}
static void RunRefusesBadInput(void **state)
{
    (void)state;
    in_child(results, NULL);
    assert_ended_well("bad configurations");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RunAgain),           cmocka_unit_test(MemoryGoesBack), cmocka_unit_test(ColdStacksGoBack),
        cmocka_unit_test(EndWithHogs),        cmocka_unit_test(EndWithBlockingReads), cmocka_unit_test(ZombiesWakeInTheNextRun),
        cmocka_unit_test(LibcIsUsableAfterTheRun), cmocka_unit_test(GoroutinesAreNeverNegative),
        cmocka_unit_test(RunRefusesBadInput),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
