/*
 * timer.c: the timers of a P. Floor 4; timer.h has the contract.
 *
 * Owns struct timers and struct timer (proc.h), and the mask of Ps that have timers. Invariants, under ts->lock:
 *   - heap[0..len) is a 4-ary heap over slot.when; of the timer t in slot i t->ts == ts, and t->idx == i unless t is fixed:
 *     so that sifting sleeps, which are most of what stands in a large heap, touches the heap alone;
 *   - slot.when <= t->when: a timer that was moved later keeps its earlier slot until it comes to the top;
 *   - a stopped timer keeps its slot and is counted in nstopped, never more than a quarter of a large heap;
 *   - earliest == heap[0].when, 0 for an empty heap. A heap of stopped timers only is emptied at once, so that
 *     earliest != 0 means that something will happen (deadlock detection relies on it).
 * t->ts goes from NULL to a heap by the timer's only user, and back by whoever holds the heap's lock. So whoever
 * locks the heap that t->ts names, and still finds it named there, holds the timer still.
 *
 * Rejected: a lock or state word per timer (Go): two more locked instructions a sleep; and lists of moved timers that
 * are merged later, which `idx` makes needless, since a timer that moves up is sifted where it stands.
 */
#include "timer.h"

#include <errno.h>
#include <string.h>

#define HEAP_ARY 4u
#define CLEAN_MIN 64u /* below this many slots, stopped timers leave only at the top */

enum { SLOT_FIXED = 1 }; /* the lowest bit of slot.who: its timer is fixed */

static inline struct timer_slot slot_of(struct timer *t, int64_t when)
{
    return (struct timer_slot){when, (uintptr_t)t | (t->fixed ? SLOT_FIXED : 0)};
}

static inline struct timer *timer_of(struct timer_slot s) { return (struct timer *)(s.who & ~(uintptr_t)SLOT_FIXED); }

static inline void put(struct timers *ts, uint32_t i, struct timer_slot s)
{
    ts->heap[i] = s;
    if (!(s.who & SLOT_FIXED)) timer_of(s)->idx = i;
}

static void sift_up(struct timers *ts, uint32_t i)
{
    struct timer_slot s = ts->heap[i];
    while (i > 0) {
        uint32_t parent = (i - 1) / HEAP_ARY;
        if (ts->heap[parent].when <= s.when) break;
        put(ts, i, ts->heap[parent]);
        i = parent;
    }
    put(ts, i, s);
}

static void sift_down(struct timers *ts, uint32_t i)
{
    struct timer_slot s = ts->heap[i];
    for (;;) {
        uint32_t first = i * HEAP_ARY + 1, best = i;
        int64_t when = s.when;
        for (uint32_t c = first; c < first + HEAP_ARY && c < ts->len; c++) {
            if (ts->heap[c].when < when) {
                best = c;
                when = ts->heap[c].when;
            }
        }
        if (best == i) break;
        put(ts, i, ts->heap[best]);
        i = best;
    }
    put(ts, i, s);
}

/* Takes slot i out; the timer's own fields are the caller's to settle. */
static void cut(struct timers *ts, uint32_t i)
{
    struct timer_slot last = ts->heap[--ts->len];
    if (i == ts->len) return;
    bool up = last.when < ts->heap[i].when;
    put(ts, i, last);
    if (up) sift_up(ts, i);
    else sift_down(ts, i);
}

at_u32 rt_timerbits[RT_MAX_PROCS / 32];

static struct p *p_of(struct timers *ts) { return (struct p *)((uintptr_t)ts - offsetof(struct p, timers)); }

static void mark(const struct p *pp)
{
    if (!rt_timermask(pp->id)) at32_or_ar(&rt_timerbits[pp->id / 32], 1u << pp->id % 32);
}

/* Under the lock, as mark is: a timer that is added meanwhile sets the bit again. */
void rt_timers_rest(struct p *pp)
{
    if (!rt_timermask(pp->id) || rt_timers_earliest(pp)) return;
    rt_lock(&pp->timers.lock);
    if (pp->timers.len == 0) at32_and_ar(&rt_timerbits[pp->id / 32], ~(1u << pp->id % 32));
    rt_unlock(&pp->timers.lock);
}

