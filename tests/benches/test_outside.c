/* The processes beside a driver do what they are asked: a service's times, limits and cancellations, a load generator's
 * account of every request, clients' account of every message. Over real loopback sockets; no assertion on how fast. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "child.h"
#include "clients.h"
#include "load.h"
#include "pacer.h"
#include "phases.h"
#include "service.h"
#include "stages.h"

static int dial(const struct sockaddr_in *addr) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)addr, sizeof *addr), 0);
    return fd;
}

static void ask(int fd, uint32_t id, uint32_t wait_us) {
    struct service_query q = {id, wait_us};
    assert_int_equal(write(fd, &q, sizeof q), sizeof q);
}

static struct service_reply hear(int fd) {
    struct service_reply r = {0};
    assert_int_equal(recv(fd, &r, sizeof r, MSG_WAITALL), sizeof r);
    return r;
}

static void start(struct service *s, struct service_config config) {
    assert_int_equal(service_start(s, &config), 0);
}

static void answers_come_in_the_order_of_their_times(void **state) {
    struct service s;
    (void)state;
    start(&s, (struct service_config){0});
    int fd = dial(&s.addr);
    int64_t before = child_now_ns();
    ask(fd, 1, 60000);
    ask(fd, 2, 10000);
    assert_int_equal(hear(fd).id, 2);
    assert_true(child_now_ns() - before >= 10000000);
    assert_int_equal(hear(fd).id, 1);
    assert_true(child_now_ns() - before >= 60000000);
    assert_int_equal(atomic_load(&s.counts->answered), 2);
    close(fd);
    service_stop(&s);
}

static void a_query_in_two_parts_is_one_query(void **state) {
    struct service s;
    struct service_query q = {7, 0};
    (void)state;
    start(&s, (struct service_config){0});
    int fd = dial(&s.addr);
    assert_int_equal(write(fd, &q, 3), 3);
    child_nap_ns(5000000);
    assert_int_equal(write(fd, (char *)&q + 3, sizeof q - 3), sizeof q - 3);
    assert_int_equal(hear(fd).id, 7);
    close(fd);
    service_stop(&s);
}

static void a_cancelled_query_is_never_answered(void **state) {
    struct service s;
    (void)state;
    start(&s, (struct service_config){0});
    int fd = dial(&s.addr);
    ask(fd, 1, 20000);
    ask(fd, 1, SERVICE_CANCEL);
    ask(fd, 2, 60000);
    assert_int_equal(hear(fd).id, 2);
    assert_int_equal(atomic_load(&s.counts->cancelled), 1);
    assert_int_equal(atomic_load(&s.counts->pending), 0);
    close(fd);
    service_stop(&s);
}

static void a_connection_over_the_limit_is_told_and_closed(void **state) {
    struct service s;
    char byte;
    (void)state;
    start(&s, (struct service_config){.max_connections = 1});
    int first = dial(&s.addr);
    ask(first, 1, 0);
    assert_int_equal(hear(first).status, SERVICE_OK);
    int second = dial(&s.addr);
    assert_int_equal(hear(second).status, SERVICE_BUSY);
    assert_int_equal(read(second, &byte, 1), 0);
    assert_int_equal(atomic_load(&s.counts->refused), 1);
    close(first);
    close(second);
    service_stop(&s);
}

static void what_is_over_the_rate_is_refused_at_once(void **state) {
    enum { BURST = 5, QUERIES = 8 };
    struct service s;
    int ok = 0, limited = 0;
    (void)state;
    start(&s, (struct service_config){.rate = 0.001, .burst = BURST});
    int fd = dial(&s.addr);
    for (uint32_t i = 0; i < QUERIES; i++) ask(fd, i, 0);
    for (int i = 0; i < QUERIES; i++) {
        enum service_status status = hear(fd).status;
        ok += status == SERVICE_OK;
        limited += status == SERVICE_LIMITED;
    }
    assert_int_equal(ok, BURST);
    assert_int_equal(limited, QUERIES - BURST);
    close(fd);
    service_stop(&s);
}

/* A server for one connection: answers every other request 503, and hangs up without an answer to the last. */
static void alternating_server(int listener, int requests) {
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"};
    char buf[512];
    int fd = -1;
    while (fd < 0) fd = accept(listener, NULL, NULL);
    for (int i = 0; i < requests; i++) {
        assert_true(read(fd, buf, sizeof buf) > 0);
        if (i == 0) child_nap_ns(50000000);
        if (i < requests - 1) assert_true(write(fd, answers[i % 2], strlen(answers[i % 2])) > 0);
    }
    close(fd);
}

static void load_accounts_for_every_request(void **state) {
    enum { REQUESTS = 7 };
    struct load l;
    struct load_config config = {.connections = 1, .requests = REQUESTS, .patience_ns = 5000000000};
    (void)state;
    int listener = service_listen(&config.addr);
    assert_true(listener >= 0);
    assert_int_equal(load_start(&l, &config), 0);
    atomic_store(&l.shared->accepted, 1);
    atomic_store(&l.shared->go, 1);
    alternating_server(listener, REQUESTS);
    while (!atomic_load(&l.shared->done)) child_nap_ns(1000000);
    for (int i = 0; i < REQUESTS; i++) {
        int expected = i == REQUESTS - 1 ? 0 : i % 2 ? 503 : 200;
        assert_int_equal(l.shared->results[i].status, expected);
        assert_true(expected == 0 || l.shared->results[i].latency_ns > 0);
        assert_true(expected == 0 || l.shared->results[i].lag_ns <= l.shared->results[i].latency_ns);
    }
    assert_int_equal(l.shared->sent, REQUESTS);
    /* one connection, all due at once: the second waits for the first one's answer, which is no lateness of the generator's */
    assert_true(l.shared->results[1].lag_ns < l.shared->results[0].latency_ns);
    close(listener);
    load_stop(&l);
}

