/*
 * chan.c: channels: make, free, send, receive, close. Floor 7.
 *
 * Each operation takes the channel's lock once, makes one attempt (chan.h) and, when it has to wait, publishes its
 * sudog under that lock and parks; the lock is released once its stack is no longer in use. A waiter is always
 * served completely by its peer or by close, and never looks at the channel again. Locks nest only in select, in
 * address order.
 */
#include "chan.h"

#include <stdlib.h>

trine_chan *trine_chan_make(size_t elem_bytes, size_t cap)
{
    size_t bytes;
    rt_not_in_handler("trine_chan_make"); /* which may have interrupted malloc */
    /* the counters are 32 bits wide; beyond PTRDIFF_MAX no allocator delivers */
    if (cap > UINT32_MAX || __builtin_mul_overflow(elem_bytes, cap, &bytes) || elem_bytes > PTRDIFF_MAX / 2 ||
        bytes > PTRDIFF_MAX / 2) {
        return NULL;
    }
    bytes = (sizeof(struct trine_chan) + bytes + RT_CACHE_LINE - 1) & ~(size_t)(RT_CACHE_LINE - 1);
    struct trine_chan *c = rt_os_fail(OS_MALLOC) ? NULL : aligned_alloc(RT_CACHE_LINE, bytes);
    if (!c) return NULL;
    memset(c, 0, sizeof *c);
    c->elem_bytes = elem_bytes;
    c->cap = (uint32_t)cap;
    return c;
}

void trine_chan_free(trine_chan *c)
{
    rt_not_in_handler("trine_chan_free");
    free(c);
}

/* A select that was won here looks at this channel no more, for it may be freed: its other entries on it go now. */
__attribute__((noinline)) void rt_drop_twins(const struct sudog *sg)
{
    struct trine_chan *c = sg->queue;
    for (struct sudog *other = sg->g->waiting; other; other = other->waitlink)
        if (other != sg && other->queue == c) waitq_remove(other->sends ? &c->sendq : &c->recvq, other);
}

static bool never(struct g *gp, void *arg)
{
    (void)gp, (void)arg;
    return true;
}

void rt_block_forever(enum waitreason why)
{
    for (;;) rt_gopark(never, NULL, why);
}

/* ---- cold: misuse ---- */
__attribute__((noreturn, cold, noinline)) static void throw_null_elem(const char *what)
{
    rt_throw("%s: elem is NULL, and the elements of this channel are not empty", what);
}
__attribute__((noreturn, cold, noinline)) static void throw_send_closed(void) { rt_throw("send on closed channel"); }

/* ---- waiting ---- */
/* Publishes the wait and parks; the lock is held and will be released. True: served by a peer; false: closed. */
__attribute__((noinline)) static bool chan_wait(struct g *gp, struct trine_chan *c, struct waitq *q, void *elem,
                                                enum waitreason why)
{
    struct sudog *sg = &gp->sudog0;
    sg->g = gp;
    sg->elem = elem;
    sg->queue = c;
    sg->is_select = false;
    sg->success = false;
    waitq_enqueue(q, sg);
    rt_goparkunlock(&c->lock, why);
    return sg->success;
}

/* Where the operation need not wait it is one piece of code with its public call. */
RT_INLINE void chansend(struct g *gp, struct trine_chan *c, const void *elem)
{
    struct g *wake;
    rt_glock(gp, &c->lock);
    enum chan_outcome r = rt_chansend_locked(c, elem, &wake);
    if (r == CHAN_DONE) {
        rt_gunlock(&c->lock);
        if (wake) rt_ready(gp->m->p, wake);
        return;
    }
    if (r == CHAN_BLOCKS) {
        if (chan_wait(gp, c, &c->sendq, (void *)(uintptr_t)elem, WR_CHAN_SEND)) return;
    } else {
        rt_gunlock(&c->lock);
    }
    throw_send_closed();
}

RT_INLINE bool chanrecv(struct g *gp, struct trine_chan *c, void *elem)
{
    struct g *wake;
    rt_glock(gp, &c->lock);
    enum chan_outcome r = rt_chanrecv_locked(c, elem, &wake);
    if (r == CHAN_BLOCKS) return chan_wait(gp, c, &c->recvq, elem, WR_CHAN_RECEIVE);
    rt_gunlock(&c->lock);
    if (wake) rt_ready(gp->m->p, wake);
    return r == CHAN_DONE;
}

