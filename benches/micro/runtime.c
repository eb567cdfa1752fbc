/*
 * trine/...: what does each of the runtime's own operations cost, alone, on one and on two Ps?
 *
 * Method       Each benchmark is the main goroutine of a run of its own; its partner, where it has one, lives as long
 *              as the run. The suffix /1 or /2 is GOMAXPROCS.
 * Unit         ns of real time: yield: a yield; spawn_join: a goroutine made, run and waited for; chan_unbuffered: a
 *              value one way (a round trip is two iterations); chan_buffered: a value through a buffer of 128;
 *              mutex: lock and unlock without contention; trace_event: a yield, in turn without
 *              and with the event trace (counter ns_per_event: what the trace adds, shared among its events); timer:
 *              a timer started and stopped; blocking_call: a getppid in the brackets of a blocking call; sleep_wake: a
 *              sleep of 1 us until the goroutine runs.
 * Expectation  yield 45 to 160, spawn_join 100 to 700, chan_unbuffered 100 to 250, chan_buffered 30 to 70.
 * Falsified by the runtime's counts: a yield that let nobody run, an exchange without a park (counter parks_per_op).
 * Known lies   Two goroutines at most: queues are short and caches warm. Workloads pingpong, yield and spawn sweep both.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <trine.h>
#include <unistd.h>

#include "micro.h"

struct bench {
    struct gbench *b;
    void (*body)(struct bench *);
    trine_chan *to, *from;
    trine_wg partner;            /* waited for, so that the channels can be freed and nothing runs on */
    bool stop;
    int64_t made;
};

static void run_body(void *arg) {
    struct bench *k = arg;
    k->body(k);
}

static void run(struct gbench *b, int64_t procs, void (*body)(struct bench *)) {
    struct trine_stats before, after;
    struct bench k = {.b = b, .body = body};
    trine_config config = {.gomaxprocs = (int)procs, .seed = 1};
    trine_stats(&before);
    if (trine_run(&config, run_body, &k)) {
        gbench_skip(b, "the runtime did not start");
        return;
    }
    trine_stats(&after);
    if (k.made > 0) gbench_counter(b, "parks_per_op", (double)(after.parks - before.parks) / (double)k.made);
}

static void yield_partner(void *arg) {
    struct bench *k = arg;
    while (!__atomic_load_n(&k->stop, __ATOMIC_RELAXED)) trine_yield();
    trine_wg_done(&k->partner);
}

/* Starts the partner of a benchmark; stopped by its body, waited for by leave(). */
static void join_in(struct bench *k, trine_fn fn) {
    trine_wg_add(&k->partner, 1);
    if (trine_go(fn, k) == 0) return;
    gbench_skip(k->b, "no goroutine could be made");
    trine_wg_done(&k->partner);
}

static void leave(struct bench *k) {
    trine_wg_wait(&k->partner);
    trine_chan_free(k->to);
    trine_chan_free(k->from);
}

/* Two goroutines yield in turn; each of the pair's yields is an iteration on one P. */
static void yield_body(struct bench *k) {
    join_in(k, yield_partner);
    while (gbench_more(k->b, 2000))
        for (int i = 0; i < 1000; i++) trine_yield();
    __atomic_store_n(&k->stop, true, __ATOMIC_RELAXED);
    leave(k);
}

static void empty(void *arg) { trine_wg_done(arg); }

static void spawn_body(struct bench *k) {
    trine_wg wg = {0};
    while (gbench_more(k->b, 100))
        for (int i = 0; i < 100; i++, k->made++) {
            trine_wg_add(&wg, 1);
            if (trine_go(empty, &wg)) trine_wg_done(&wg);
            trine_wg_wait(&wg);
        }
}

static void echo(void *arg) {
    struct bench *k = arg;
    uint64_t v;
    while (trine_chan_recv(k->to, &v)) trine_chan_send(k->from, &v);
    trine_wg_done(&k->partner);
}

static void chan_body(struct bench *k) {
    uint64_t v = 0;
    k->to = trine_chan_make(sizeof v, 0);
    k->from = trine_chan_make(sizeof v, 0);
    join_in(k, echo);
    while (gbench_more(k->b, 200))
        for (int i = 0; i < 100; i++, k->made += 2) {
            trine_chan_send(k->to, &v);
            trine_chan_recv(k->from, &v);
        }
    trine_chan_close(k->to);
    leave(k);
}

static void drain(void *arg) {
    struct bench *k = arg;
    uint64_t v;
    while (trine_chan_recv(k->to, &v)) gbench_sink(v);
    trine_wg_done(&k->partner);
}

static void buffered_body(struct bench *k) {
    uint64_t v = 0;
    k->to = trine_chan_make(sizeof v, 128);
    join_in(k, drain);
    while (gbench_more(k->b, 1000))
        for (int i = 0; i < 1000; i++, k->made++) trine_chan_send(k->to, &v);
    trine_chan_close(k->to);
    leave(k);
}

