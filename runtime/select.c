/*
 * select.c: waiting on several channels at once. Floor 8.
 *
 * Two steps. First a look at every channel without a lock, and an attempt, under that channel's lock alone, on one
 * that looks ready; which one is drawn uniformly from all that do, so a select over busy channels costs one lock. Only
 * when nothing is ready are all channels locked, in address order, looked at again, and the goroutine enqueued on
 * each. (Go shuffles the cases and locks them all, every time.) The second look is what a parking select needs to miss
 * no wake-up, and what a try needs to be right: nothing ready channel by channel, at different moments, is not the
 * same as a moment at which nothing was ready.
 *
 * A parked select belongs to whoever first sets g.selectdone from 0 to 1, under the lock of any of its channels, or
 * the deadline's timer under the lock of its heap. The winner serves it and readies it. It then takes its other
 * entries out, one lock at a time: from the moment that it was won nobody else can act on it. It leaves the winner's
 * channel alone, which the peer may be about to free. selectdone goes back to 0 when no entry is left.
 *
 * The racing sides of parking: `commit` runs once the stack is no longer in use, arms the timer, then releases the
 * locks in order. A peer may win through a channel already released while commit still walks the list; the woken
 * goroutine does not get past the channels that commit still holds, so the list, which lies in its frame, stays.
 */
#include "select.h"
#include "chan.h"
#include "timer.h"

/* One step of waiting, in the frame of its goroutine. */
struct sel {
    trine_case *cases;
    int n;
    bool block, timed;
    int64_t deadline_ns;
    struct sudog *list; /* the cases with a channel, in lock order, by waitlink */
};

__attribute__((noreturn, cold, noinline)) static void throw_bad_case(const trine_case *k, int i)
{
    if (k->op != TRINE_SEND && k->op != TRINE_RECV) rt_throw("select: case %d is neither a send nor a receive", i);
    rt_throw("select: case %d sends from a NULL elem", i);
}

static bool blocks(const trine_case *k)
{
    return k->op == TRINE_SEND ? rt_chansend_blocks(k->chan) : rt_chanrecv_blocks(k->chan);
}

/* One of the cases that look ready, each with the same probability; -1: none does. */
static int choose(struct g *gp, const trine_case *cases, int n)
{
    int chosen = -1;
    uint32_t ready = 0;
    for (int i = 0; i < n; i++) {
        const trine_case *k = &cases[i];
        if (!k->chan || blocks(k)) continue;
        /* the N-th that is found replaces the choice with probability 1/N */
        if (ready++ == 0 || (uint64_t)rt_fastrand(gp->m) * ready >> 32 == 0) chosen = i;
    }
    return chosen;
}

/* Under the channel's lock. True: the case ran. */
static bool attempt(trine_case *k, struct g **wake, enum chan_outcome *r)
{
    *r = k->op == TRINE_SEND ? rt_chansend_locked(k->chan, k->elem, wake)
                             : rt_chanrecv_locked(k->chan, k->elem, wake);
    return *r != CHAN_BLOCKS;
}

/* After the locks: what the outcome means for the caller. */
static void settle(trine_case *k, enum chan_outcome r, struct g *wake)
{
    if (wake) rt_goready(wake);
    if (k->op == TRINE_RECV) k->ok = r == CHAN_DONE;
    else if (r == CHAN_CLOSED) rt_throw("send on closed channel");
}

/* The first step. -1: nothing was found ready. An attempt that fails has shown its channel to be not ready at that
 * moment, so with one P n of them tell for certain. */
static int sel_poll(struct g *gp, trine_case *cases, int n)
{
    for (int tries = 0; tries <= n; tries++) {
        struct g *wake = NULL;
        enum chan_outcome r;
        int i = choose(gp, cases, n);
        if (i < 0) break;
        trine_case *k = &cases[i];
        rt_glock(gp, &k->chan->lock);
        bool ran = attempt(k, &wake, &r);
        rt_gunlock(&k->chan->lock);
        if (ran) {
            settle(k, r, wake);
            return i;
        }
    }
    return -1;
}

/* ---- the lock order: by address, by a merge sort of the list itself ----
 * Entries of one channel come in random order, since the first of them is served first: a random number waits in
 * `prev`, which is not in use before the entry stands in a queue. */
static bool before(const struct sudog *a, const struct sudog *b)
{
    if (a->queue != b->queue) return (uintptr_t)a->queue < (uintptr_t)b->queue;
    return (uintptr_t)a->prev < (uintptr_t)b->prev;
}

static struct sudog *merge(struct sudog *a, struct sudog *b)
{
    struct sudog *head, **tail = &head;
    while (a && b) {
        struct sudog **least = before(a, b) ? &a : &b;
        *tail = *least;
        tail = &(*least)->waitlink;
        *least = *tail;
    }
    *tail = a ? a : b;
    return head;
}

