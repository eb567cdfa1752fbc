/*
 * chan.h: what a channel is made of, and one attempt at a send or a receive. Floor 7; for chan.c and select.c.
 *
 * Problem: a channel operation should cost one locked instruction (none while one P runs: glock.h), copy the value once and
 * allocate nothing.
 *   - All that an operation reads or writes of the channel stands in one cache line; the buffer begins on the next.
 *   - A waiter is a sudog inside the waiting G (or in the frame of its select), so parking allocates nothing.
 *   - A waiting peer is served directly: its value is copied from or to its stack, and it is told the outcome
 *     (sudog.success, g.param) before it is readied. A woken goroutine never looks at the channel again, which is why
 *     a channel may be freed as soon as its last receive has returned.
 *
 * Invariants, under the lock:
 *   - at least one of sendq and recvq is empty, but for a single goroutine that waits on both ends in one select;
 *   - a buffered channel with elements has no receiver waiting, one with room has no sender waiting (entries of
 *     selects that were won elsewhere do not count: waitq_dequeue drops them);
 *   - a closed channel has nobody waiting.
 */
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include "glock.h"
#include "sched.h"
#include "sched_switch.h"

#include <string.h>

/* Waiters, first come first served. `first` is atomic for those who look without the lock. */
struct waitq {
    at_ptr first;
    struct sudog *last;
};

struct trine_chan {
    _Alignas(RT_CACHE_LINE) struct lock lock; /* guards all below */
    at_u32 closed;                            /* also read without the lock; never goes back to 0 */
    at_u32 count;                             /* elements in the buffer; also read without the lock */
    uint32_t cap, sendx, recvx;
    size_t elem_bytes; /* constant */
    struct waitq recvq, sendq;
    unsigned char buf[]; /* cap elements; begins a cache line */
};
_Static_assert(sizeof(struct trine_chan) == RT_CACHE_LINE, "the working part of a channel is one cache line");

/* ---- wait queues: under the lock of what they belong to ---- */
static inline struct sudog *waitq_first(const struct waitq *q) { return atp_load_rlx(&q->first); }

static inline void waitq_enqueue(struct waitq *q, struct sudog *sg)
{
    struct sudog *last = q->last;
    sg->next = NULL;
    sg->prev = last;
    if (last) last->next = sg;
    else atp_store_rlx(&q->first, sg);
    q->last = sg;
}

static inline void waitq_unlink_first(struct waitq *q, struct sudog *sg)
{
    struct sudog *next = sg->next;
    atp_store_rlx(&q->first, next);
    if (next) next->prev = NULL;
    else q->last = NULL;
    sg->next = NULL; /* with prev NULL: out of the queue, as waitq_remove will ask */
}

void rt_drop_twins(const struct sudog *sg); /* chan.c; under the lock */

/* The next waiter, or NULL. One that waits in a select belongs to whoever sets its selectdone first; where another
 * channel (or the deadline) was first, its entry here is void. */
RT_INLINE struct sudog *waitq_dequeue(struct waitq *q)
{
    struct sudog *sg;
    while ((sg = waitq_first(q)) != NULL) {
        waitq_unlink_first(q, sg);
        /* partner: the same line under another channel's lock, and select_fire */
        if (!sg->is_select) break;
        if (!at32_cas_ar(&sg->g->selectdone, 0, 1)) continue;
        if (__builtin_expect(sg->twin, 0)) rt_drop_twins(sg);
        break;
    }
    return sg;
}

/* Takes sg out wherever it stands; a peer may have dropped it already. */
static inline void waitq_remove(struct waitq *q, struct sudog *sg)
{
    if (!sg->prev && !sg->next && waitq_first(q) != sg) return;
    if (sg->prev) sg->prev->next = sg->next;
    else atp_store_rlx(&q->first, sg->next);
    if (sg->next) sg->next->prev = sg->prev;
    else q->last = sg->prev;
    sg->next = sg->prev = NULL;
}

/* ---- elements ---- */
/* A word, the commonest size, as a plain move. Either end may be a stack of another goroutine, parked. */
RT_INLINE void rt_elemcopy(void *dst, const void *src, size_t bytes)
{
    if (__builtin_expect(bytes == 8, 1)) memcpy(dst, src, 8);
    else if (bytes) memcpy(dst, src, bytes);
}
static inline void rt_elemzero(void *dst, size_t bytes)
{
    if (dst && bytes) memset(dst, 0, bytes);
}
static inline void *chan_slot(struct trine_chan *c, uint32_t i) { return c->buf + (size_t)i * c->elem_bytes; }
static inline uint32_t chan_next(const struct trine_chan *c, uint32_t i) { return i + 1 == c->cap ? 0 : i + 1; }

