/*
 * net_fd.c: descriptors that goroutines read and write: misuse, errors, ends of streams, several users of one, and a
 * wait that is no deadlock. Pipes, UNIX socket pairs and TCP connections, at 1, 2 and 4 Ps.
 */
#include "net_pair.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

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
    CHECK(fcntl(fd[0], F_SETFL, 0) == 0 && trine_open_fd(fd[0]) == 0);
    CHECK(fcntl(fd[0], F_GETFL) & O_NONBLOCK); /* also when it was registered before */
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

struct transfer { int fd; uint8_t *buf; trine_wg written; };

static void write_big(void *arg)
{
    struct transfer *t = arg;
    CHECK(trine_write(t->fd, t->buf, BIG) == BIG);
    CHECK(trine_close(t->fd) == 0);
    trine_wg_done(&t->written);
}

/* Reads of every size, so that short ones and full ones alternate. */
static void big_main(void *arg)
{
    enum kind kind = (enum kind)(intptr_t)arg;
    int fd[2];
    uint8_t *buf = malloc(2 * BIG), *in = buf + BIG;
    for (size_t i = 0; i < BIG; i++) buf[i] = (uint8_t)(i * 31 ^ i >> 8);
    make_pair(kind, fd);
    struct transfer t = {.fd = fd[1], .buf = buf};
    trine_wg_add(&t.written, 1);
    go(write_big, &t);
    size_t got = 0, size = 1;
    for (ssize_t n; (n = trine_read(fd[0], in + got, size < BIG - got ? size : BIG - got)) > 0;) {
        got += (size_t)n;
        size = size * 5 % 99991 + 1;
    }
    CHECK(got == BIG && memcmp(buf, in, BIG) == 0);
    CHECK(trine_close(fd[0]) == 0);
    trine_wg_wait(&t.written); /* all may be here before the write has returned, and a sanitizer looks at the buffer after it */
    free(buf);
}

static void test_a_write_writes_everything(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2) {
        for (int kind = 0; kind < KINDS; kind++) run_at(procs, big_main, (void *)(intptr_t)kind);
    }
}

/* What a short read of a stream leaves behind, though the next message lies there already: the kernel does not join two
 * messages of which one carries descriptors, or whose writers differ where the reader asked who writes, or packets. */
enum parted { BY_RIGHTS, BY_WRITER, BY_PACKETS, PARTED };

static void send_with_descriptor(int fd, const char *what)
{
    union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {{0}};
    struct iovec iov = {(void *)what, strlen(what)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &(int){STDERR_FILENO}, sizeof(int));
    CHECK(sendmsg(fd, &m, 0) == (ssize_t)iov.iov_len);
}

static void write_by_another_process(int fd, const char *what)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) _exit(write(fd, what, strlen(what)) != (ssize_t)strlen(what));
    trine_syscall_enter();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    trine_syscall_exit();
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void reads_both(void *arg)
{
    int *fd = arg;
    char buf[64];
    CHECK(trine_fd_deadline(*fd, trine_nanotime() + 10000 * ms, 0) == 0);
    CHECK(trine_read(*fd, buf, sizeof buf) == 3 && memcmp(buf, "abc", 3) == 0);
    CHECK(trine_read(*fd, buf, sizeof buf) == 3 && memcmp(buf, "def", 3) == 0);
    trine_wg_done(&wg);
}

static void parted_main(void *arg)
{
    enum parted by = (enum parted)(intptr_t)arg;
    int fd[2];
    make_pair(by == BY_PACKETS ? PIPE : SOCKETPAIR, fd);
    if (by == BY_PACKETS) CHECK(fcntl(fd[1], F_SETFL, O_DIRECT | O_NONBLOCK) == 0);
    if (by == BY_WRITER) CHECK(setsockopt(fd[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0);
    trine_wg_add(&wg, 1);
    go(reads_both, &fd[0]);
    trine_sleep(ms); /* it waits, and one event tells it of both */
    if (by == BY_RIGHTS) send_with_descriptor(fd[1], "abc");
    else if (by == BY_WRITER) write_by_another_process(fd[1], "abc");
    else CHECK(write(fd[1], "abc", 3) == 3);
    CHECK(write(fd[1], "def", 3) == 3);
    trine_wg_wait(&wg);
    close_pair(fd);
}

static void test_a_short_read_is_not_all_there_is(void **state)
{
    (void)state;
    for (int by = 0; by < PARTED; by++) run_at(1, parted_main, (void *)(intptr_t)by);
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

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* pipes: the program's own choice */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_descriptors),
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_the_end_of_a_stream),
        cmocka_unit_test(test_a_write_writes_everything),
        cmocka_unit_test(test_a_short_read_is_not_all_there_is),
        cmocka_unit_test(test_an_error_after_the_first_byte_comes_with_the_next_write),
        cmocka_unit_test(test_readers_and_writers_share_a_descriptor),
        cmocka_unit_test(test_waiting_for_the_network_is_no_deadlock),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
