/*
 * Admission: see admission.h. The counts are only counts: `queued` bounds the channel, whose capacity is as
 * large, so a send to it never parks.
 */
#include "admission.h"

#include <string.h>

#include "crowd.h"

const char *const admission_names[] = {"unlimited", "limit", "pool", NULL};

struct job {
    int (*handle)(void *arg);
    void *arg;
    struct be_wg done;           /* not a semaphore: its release may read it after the waiter has gone on */
    int64_t queued_ns;
    int status;
};

static int count_and_run(struct admission *a, int (*handle)(void *arg), void *arg) {
    int64_t now = atomic_fetch_add(&a->under_way, 1) + 1, peak = atomic_load(&a->peak);
    int status = 503;
    if (a->policy != ADMIT_LIMIT || now <= a->limit) {
        while (now > peak && !atomic_compare_exchange_weak(&a->peak, &peak, now)) {}
        status = handle(arg);
    }
    atomic_fetch_sub(&a->under_way, 1);
    return status;
}

static void worker_task(void *arg) {
    struct admission *a = arg;
    struct job *j;
    while (be_chan_recv(a->jobs, &j)) {
        atomic_fetch_sub(&a->queued, 1);
        j->status = point_now() - j->queued_ns > a->timeout_ns ? 504 : count_and_run(a, j->handle, j->arg);
        be_wg_done(&j->done);
    }
    be_wg_done(&a->workers);
}

int admission_run(struct admission *a, int (*handle)(void *arg), void *arg) {
    if (a->policy != ADMIT_POOL) return count_and_run(a, handle, arg);
    struct job job = {.handle = handle, .arg = arg, .queued_ns = point_now()}, *j = &job;
    if (atomic_fetch_add(&a->queued, 1) >= a->queue) {
        atomic_fetch_sub(&a->queued, 1);
        return 503;
    }
    be_wg_add(&job.done, 1);
    be_chan_send(a->jobs, &j);
    be_wg_wait(&job.done);
    return job.status;
}

bool admission_open(struct point *pt, struct admission *a) {
    *a = (struct admission){.limit = point_int(pt, "limit"), .queue = point_int(pt, "queue"),
                            .timeout_ns = point_int(pt, "queue_timeout_ms") * 1000000};
    while (strcmp(admission_names[a->policy], point_text(pt, "admission"))) a->policy++;
    if (a->policy != ADMIT_POOL) return true;
    a->jobs = be_chan_make(sizeof(struct job *), (size_t)a->queue);
    if (!a->jobs) point_fail(pt, "no memory for a queue of %lld", (long long)a->queue);
    return a->jobs && crowd_go(pt, &a->workers, worker_task, a, 0, (uint64_t)a->limit);
}

void admission_close(struct admission *a) {
    if (!a->jobs) return;
    be_chan_close(a->jobs);
    be_wg_wait(&a->workers);
    be_chan_free(a->jobs);
}
