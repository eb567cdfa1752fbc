/*
 * net_fd.c: descriptors that goroutines wait for: errors, end of stream, close, deadlines, numbers that are used again.
 * Pipes and UNIX socket pairs, at 1, 2 and 4 Ps.
 */
#include "goroutines.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static trine_wg wg;
static const int64_t ms = 1000000;

enum kind { PIPE, SOCKETPAIR, KINDS };

/* fd[1] writes to fd[0]; both are given to the poller. */
static void make_pair(enum kind kind, int fd[2])
{
    int r = kind == PIPE ? pipe(fd) : socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    CHECK(r == 0);
    CHECK(trine_open_fd(fd[0]) == 0 && trine_open_fd(fd[1]) == 0);
}

static void close_pair(int fd[2])
{
    CHECK(trine_close(fd[0]) == 0);
    CHECK(trine_close(fd[1]) == 0);
}

/* ---- misuse ---- */
static void bad_fd_main(void *arg)
{
    (void)arg;
    char c;
    const int bad[] = {-1, INT32_MIN, 1 << 20, INT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(trine_open_fd(bad[i]) == -EBADF);
        CHECK(trine_read(bad[i], &c, 1) == -EBADF);
        CHECK(trine_write(bad[i], &c, 1) == -EBADF);
        CHECK(trine_accept(bad[i], NULL, NULL) == -EBADF);
        CHECK(trine_connect(bad[i], NULL, 0) == -EBADF);
        CHECK(trine_close(bad[i]) == -EBADF);
        CHECK(trine_fd_deadline(bad[i], 0, 0) == -EBADF);
    }
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(trine_open_fd(file) == -EPERM); /* not pollable */
    CHECK(!(fcntl(file, F_GETFL) & O_NONBLOCK));
    CHECK(trine_read(file, &c, 1) == -EPERM);
    CHECK(trine_close(file) == 0);
    int fd[2];
    CHECK(pipe(fd) == 0);
    CHECK(trine_read(fd[0], &c, 1) == -EPERM); /* never given to the poller */
    CHECK(trine_open_fd(fd[0]) == 0 && trine_open_fd(fd[0]) == 0);
    CHECK(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
    CHECK(trine_read(fd[0], &c, 0) == 0);
    CHECK(trine_accept(fd[0], NULL, NULL) == -ENOTSOCK);
    CHECK(trine_write(fd[0], &c, 1) == -EBADF); /* the reading end */
    CHECK(trine_open_fd(fd[1]) == 0);
    CHECK(trine_write(fd[1], &c, SIZE_MAX) == -EINVAL);
    CHECK(trine_write(fd[1], (void *)8, 1) == -EFAULT);
    close_pair(fd);
    CHECK(trine_read(fd[0], &c, 1) == -EBADF);
    CHECK(trine_close(fd[0]) == -EBADF);
}

/* BadFd */
static void test_bad_descriptors(void **state)
{
    (void)state;
    run_goroutines(bad_fd_main);
}

static void later_writer(void *arg)
{
    trine_sleep(ms);
    CHECK(trine_write(*(int *)arg, "x", 1) == 1);
}

/* Not inlined: the compiler may keep the address of a thread's errno over a park. */
static __attribute__((noinline)) void set_errno(int e) { errno = e; }
static __attribute__((noinline)) int get_errno(void) { return errno; }

static void errno_main(void *arg)
{
    (void)arg;
    int fd[2];
    char c;
    make_pair(PIPE, fd);
    go(later_writer, &fd[1]);
    set_errno(55);
    CHECK(trine_read(fd[0], &c, 1) == 1); /* EAGAIN inside, then parks */
    CHECK(get_errno() == 55);
    CHECK(trine_read(-1, &c, 1) == -EBADF);
    CHECK(get_errno() == 55);
    close_pair(fd);
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    run_goroutines(errno_main);
}

/* ---- streams ---- */
static void write_and_close(void *arg)
{
    int *fd = arg;
    CHECK(trine_write(*fd, "hello", 5) == 5);
    CHECK(trine_close(*fd) == 0);
    trine_wg_done(&wg);
}

/* An end of stream that comes with the last data, in one event, is still seen after a short read. */
static void end_of_stream_main(void *arg)
{
    enum kind kind = (enum kind)(intptr_t)arg;
    for (int i = 0; i < rounds(200); i++) {
        int fd[2];
        char buf[64];
        size_t got = 0;
        ssize_t n;
        make_pair(kind, fd);
        trine_wg_add(&wg, 1);
        go(write_and_close, &fd[1]);
        if (i % 3 == 0) trine_yield();
        while ((n = trine_read(fd[0], buf + got, sizeof buf - got)) > 0) got += (size_t)n;
        CHECK(n == 0 && got == 5 && memcmp(buf, "hello", 5) == 0);
        CHECK(trine_read(fd[0], buf, 1) == 0);
        trine_wg_wait(&wg);
        CHECK(trine_close(fd[0]) == 0);
    }
}

static void test_the_end_of_a_stream(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        for (int kind = 0; kind < KINDS; kind++) run_at(procs, end_of_stream_main, (void *)(intptr_t)kind);
    }
}

