/*
 * functimer.c: trine_timer: a function that runs in a goroutine of its own at some time. Floor 8.
 *
 * The timer proper is malloc's memory, since it must outlive the public struct's moves and stand in a heap. malloc is
 * called outside of rt_enter and rt_leave (sched.h says why). Its life: made by the first start, armed again by start
 * or reset, freed by stop, once it stands in no heap and no M is inside its fire function. A program uses one timer
 * from one goroutine at a time, or guards it; firing may race with any of these.
 */
#include "wait.h"

#include <errno.h>
#include <stdlib.h>

struct functimer {
    struct timer t;
    trine_fn fn;
    void *arg;
    void *pc; /* who started it, for dumps */
};

static void fire(struct timer *t, struct glist *ready)
{
    struct functimer *f = t->arg;
    int err = rt_newproc(f->fn, f->arg, NULL, 0, f->pc, ready);
    if (err < 0) rt_throw("out of memory: no goroutine for a timer (errno %d)", -err);
}

/* Arms f, which stands in no heap and is not firing. 0 or -ENOMEM. */
static int arm(struct functimer *f, int64_t ns)
{
    int64_t when = rt_deadline(rt_nanotime(), ns < 0 ? 0 : ns);
    int r = rt_timers_add(rt_getm()->p, &f->t, when);
    if (r < 0) return r;
    if (r & TIMER_SOONER) rt_wakenetpoller(when);
    return 0;
}

/* True: it was pending. After it, f is in no heap and its fire does not run: all of it may be changed, or freed. */
static bool disarm(struct functimer *f)
{
    bool pending = rt_timers_remove(&f->t);
    rt_timers_sync(&f->t);
    return pending;
}

int trine_timer_start(trine_timer *t, int64_t ns, trine_fn fn, void *arg)
{
    struct g *gp = rt_enter("trine_timer_start");
    struct functimer *f = t ? t->impl : NULL;
    int err = t && fn ? 0 : -EINVAL;
    if (f && err == 0) {
        if (atp_load_acq(&f->t.ts)) err = -EBUSY;
        else rt_timers_sync(&f->t); /* its last fire still reads fn and arg */
    }
    rt_leave(gp);
    if (err) return err;
    if (!f && (rt_os_fail(OS_MALLOC) || !(f = calloc(1, sizeof *f)))) return -ENOMEM;
    gp = rt_enter("trine_timer_start");
    f->t.fire = fire;
    f->t.arg = f;
    f->fn = fn;
    f->arg = arg;
    f->pc = __builtin_return_address(0);
    err = arm(f, ns);
    rt_leave(gp);
    if (err < 0 && !t->impl) free(f);
    else t->impl = f;
    return err;
}

bool trine_timer_stop(trine_timer *t)
{
    struct g *gp = rt_enter("trine_timer_stop");
    struct functimer *f = t ? t->impl : NULL;
    bool pending = false;
    if (f) {
        pending = disarm(f);
        t->impl = NULL;
    }
    rt_leave(gp);
    free(f);
    return pending;
}

bool trine_timer_reset(trine_timer *t, int64_t ns)
{
    struct g *gp = rt_enter("trine_timer_reset");
    struct functimer *f = t ? t->impl : NULL;
    if (!f) rt_throw("trine_timer_reset called on a timer that was never started, or was stopped");
    bool pending = disarm(f);
    if (arm(f, ns) < 0) rt_throw("out of memory: timer heap");
    rt_leave(gp);
    return pending;
}
