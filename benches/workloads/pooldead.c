/*
 * pooldead: how many jobs does a producer-consumer pool accept before it deadlocks, and who tells?
 *
 * Method       The classic mistake: the main task sends --tasks jobs to `workers` tasks, and only then begins
 *              to read their results (decoupled=0). It runs in a child of the driver, on the same backend,
 *              and counts each job accepted in shared memory. The child is watched: it ends by itself, or the
 *              count has stood still for settle_ms and it is ended from outside. decoupled=1: a task of its
 *              own reads the results.
 * Unit         jobs accepted. reported: 1 when the child ended by itself and its last words say deadlock.
 * Expectation  results + workers + jobs: each job accepted is a result stored, held by a worker, or in the
 *              queue. Goroutines: the runtime reports it. Threads: nobody does.
 * Falsified by any other count with decoupled=0; a deadlock with decoupled=1.
 * Known lies   A child that is merely slower than settle_ms would be taken for stuck: the count shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "crowd.h"
#include "workloads.h"

static const struct param pooldead_params[] = {
    {"workers", PARAM_INT, 1, 1000, "3", NULL, "tasks that take jobs and send results"},
    {"jobs", PARAM_INT, 0, 10000, "4", NULL, "capacity of the channel of jobs"},
    {"results", PARAM_INT, 0, 10000, "6", NULL, "capacity of the channel of results"},
    {"decoupled", PARAM_INT, 0, 1, "0", NULL, "1: results are read by a task of its own, from the start"},
    {"settle_ms", PARAM_INT, 1, 10000, "200", NULL, "how long the count must stand still before the child is ended"},
    {0},
};

enum { WORDS = 512 };

/* What the child leaves behind. */
struct outcome {
    _Atomic int64_t accepted, consumed;
    _Atomic bool running;
};

struct dead_pool {
    struct point *pt;
    struct outcome *out;
    be_chan *jobs, *results;
    struct be_wg workers, consumer;
    int64_t n;
    int words;                   /* the child's stderr */
};

/* One point a process: found in before, told in run. */
static struct verdict {
    int64_t accepted, consumed;
    bool ended, reported;
} verdict;

static void worker_task(void *arg) {
    struct dead_pool *p = arg;
    int64_t job;
    while (be_chan_recv(p->jobs, &job)) be_chan_send(p->results, &job);
    be_wg_done(&p->workers);
}

static void consume(struct dead_pool *p) {
    int64_t result;
    for (int64_t i = 0; i < p->n && be_chan_recv(p->results, &result); i++) atomic_fetch_add(&p->out->consumed, 1);
}

static void consumer_task(void *arg) {
    struct dead_pool *p = arg;
    consume(p);
    be_wg_done(&p->consumer);
}

static void pool_main(void *arg) {
    struct dead_pool *p = arg;
    bool decoupled = point_int(p->pt, "decoupled");
    int64_t workers = point_int(p->pt, "workers");
    p->jobs = be_chan_make(sizeof(int64_t), (size_t)point_int(p->pt, "jobs"));
    p->results = be_chan_make(sizeof(int64_t), (size_t)point_int(p->pt, "results"));
    if (!p->jobs || !p->results || !crowd_go(p->pt, &p->workers, worker_task, p, 0, (uint64_t)workers)) _exit(1);
    if (decoupled && !crowd_go(p->pt, &p->consumer, consumer_task, p, 0, 1)) _exit(1);
    atomic_store(&p->out->running, true);
    for (int64_t i = 0; i < p->n; i++) {
        be_chan_send(p->jobs, &i);
        atomic_fetch_add(&p->out->accepted, 1);
    }
    be_chan_close(p->jobs);
    if (decoupled) be_wg_wait(&p->consumer);
    else consume(p);
    be_wg_wait(&p->workers);
}

static void child_main(void *arg) {
    struct dead_pool *p = arg;
    dup2(p->words, STDERR_FILENO);
    be_run(&p->pt->config, pool_main, p);
}

/* Waits until the child has ended or its count stands still; true with its exit status when it ended. */
static bool watch(const struct dead_pool *p, pid_t pid, int64_t settle_ns, int *status) {
    enum { LOOK_NS = 2000000, START_S = 10 };
    int64_t seen = -1, since_ns = child_now_ns();
    for (;;) {
        if (waitpid(pid, status, WNOHANG) == pid) return true;
        int64_t now_ns = child_now_ns(), count = atomic_load(&p->out->accepted) + atomic_load(&p->out->consumed);
        if (count != seen) since_ns = now_ns;
        seen = count;
        if (now_ns - since_ns > (atomic_load(&p->out->running) ? settle_ns : START_S * (int64_t)1000000000)) break;
        child_nap_ns(LOOK_NS);
    }
    child_stop(pid);
    return false;
}

/* The pipe holds what the child said: it has ended, so the read does not wait. */
static bool said_deadlock(int fd) {
    char words[WORDS + 1];
    ssize_t got = read(fd, words, WORDS);
    words[got > 0 ? got : 0] = '\0';
    return strstr(words, "deadlock") != NULL;
}

static bool pooldead_before(struct point *pt) {
    struct dead_pool p = {.pt = pt, .n = pt->tasks, .out = child_shared(sizeof *p.out)};
    int fds[2], status = 0;
    if (!p.out || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        point_fail(pt, "no pipe or shared memory for the child: %s", strerror(errno));
        return false;
    }
    p.words = fds[1];
    pid_t pid = child_start(child_main, &p);
    if (pid > 0) {
        verdict.ended = watch(&p, pid, point_int(pt, "settle_ms") * 1000000, &status);
        verdict.reported = verdict.ended && WIFEXITED(status) && WEXITSTATUS(status) != 0 && said_deadlock(fds[0]);
        verdict.accepted = atomic_load(&p.out->accepted);
        verdict.consumed = atomic_load(&p.out->consumed);
        if (!atomic_load(&p.out->running) || (verdict.ended && status != 0 && !verdict.reported))
            point_fail(pt, "the child ended without a deadlock: status %d", status);
    } else {
        point_fail(pt, "the child could not be forked: %s", strerror((int)-pid));
    }
    close(fds[0]);
    close(fds[1]);
    return pt->status == POINT_OK;
}

/* The deadlock is over by now; what is left is to tell it. An operation is a child that came to its outcome. */
static void pooldead_run(struct point *pt) {
    bool finished = verdict.consumed == pt->tasks;
    point_begin(pt);
    point_sample(pt, (double)verdict.accepted);
    point_end(pt);
    point_operations(pt, 1, finished || verdict.reported || !verdict.ended);
    point_metric(pt, "capacity", (double)(point_int(pt, "results") + point_int(pt, "workers") + point_int(pt, "jobs")),
                 "jobs", "higher");
    point_metric(pt, "finished", finished, "1", "higher");
    point_metric(pt, "reported", verdict.reported, "1", "higher");
    point_metric(pt, "consumed", (double)verdict.consumed, "jobs", "higher");
}

static int64_t pooldead_parked(const struct point *pt) {
    return point_int(pt, "workers") + point_int(pt, "decoupled");
}

const struct workload pooldead = {
    .name = "pooldead",
    .doc = "a producer-consumer pool that deadlocks: jobs accepted until then, and whether the runtime tells",
    .metric = "accepted", .unit = "jobs", .better = "higher",
    .tasks = 50, .tasks_min = 1, .tasks_max = 1000000,
    .params = pooldead_params,
    .parked = pooldead_parked,
    .before = pooldead_before,
    .run = pooldead_run,
};
