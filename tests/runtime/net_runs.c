/*
 * net_runs.c: descriptors over several runs. The poller's own belong to a run; what was registered in one run is
 * registered again by its first use in another, if its number still is that file. Forks between runs, too.
 */
#include "child.h"

#include "net_pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>

enum { ROUNDS = 500 };

static void run(trine_fn fn, void *arg) { CHECK(trine_run(&(trine_config){.gomaxprocs = 2}, fn, arg) == 0); }

static int n_descriptors(void)
{
    int n = -1; /* the folder's own */
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* ---- one after another ---- */
static int pair[2];

static void register_pair(void *kind) { make_pair((enum kind)(intptr_t)kind, pair); }
static void nothing(void *arg) { (void)arg; }

static void writes_and_tells(void *arg)
{
    later_writer(&pair[1]);
    trine_wg_done(arg);
}
/* It waits for its writer too: over a fork the byte that is read may be the other process's, and that one waits for ours. */
static void use_pair(void *arg)
{
    trine_wg written = {0};
    char c;
    (void)arg;
    trine_wg_add(&written, 1);
    go(writes_and_tells, &written);
    CHECK(trine_read(pair[0], &c, 1) == 1 && c == 'x');
    trine_wg_wait(&written);
}
static void close_the_pair(void *arg)
{
    (void)arg;
    close_pair(pair);
    CHECK(trine_fd_deadline(pair[0], 0, 0) == -EBADF);
}

static void used_in_later_runs(void *arg)
{
    (void)arg;
    for (intptr_t kind = 0; kind < KINDS; kind++) {
        run(register_pair, (void *)kind);
        run(use_pair, NULL);
        run(nothing, NULL);
        run(use_pair, NULL);
        run(close_the_pair, NULL);
    }
}
static void ADescriptorServesLaterRuns(void **state)
{
    (void)state;
    in_child(used_in_later_runs, NULL);
    assert_ended_well("descriptors of an earlier run");
}

/* The numbers went to other files, which nobody registered. */
static void finds_others(void *arg)
{
    char c;
    (void)arg;
    for (int i = 0; i < 2; i++) {
        CHECK(trine_fd_deadline(pair[i], 0, 0) == -EPERM);
        CHECK(trine_read(pair[i], &c, 1) == -EPERM);
        CHECK(trine_write(pair[i], "x", 1) == -EPERM);
    }
    CHECK(trine_open_fd(pair[0]) == 0 && trine_open_fd(pair[1]) == 0);
    use_pair(NULL);
    close_pair(pair);
}
static void made_blocking(void *arg)
{
    char c;
    (void)arg;
    CHECK(trine_read(pair[0], &c, 1) == -EPERM); /* it would block the thread */
    CHECK(trine_open_fd(pair[0]) == 0);
    use_pair(NULL);
    close_pair(pair);
}
static void numbers_used_again(void *arg)
{
    int other[2];
    (void)arg;
    run(register_pair, (void *)(intptr_t)SOCKETPAIR);
    CHECK(pipe2(other, O_NONBLOCK) == 0);
    for (int i = 0; i < 2; i++) CHECK(dup2(other[i], pair[i]) == pair[i] && close(other[i]) == 0);
    run(finds_others, NULL);
    run(register_pair, (void *)(intptr_t)PIPE);
    CHECK(fcntl(pair[0], F_SETFL, 0) == 0);
    run(made_blocking, NULL);
}
static void ANumberUsedAgainIsNotRegistered(void **state)
{
    (void)state;
    in_child(numbers_used_again, NULL);
    assert_ended_well("numbers of an earlier run");
}

static void finds_nothing(void *arg)
{
    char c;
    (void)arg;
    CHECK(trine_read(pair[0], &c, 1) == -EBADF && trine_close(pair[1]) == -EBADF);
}
/* As a daemon does: whatever is open goes, the library's with it. */
static void closes_what_it_does_not_know(void *arg)
{
    (void)arg;
    run(register_pair, (void *)(intptr_t)PIPE);
    for (int fd = 3; fd < 256; fd++) close(fd);
    run(finds_nothing, NULL);
    run(register_pair, (void *)(intptr_t)SOCKETPAIR);
    run(use_pair, NULL);
    run(close_the_pair, NULL);
}
static void AProgramMayCloseEverything(void **state)
{
    (void)state;
    in_child(closes_what_it_does_not_know, NULL);
    assert_ended_well("a program that closes all descriptors between two runs");
}

static void uses_and_closes(void *arg)
{
    register_pair(arg);
    use_pair(NULL);
    close_pair(pair);
}
static void many_runs(void *arg)
{
    (void)arg;
    int before = n_descriptors();
    for (int i = 0; i < rounds(100); i++) run(uses_and_closes, (void *)(intptr_t)(i % KINDS));
    CHECK(trine_run(&(trine_config){.gomaxprocs = -1}, nothing, NULL) == -EINVAL);
    CHECK(n_descriptors() == before);
}
static void NoDescriptorOutlivesItsRun(void **state)
{
    (void)state;
    in_child(many_runs, NULL);
    assert_ended_well("many runs");
}

/* ---- forks between runs ---- */
static int ping[2], pong[2];

static void answer(void *arg)
{
    char c;
    while (trine_read(ping[0], &c, 1) == 1) CHECK(trine_write(pong[1], &c, 1) == 1);
    trine_wg_done(arg);
}
static void exchange(void *arg)
{
    trine_wg done = {0};
    char c = 'x';
    (void)arg;
    make_pair(PIPE, ping);
    make_pair(PIPE, pong);
    trine_wg_add(&done, 1);
    go(answer, &done);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 3 == 0) trine_sleep(30000);
        CHECK(trine_fd_deadline(pong[0], trine_nanotime() + 20000 * ms, 0) == 0);
        CHECK(trine_write(ping[1], &c, 1) == 1);
        CHECK(trine_read(pong[0], &c, 1) == 1);
        if (atomic_load(&n_failures)) break;
    }
    CHECK(trine_close(ping[1]) == 0);
    trine_wg_wait(&done);
    CHECK(trine_close(ping[0]) == 0);
    close_pair(pong);
}
static void both_sides(void *arg)
{
    int status = -1;
    (void)arg;
    run(register_pair, (void *)(intptr_t)SOCKETPAIR);
    pid_t pid = fork();
    if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL); /* should it hang */
    for (int i = 0; i < 3; i++) run(exchange, NULL);
    run(use_pair, NULL); /* what was registered before, each in a poller of its own; the byte may be the other's */
    if (pid == 0) _exit(atomic_load(&n_failures) != 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
static void ParentAndChildHaveTheirOwnPoller(void **state)
{
    (void)state;
#if defined(RT_TSAN)
    puts("SKIP: TSan starts no thread in the child of a process that had several");
    skip();
#elif defined(RT_ASAN)
    puts("SKIP: a thread that is ending may hold a lock of ASan's allocator while the process forks");
    skip();
#endif
    in_child(both_sides, NULL);
    assert_ended_well("parent and child, both with runs");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ADescriptorServesLaterRuns), cmocka_unit_test(ANumberUsedAgainIsNotRegistered),
        cmocka_unit_test(AProgramMayCloseEverything), cmocka_unit_test(NoDescriptorOutlivesItsRun),
        cmocka_unit_test(ParentAndChildHaveTheirOwnPoller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