#define BIG (2u << 20)
struct transfer { int fd; uint8_t *buf; };

static void write_big(void *arg)
{
    struct transfer *t = arg;
    CHECK(trine_write(t->fd, t->buf, BIG) == BIG);
    CHECK(trine_close(t->fd) == 0);
}

/* Reads of every size, so that short ones and full ones alternate. */
static void big_main(void *arg)
{
    enum kind kind = (enum kind)(intptr_t)arg;
    int fd[2];
    uint8_t *buf = malloc(2 * BIG), *in = buf + BIG;
    for (size_t i = 0; i < BIG; i++) buf[i] = (uint8_t)(i * 31 ^ i >> 8);
    make_pair(kind, fd);
    struct transfer t = {fd[1], buf};
    go(write_big, &t);
    size_t got = 0, size = 1;
    for (ssize_t n; (n = trine_read(fd[0], in + got, size < BIG - got ? size : BIG - got)) > 0;) {
        got += (size_t)n;
        size = size * 5 % 99991 + 1;
    }
    CHECK(got == BIG && memcmp(buf, in, BIG) == 0);
    CHECK(trine_close(fd[0]) == 0);
    free(buf);
}

static void test_a_write_writes_everything(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        for (int kind = 0; kind < KINDS; kind++) run_at(procs, big_main, (void *)(intptr_t)kind);
    }
}

static void read_some_and_close(void *arg)
{
    int *fd = arg;
    char buf[1000];
    CHECK(trine_read(*fd, buf, sizeof buf) > 0);
    trine_sleep(ms / 2); /* the writer parks on a full buffer */
    CHECK(trine_close(*fd) == 0);
}

static void partial_write_main(void *arg)
{
    (void)arg;
    int fd[2];
    char *buf = calloc(1, BIG);
    make_pair(SOCKETPAIR, fd);
    go(read_some_and_close, &fd[0]);
    ssize_t n = trine_write(fd[1], buf, BIG);
    CHECK(n > 0 && n < (ssize_t)BIG); /* what went before the error */
    n = trine_write(fd[1], buf, 1);   /* the error itself */
    CHECK(n == -EPIPE || n == -ECONNRESET);
    CHECK(trine_write(fd[1], buf, 1) == -EPIPE);
    CHECK(trine_close(fd[1]) == 0);
    free(buf);
}

static void test_an_error_after_the_first_byte_comes_with_the_next_write(void **state)
{
    (void)state;
    run_goroutines(partial_write_main);
}

/* ---- several users of one descriptor ---- */
static atomic_long n_read, sum_read;
static void sharing_reader(void *arg)
{
    int *fd = arg;
    uint8_t buf[3];
    for (ssize_t n; (n = trine_read(*fd, buf, sizeof buf)) > 0;) {
        atomic_fetch_add(&n_read, n);
        for (ssize_t i = 0; i < n; i++) atomic_fetch_add(&sum_read, buf[i]);
    }
    trine_wg_done(&wg);
}

static void sharing_writer(void *arg)
{
    for (int i = 0; i < 500; i++) {
        uint8_t c = (uint8_t)i;
        CHECK(trine_write(*(int *)arg, &c, 1) == 1);
        if (i % 16 == 0) trine_yield();
    }
    trine_wg_done(&wg);
}

