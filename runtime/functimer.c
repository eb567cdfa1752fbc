/*
 * functimer.c: trine_timer: a function that runs in a goroutine of its own at some time. Floor 8.
 *
 * The timer proper is malloc's memory, since it must outlive the public struct's moves and stand in a heap. Its life: made by
 * the first start, armed again by start or reset, freed by stop, once it stands in no heap and no M is inside its fire
 * function. The public struct keeps the function and its arg, so a reset behind a stop arms the timer as in Go.
 *
 * Racing sides: start, stop and reset of one timer, from whichever goroutines, exclude each other by the lowest bit of
 * `impl`; firing races with them in timer.c alone. The bit is held between rt_enter and rt_leave only, where nobody is
 * preempted, and nothing parks under it: so who waits for it may spin, as for any lock of the runtime. malloc and free are
 * called outside (sched.h says why), with the bit off.
 */
#include "wait.h"

#include <errno.h>
#include <stdlib.h>

struct functimer {
    struct timer t;
    trine_fn fn;
    void *arg;
    void *pc; /* who armed it from nothing, for dumps */
};

/* ---- the lock of a timer ---- */
enum { HELD = 1 };

static struct functimer *hold(trine_timer *t)
{
    at_ptr *word = AT_PTR(&t->impl);
    for (unsigned i = 1;; i++) {
        void *old = atp_load_rlx(word);
        if (!((uintptr_t)old & HELD) && atp_cas_acq(word, old, (void *)((uintptr_t)old | HELD))) return old;
        at_pause();
        if (i % RT_LOCK_PAUSES_LAST == 0) rt_osyield();
    }
}

static void let_go(trine_timer *t, struct functimer *f)
{
    atp_store_rel(AT_PTR(&t->impl), f); /* partner: the acquire in hold */
}

/* A timer that is held, with memory behind it. */
struct held {
    struct g *gp;
    struct functimer *own;   /* NULL: it was stopped, or never started */
    struct functimer *f;     /* its own, or the spare */
    struct functimer *spare; /* brought along; to be freed if it was not needed */
};

/* Enters the runtime and holds t. Of misuse: what to say of a timer that was never started, NULL: it may be. False: no memory. */
static bool take(struct held *h, trine_timer *t, const char *what, const char *misuse)
{
    h->spare = NULL;
    for (;;) {
        h->gp = rt_enter(what);
        if (!t) rt_throw("%s", misuse);
        h->own = hold(t);
        if (!t->fn && misuse) rt_throw("%s", misuse);
        h->f = h->own ? h->own : h->spare;
        if (h->f) return true;
        let_go(t, NULL);
        rt_leave(h->gp);
        if (rt_os_fail(OS_MALLOC) || !(h->spare = calloc(1, sizeof *h->spare))) return false;
    }
}

/* Lets go, wakes who must hear of the time armed, and leaves. f: what is the timer's own from now on. */
static void leave(const struct held *h, trine_timer *t, struct functimer *f, int64_t sooner)
{
    let_go(t, f);
    if (sooner) rt_wakenetpoller(sooner);
    rt_leave(h->gp);
    if (f != h->spare) free(h->spare);
}

/* ---- the timer: all of this with it held ---- */
static void fire(struct timer *t, struct glist *ready)
{
    struct functimer *f = t->arg;
    int err = rt_newproc(f->fn, f->arg, NULL, 0, f->pc, ready);
    if (err < 0) rt_throw("out of memory: no goroutine for a timer (errno %d)", -err);
}

/* Arms f, which stands in no heap and is not firing. 0 or -ENOMEM; *sooner: when, if a poller may have to be woken for it. */
static int arm(struct functimer *f, int64_t ns, int64_t *sooner)
{
    int64_t when = rt_deadline(rt_nanotime(), ns < 0 ? 0 : ns);
    f->t.fire = fire;
    f->t.arg = f;
    int r = rt_timers_add(rt_getm()->p, &f->t, when);
    *sooner = r > 0 && (r & TIMER_SOONER) ? when : 0;
    return r < 0 ? r : 0;
}

/* True: it was pending. After it, f is in no heap and its fire does not run: all of it may be changed, or freed. */
static bool disarm(struct functimer *f)
{
    bool pending = rt_timers_remove(&f->t);
    rt_timers_sync(&f->t);
    return pending;
}

/* ---- public ---- */
int trine_timer_start(trine_timer *t, int64_t ns, trine_fn fn, void *arg)
{
    struct held h;
    int64_t sooner = 0;
    int err = -EBUSY;
    rt_leave(rt_enter("trine_timer_start"));
    if (!t || !fn) return -EINVAL;
    if (!take(&h, t, "trine_timer_start", NULL)) return -ENOMEM;
    if (!atp_load_acq(&h.f->t.ts)) {
        rt_timers_sync(&h.f->t); /* its last fire still reads fn and arg */
        h.f->fn = t->fn = fn;
        h.f->arg = t->arg = arg;
        h.f->pc = __builtin_return_address(0);
        err = arm(h.f, ns, &sooner);
    }
    leave(&h, t, err ? h.own : h.f, sooner);
    return err;
}

bool trine_timer_stop(trine_timer *t)
{
    struct g *gp = rt_enter("trine_timer_stop");
    struct functimer *f = t ? hold(t) : NULL;
    bool pending = f && disarm(f);
    if (t) let_go(t, NULL);
    rt_leave(gp);
    free(f);
    return pending;
}

bool trine_timer_reset(trine_timer *t, int64_t ns)
{
    struct held h;
    int64_t sooner;
    if (!take(&h, t, "trine_timer_reset", "trine_timer_reset called on a timer that was never started")) {
        rt_throw("out of memory: timer");
    }
    bool pending = h.own && disarm(h.own);
    if (!h.own) {
        h.f->fn = t->fn;
        h.f->arg = t->arg;
        h.f->pc = __builtin_return_address(0);
    }
    if (arm(h.f, ns, &sooner) < 0) rt_throw("out of memory: timer heap");
    leave(&h, t, h.f, sooner);
    return pending;
}