void rt_chansend(struct g *gp, struct trine_chan *c, const void *elem) { chansend(gp, c, elem); }
bool rt_chanrecv(struct g *gp, struct trine_chan *c, void *elem) { return chanrecv(gp, c, elem); }

/* ---- public ---- */
void trine_chan_send(trine_chan *c, const void *elem)
{
    struct g *gp = rt_enter("trine_chan_send");
    if (__builtin_expect(!c, 0)) rt_block_forever(WR_CHAN_SEND_NIL);
    if (__builtin_expect(!elem && c->elem_bytes, 0)) throw_null_elem("trine_chan_send");
    chansend(gp, c, elem);
    rt_leave(gp);
}

bool trine_chan_recv(trine_chan *c, void *elem)
{
    struct g *gp = rt_enter("trine_chan_recv");
    if (__builtin_expect(!c, 0)) rt_block_forever(WR_CHAN_RECEIVE_NIL);
    bool ok = chanrecv(gp, c, elem);
    rt_leave(gp);
    return ok;
}

bool trine_chan_try_send(trine_chan *c, const void *elem)
{
    struct g *gp = rt_enter("trine_chan_try_send");
    bool done = false;
    if (c && !rt_chansend_blocks(c)) {
        if (__builtin_expect(!elem && c->elem_bytes, 0)) throw_null_elem("trine_chan_try_send");
        struct g *wake;
        rt_glock(gp, &c->lock);
        enum chan_outcome r = rt_chansend_locked(c, elem, &wake);
        rt_gunlock(&c->lock);
        if (__builtin_expect(r == CHAN_CLOSED, 0)) throw_send_closed();
        if (wake) rt_goready(wake);
        done = r == CHAN_DONE;
    }
    rt_leave(gp);
    return done;
}

bool trine_chan_try_recv(trine_chan *c, void *elem, bool *open)
{
    struct g *gp = rt_enter("trine_chan_try_recv");
    enum chan_outcome r = CHAN_BLOCKS;
    if (c && !rt_chanrecv_blocks(c)) {
        struct g *wake;
        rt_glock(gp, &c->lock);
        r = rt_chanrecv_locked(c, elem, &wake);
        rt_gunlock(&c->lock);
        if (wake) rt_goready(wake);
    }
    if (open) *open = r != CHAN_CLOSED;
    rt_leave(gp);
    return r == CHAN_DONE;
}

void trine_chan_close(trine_chan *c)
{
    struct g *gp = rt_enter("trine_chan_close");
    if (__builtin_expect(!c, 0)) rt_throw("close of nil channel");
    struct glist ready;
    struct sudog *sg;
    glist_init(&ready);
    rt_glock(gp, &c->lock);
    if (__builtin_expect(at32_load_rlx(&c->closed), 0)) {
        rt_gunlock(&c->lock);
        rt_throw("close of closed channel");
    }
    at32_store_rel(&c->closed, 1); /* partner: the looks without the lock */
    while ((sg = waitq_dequeue(&c->recvq)) != NULL) {
        rt_elemzero(sg->elem, c->elem_bytes);
        glist_push(&ready, rt_sudog_served(sg, false));
    }
    while ((sg = waitq_dequeue(&c->sendq)) != NULL) glist_push(&ready, rt_sudog_served(sg, false)); /* they throw */
    rt_gunlock(&c->lock);
    if (ready.n == 1) rt_goready(ready.head);
    else if (ready.n) rt_readylist(&ready);
    rt_leave(gp);
}

size_t trine_chan_len(const trine_chan *c)
{
    struct g *gp = rt_enter("trine_chan_len");
    size_t n = c ? at32_load_rlx(&c->count) : 0;
    rt_leave(gp);
    return n;
}

size_t trine_chan_cap(const trine_chan *c)
{
    struct g *gp = rt_enter("trine_chan_cap");
    size_t n = c ? c->cap : 0;
    rt_leave(gp);
    return n;
}
