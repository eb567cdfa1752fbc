/*
 * wg.c: the wait group. Floor 8.
 *
 * state: counter in the high half, waiters in the low half, one atomic word. The waiters' queue and its lock are
 * those of the structure's semaphore, whose count is not used. Who brings the counter to 0 with waiters there is the last
 * done: it takes them all. A waiter counts itself and enqueues itself in one section of the lock, so the last done,
 * which takes the lock after it has seen the count, finds every waiter that it saw.
 *
 * A wait group may be freed as soon as the wait has returned: the waiters are taken off under the lock and readied
 * after that, and a woken one does not look at it again. (So Go's "WaitGroup is reused before previous Wait has
 * returned", which is found by such a look, is not reported.)
 */
#include "sync.h"

static struct lock *wg_lock(trine_wg *wg) { return (struct lock *)(void *)&wg->sema.lock; }
static int32_t wg_counter(uint64_t state) { return (int32_t)(state >> 32); }
static uint32_t wg_waiters(uint64_t state) { return (uint32_t)state; }

#define WG_MISUSE "sync: WaitGroup misuse: Add called concurrently with Wait"

static void wg_wake(struct g *gp, trine_wg *wg, uint64_t state)
{
    at_u64 *word = AT_U64(&wg->state);
    rt_glock(gp, wg_lock(wg));
    struct sudog *sg = wg->sema.head;
    bool misuse = at64_load_rlx(word) != state || !sg;
    wg->sema.head = wg->sema.tail = NULL;
    at64_store_rlx(word, 0);
    rt_gunlock(wg_lock(wg));
    /* from here only the waiters keep wg: it is not touched again */
    if (__builtin_expect(misuse, 0)) rt_throw(WG_MISUSE);
    if (!sg->next) {
        rt_goready(sg->g);
        return;
    }
    struct glist ready;
    glist_init(&ready);
    for (struct sudog *next; sg; sg = next) { /* a crowd by parts, so that each is touched once while it is in the cache */
        next = sg->next;
        glist_push(&ready, sg->g);
        if (ready.n == RT_READY_BATCH || !next) rt_readylist(&ready);
    }
}

static inline void wg_add(struct g *gp, trine_wg *wg, int delta)
{
    uint64_t state = rt_gadd64(gp, AT_U64(&wg->state), (uint64_t)(uint32_t)delta << 32);
    int32_t counter = wg_counter(state);
    uint32_t waiters = wg_waiters(state);
    if (__builtin_expect(counter < 0, 0)) rt_throw("sync: negative WaitGroup counter");
    if (waiters == 0) return;
    if (__builtin_expect(delta > 0 && counter == delta, 0)) rt_throw(WG_MISUSE);
    if (counter == 0) wg_wake(gp, wg, state);
}

void trine_wg_add(trine_wg *wg, int delta)
{
    struct g *gp = rt_enter("trine_wg_add");
    RT_CHECK_PTR(wg, "trine_wg_add");
    wg_add(gp, wg, delta);
    rt_leave(gp);
}

void trine_wg_done(trine_wg *wg)
{
    struct g *gp = rt_enter("trine_wg_done");
    RT_CHECK_PTR(wg, "trine_wg_done");
    wg_add(gp, wg, -1);
    rt_leave(gp);
}

/* True: counted as a waiter; false: the counter is 0. Under the lock; dones come without it. */
static bool wg_count_waiter(struct g *gp, at_u64 *word)
{
    for (;;) {
        uint64_t state = at64_load_acq(word);
        if (wg_counter(state) == 0) return false;
        if (rt_gcas64(gp, word, state, state + 1)) return true;
    }
}

void trine_wg_wait(trine_wg *wg)
{
    struct g *gp = rt_enter("trine_wg_wait");
    RT_CHECK_PTR(wg, "trine_wg_wait");
    at_u64 *word = AT_U64(&wg->state);
    if (wg_counter(at64_load_acq(word)) != 0) { /* acquire: partner is the done that brought it to 0 */
        rt_glock(gp, wg_lock(wg));
        if (wg_count_waiter(gp, word)) {
            struct sudog *sg = &gp->sudog0, *tail = wg->sema.tail;
            sg->g = gp;
            sg->queue = wg;
            sg->next = NULL;
            sg->is_select = false;
            if (tail) tail->next = sg;
            else wg->sema.head = sg;
            wg->sema.tail = sg;
            rt_goparkunlock(wg_lock(wg), WR_WAITGROUP);
        } else {
            rt_gunlock(wg_lock(wg));
        }
    }
    rt_leave(gp);
}