static void sharing_main(void *arg)
{
    (void)arg;
    int fd[2];
    long sum = 0;
    make_pair(PIPE, fd);
    atomic_store(&n_read, 0);
    atomic_store(&sum_read, 0);
    trine_wg_add(&wg, 4);
    for (int i = 0; i < 4; i++) go(sharing_writer, &fd[1]);
    for (int i = 0; i < 4; i++) trine_wg_add(&wg, 1), go(sharing_reader, &fd[0]);
    for (int i = 0; i < 500; i++) sum += 4 * (uint8_t)i;
    while (atomic_load(&n_read) < 2000) trine_sleep(ms / 10);
    CHECK(trine_close(fd[1]) == 0); /* the readers see the end */
    trine_wg_wait(&wg);
    CHECK(atomic_load(&n_read) == 2000 && atomic_load(&sum_read) == sum);
    CHECK(trine_close(fd[0]) == 0);
}

static void test_readers_and_writers_share_a_descriptor(void **state)
{
    (void)state;
    run_goroutines(sharing_main);
}

/* ---- close ---- */
static atomic_int n_ebadf;
static void blocked_reader(void *arg)
{
    char c;
    if (trine_read(*(int *)arg, &c, 1) == -EBADF) atomic_fetch_add(&n_ebadf, 1);
    trine_wg_done(&wg);
}

static void blocked_writer(void *arg)
{
    static char buf[BIG];
    ssize_t n = trine_write(*(int *)arg, buf, BIG);
    if (n == -EBADF || (n > 0 && n < (ssize_t)BIG)) atomic_fetch_add(&n_ebadf, 1);
    trine_wg_done(&wg);
}

static void close_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(50); i++) {
        int fd[2];
        make_pair(SOCKETPAIR, fd);
        atomic_store(&n_ebadf, 0);
        trine_wg_add(&wg, 5); /* one of each parks in the poller, the others wait for their turn */
        for (int k = 0; k < 3; k++) go(blocked_reader, &fd[0]);
        for (int k = 0; k < 2; k++) go(blocked_writer, &fd[0]);
        for (int k = 0; k < i % 8; k++) trine_yield();
        if (i % 5 == 0) trine_sleep(ms / 10);
        CHECK(trine_close(fd[0]) == 0);
        CHECK(fcntl(fd[0], F_GETFD) < 0); /* the number is free when close returns */
        trine_wg_wait(&wg);
        CHECK(atomic_load(&n_ebadf) == 5);
        CHECK(trine_close(fd[1]) == 0);
    }
}

/* a descriptor closed while a G waits on it */
static void test_close_wakes_whoever_waits(void **state)
{
    (void)state;
    run_goroutines(close_main);
}

static atomic_int both_closed;
static void racing_closer(void *arg)
{
    int r = trine_close(*(int *)arg);
    CHECK(r == 0 || r == -EBADF);
    if (r == 0) atomic_fetch_add(&both_closed, 1);
    trine_wg_done(&wg);
}

static void close_race_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(200); i++) {
        int fd[2];
        make_pair(PIPE, fd);
        atomic_store(&both_closed, 0);
        trine_wg_add(&wg, 3);
        go(blocked_reader, &fd[0]);
        go(racing_closer, &fd[0]);
        go(racing_closer, &fd[0]);
        trine_wg_wait(&wg);
        CHECK(atomic_load(&both_closed) == 1);
        CHECK(trine_close(fd[1]) == 0);
    }
}

static void test_only_one_close_wins(void **state)
{
    (void)state;
    run_goroutines(close_race_main);
}

/* ---- a number used again ---- */
static atomic_int got_byte;
static void recycled_reader(void *arg)
{
    char c = 0;
    CHECK(trine_read(*(int *)arg, &c, 1) == 1);
    atomic_store(&got_byte, c);
    trine_wg_done(&wg);
}

static uint64_t netpolls(void)
{
    struct trine_stats st;
    trine_stats(&st);
    return st.netpolls;
}

/* The old file stays alive through a duplicate, still known to epoll under the number that the new one has now. */
static void recycled_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(20); i++) {
        int old[2], new[2];
        make_pair(PIPE, old);
        int dup_of_old = dup(old[0]);
        CHECK(close(old[0]) == 0); /* behind the runtime's back */
        CHECK(pipe(new) == 0);
        CHECK(new[0] == old[0]);
        CHECK(trine_open_fd(new[0]) == 0 && trine_open_fd(new[1]) == 0);
        atomic_store(&got_byte, 0);
        trine_wg_add(&wg, 1);
        go(recycled_reader, &new[0]);
        trine_sleep(ms / 5);
        uint64_t before = netpolls();
        CHECK(trine_write(old[1], "o", 1) == 1);
        trine_sleep(ms / 5);
        CHECK(netpolls() == before); /* nobody was woken */
        CHECK(atomic_load(&got_byte) == 0);
        CHECK(trine_write(new[1], "n", 1) == 1);
        trine_wg_wait(&wg);
        CHECK(atomic_load(&got_byte) == 'n');
        close_pair(new);
        CHECK(trine_close(old[1]) == 0);
        close(dup_of_old);
    }
}

