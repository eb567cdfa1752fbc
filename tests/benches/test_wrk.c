/* wrk as a load generator: what it prints is read to the last figure, and what is none is named. The texts are of wrk 4.1.0
 * (Debian 12), as they came. The last test runs it against a server on loopback, where it is installed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "child.h"
#include "service.h"
#include "wrk.h"

static const char good[] = "Running 1s test @ http://127.0.0.1:18099/\n"
                           "  2 threads and 10 connections\n"
                           "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                           "    Latency     8.76ms    2.87ms  18.31ms   70.24%\n"
                           "    Req/Sec   414.71    126.87     0.86k    85.71%\n"
                           "  Latency Distribution\n"
                           "     50%    8.95ms\n"
                           "     75%   10.63ms\n"
                           "     90%   12.33ms\n"
                           "     99%   15.35ms\n"
                           "  867 requests in 1.10s, 1.22MB read\n"
                           "Requests/sec:    787.98\n"
                           "Transfer/sec:      1.11MB\n";

/* A server that resets connections, answers rubbish, refuses, and is late. */
static const char troubled[] = "Running 3s test @ http://127.0.0.1:18123/order\n"
                               "  1 threads and 8 connections\n"
                               "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                               "    Latency   522.84us    1.33ms   9.04ms   91.71%\n"
                               "    Req/Sec   451.00    606.27     1.15k    66.67%\n"
                               "  Latency Distribution\n"
                               "     50%  132.00us\n"
                               "     75%  240.00us\n"
                               "     90%  836.00us\n"
                               "     99%    7.69ms\n"
                               "  378 requests in 3.00s, 14.62KB read\n"
                               "  Socket errors: connect 0, read 108, write 0, timeout 16\n"
                               "  Non-2xx or 3xx responses: 77\n"
                               "Requests/sec:    125.83\n"
                               "Transfer/sec:      4.87KB\n";

/* A server that accepts and never answers. */
static const char unanswered[] = "Running 1s test @ http://127.0.0.1:18124/order\n"
                                 "  1 threads and 8 connections\n"
                                 "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                                 "    Latency     0.00us    0.00us   0.00us    -nan%\n"
                                 "    Req/Sec     0.00      0.00     0.00      -nan%\n"
                                 "  Latency Distribution\n"
                                 "     50%    0.00us\n"
                                 "     75%    0.00us\n"
                                 "     90%    0.00us\n"
                                 "     99%    0.00us\n"
                                 "  0 requests in 1.00s, 0.00B read\n"
                                 "Requests/sec:      0.00\n"
                                 "Transfer/sec:       0.00B\n";

static void near(double got, double expected) {
    assert_float_equal(got, expected, expected * 1e-9);
}

static void every_figure_is_read(void **state) {
    struct wrk_report r;
    (void)state;
    assert_null(wrk_parse(good, &r));
    assert_int_equal(r.requests, 867);
    near(r.rate, 787.98);
    near(r.mean_ns, 8.76e6);
    near(r.max_ns, 18.31e6);
    near(r.p50_ns, 8.95e6);
    near(r.p75_ns, 10.63e6);
    near(r.p90_ns, 12.33e6);
    near(r.p99_ns, 15.35e6);
    assert_int_equal(r.connect_errors + r.read_errors + r.write_errors + r.timeouts + r.refused, 0);
}

static void errors_are_read(void **state) {
    struct wrk_report r;
    (void)state;
    assert_null(wrk_parse(troubled, &r));
    assert_int_equal(r.requests, 378);
    near(r.p50_ns, 132e3);
    near(r.p99_ns, 7.69e6);
    assert_int_equal(r.connect_errors, 0);
    assert_int_equal(r.read_errors, 108);
    assert_int_equal(r.write_errors, 0);
    assert_int_equal(r.timeouts, 16);
    assert_int_equal(r.refused, 77);
}

static void no_answer_is_no_parse_error(void **state) {
    struct wrk_report r;
    (void)state;
    assert_null(wrk_parse(unanswered, &r));
    assert_int_equal(r.requests, 0);
}

static void units_of_time(void **state) {
    char text[sizeof good + 16];
    struct wrk_report r;
    (void)state;
    snprintf(text, sizeof text, "%s", good);
    memcpy(strstr(text, " 8.95ms"), "  1.25s", 7);
    memcpy(strstr(text, "10.63ms"), "  1.50m", 7);
    memcpy(strstr(text, "12.33ms"), "  1.00h", 7);
    assert_null(wrk_parse(text, &r));
    near(r.p50_ns, 1.25e9);
    near(r.p75_ns, 90e9);
    near(r.p90_ns, 3600e9);
}