static void clients_count_what_comes_back(void **state) {
    struct clients c;
    struct clients_config config = {.n = 2, .messages = 1};
    char message[CLIENTS_MESSAGE_BYTES];
    int fds[2] = {-1, -1};
    (void)state;
    int listener = service_listen(&config.addr);
    assert_int_equal(clients_start(&c, &config), 0);
    for (int i = 0; i < 2; i++)
        while (fds[i] < 0) fds[i] = accept(listener, NULL, NULL);
    atomic_store(&c.shared->accepted, 2);
    atomic_store(&c.shared->phase, CLIENTS_CHAT);
    assert_int_equal(recv(fds[0], message, sizeof message, MSG_WAITALL), sizeof message);
    assert_int_equal(write(fds[0], message, sizeof message), sizeof message);
    assert_int_equal(write(fds[1], message, 10), 10);
    child_nap_ns(5000000);
    assert_int_equal(write(fds[1], message + 10, sizeof message - 10), sizeof message - 10);
    for (int i = 0; i < 5000 && atomic_load(&c.shared->received) < 2; i++) child_nap_ns(1000000);
    assert_int_equal(atomic_load(&c.shared->received), 2);
    memset(message + 8, 0xff, 8);                /* a message of no number */
    assert_int_equal(write(fds[1], message, sizeof message), sizeof message);
    for (int i = 0; i < 5000 && atomic_load(&c.shared->corrupted) < 1; i++) child_nap_ns(1000000);
    assert_int_equal(atomic_load(&c.shared->corrupted), 1);
    clients_stop(&c);
    close(fds[0]);
    close(fds[1]);
    close(listener);
}

/* Twice, sleeping and spinning: each ring comes, in its time and never before. */
static void a_pacer_rings_at_its_times(void **state) {
    enum { RINGS = 200, GAP_NS = 100000 };
    (void)state;
    for (int spin = 0; spin < 2; spin++) {
        struct pacer p;
        assert_int_equal(pacer_start(&p, RINGS, spin), 0);
        for (int series = 0; series < 2; series++) {
            for (int i = 0; i < RINGS; i++) p.shared->rings[i] = (struct pacer_ring){(int64_t)i * GAP_NS, -1};
            int64_t start_ns = child_now_ns() + GAP_NS;
            pacer_ring(&p, RINGS, start_ns);
            char rung;
            for (int i = 0; i < RINGS; i++) {
                assert_int_equal(read(p.bell, &rung, 1), 1);
                assert_true(child_now_ns() >= start_ns + (int64_t)i * GAP_NS);
            }
            pacer_finish(&p);
            for (int i = 0; i < RINGS; i++) assert_true(p.shared->rings[i].lag_ns >= 0);
        }
        pacer_stop(&p);
    }
}

static void phases_are_read_and_added_up(void **state) {
    static const char *const bad[] = {"", "x", "1+", "1/", "/1", "1,2", "-1", "1+1+1+1+1+1+1+1+1", "1/1/1/1/1/1/1"};
    struct phases p;
    (void)state;
    assert_true(phases_parse(&p, "100/150+120/7"));
    assert_int_equal(p.n, 3);
    assert_int_equal(p.ncalls, 4);
    assert_int_equal(phases_least_ns(&p), 257000);
    p.sequential = true;
    assert_int_equal(phases_least_ns(&p), 377000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(phases_parse(&p, bad[i]));
}

static void an_entry_has_one_digest_whatever_its_neighbours(void **state) {
    struct entry a = {.number = 1}, again = {.number = 1}, b = {.number = 2};
    int64_t ns[STAGES_MAX];
    (void)state;
    for (int s = 0; s < 4; s++) {
        assert_true(stage_work(&a, s, 4));
        assert_true(stage_work(&b, s, 4));
    }
    for (int s = 0; s < 4; s++) assert_true(stage_work(&again, s, 4));
    assert_true(a.digest == again.digest);
    assert_true(a.digest != b.digest);
    assert_int_equal(stages_parse("1+20+0", ns), 3);
    assert_int_equal(ns[1], 20000);
    assert_int_equal(stages_parse("1+", ns), 0);
    assert_int_equal(stages_parse("1/2", ns), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_their_times),
        cmocka_unit_test(a_query_in_two_parts_is_one_query),
        cmocka_unit_test(a_cancelled_query_is_never_answered),
        cmocka_unit_test(a_connection_over_the_limit_is_told_and_closed),
        cmocka_unit_test(what_is_over_the_rate_is_refused_at_once),
        cmocka_unit_test(load_accounts_for_every_request),
        cmocka_unit_test(clients_count_what_comes_back),
        cmocka_unit_test(a_pacer_rings_at_its_times),
        cmocka_unit_test(phases_are_read_and_added_up),
        cmocka_unit_test(an_entry_has_one_digest_whatever_its_neighbours),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