/* an event of a recycled descriptor */
static void test_an_event_of_the_previous_owner_of_a_number(void **state)
{
    (void)state;
    run_goroutines(recycled_main);
}

static void stale_waiter_main(void *arg)
{
    (void)arg;
    int old[2], new[2];
    make_pair(PIPE, old);
    atomic_store(&n_ebadf, 0);
    trine_wg_add(&wg, 1);
    go(blocked_reader, &old[0]);
    trine_sleep(ms / 5);
    CHECK(close(old[0]) == 0);
    CHECK(pipe(new) == 0 && new[0] == old[0]);
    CHECK(trine_open_fd(new[0]) == 0); /* finds out, and sends the waiter of the old one away */
    trine_wg_wait(&wg);
    CHECK(atomic_load(&n_ebadf) == 1);
    CHECK(trine_open_fd(new[1]) == 0);
    close_pair(new);
    CHECK(trine_close(old[1]) == 0);
}

static void test_whoever_waits_for_a_number_that_changed_hands(void **state)
{
    (void)state;
    run_goroutines(stale_waiter_main);
}

/* ---- deadlines ---- */
static void deadline_main(void *arg)
{
    (void)arg;
    int fd[2];
    char c;
    static char big[BIG];
    make_pair(SOCKETPAIR, fd);
    int64_t now = trine_nanotime();
    CHECK(trine_fd_deadline(fd[0], now - 1, 0) == 0); /* past */
    CHECK(trine_read(fd[0], &c, 1) == -ETIMEDOUT);
    CHECK(trine_write(fd[0], "x", 1) == 1); /* the other direction has none */
    CHECK(trine_fd_deadline(fd[0], 0, 1) == 0);
    CHECK(trine_write(fd[0], "x", 1) == -ETIMEDOUT);
    CHECK(trine_fd_deadline(fd[0], now + 2 * ms, 0) == 0);
    CHECK(trine_read(fd[0], &c, 1) == -ETIMEDOUT); /* parks */
    CHECK(trine_nanotime() >= now + 2 * ms);
    CHECK(trine_read(fd[0], &c, 1) == -ETIMEDOUT); /* until it is set anew */
    CHECK(trine_write(fd[1], "y", 1) == 1);
    CHECK(trine_read(fd[0], &c, 1) == -ETIMEDOUT); /* also with something to read: as in Go */
    CHECK(trine_fd_deadline(fd[0], 0, 0) == 0);
    CHECK(trine_read(fd[0], &c, 1) == 1 && c == 'y');
    CHECK(trine_fd_deadline(fd[0], INT64_MAX, INT64_MAX) == 0);
    CHECK(trine_write(fd[1], "z", 1) == 1);
    CHECK(trine_read(fd[0], &c, 1) == 1 && c == 'z');
    now = trine_nanotime();
    CHECK(trine_fd_deadline(fd[1], 0, now + 2 * ms) == 0);
    ssize_t n = trine_write(fd[1], big, BIG);
    CHECK(n > 0 && n < (ssize_t)BIG); /* full: the rest did not go in time */
    CHECK(trine_nanotime() >= now + 2 * ms);
    CHECK(trine_write(fd[1], big, BIG) == -ETIMEDOUT);
    close_pair(fd);
}

static void test_deadlines(void **state)
{
    (void)state;
    run_goroutines(deadline_main);
}

struct timed { int fd; int64_t not_before; ssize_t result; };
static void timed_reader(void *arg)
{
    struct timed *t = arg;
    char c;
    t->result = trine_read(t->fd, &c, 1);
    if (t->result == -ETIMEDOUT) CHECK(trine_nanotime() >= t->not_before);
    trine_wg_done(&wg);
}