/* Tells a waiter its outcome. From here it belongs to the caller, who must ready it after the lock is released. */
static inline struct g *rt_sudog_served(struct sudog *sg, bool success)
{
    struct g *peer = sg->g;
    sg->success = success;
    peer->param = sg;
    return peer;
}

/* ---- one attempt, under the lock; *wake: a goroutine that the caller must ready after the lock ---- */
enum chan_outcome { CHAN_BLOCKS, CHAN_DONE, CHAN_CLOSED };

RT_INLINE enum chan_outcome rt_chansend_locked(struct trine_chan *c, const void *elem, struct g **wake)
{
    struct sudog *sg;
    *wake = NULL;
    if (__builtin_expect(at32_load_rlx(&c->closed), 0)) return CHAN_CLOSED;
    if (waitq_first(&c->recvq) && (sg = waitq_dequeue(&c->recvq)) != NULL) {
        if (sg->elem) rt_elemcopy(sg->elem, elem, c->elem_bytes);
        *wake = rt_sudog_served(sg, true);
        return CHAN_DONE;
    }
    uint32_t count = at32_load_rlx(&c->count);
    if (count == c->cap) return CHAN_BLOCKS;
    rt_elemcopy(chan_slot(c, c->sendx), elem, c->elem_bytes);
    c->sendx = chan_next(c, c->sendx);
    at32_store_rlx(&c->count, count + 1);
    return CHAN_DONE;
}

static inline void rt_chanrecv_slot(struct trine_chan *c, void *elem)
{
    if (elem) rt_elemcopy(elem, chan_slot(c, c->recvx), c->elem_bytes);
}

RT_INLINE enum chan_outcome rt_chanrecv_locked(struct trine_chan *c, void *elem, struct g **wake)
{
    struct sudog *sg;
    uint32_t count = at32_load_rlx(&c->count);
    *wake = NULL;
    if (waitq_first(&c->sendq) && (sg = waitq_dequeue(&c->sendq)) != NULL) {
        if (c->cap == 0) {
            if (elem) rt_elemcopy(elem, sg->elem, c->elem_bytes);
        } else { /* the buffer is full: the head goes out, and the sender's value takes its place as the tail */
            rt_chanrecv_slot(c, elem);
            rt_elemcopy(chan_slot(c, c->recvx), sg->elem, c->elem_bytes);
            c->sendx = c->recvx = chan_next(c, c->recvx);
        }
        *wake = rt_sudog_served(sg, true);
        return CHAN_DONE;
    }
    if (count > 0) {
        rt_chanrecv_slot(c, elem);
        c->recvx = chan_next(c, c->recvx);
        at32_store_rlx(&c->count, count - 1);
        return CHAN_DONE;
    }
    if (__builtin_expect(at32_load_rlx(&c->closed), 0)) {
        rt_elemzero(elem, c->elem_bytes);
        return CHAN_CLOSED;
    }
    return CHAN_BLOCKS;
}

/* ---- a look without the lock ---- */
/* A closed channel never opens again: so "blocks, and after that still open" names a moment at which the operation
 * would have blocked. The acquire orders the two looks. Stale entries of selects may make a channel look ready: the
 * attempt under the lock decides. */
static inline bool rt_chansend_blocks(const struct trine_chan *c)
{
    bool full = c->cap == 0 ? atp_load_acq(&c->recvq.first) == NULL : at32_load_acq(&c->count) == c->cap;
    return full && at32_load_acq(&c->closed) == 0;
}
/* A closed channel is left to the attempt under the lock: who closes it may still hold that, and the receiver may
 * free the channel as soon as it knows. */
static inline bool rt_chanrecv_blocks(const struct trine_chan *c)
{
    bool empty = c->cap == 0 ? atp_load_acq(&c->sendq.first) == NULL : at32_load_acq(&c->count) == 0;
    return empty && at32_load_acq(&c->closed) == 0;
}

/* chan.c, for select.c; inside rt_enter. These park. */
void rt_chansend(struct g *gp, struct trine_chan *c, const void *elem);
bool rt_chanrecv(struct g *gp, struct trine_chan *c, void *elem);
__attribute__((noreturn)) void rt_block_forever(enum waitreason why);
#endif