/* After every change, before the unlock. True: there is something to wait for sooner than before. */
static bool publish(struct timers *ts)
{
    int64_t old = ati64_load_rlx(&ts->earliest), now = ts->len ? ts->heap[0].when : 0;
    if (now == old) return false;
    if (old == 0) mark(p_of(ts)); /* before it can be seen that there is one */
    ati64_store_rel(&ts->earliest, now); /* partner: rt_timers_earliest */
    return now != 0 && (old == 0 || now < old);
}

static inline void leave_heap(struct timer *t) { atp_store_rel(&t->ts, NULL); /* partner: lock_heap */ }

/* Locks the heap that t stands in and returns it, or returns NULL: t stands in none, and a brief fire has ended. */
static struct timers *lock_heap(struct timer *t)
{
    for (;;) {
        struct timers *ts = atp_load_acq(&t->ts); /* partner: leave_heap */
        if (!ts) return NULL;
        rt_lock(&ts->lock);
        if (atp_load_rlx(&t->ts) == ts) return ts;
        rt_unlock(&ts->lock);
    }
}

/* Room for n more. The new array is ours until it is published under the lock, which the caller holds. */
static int reserve(struct timers *ts, uint32_t n)
{
    uint32_t cap = ts->cap ? ts->cap : (uint32_t)(rt_pagesize() / sizeof *ts->heap);
    while (cap < ts->len + n) cap *= 2;
    if (cap == ts->cap) return 0;
    struct timer_slot *heap = rt_sysalloc(cap * sizeof *heap);
    if (!heap) return -ENOMEM;
    if (ts->heap) {
        memcpy(heap, ts->heap, ts->len * sizeof *heap);
        rt_sysfree(ts->heap, ts->cap * sizeof *heap);
    }
    ts->heap = heap;
    ts->cap = cap;
    return 0;
}

static void push(struct timers *ts, struct timer *t, int64_t when)
{
    t->when = when;
    t->stopped = false;
    atp_store_rlx(&t->ts, ts); /* the timer is found by others through the heap alone: ordered by its lock */
    ts->heap[ts->len] = slot_of(t, when);
    sift_up(ts, ts->len++);
}

int rt_timers_add(struct p *pp, struct timer *t, int64_t when)
{
    struct timers *ts = &pp->timers;
    rt_assert(atp_load_rlx(&t->ts) == NULL);
    if (when < 1) when = 1; /* 0 means none */
    rt_lock(&ts->lock);
    int result = -ENOMEM;
    if (__builtin_expect(ts->len < ts->cap, 1) || reserve(ts, 1) == 0) {
        push(ts, t, when);
        result = publish(ts) ? TIMER_SOONER : 0;
    }
    rt_unlock(&ts->lock);
    return result;
}

int rt_timers_mod(struct p *pp, struct timer *t, int64_t when)
{
    if (when < 1) when = 1;
    rt_assert(!t->fixed);
    struct timers *ts = lock_heap(t);
    if (!ts) return rt_timers_add(pp, t, when);
    int result = t->stopped ? 0 : TIMER_PENDING;
    if (t->stopped) {
        t->stopped = false;
        ts->nstopped--;
    }
    t->when = when;
    if (when < ts->heap[t->idx].when) {
        ts->heap[t->idx].when = when;
        sift_up(ts, t->idx);
        if (publish(ts)) result |= TIMER_SOONER;
    }
    rt_unlock(&ts->lock);
    return result;
}

/* Drops every stopped timer and restores the order: O(n), paid for by the n/4 stops that led here. */
static void clean(struct timers *ts)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < ts->len; i++) {
        struct timer *t = timer_of(ts->heap[i]);
        if (t->stopped) leave_heap(t);
        else put(ts, n++, slot_of(t, t->when));
    }
    ts->len = n;
    ts->nstopped = 0;
    for (uint32_t i = n > 1 ? (n - 2) / HEAP_ARY + 1 : 0; i-- > 0;) sift_down(ts, i);
}

bool rt_timers_del(struct timer *t)
{
    struct timers *ts = lock_heap(t);
    if (!ts) return false;
    bool pending = !t->stopped;
    if (pending) {
        t->stopped = true;
        ts->nstopped++;
        if (ts->nstopped == ts->len || (ts->len >= CLEAN_MIN && ts->nstopped > ts->len / 4)) {
            clean(ts);
            publish(ts);
        }
    }
    rt_unlock(&ts->lock);
    return pending;
}

