/*
 * net_close.c: what becomes of whoever waits for a descriptor that is closed, whose number is used again, or whose run
 * ends. At 1, 2 and 4 Ps.
 */
#include "net_pair.h"
#include "netpoll.h"
#include "wait.h"

#include <fcntl.h>
#include <signal.h>

/* ---- close ---- */
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

static atomic_bool closed;
static void closer(void *arg)
{
    CHECK(trine_close(*(int *)arg) == 0);
    atomic_store(&closed, true);
}

/* One who has a reference when the close begins, as a trine_fd_deadline under way, arms no timer behind it: it would stand for
 * its hour, and as long as a timer stands no deadlock is told. */
static void deadline_behind_close_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds(20); i++) {
        int fd[2];
        struct polldesc *pd;
        int64_t hour = trine_nanotime() + 3600000 * ms;
        make_pair(PIPE, fd);
        atomic_store(&closed, false);
        CHECK(trine_fd_deadline(fd[0], 0, hour) == 0);
        struct g *gp = rt_enter("a test");
        CHECK(rt_fd_ref(fd[0], &pd) == 0);
        rt_leave(gp);
        go(closer, &fd[0]);
        while (!(at32_load_acq(&pd->info) & PD_CLOSING)) trine_yield();
        gp = rt_enter("a test");
        CHECK(rt_fd_deadlines(pd, 0, hour) == -EBADF);
        rt_lock(&pd->lock);
        CHECK(pd->read_deadline_ns == 0 && pd->write_deadline_ns == 0);
        rt_unlock(&pd->lock);
        rt_fd_unref(pd);
        rt_leave(gp);
        while (!atomic_load(&closed)) trine_yield();
        CHECK(trine_close(fd[1]) == 0);
    }
}

static void test_no_deadline_outlives_a_close(void **state)
{
    (void)state;
    run_goroutines(deadline_behind_close_main);
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
    trine_wg_add(&wg, 3); /* one parks in the poller, the others wait for their turn */
    for (int i = 0; i < 3; i++) go(blocked_reader, &old[0]);
    at_ptr *waiter = &rt_polldesc(old[0])->rg;
    while (atp_load_acq(waiter) == NULL || atp_load_acq(waiter) == PD_READY || atp_load_acq(waiter) == PD_WAIT) {
        trine_sleep(ms / 10); /* until it is parked: later it would read the new one */
    }
    trine_sleep(10 * ms); /* and until the others stand behind it */
    CHECK(close(old[0]) == 0);
    CHECK(pipe(new) == 0 && new[0] == old[0]);
    CHECK(trine_open_fd(new[0]) == 0); /* finds out, and sends the waiter of the old one away */
    trine_wg_wait(&wg);
    CHECK(atomic_load(&n_ebadf) == 3);
    CHECK(trine_open_fd(new[1]) == 0);
    close_pair(new);
    CHECK(trine_close(old[1]) == 0);
}

static void test_whoever_waits_for_a_number_that_changed_hands(void **state)
{
    (void)state;
    run_goroutines(stale_waiter_main);
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
        cmocka_unit_test(test_close_wakes_whoever_waits),
        cmocka_unit_test(test_only_one_close_wins),
        cmocka_unit_test(test_no_deadline_outlives_a_close),
        cmocka_unit_test(test_an_event_of_the_previous_owner_of_a_number),
        cmocka_unit_test(test_whoever_waits_for_a_number_that_changed_hands),
        cmocka_unit_test(test_a_run_that_ends_forgets_its_waiters),
    };
    return cmocka_run_group_tests_name("closing", tests, NULL, NULL);
}
