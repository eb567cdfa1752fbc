/* Ringing at computed times: see pacer.h. */
#include "pacer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

enum { LOOK_NS = 100000, SPIN_NS = 200000 };

struct ringer {
    struct pacer_shared *shared;
    int bell;
    bool spin;
};

static void wait_until(int64_t at_ns, bool spin) {
    int64_t left = at_ns - child_now_ns(), sleep_until = spin ? at_ns - SPIN_NS : at_ns;
    struct timespec ts = {sleep_until / 1000000000, sleep_until % 1000000000};
    if (left > (spin ? SPIN_NS : 0))
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {}
    while (spin && child_now_ns() < at_ns) {}
}

bool pacer_play(struct pacer_shared *s, int bell, bool spin) {
    struct sched_param lowest = {.sched_priority = 1};
    if (!spin) sched_setscheduler(0, SCHED_FIFO, &lowest);   /* refused without the right: the lag shows it */
    for (uint64_t i = 0; i < s->n; i++) {
        int64_t at_ns = s->start_ns + s->rings[i].intended_ns;
        wait_until(at_ns, spin);
        s->rings[i].lag_ns = child_now_ns() - at_ns;
        if (write(bell, "", 1) != 1) return false;   /* the driver is gone */
    }
    return true;
}

static void ringer_main(void *arg) {
    const struct ringer *r = arg;
    for (uint64_t series = 1;; series++) {
        while (atomic_load(&r->shared->asked) < series) child_nap_ns(LOOK_NS);
        if (!pacer_play(r->shared, r->bell, r->spin)) return;
        atomic_store(&r->shared->done, series);
    }
}

int pacer_start(struct pacer *p, uint64_t room, bool spin) {
    int ends[2];
    *p = (struct pacer){.bell = -1, .room = room};
    p->shared = child_shared(sizeof *p->shared + room * sizeof p->shared->rings[0]);
    if (!p->shared) return -ENOMEM;
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    struct ringer r = {p->shared, ends[1], spin};
    p->pid = child_start(ringer_main, &r);
    close(ends[1]);
    p->bell = ends[0];
    return p->pid < 0 ? (int)p->pid : 0;
}

void pacer_ring(struct pacer *p, uint64_t n, int64_t start_ns) {
    p->shared->n = n;
    p->shared->start_ns = start_ns;
    atomic_fetch_add(&p->shared->asked, 1);
}

void pacer_finish(struct pacer *p) {
    while (atomic_load(&p->shared->done) < atomic_load(&p->shared->asked)) child_nap_ns(LOOK_NS);
}

void pacer_stop(struct pacer *p) {
    child_stop(p->pid);
    if (p->bell >= 0) close(p->bell);
    p->pid = 0;
    p->bell = -1;
}