bool rt_timers_remove(struct timer *t)
{
    rt_assert(!t->fixed);
    struct timers *ts = lock_heap(t);
    if (!ts) return false;
    bool pending = !t->stopped;
    if (!pending) ts->nstopped--;
    cut(ts, t->idx);
    leave_heap(t);
    if (ts->nstopped > 0 && ts->nstopped == ts->len) clean(ts);
    publish(ts);
    rt_unlock(&ts->lock);
    return pending;
}

void rt_timers_sync(const struct timer *t)
{
    for (unsigned i = 0; at32_load_acq(&t->firing); i++) { /* partner: the release in run_top */
        at_pause();
        if (i % RT_LOCK_PAUSES_LAST == RT_LOCK_PAUSES_LAST - 1) rt_osyield();
    }
}

/* The next to come to the top is one of its children: in a crowd of sleepers each is a miss, with its goroutine. */
static inline void prefetch_next(const struct timers *ts)
{
    for (uint32_t c = 1; c <= HEAP_ARY && c < ts->len; c++) {
        struct timer *t = timer_of(ts->heap[c]);
        __builtin_prefetch(t, 1);
        if (!(ts->heap[c].who & SLOT_FIXED)) continue;
        struct g *sleeper = (struct g *)((char *)t - offsetof(struct g, timer)); /* not by t->arg: that would be the miss */
        __builtin_prefetch(&sleeper->schedlink, 1);
    }
}

/* Takes the top out and runs it. Lets go of the lock meanwhile unless the timer is brief. */
static void run_top(struct timers *ts, struct glist *ready)
{
    struct timer *t = timer_of(ts->heap[0]);
    prefetch_next(ts);
    cut(ts, 0);
    if (t->brief) {
        t->fire(t, ready);
        leave_heap(t); /* last: whoever finds it out of the heap also finds the fire over */
        return;
    }
    at32_store_rlx(&t->firing, 1);
    leave_heap(t); /* release: whoever finds it out of the heap also finds it firing */
    publish(ts);
    rt_unlock(&ts->lock);
    t->fire(t, ready);
    at32_store_rel(&t->firing, 0); /* partner: rt_timers_sync, after which the memory may go */
    rt_lock(&ts->lock);
}

int64_t rt_timers_check(struct p *pp, int64_t now, struct glist *ready)
{
    struct timers *ts = &pp->timers;
    int64_t next = rt_timers_earliest(pp);
    if (next == 0) return 0;
    if (next > now) return next;
    uint64_t fired = 0;
    rt_lock(&ts->lock);
    while (ts->len > 0) {
        int64_t due = ts->heap[0].when;
        struct timer *t = timer_of(ts->heap[0]);
        if (t->stopped) {
            ts->nstopped--;
            cut(ts, 0);
            leave_heap(t);
        } else if (t->when > due) { /* was moved later */
            ts->heap[0].when = t->when;
            sift_down(ts, 0);
        } else if (due <= now && fired < RT_READY_BATCH) {
            run_top(ts, ready);
            fired++;
        } else {
            break;
        }
    }
    if (ts->nstopped > 0 && ts->nstopped == ts->len) clean(ts);
    publish(ts);
    next = ts->len ? ts->heap[0].when : 0;
    if (fired) at64_bump(&pp->count.timers_fired, fired); /* one writer: the holder of the lock */
    rt_unlock(&ts->lock);
    return next;
}

void rt_timers_take(struct p *dst, struct p *src)
{
    struct timers *from = &src->timers, *to = &dst->timers;
    if (from->len == 0) return;
    if (reserve(to, from->len) < 0) rt_throw("out of memory: timers of P %u", dst->id);
    for (uint32_t i = 0; i < from->len; i++) {
        struct timer *t = timer_of(from->heap[i]);
        if (t->stopped) leave_heap(t);
        else push(to, t, t->when);
    }
    from->len = from->nstopped = 0;
    publish(from);
    publish(to);
}

void rt_timers_drop(struct p *pp)
{
    struct timers *ts = &pp->timers;
    rt_lock(&ts->lock);
    for (uint32_t i = 0; i < ts->len; i++) leave_heap(timer_of(ts->heap[i]));
    ts->len = ts->nstopped = 0;
    publish(ts);
    rt_unlock(&ts->lock);
}

void rt_timer_wake(struct timer *t, struct glist *ready) { glist_push(ready, t->arg); }
