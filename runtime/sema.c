/* sema.c: semaphores with direct hand-off. Floor 7; the rules stand in sema.h. */
#include "sema.h"
#include "glock.h"

static struct lock *sema_lock(trine_sema *s) { return (struct lock *)(void *)&s->lock; }

static inline void enqueue(trine_sema *s, struct sudog *sg, bool lifo)
{
    struct sudog *head = s->head, *tail = s->tail;
    if (lifo) {
        sg->next = head;
        s->head = sg;
        if (!head) s->tail = sg;
    } else {
        sg->next = NULL;
        if (tail) tail->next = sg;
        else s->head = sg;
        s->tail = sg;
    }
    at32_store_rlx(AT_U32(&s->nwait), s->nwait + 1); /* read without the lock, as a hint */
}

static inline struct sudog *dequeue(trine_sema *s)
{
    struct sudog *sg = s->head;
    if (!sg) return NULL;
    s->head = sg->next;
    if (!s->head) s->tail = NULL;
    at32_store_rlx(AT_U32(&s->nwait), s->nwait - 1);
    return sg;
}

void rt_semacquire(trine_sema *s, struct g *gp, bool lifo, enum waitreason why)
{
    rt_glock(gp, sema_lock(s));
    if (s->count > 0) {
        s->count--;
        rt_gunlock(sema_lock(s));
        return;
    }
    struct sudog *sg = &gp->sudog0;
    sg->g = gp;
    sg->elem = NULL;
    sg->queue = s;
    sg->is_select = false;
    enqueue(s, sg, lifo);
    rt_goparkunlock(sema_lock(s), why);
}

void rt_semrelease(trine_sema *s, struct g *gp, bool handoff)
{
    rt_glock(gp, sema_lock(s));
    struct sudog *sg = dequeue(s);
    if (!sg && __builtin_expect(++s->count == 0, 0)) rt_throw("semaphore count overflow");
    rt_gunlock(sema_lock(s));
    if (!sg) return;
    struct g *peer = sg->g;
    peer->param = sg;
    rt_goready(peer);
    if (handoff) rt_gosched(gp); /* the peer stands in runnext: it runs now, in this slice */
}

void trine_sema_acquire(trine_sema *s)
{
    struct g *gp = rt_enter("trine_sema_acquire");
    if (__builtin_expect(!s, 0)) rt_throw("trine_sema_acquire: NULL semaphore");
    rt_semacquire(s, gp, false, WR_SEMACQUIRE);
    rt_leave(gp);
}

void trine_sema_release(trine_sema *s)
{
    struct g *gp = rt_enter("trine_sema_release");
    if (__builtin_expect(!s, 0)) rt_throw("trine_sema_release: NULL semaphore");
    rt_semrelease(s, gp, false);
    rt_leave(gp);
}
