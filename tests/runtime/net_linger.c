/*
 * net_linger.c: a close that the kernel keeps: SO_LINGER, until the peer has what was sent. In a child, since a runtime that
 * gets it wrong waits for the hour that the test says.
 */
#include "child.h"
#include "net_pair.h"

#include <fcntl.h>

static atomic_bool lingered;
static void lingering_closer(void *arg)
{
    CHECK(trine_close(*(int *)arg) == 0);
    atomic_store(&lingered, true);
    trine_wg_done(&wg);
}

static void later_reset(void *arg)
{
    trine_sleep(20 * ms);
    CHECK(!atomic_load(&lingered));
    CHECK(close(*(int *)arg) == 0); /* with bytes unread: it resets the connection, and nothing is left to linger for */
    trine_wg_done(&wg);
}

/* fd[1] has more to send than fd[0] will ever read, so its close waits: an hour, or until the peer resets the connection.
 * The number is free from the start, and its next file is one that the poller does not know. */
static void linger_main(void *arg)
{
    static char buf[BIG];
    const struct linger hour = {1, 3600};
    int fd[2];
    (void)arg;
    CHECK(tcp_pair(fd) == 0 && trine_open_fd(fd[1]) == 0);
    CHECK(setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &hour, sizeof hour) == 0);
    while (send(fd[1], buf, sizeof buf, MSG_DONTWAIT) > 0) {}
    atomic_store(&lingered, false);
    trine_wg_add(&wg, 2);
    go(lingering_closer, &fd[1]);
    while (fcntl(fd[1], F_GETFD) >= 0) trine_sleep(ms); /* at one P: the closer's P must come to us */
    CHECK(!atomic_load(&lingered));
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(null >= 0 && (null == fd[1] || (dup2(null, fd[1]) == fd[1] && close(null) == 0)));
    char c;
    CHECK(trine_read(fd[1], &c, 1) == -EPERM); /* open, never given to the poller */
    CHECK(trine_close(fd[1]) == 0); /* that file, and at once */
    CHECK(!atomic_load(&lingered));
    CHECK(fcntl(fd[1], F_GETFD) < 0);
    CHECK(trine_close(fd[1]) == -EBADF && !atomic_load(&lingered)); /* nobody's */
    go(later_reset, &fd[0]);
    trine_wg_wait(&wg);
}

static void linger(void *arg)
{
    for (int procs = 1; procs <= 2; procs++) CHECK(trine_run(&(trine_config){.gomaxprocs = procs}, linger_main, arg) == 0);
}

static void test_a_close_that_lingers(void **state)
{
    (void)state;
    in_child(linger, NULL);
    assert_ended_well("a close that lingers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_close_that_lingers)};
    return cmocka_run_group_tests_name("lingering", tests, NULL, NULL);
}
