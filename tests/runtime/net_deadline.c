/*
 * net_deadline.c: deadlines of descriptors: past, to come, moved while somebody waits, of a number used again. At 1, 2
 * and 4 Ps; nothing is asserted of time but that none ends early.
 */
#include "net_pair.h"

#include <signal.h>

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
    ssize_t n = -ETIMEDOUT;
    for (int64_t in = 2 * ms; n == -ETIMEDOUT && in < 10000 * ms; in *= 4) { /* a busy machine may let it pass before the call */
        now = trine_nanotime() + in - 2 * ms;
        CHECK(trine_fd_deadline(fd[1], 0, now + 2 * ms) == 0);
        n = trine_write(fd[1], big, BIG);
    }
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

struct timed { int fd; int64_t ended; ssize_t result; };
static void timed_reader(void *arg)
{
    struct timed *t = arg;
    char c;
    t->result = trine_read(t->fd, &c, 1);
    t->ended = trine_nanotime();
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
        struct timed t = {.fd = fd[0]};
        CHECK(trine_fd_deadline(fd[0], first, 0) == 0);
        trine_wg_add(&wg, 1);
        go(timed_reader, &t);
        trine_yield();
        CHECK(trine_fd_deadline(fd[0], then, 0) == 0);
        bool in_time = trine_nanotime() < first; /* so the first one cannot have ended the read */
        if (move == 3) {
            trine_sleep(ms / 2);
            CHECK(trine_write(fd[1], "x", 1) == 1);
        }
        trine_wg_wait(&wg);
        CHECK(t.result == (move == 3 ? 1 : -ETIMEDOUT));
        if (t.result == -ETIMEDOUT) CHECK(t.ended >= (in_time ? then : first));
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

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* pipes: the program's own choice */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadlines_that_move),
        cmocka_unit_test(test_a_deadline_ends_with_its_descriptor),
    };
    return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
