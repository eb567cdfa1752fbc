/*
 * functimer.c: trine_timer: a function that runs in a goroutine of its own at some time. Floor 8.
 *
 * The timer proper is malloc's memory, since it must outlive the public struct's moves and stand in a heap. Its life: made by
 * the first start, armed again by start or reset, freed by stop, once it stands in no heap and no M is inside its fire
 * function.
 *
 * The public struct is one word: 0 before the first start; the timer's address; or, when it was stopped, what a reset
 * needs to make it anew (below), so that stop can give the memory back and a reset behind it arms the timer, as in Go.
 * Its lowest bit is a lock: start, stop and reset of one timer exclude each other, from whichever goroutines they come,
 * and firing races with them in timer.c alone. The bit is held between rt_enter and rt_leave only, where nobody is
 * preempted, and nothing parks under it: so who waits for it may spin, as for any lock of the runtime. malloc and free
 * are called outside (sched.h says why), with the bit off.
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

/* ---- the word ----
 * Of a stopped timer: arg shifted up by ARG_SHIFT, the number of fn, KEPT, STOPPED. An arg is kept if 49 bits with a sign
 * hold it: every address that a program has, every int. Rejected: to keep the memory of a stopped timer, for which the
 * program, whose last call on a timer is stop, would have no call left; and a reset that refuses a stopped timer, which
 * makes a fatal error, or a lost reset, of a timer that resets itself while another goroutine stops it. */
enum { HELD = 1, STOPPED = 2, KEPT = 4, FN_SHIFT = 3, FN_BITS = 12, ARG_SHIFT = FN_SHIFT + FN_BITS, PROBES = 16 };
_Static_assert(sizeof(intptr_t) == 8, "a stopped timer's word has room for an address");

/* The functions of timers that were stopped, by number. A program has few; none leaves. */
static at_ptr functions[1 << FN_BITS];

/* Its number, or -1: there are too many. */
static int number_of(trine_fn fn)
{
    uint32_t hash = (uint32_t)(((uintptr_t)fn * 0x9E3779B97F4A7C15ull) >> (64 - FN_BITS));
    for (uint32_t n = 0; n < PROBES; n++) {
        uint32_t i = (hash + n) % (1u << FN_BITS);
        void *there = atp_load_rlx(&functions[i]);
        if (!there && atp_cas_rlx(&functions[i], NULL, (void *)fn)) return (int)i; /* the word that holds i orders it */
        if (atp_load_rlx(&functions[i]) == (void *)fn) return (int)i;
    }
    return -1;
}

static intptr_t arg_in(uintptr_t word) { return (intptr_t)word >> ARG_SHIFT; }

static uintptr_t stopped_word(const struct functimer *f)
{
    uintptr_t arg = (uintptr_t)f->arg << ARG_SHIFT;
    int fn = arg_in(arg) == (intptr_t)f->arg ? number_of(f->fn) : -1;
    return fn < 0 ? STOPPED : arg | (uintptr_t)fn << FN_SHIFT | KEPT | STOPPED;
}

static void unpack(struct functimer *f, uintptr_t word)
{
    if (!(word & KEPT)) rt_throw("trine_timer_reset called on a stopped timer whose function and arg were not kept: start it");
    f->fn = (trine_fn)atp_load_rlx(&functions[word >> FN_SHIFT & ((1u << FN_BITS) - 1)]);
    f->arg = (void *)arg_in(word);
}

static uintptr_t hold(trine_timer *t)
{
    at_ptr *word = AT_PTR(&t->impl);
    for (unsigned i = 1;; i++) {
        void *old = atp_load_rlx(word);
        if (!((uintptr_t)old & HELD) && atp_cas_acq(word, old, (void *)((uintptr_t)old | HELD))) return (uintptr_t)old;
        at_pause();
        if (i % RT_LOCK_PAUSES_LAST == 0) rt_osyield();
    }
}

static void let_go(trine_timer *t, uintptr_t word)
{
    atp_store_rel(AT_PTR(&t->impl), (void *)word); /* partner: the acquire in hold */
}

static struct functimer *functimer_of(uintptr_t word) { return word & STOPPED ? NULL : (struct functimer *)word; }

/* A timer that is held, with memory behind it. */
struct held {
    struct g *gp;
    uintptr_t word;           /* as it was */
    struct functimer *f;      /* its own, or the spare */
    struct functimer *spare;  /* brought along; to be freed if it was not needed */
};

/* Enters the runtime and holds t. unstarted: what to say of one that was never started, or NULL: it may be. False: no memory. */
static bool take(struct held *h, trine_timer *t, const char *what, const char *unstarted)
{
    h->spare = NULL;
    for (;;) {
        h->gp = rt_enter(what);
        h->word = t ? hold(t) : 0;
        if (h->word == 0 && unstarted) rt_throw("%s", unstarted);
        struct functimer *own = functimer_of(h->word);
        h->f = own ? own : h->spare;
        if (h->f) return true;
        let_go(t, h->word);
        rt_leave(h->gp);
        if (rt_os_fail(OS_MALLOC) || !(h->spare = calloc(1, sizeof *h->spare))) return false;
    }
}

/* Lets go, wakes who must hear of the time armed, and leaves. */
static void leave(const struct held *h, trine_timer *t, uintptr_t word, int64_t sooner)
{
    let_go(t, word);
    if (sooner) rt_wakenetpoller(sooner);
    rt_leave(h->gp);
    if (word != (uintptr_t)h->spare) free(h->spare);
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

static int start(struct held *h, int64_t ns, int64_t *sooner, trine_fn fn, void *arg, void *pc)
{
    struct functimer *f = h->f;
    *sooner = 0;
    if (atp_load_acq(&f->t.ts)) return -EBUSY;
    rt_timers_sync(&f->t); /* its last fire still reads fn and arg */
    f->fn = fn;
    f->arg = arg;
    f->pc = pc;
    return arm(f, ns, sooner);
}

/* ---- public ---- */
int trine_timer_start(trine_timer *t, int64_t ns, trine_fn fn, void *arg)
{
    rt_leave(rt_enter("trine_timer_start"));
    if (!t || !fn) return -EINVAL;
    struct held h;
    if (!take(&h, t, "trine_timer_start", NULL)) return -ENOMEM;
    int64_t sooner;
    int err = start(&h, ns, &sooner, fn, arg, __builtin_return_address(0));
    leave(&h, t, err ? h.word : (uintptr_t)h.f, sooner);
    return err;
}

bool trine_timer_stop(trine_timer *t)
{
    struct g *gp = rt_enter("trine_timer_stop");
    struct functimer *f = NULL;
    bool pending = false;
    if (t) {
        uintptr_t word = hold(t);
        f = functimer_of(word);
        if (f) {
            pending = disarm(f);
            word = stopped_word(f);
        }
        let_go(t, word);
    }
    rt_leave(gp);
    free(f);
    return pending;
}

bool trine_timer_reset(trine_timer *t, int64_t ns)
{
    struct held h;
    if (!take(&h, t, "trine_timer_reset", "trine_timer_reset called on a timer that was never started")) {
        rt_throw("out of memory: timer");
    }
    bool pending = false;
    if (h.word & STOPPED) {
        unpack(h.f, h.word);
        h.f->pc = __builtin_return_address(0);
    } else {
        pending = disarm(h.f);
    }
    int64_t sooner;
    if (arm(h.f, ns, &sooner) < 0) rt_throw("out of memory: timer heap");
    leave(&h, t, (uintptr_t)h.f, sooner);
    return pending;
}