/* Fills sgs, one for each case with a channel, and returns them in order. */
static struct sudog *in_lock_order(struct g *gp, trine_case *cases, int n, struct sudog *sgs)
{
    struct sudog *sorted[17] = {0}; /* sorted[i]: none, or 2^i of them; RT_SELECT_MAX is 2^16 */
    int used = 0;
    for (int i = 0; i < n; i++) {
        if (!cases[i].chan) continue;
        struct sudog *sg = sgs++;
        *sg = (struct sudog){.g = gp, .elem = cases[i].elem, .queue = cases[i].chan, .case_index = i,
                             .is_select = true, .sends = cases[i].op == TRINE_SEND,
                             .prev = (void *)(uintptr_t)rt_fastrand(gp->m)};
        int bin = 0;
        for (; sorted[bin]; bin++) {
            sg = merge(sorted[bin], sg);
            sorted[bin] = NULL;
        }
        sorted[bin] = sg;
        if (bin >= used) used = bin + 1;
    }
    struct sudog *list = NULL;
    for (int bin = 0; bin < used; bin++) {
        if (sorted[bin]) list = merge(sorted[bin], list);
    }
    return list;
}

/* The next entry of another channel. */
static struct sudog *past(struct sudog *sg)
{
    void *c = sg->queue;
    do sg = sg->waitlink;
    while (sg && sg->queue == c);
    return sg;
}

static void lock_all(struct g *gp, struct sudog *list)
{
    if (rt_gsolo(gp) && !RT_LOCKS_COUNTED) return;
    for (struct sudog *sg = list; sg; sg = past(sg)) rt_glock(gp, &((struct trine_chan *)sg->queue)->lock);
}

/* With the last lock the frame that holds the entries may go, hence the look ahead. */
static void unlock_all(struct sudog *list)
{
    for (struct sudog *sg = list, *next; sg; sg = next) {
        struct trine_chan *c = sg->queue;
        next = past(sg);
        rt_gunlock(&c->lock);
    }
}

/* ---- parking ---- */
static struct waitq *queue_of(struct sudog *sg)
{
    struct trine_chan *c = sg->queue;
    return sg->sends ? &c->sendq : &c->recvq;
}

/* The deadline: under the heap's lock, so once rt_timers_remove has returned it does not run. */
static void fire(struct timer *t, struct glist *ready)
{
    struct g *gp = t->arg;
    if (at32_cas_ar(&gp->selectdone, 0, 1)) glist_push(ready, gp); /* partner: waitq_dequeue */
}

static bool commit(struct g *gp, void *arg)
{
    struct sel *s = arg;
    struct sudog *list = s->list;
    int64_t deadline_ns = s->deadline_ns;
    struct m *mp = rt_getm();
    int timer = 0;
    if (s->timed) {
        timer = rt_timers_add(mp->p, &gp->timer, deadline_ns);
        if (timer < 0) rt_throw("out of memory: the timer of a select");
    }
    /* with an empty list the goroutine may run from here */
    unlock_all(list);
    if (timer & TIMER_SOONER) rt_wakenetpoller_parked(mp, deadline_ns);
    return true;
}

/* Takes out every entry but those on the channel of the one that was served: its peer took them out. */
static void leave_queues(struct g *gp, struct sel *s, const struct sudog *won)
{
    for (struct sudog *sg = s->list, *next; sg; sg = next) {
        struct trine_chan *c = sg->queue;
        next = past(sg);
        if (won && won->queue == c) continue; /* it may be gone */
        rt_glock(gp, &c->lock);
        for (; sg != next; sg = sg->waitlink) waitq_remove(queue_of(sg), sg);
        rt_gunlock(&c->lock);
    }
}

/* The channels are locked, and none is ready. */
static int park(struct g *gp, struct sel *s)
{
    for (struct sudog *sg = s->list; sg; sg = sg->waitlink) {
        waitq_enqueue(queue_of(sg), sg);
        if (sg->waitlink && sg->waitlink->queue == sg->queue) sg->twin = sg->waitlink->twin = true;
    }
    gp->param = NULL;
    gp->waiting = s->list;
    if (s->timed) {
        gp->timer.fire = fire;
        gp->timer.arg = gp;
        gp->timer.brief = true;
        gp->timer.fixed = false;
    }
    rt_gopark(commit, s, WR_SELECT);

    struct sudog *won = gp->param;
    if (s->timed) rt_timers_remove(&gp->timer);
    else rt_assert(won);
    leave_queues(gp, s, won);
    gp->waiting = NULL;
    at32_store_rlx(&gp->selectdone, 0);
    if (!won) return -1;
    settle(&s->cases[won->case_index], won->success ? CHAN_DONE : CHAN_CLOSED, NULL);
    return won->case_index;
}

/* The second step. */
static int wait_in(struct g *gp, struct sel *s, struct sudog *sgs)
{
    s->list = in_lock_order(gp, s->cases, s->n, sgs);
    lock_all(gp, s->list);
    for (;;) {
        struct g *wake = NULL;
        enum chan_outcome r;
        int i = choose(gp, s->cases, s->n);
        if (i < 0) break;
        if (attempt(&s->cases[i], &wake, &r)) {
            unlock_all(s->list);
            settle(&s->cases[i], r, wake);
            return i;
        }
        /* what it saw were entries of selects won elsewhere, and they are gone now */
    }
    if (s->block) return park(gp, s);
    unlock_all(s->list);
    return -1;
}

