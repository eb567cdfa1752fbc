/*
 * trine-outside: a service, a load generator, clients or the clock of an open loop as a program, for drivers that cannot
 * fork them (Go's). The same code as in the C drivers, told by lines on stdin; it ends when stdin does.
 *
 *   trine-outside service CONNECTIONS RATE BURST   prints its port; "counts" prints what service_counts holds
 *   trine-outside load PORT CONNECTIONS REQUESTS RATE SEED
 *                       prints "connected"; "go" runs it and prints a line a request: latency in ns, status, and how late
 *                       the generator was, in ns; -1: it was not sent
 *   trine-outside wrk PORT THREADS CONNECTIONS SECONDS
 *                       prints "installed" or "absent"; "go" runs it, and prints "done" and a line of numbers: answers, of
 *                       these a 1,000 s, mean, p50, p75, p90, p99, most (ns), errors of connect, read, write, time-outs,
 *                       answers that were refusals; or why there are none
 *   trine-outside clients PORT N MESSAGES GAP_US
 *                       prints "connected"; "chat" runs it and prints received, corrupted, then a line a delivery: ns
 *   trine-outside pace SPIN
 *                       takes a number, so many times in ns, and their start on CLOCK_MONOTONIC; at each it writes a byte
 *                       on descriptor 3; then prints a line a time: how late, in ns
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "clients.h"
#include "load.h"
#include "pacer.h"
#include "service.h"
#include "wrk.h"

enum { EXIT_USAGE = 2, EXIT_INFRASTRUCTURE = 4, LOOK_NS = 500000, STUCK_S = 30 };
static const int64_t no_throttle = INT64_MAX / 2;

static bool told(const char *word) {
    char line[32];
    if (!fgets(line, sizeof line, stdin)) return false;
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, word) == 0;
}

static struct sockaddr_in loopback(const char *port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)atoi(port))};
}

static int say(const char *what) {
    puts(what);
    return fflush(stdout);
}

static int run_service(char **argv) {
    struct service s;
    struct service_config config = {atoi(argv[0]), atof(argv[1]), atof(argv[2])};
    int err = service_start(&s, &config);
    if (err) {
        fprintf(stderr, "trine-outside: the service did not start: %s\n", strerror(-err));
        return EXIT_INFRASTRUCTURE;
    }
    printf("%d\n", ntohs(s.addr.sin_port));
    fflush(stdout);
    while (told("counts")) {
        printf("%llu %llu %llu %llu %llu\n", (unsigned long long)s.counts->answered,
               (unsigned long long)s.counts->limited, (unsigned long long)s.counts->cancelled,
               (unsigned long long)s.counts->connections_peak, (unsigned long long)s.counts->pending);
        fflush(stdout);
    }
    service_stop(&s);
    return 0;
}

static int run_load(char **argv) {
    struct load l;
    struct load_config config = {loopback(argv[0]), atoi(argv[1]), atoll(argv[2]), atof(argv[3]),
                                 strtoull(argv[4], NULL, 10), 20 * (int64_t)1000000000};
    int err = load_start(&l, &config);
    if (err) {
        fprintf(stderr, "trine-outside: the load generator did not start: %s\n", strerror(-err));
        return EXIT_INFRASTRUCTURE;
    }
    atomic_store(&l.shared->accepted, no_throttle);
    while (atomic_load(&l.shared->connected) < config.connections) child_nap_ns(LOOK_NS);
    say("connected");
    if (told("go")) {
        atomic_store(&l.shared->go, 1);
        while (!atomic_load(&l.shared->done)) child_nap_ns(LOOK_NS);
        say("done");
        for (int64_t i = 0; i < config.requests; i++)
            printf("%lld %d %lld\n", (long long)l.shared->results[i].latency_ns, l.shared->results[i].status,
                   i < l.shared->sent ? (long long)l.shared->results[i].lag_ns : -1);
        fflush(stdout);
    }
    load_stop(&l);
    return 0;
}

static void print_wrk(const struct wrk_shared *s) {
    const struct wrk_report *r = &s->report;
    if (*s->failure) {
        puts(s->failure);
        return;
    }
    printf("done\n%lld %.0f", (long long)r->requests, r->rate * 1000);
    printf(" %.0f %.0f %.0f %.0f %.0f %.0f", r->mean_ns, r->p50_ns, r->p75_ns, r->p90_ns, r->p99_ns, r->max_ns);
    printf(" %lld %lld %lld %lld %lld\n", (long long)r->connect_errors, (long long)r->read_errors,
           (long long)r->write_errors, (long long)r->timeouts, (long long)r->refused);
}

static int run_wrk(char **argv) {
    struct wrk w;
    struct wrk_config config = {loopback(argv[0]), atoi(argv[1]), atoi(argv[2]), atoi(argv[3])};
    int err = wrk_installed() ? wrk_start(&w, &config) : 0;
    if (err) {
        fprintf(stderr, "trine-outside: wrk could not be started: %s\n", strerror(-err));
        return EXIT_INFRASTRUCTURE;
    }
    if (!wrk_installed()) return say("absent");
    say("installed");
    if (told("go")) {
        atomic_store(&w.shared->go, 1);
        while (!atomic_load(&w.shared->done)) child_nap_ns(LOOK_NS);
        print_wrk(w.shared);
        fflush(stdout);
    }
    wrk_stop(&w);
    return 0;
}

/* Until all has come back, or nothing has for STUCK_S. */
static void wait_for(const struct clients_shared *s, int64_t expected) {
    int64_t seen = -1, since_ns = child_now_ns();
    while (seen < expected && child_now_ns() - since_ns < STUCK_S * (int64_t)1000000000) {
        int64_t now = atomic_load(&s->received);
        if (now != seen) since_ns = child_now_ns();
        seen = now;
        child_nap_ns(LOOK_NS);
    }
}