/* Cut off anywhere, it is never taken for a whole one; nothing is none either. */
static void what_is_missing_is_named(void **state) {
    struct wrk_report r;
    const char *lacking;
    (void)state;
    assert_string_equal(wrk_parse("", &r), "latency of 'Thread Stats'");
    assert_non_null(wrk_parse("wrk: command not found\n", &r));
    assert_non_null(wrk_parse("unable to connect to 127.0.0.1:18098 Connection refused\n", &r));
    const char *rate = strstr(good, "Requests/sec:");
    for (size_t n = 0; n < (size_t)(rate - good); n++) {
        char *part = strndup(good, n);
        lacking = wrk_parse(part, &r);
        if (!lacking) fail_msg("taken for whole when cut off behind %zu bytes", n);
        free(part);
    }
    char *part = strndup(good, (size_t)(rate - good));
    assert_string_equal(wrk_parse(part, &r), "'Requests/sec'");
    free(part);
}

static void absence_is_seen(void **state) {
    char *path = strdup(getenv("PATH"));
    (void)state;
    setenv("PATH", "/nonexistent:/", 1);
    assert_false(wrk_installed());
    unsetenv("PATH");
    assert_false(wrk_installed());
    setenv("PATH", path, 1);
    free(path);
}

/* Serves every connection from one process until it is killed: one answer for one read, which is how wrk asks. */
static void serve(void *arg) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    int listener = *(int *)arg, fd;
    for (;;) {
        while ((fd = accept(listener, NULL, NULL)) < 0) child_nap_ns(100000);
        if (fork()) {
            close(fd);
            continue;
        }
        char buf[1024];
        while (read(fd, buf, sizeof buf) > 0 && write(fd, answer, sizeof answer - 1) > 0) {}
        _exit(0);
    }
}

static void a_server_is_loaded(void **state) {
    struct wrk w;
    struct wrk_config config = {.threads = 2, .connections = 4, .seconds = 1};
    (void)state;
    if (!wrk_installed()) {
        print_message("SKIP: wrk is not installed\n");
        skip();
    }
    int listener = service_listen(&config.addr);
    assert_true(listener >= 0);
    pid_t server = child_start(serve, &listener);
    assert_int_equal(wrk_start(&w, &config), 0);
    atomic_store(&w.shared->go, 1);
    for (int i = 0; i < 20000 && !atomic_load(&w.shared->done); i++) child_nap_ns(1000000);
    assert_int_equal(atomic_load(&w.shared->done), 1);
    assert_string_equal(w.shared->failure, "");
    const struct wrk_report *r = &w.shared->report;
    assert_true(r->requests > 0 && r->rate > 0 && r->p50_ns > 0 && r->p50_ns <= r->p99_ns && r->p99_ns <= r->max_ns);
    assert_int_equal(r->connect_errors + r->refused, 0);
    wrk_stop(&w);
    child_stop(server);
    close(listener);
}

/* wrk says no more than "unable to connect", and that is what stands in the record. */
static void nobody_there_is_told(void **state) {
    struct wrk w;
    struct wrk_config config = {.threads = 1, .connections = 1, .seconds = 1};
    (void)state;
    if (!wrk_installed()) {
        print_message("SKIP: wrk is not installed\n");
        skip();
    }
    close(service_listen(&config.addr));
    assert_int_equal(wrk_start(&w, &config), 0);
    atomic_store(&w.shared->go, 1);
    for (int i = 0; i < 20000 && !atomic_load(&w.shared->done); i++) child_nap_ns(1000000);
    assert_non_null(strstr(w.shared->failure, "unable to connect"));
    wrk_stop(&w);
}

/* A program in the place of wrk; what the record is to say of it. */
static void instead(const char *script, const char *says) {
    char dir[] = "/tmp/trine-wrk-XXXXXX", file[64], path[96], *before = strdup(getenv("PATH"));
    struct wrk w;
    struct wrk_config config = {.threads = 1, .connections = 1, .seconds = 1};
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/wrk", dir);
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", script);
    fclose(f);
    assert_int_equal(chmod(file, 0755), 0);
    setenv("PATH", path, 1);
    assert_true(wrk_installed());
    assert_int_equal(wrk_start(&w, &config), 0);
    atomic_store(&w.shared->go, 1);
    for (int i = 0; i < 20000 && !atomic_load(&w.shared->done); i++) child_nap_ns(1000000);
    if (strcmp(w.shared->failure, says) != 0) fail_msg("'%s': said '%s', not '%s'", script, w.shared->failure, says);
    wrk_stop(&w);
    setenv("PATH", before, 1);
    free(before);
    unlink(file);
    rmdir(dir);
}

static void what_is_no_wrk_is_told(void **state) {
    (void)state;
    instead("exit 0", "wrk printed no latency of 'Thread Stats'");
    instead("echo Requests/sec: 12", "wrk printed no latency of 'Thread Stats'");
    instead("echo 'out of luck'; echo and more; exit 3", "wrk: out of luck");
    instead("kill -KILL $$", "wrk was killed by signal 9");
    instead("exec sleep 60", "wrk did not end in time");
    instead("exec >&- 2>&-; exec sleep 60", "wrk was killed by signal 9");
    instead("exec yes", "wrk printed more than it ever does");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_read),
        cmocka_unit_test(errors_are_read),
        cmocka_unit_test(no_answer_is_no_parse_error),
        cmocka_unit_test(units_of_time),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(absence_is_seen),
        cmocka_unit_test(a_server_is_loaded),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(what_is_no_wrk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