/* A deadline that is moved while somebody waits: later, earlier, into the past, away. */
static void moved_deadline_main(void *arg)
{
    (void)arg;
    for (int move = 0; move < 4; move++) {
        int fd[2];
        make_pair(PIPE, fd);
        int64_t now = trine_nanotime(), first = now + (move == 0 ? ms : 3600000 * ms);
        int64_t then = move == 0 ? now + 4 * ms : move == 1 ? now + 2 * ms : move == 2 ? 1 : 0;
        struct timed t = {.fd = fd[0], .not_before = then};
        CHECK(trine_fd_deadline(fd[0], first, 0) == 0);
        trine_wg_add(&wg, 1);
        go(timed_reader, &t);
        trine_yield();
        CHECK(trine_fd_deadline(fd[0], then, 0) == 0);
        if (move == 3) {
            trine_sleep(ms / 2);
            CHECK(trine_write(fd[1], "x", 1) == 1);
        }
        trine_wg_wait(&wg);
        CHECK(t.result == (move == 3 ? 1 : -ETIMEDOUT));
        close_pair(fd);
    }
}

static void test_deadlines_that_move(void **state)
{
    (void)state;
    run_goroutines(moved_deadline_main);
}

static void deadline_of_recycled_main(void *arg)
{
    (void)arg;
    int fd[2];
    char c;
    make_pair(PIPE, fd);
    CHECK(trine_fd_deadline(fd[0], trine_nanotime() + ms, 0) == 0);
    close_pair(fd);
    make_pair(PIPE, fd); /* the same numbers */
    go(later_writer, &fd[1]);
    trine_sleep(2 * ms);
    CHECK(trine_read(fd[0], &c, 1) == 1); /* knows nothing of the old deadline */
    close_pair(fd);
}

static void test_a_deadline_ends_with_its_descriptor(void **state)
{
    (void)state;
    run_goroutines(deadline_of_recycled_main);
}

/* ---- with the rest of the runtime ---- */
static void *outside_writer(void *arg)
{
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    return write(*(int *)arg, "x", 1) == 1 ? NULL : arg;
}

/* NetpollDeadlock: all goroutines wait, one of them for the network, and that is no deadlock. */
static void waits_for_outside_main(void *arg)
{
    (void)arg;
    int fd[2];
    char c;
    pthread_t t;
    void *failed;
    make_pair(PIPE, fd);
    pthread_create(&t, NULL, outside_writer, &fd[1]);
    CHECK(trine_read(fd[0], &c, 1) == 1 && c == 'x');
    pthread_join(t, &failed);
    CHECK(!failed);
    close_pair(fd);
}

static void test_waiting_for_the_network_is_no_deadlock(void **state)
{
    (void)state;
    run_goroutines(waits_for_outside_main);
}

static int kept[2];
static void leaves_waiters_main(void *arg)
{
    (void)arg;
    make_pair(SOCKETPAIR, kept);
    trine_wg_add(&wg, 3); /* never done */
    go(blocked_reader, &kept[0]);
    go(blocked_reader, &kept[0]);
    go(blocked_writer, &kept[0]);
    CHECK(trine_fd_deadline(kept[0], trine_nanotime() + 3600000 * ms, 0) == 0);
    trine_sleep(ms / 2);
}

static void finds_fd_main(void *arg)
{
    (void)arg;
    char c;
    CHECK(trine_fd_deadline(kept[0], 0, 0) == 0);
    go(later_writer, &kept[1]);
    CHECK(trine_read(kept[0], &c, 1) == 1 && c == 'x'); /* still registered, and nobody else waits */
    close_pair(kept);
}

static void test_a_run_that_ends_forgets_its_waiters(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        run_at(procs, leaves_waiters_main, NULL);
        run_at(procs, finds_fd_main, NULL);
        memset(&wg, 0, sizeof wg);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* pipes: the program's own choice */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_descriptors),
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_the_end_of_a_stream),
        cmocka_unit_test(test_a_write_writes_everything),
        cmocka_unit_test(test_an_error_after_the_first_byte_comes_with_the_next_write),
        cmocka_unit_test(test_readers_and_writers_share_a_descriptor),
        cmocka_unit_test(test_close_wakes_whoever_waits),
        cmocka_unit_test(test_only_one_close_wins),
        cmocka_unit_test(test_an_event_of_the_previous_owner_of_a_number),
        cmocka_unit_test(test_whoever_waits_for_a_number_that_changed_hands),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadlines_that_move),
        cmocka_unit_test(test_a_deadline_ends_with_its_descriptor),
        cmocka_unit_test(test_waiting_for_the_network_is_no_deadlock),
        cmocka_unit_test(test_a_run_that_ends_forgets_its_waiters),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