/* ---- memory of the entries ----
 * In the goroutine's own frame when there is room; else a block from this pool, since malloc is not to be called in
 * here and a system call per select would cost more than the select. Blocks are kept for good. */
struct selblock {
    struct selblock *next_free, *next_all;
    int cls; /* room for 2^cls cases */
    struct sudog sgs[];
};
static struct {
    struct lock lock;
    struct selblock *all, *free[17];
} pool;

static int class_of(int n)
{
    int cls = 4;
    while (1 << cls < n) cls++;
    return cls;
}

static struct selblock *block_get(int n)
{
    int cls = class_of(n);
    rt_lock(&pool.lock);
    struct selblock *b = pool.free[cls];
    if (b) pool.free[cls] = b->next_free;
    rt_unlock(&pool.lock);
    if (b) return b;
    b = rt_sysalloc(sizeof *b + sizeof(struct sudog) * ((size_t)1 << cls));
    if (!b) rt_throw("out of memory: select over %d channels", n);
    b->cls = cls;
    rt_lock(&pool.lock);
    b->next_all = pool.all;
    pool.all = b;
    rt_unlock(&pool.lock);
    return b;
}

static void block_put(struct selblock *b)
{
    rt_lock(&pool.lock);
    b->next_free = pool.free[b->cls];
    pool.free[b->cls] = b;
    rt_unlock(&pool.lock);
}

void rt_selectreset(void)
{
    memset(pool.free, 0, sizeof pool.free);
    for (struct selblock *b = pool.all; b; b = b->next_all) {
        b->next_free = pool.free[b->cls];
        pool.free[b->cls] = b;
    }
}

__attribute__((noinline)) static int wait_pooled(struct g *gp, struct sel *s)
{
    struct selblock *b = block_get(s->n);
    int i = wait_in(gp, s, b->sgs);
    block_put(b);
    return i;
}

__attribute__((noinline)) static int wait_framed(struct g *gp, struct sel *s)
{
    return wait_in(gp, s, __builtin_alloca(sizeof(struct sudog) * (size_t)s->n));
}

static int sel_wait(struct g *gp, struct sel s)
{
    size_t room = arch_sp() - gp->stack_lo;
    size_t need = sizeof(struct sudog) * (size_t)s.n + RT_SELECT_ROOM_BYTES;
    return s.n <= RT_SELECT_FRAME && room >= need ? wait_framed(gp, &s) : wait_pooled(gp, &s);
}

/* ---- public ---- */
static void check(const trine_case *cases, int n, const char *what)
{
    if (__builtin_expect(n < 0 || n > RT_SELECT_MAX, 0)) {
        rt_throw("%s: %d cases (0 to %d are possible)", what, n, RT_SELECT_MAX);
    }
    if (__builtin_expect(n > 0 && !cases, 0)) rt_throw("%s: cases is NULL", what);
    for (int i = 0; i < n; i++) {
        const trine_case *k = &cases[i];
        if (__builtin_expect(k->op == TRINE_RECV, 1)) continue;
        bool null_elem = k->chan && !k->elem && k->chan->elem_bytes;
        if (__builtin_expect(k->op != TRINE_SEND || null_elem, 0)) throw_bad_case(k, i);
    }
}

/* A single channel needs no order and no list. */
static void one(struct g *gp, trine_case *k)
{
    if (k->op == TRINE_SEND) rt_chansend(gp, k->chan, k->elem);
    else k->ok = rt_chanrecv(gp, k->chan, k->elem);
}

int trine_select(trine_case *cases, int n)
{
    struct g *gp = rt_enter("trine_select");
    int i = 0;
    check(cases, n, "trine_select");
    if (n == 0) rt_block_forever(WR_SELECT_NONE);
    if (n == 1 && cases->chan) one(gp, cases);
    else if ((i = sel_poll(gp, cases, n)) < 0) i = sel_wait(gp, (struct sel){.cases = cases, .n = n, .block = true});
    rt_leave(gp);
    return i;
}

int trine_try_select(trine_case *cases, int n)
{
    struct g *gp = rt_enter("trine_try_select");
    check(cases, n, "trine_try_select");
    int i = sel_poll(gp, cases, n);
    /* one channel, or one P: what sel_poll saw was true at one moment */
    if (i < 0 && n > 1 && !rt_gsolo(gp)) i = sel_wait(gp, (struct sel){.cases = cases, .n = n});
    rt_leave(gp);
    return i;
}

int trine_select_until(trine_case *cases, int n, int64_t deadline_ns)
{
    struct g *gp = rt_enter("trine_select_until");
    check(cases, n, "trine_select_until");
    int i = sel_poll(gp, cases, n);
    if (i < 0) {
        bool block = rt_nanotime() < deadline_ns;
        i = sel_wait(gp, (struct sel){.cases = cases, .n = n, .block = block, .timed = block,
                                  .deadline_ns = deadline_ns});
    }
    rt_leave(gp);
    return i;
}