static void mutex_body(struct bench *k) {
    trine_mutex m = {0};
    while (gbench_more(k->b, 1000))
        for (int i = 0; i < 1000; i++) {
            trine_mutex_lock(&m);
            trine_mutex_unlock(&m);
        }
}

static void nothing(void *arg) { (void)arg; }

static void timer_body(struct bench *k) {
    trine_timer t = {0};
    while (gbench_more(k->b, 100))
        for (int i = 0; i < 100; i++) {
            trine_timer_start(&t, INT64_C(3600000000000), nothing, NULL);
            trine_timer_stop(&t);
        }
}

static void syscall_body(struct bench *k) {
    while (gbench_more(k->b, 100))
        for (int i = 0; i < 100; i++) {
            trine_syscall_enter();
            gbench_sink((uint64_t)syscall(SYS_getppid));
            trine_syscall_exit();
        }
}

static void sleep_body(struct bench *k) {
    while (gbench_more(k->b, 10))
        for (int i = 0; i < 10; i++, k->made++) trine_sleep(1000);
}

/* ---- what the trace costs: the same yields without and with it, in turn, so that a slow drift meets both ---- */
enum { TRACED_YIELDS = 5000, TRACED_PAIRS = 4096 }; /* four events each, two of them the partner's: fewer than a ring holds */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int64_t yields_ns(void) {
    int64_t t0 = trine_nanotime();
    for (int i = 0; i < TRACED_YIELDS; i++) trine_yield();
    return trine_nanotime() - t0;
}

/* ns an event by one pair; negative where noise was larger. False: no trace, or an event was dropped. */
static bool traced_pair(struct bench *k, double *ns, double *events) {
    struct trine_stats before, after;
    int64_t off = yields_ns();
    gbench_pause(k->b);
    int err = trine_trace_start("/dev/null");
    trine_stats(&before);
    gbench_resume(k->b);
    int64_t on = yields_ns();
    gbench_pause(k->b);
    trine_stats(&after);
    if (!err) err = trine_trace_stop();
    gbench_resume(k->b);
    *events = (double)(after.trace_events - before.trace_events);
    *ns = *events > 0 ? (double)(on - off) / *events : 0;
    return err == 0 && *events > 0 && after.trace_dropped == before.trace_dropped;
}

static void traced_body(struct bench *k) {
    double *ns = malloc(TRACED_PAIRS * sizeof *ns), events = 0;
    int pairs = 0;
    join_in(k, yield_partner);
    while (ns && gbench_more(k->b, 2 * TRACED_YIELDS)) {
        if (pairs == TRACED_PAIRS) pairs = 0;
        if (!traced_pair(k, &ns[pairs++], &events)) gbench_skip(k->b, "no trace, or a full ring: the writer had no CPU");
    }
    __atomic_store_n(&k->stop, true, __ATOMIC_RELAXED);
    leave(k);
    if (pairs > 0) {
        qsort(ns, (size_t)pairs, sizeof *ns, by_value);
        gbench_counter(k->b, "ns_per_event", ns[pairs / 2]);
        gbench_counter(k->b, "ns_per_event_p25", ns[pairs / 4]);
        gbench_counter(k->b, "ns_per_event_p75", ns[pairs * 3 / 4]);
        gbench_counter(k->b, "events_per_yield", events / TRACED_YIELDS);
    }
    free(ns);
}

static void yield(struct gbench *b, int64_t procs) { run(b, procs, yield_body); }
static void trace_event(struct gbench *b, int64_t procs) { run(b, procs, traced_body); }
static void spawn_join(struct gbench *b, int64_t procs) { run(b, procs, spawn_body); }
static void chan_unbuffered(struct gbench *b, int64_t procs) { run(b, procs, chan_body); }
static void chan_buffered(struct gbench *b, int64_t procs) { run(b, procs, buffered_body); }
static void mutex(struct gbench *b, int64_t procs) { run(b, procs, mutex_body); }
static void timer(struct gbench *b, int64_t procs) { run(b, procs, timer_body); }
static void blocking_call(struct gbench *b, int64_t procs) { run(b, procs, syscall_body); }
static void sleep_wake(struct gbench *b, int64_t procs) { run(b, procs, sleep_body); }

void micro_runtime_register(void) {
    gbench_register("trine/yield/1", yield, 1, 1);
    gbench_register("trine/trace_event/1", trace_event, 1, 1);
    gbench_register("trine/spawn_join/1", spawn_join, 1, 1);
    gbench_register("trine/spawn_join/2", spawn_join, 2, 1);
    gbench_register("trine/chan_unbuffered/1", chan_unbuffered, 1, 1);
    gbench_register("trine/chan_unbuffered/2", chan_unbuffered, 2, 1);
    gbench_register("trine/chan_buffered/1", chan_buffered, 1, 1);
    gbench_register("trine/chan_buffered/2", chan_buffered, 2, 1);
    gbench_register("trine/mutex/1", mutex, 1, 1);
    gbench_register("trine/timer/1", timer, 1, 1);
    gbench_register("trine/blocking_call/1", blocking_call, 1, 1);
    gbench_register("trine/sleep_wake/1", sleep_wake, 1, 1);
}
