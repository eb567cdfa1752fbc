/*
 * mutex.c: the mutex. Floor 8; fast paths in sync.h.
 *
 * In the normal mode a woken waiter competes with newcomers, who are already running and mostly win: throughput. One
 * that failed for 1 ms turns on starvation: ownership goes from hand to hand in order, until a waiter that was the
 * last, or that waited less, turns it off: fairness. While the starving bit is set the locked bit may be off: the
 * mutex is on its way to the waiter that unlock has woken, and nobody else may take it.
 */
#include "runq.h"
#include "sema.h"
#include "sync.h"

void rt_throw_null(const char *what) { rt_throw("%s: NULL pointer", what); }

__attribute__((noreturn, cold, noinline)) static void throw_mutex_state(void)
{
    rt_throw("sync: inconsistent mutex state");
}

/* Polling makes sense while the holder may be running: another P is busy, and nothing waits for this one. */
static bool mutex_can_spin(const struct g *gp, int round)
{
    struct p *pp = gp->m->p;
    uint32_t away = at32_load_rlx(&rt_sched.npidle) + at32_load_rlx(&rt_sched.nmspinning) + 1;
    return round < RT_MUTEX_SPINS && !pp->solo && (uint32_t)rt_nprocs() > away &&
           rt_runqlen(pp) == 0 && !atp_load_rlx(&pp->runnext);
}

/* The mutex was handed over in starvation mode: take it, leave the waiters, perhaps leave the mode. */
static void mutex_take_over(struct g *gp, at_u32 *word, uint32_t old, bool starving)
{
    if ((old & (MUTEX_LOCKED | MUTEX_WOKEN)) || old >> MUTEX_SHIFT == 0) throw_mutex_state();
    uint32_t delta = MUTEX_LOCKED - (uint32_t)MUTEX_WAITER;
    if (!starving || old >> MUTEX_SHIFT == 1) delta -= MUTEX_STARVING;
    rt_gadd32(gp, word, delta);
}

/* What this goroutine has been through since it began to ask for the mutex. */
struct mutex_wait {
    int64_t since; /* 0: not parked yet */
    bool starving, awoke;
    int round;
};

/* Polls once if that makes sense. The woken bit tells unlock that somebody is there already. */
static bool mutex_spin(struct g *gp, at_u32 *word, uint32_t old, struct mutex_wait *w)
{
    if ((old & (MUTEX_LOCKED | MUTEX_STARVING)) != MUTEX_LOCKED || !mutex_can_spin(gp, w->round)) return false;
    if (!w->awoke && !(old & MUTEX_WOKEN) && old >> MUTEX_SHIFT && rt_gcas32(gp, word, old, old | MUTEX_WOKEN)) {
        w->awoke = true;
    }
    for (int i = 0; i < RT_MUTEX_SPIN_PAUSES; i++) at_pause();
    w->round++;
    return true;
}

/* Somebody was faster. Another try at once would take the line from who has it now, and lose again. */
static void mutex_back_off(const struct g *gp)
{
    if (!mutex_can_spin(gp, 0)) return;
    for (int i = 0; i < RT_MUTEX_MISS_PAUSES; i++) at_pause();
}

void rt_mutex_lock_slow(struct g *gp, trine_mutex *m)
{
    at_u32 *word = AT_U32(&m->state);
    struct mutex_wait w = {0};
    for (;;) {
        uint32_t old = at32_load_rlx(word);
        if (mutex_spin(gp, word, old, &w)) continue;
        uint32_t new = old;
        if (!(old & MUTEX_STARVING)) new |= MUTEX_LOCKED; /* a starving mutex is not for newcomers */
        if (old & (MUTEX_LOCKED | MUTEX_STARVING)) new += MUTEX_WAITER;
        if (w.starving && (old & MUTEX_LOCKED)) new |= MUTEX_STARVING; /* only then a waiter is there for unlock */
        if (w.awoke) {
            if (!(new & MUTEX_WOKEN)) throw_mutex_state();
            new &= ~(uint32_t)MUTEX_WOKEN;
        }
        if (!rt_gcas32(gp, word, old, new)) {
            mutex_back_off(gp);
            continue;
        }
        if (!(old & (MUTEX_LOCKED | MUTEX_STARVING))) return;
        bool again = w.since != 0;
        if (!again) w.since = rt_nanotime();
        rt_semacquire(&m->sema, gp, again, WR_MUTEX);
        w.starving = w.starving || rt_nanotime() - w.since > RT_MUTEX_STARVING_NS;
        old = at32_load_acq(word);
        if (old & MUTEX_STARVING) {
            mutex_take_over(gp, word, old, w.starving);
            return;
        }
        w.awoke = true;
        w.round = 0;
    }
}