static int run_clients(char **argv) {
    struct clients c;
    struct clients_config config = {loopback(argv[0]), atoi(argv[1]), atoll(argv[2]), atoll(argv[3]) * 1000};
    int err = clients_start(&c, &config);
    if (err) {
        fprintf(stderr, "trine-outside: the clients did not start: %s\n", strerror(-err));
        return EXIT_INFRASTRUCTURE;
    }
    atomic_store(&c.shared->accepted, no_throttle);
    while (atomic_load(&c.shared->connected) + atomic_load(&c.shared->failed) < config.n) child_nap_ns(LOOK_NS);
    say(atomic_load(&c.shared->failed) ? "failed" : "connected");
    if (told("chat")) {
        atomic_store(&c.shared->phase, CLIENTS_CHAT);
        wait_for(c.shared, config.messages * config.n);
        int64_t received = atomic_load(&c.shared->received);
        printf("%lld %lld\n", (long long)received, (long long)atomic_load(&c.shared->corrupted));
        for (int64_t i = 0; i < received; i++) printf("%lld\n", (long long)c.shared->latency_ns[i]);
        fflush(stdout);
        while (told("stay")) {}
    }
    clients_stop(&c);
    return 0;
}

/* Series after series: N, the times, where the clock starts; then the lags. */
static int run_pace(char **argv) {
    enum { BELL = 3 };   /* the write end of the driver's pipe */
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        uint64_t n = strtoull(line, NULL, 10);
        struct pacer_shared *s = calloc(1, sizeof *s + n * sizeof s->rings[0]);
        if (!s) return EXIT_INFRASTRUCTURE;
        s->n = n;
        for (uint64_t i = 0; i < n && fgets(line, sizeof line, stdin); i++) s->rings[i].intended_ns = atoll(line);
        if (fgets(line, sizeof line, stdin)) {
            s->start_ns = atoll(line);
            if (!pacer_play(s, BELL, atoi(argv[0]) != 0)) return EXIT_INFRASTRUCTURE;
            for (uint64_t i = 0; i < n; i++) printf("%lld\n", (long long)s->rings[i].lag_ns);
            fflush(stdout);
        }
        free(s);
    }
    return 0;
}

int main(int argc, char **argv) {
    child_settle();
    if (argc == 5 && !strcmp(argv[1], "service")) return run_service(argv + 2);
    if (argc == 7 && !strcmp(argv[1], "load")) return run_load(argv + 2);
    if (argc == 6 && !strcmp(argv[1], "wrk")) return run_wrk(argv + 2);
    if (argc == 6 && !strcmp(argv[1], "clients")) return run_clients(argv + 2);
    if (argc == 3 && !strcmp(argv[1], "pace")) return run_pace(argv + 2);
    fprintf(stderr, "trine-outside: expected service CONNECTIONS RATE BURST, load PORT CONNECTIONS REQUESTS RATE SEED, "
                    "wrk PORT THREADS CONNECTIONS SECONDS, clients PORT N MESSAGES GAP_US, or pace SPIN\n");
    return EXIT_USAGE;
}