void rt_mutex_unlock_slow(struct g *gp, trine_mutex *m, uint32_t dropped)
{
    at_u32 *word = AT_U32(&m->state);
    if (!((dropped + MUTEX_LOCKED) & MUTEX_LOCKED)) rt_throw("sync: unlock of unlocked mutex");
    if (dropped & MUTEX_STARVING) { /* the locked bit stays off until the waiter sets it; starving keeps others out */
        at64_bump(&gp->m->p->count.mutex_handoffs, 1); /* before: the release may switch */
        rt_semrelease(&m->sema, gp, true);
        return;
    }
    for (uint32_t old = dropped;; old = at32_load_rlx(word)) {
        /* nobody waits, or somebody else has taken it, was woken, or hands it on */
        if (old >> MUTEX_SHIFT == 0 || (old & (MUTEX_LOCKED | MUTEX_WOKEN | MUTEX_STARVING))) return;
        if (rt_gcas32(gp, word, old, (old - MUTEX_WAITER) | MUTEX_WOKEN)) break;
    }
    rt_semrelease(&m->sema, gp, false);
}

/*
 * ---- public ----
 * A lock that nobody holds and an unlock that wakes nobody are a leaf each (rt_leaf): one locked instruction, before which
 * nothing was stored that it would have to wait for. With a single P, or one that alone runs, where no locked one is
 * needed (a stale answer costs one, no more: glock.h asks again), the bracket stays. A goroutine that outlives its run may
 * have been stopped right before its locked instruction, and does it later: on a mutex that a later run shares it may be one
 * too many.
 */
static inline bool needs_locked(void) { return !at32_load_rlx(&rt_sched.lone); }

static inline bool mutex_lock_leaf(struct g *gp, at_u32 *word)
{
    if (needs_locked()) {
        uint32_t old = at32_load_rlx(word);
        return mutex_is_free(old) && at32_cas_ar(word, old, old | MUTEX_LOCKED);
    }
    bool got = rt_hold(gp) && mutex_try(gp, word);
    rt_leave(gp);
    return got;
}

/* False: nothing was done, since the call has to give way. dropped: as for rt_mutex_unlock_slow. */
static inline bool mutex_unlock_leaf(struct g *gp, at_u32 *word, uint32_t *dropped)
{
    if (needs_locked()) {
        *dropped = at32_add_ar(word, -(uint32_t)MUTEX_LOCKED) - MUTEX_LOCKED;
        return true;
    }
    bool stays = rt_hold(gp);
    if (stays) *dropped = rt_gadd32(gp, word, -(uint32_t)MUTEX_LOCKED);
    rt_leave(gp);
    return stays;
}

/* No leaf: the call has to give way, or is misuse. */
static __attribute__((noinline)) void mutex_lock(trine_mutex *m)
{
    struct g *gp = rt_enter("trine_mutex_lock");
    RT_CHECK_PTR(m, "trine_mutex_lock");
    rt_mutex_lock(gp, m);
    rt_leave(gp);
}

/* Somebody has it, or the call has to give way. */
static __attribute__((noinline)) void mutex_lock_rest(trine_mutex *m)
{
    struct g *gp = rt_enter("trine_mutex_lock");
    rt_mutex_lock_slow(gp, m);
    rt_leave(gp);
}

void trine_mutex_lock(trine_mutex *m)
{
    struct g *gp = rt_getg();
    if (__builtin_expect(!m || !rt_leaf(gp), 0)) {
        mutex_lock(m);
        return;
    }
    if (__builtin_expect(!mutex_lock_leaf(gp, AT_U32(&m->state)), 0)) mutex_lock_rest(m);
}

static __attribute__((noinline)) void mutex_unlock(trine_mutex *m)
{
    struct g *gp = rt_enter("trine_mutex_unlock");
    RT_CHECK_PTR(m, "trine_mutex_unlock");
    rt_mutex_unlock(gp, m);
    rt_leave(gp);
}

/* Somebody waits, or nobody had locked it. dropped: as for rt_mutex_unlock_slow. */
static __attribute__((noinline)) void mutex_unlock_rest(trine_mutex *m, uint32_t dropped)
{
    struct g *gp = rt_enter("trine_mutex_unlock");
    rt_mutex_unlock_slow(gp, m, dropped);
    rt_leave(gp);
}

void trine_mutex_unlock(trine_mutex *m)
{
    struct g *gp = rt_getg();
    if (__builtin_expect(!m || !rt_leaf(gp), 0)) {
        mutex_unlock(m);
        return;
    }
    uint32_t dropped;
    if (__builtin_expect(!mutex_unlock_leaf(gp, AT_U32(&m->state), &dropped), 0)) mutex_unlock(m);
    else if (__builtin_expect(!mutex_wakes_nobody(dropped), 0)) mutex_unlock_rest(m, dropped);
}

bool trine_mutex_trylock(trine_mutex *m)
{
    struct g *gp = rt_enter("trine_mutex_trylock");
    RT_CHECK_PTR(m, "trine_mutex_trylock");
    bool got = mutex_try(gp, AT_U32(&m->state));
    rt_leave(gp);
    return got;
}

