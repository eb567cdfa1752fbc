/*
 * runq.h: a P's local run queue. Floor 4: these functions move Gs, they never ready one.
 * What its owner does at every switch stands here, to be one piece with it; who races with whom is said in runq.c.
 */
#ifndef RT_RUNQ_H
#define RT_RUNQ_H

#include "proc.h"

#define RT_RUNQ_INLINE static inline __attribute__((always_inline))
#define RT_RUNQ_SLOT(pp, i) (&(pp)->runq[(i) & (RT_RUNQ_SIZE - 1)])
_Static_assert((RT_RUNQ_SIZE & (RT_RUNQ_SIZE - 1)) == 0, "the ring's index is masked");

#define RT_RUNQ_EPOCH (1ull << 32)
/* The word with its head n further. */
static inline uint64_t rt_runqahead(uint64_t w, uint32_t n) { return (w & ~(RT_RUNQ_EPOCH - 1)) | (uint32_t)(w + n); }

static inline uint32_t rt_runqlen(const struct p *pp) /* a hint unless the owner asks */
{
    return at32_load_rlx(&pp->runqtail) - (uint32_t)at64_load_rlx(&pp->runqhead);
}

/* Owner only. Moves the head of word w by one if no thief did. Release: who sees the head moved also sees what the owner
 * did before; partner: rt_runqempty. */
static inline bool rt_runqtake(struct p *pp, uint64_t w)
{
    if (pp->solo) {
        at64_store_rlx(&pp->runqhead, rt_runqahead(w, 1));
        return true;
    }
    return at64_cas_rel(&pp->runqhead, w, rt_runqahead(w, 1));
}

/* Owner only. gp into runnext; who stood there and must go to the tail instead, or NULL. */
RT_RUNQ_INLINE struct g *rt_runqputnext(struct p *pp, struct g *gp)
{
    struct g *old = atp_load_rlx(&pp->runnext);
    if (old == NULL) atp_store_rel(&pp->runnext, gp); /* partner: the acquire of the thief's CAS */
    else if (pp->solo) atp_store_rlx(&pp->runnext, gp);
    else old = atp_xchg_ar(&pp->runnext, gp); /* NULL: a thief was faster */
    return old;
}

/* Owner only. False: the ring is full. */
RT_RUNQ_INLINE bool rt_runqputtail(struct p *pp, struct g *gp)
{
    uint32_t h = (uint32_t)at64_load_acq(&pp->runqhead); /* partner: the CAS of a thief in grab */
    uint32_t t = at32_load_rlx(&pp->runqtail);
    if (__builtin_expect(t - h >= RT_RUNQ_SIZE, 0)) return false;
    atp_store_rlx(RT_RUNQ_SLOT(pp, t), gp);
    at32_store_rel(&pp->runqtail, t + 1); /* partner: the thief's acquire of the tail */
    return true;
}

/* Owner only, after rt_runqputtail found no room. Half of the ring and gp behind them move to pp->over (oldest first), from
 * there they go to the global queue. False: a thief made room meanwhile, try again. */
bool rt_runqoverflow(struct p *pp, struct g *gp);

/* Owner only. All of it: next: into runnext, and what stood there goes to the tail. False: the ring gave away half, which is
 * appended to `over`. */
bool rt_runqput(struct p *pp, struct g *gp, bool next, struct glist *over);

/* Owner only. Moves as many of the list's Gs into the ring as fit; the rest stay in the list. */
void rt_runqputbatch(struct p *pp, struct glist *l);
/* Owner only. NULL when empty. *inherit: it came from runnext, so it shares the time slice of the one before. */
RT_RUNQ_INLINE struct g *rt_runqget(struct p *pp, bool *inherit)
{
    struct g *next = atp_load_rlx(&pp->runnext);
    /* (chaos: runnext first is a habit, not a promise, as long as something else runs) */
    bool skip = AT_SKIP() && at32_load_rlx(&rt_sched.running) && rt_runqlen(pp) > 0;
    if (next && !skip) {
        /* Only a thief can have emptied it; nobody else fills it, so one try is enough. Release: who sees it empty
         * also sees the ring into which put kicked an earlier one; partner: rt_runqempty. */
        bool mine = true;
        if (pp->solo) atp_store_rlx(&pp->runnext, NULL);
        else mine = atp_cas_rel(&pp->runnext, next, NULL);
        if (mine) {
            at64_bump(&pp->count.runnext_hits, 1);
            *inherit = true;
            return next;
        }
    }
    *inherit = false;
    for (;;) {
        uint64_t w = at64_load_rlx(&pp->runqhead); /* the entries are our own; put acquires before it reuses a slot */
        uint32_t n = at32_load_rlx(&pp->runqtail) - (uint32_t)w;
        if (n == 0) return NULL;
        struct g *gp = atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w));
        if (n > RT_PREFETCH_AHEAD) {
            rt_prefetch_g(atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w + RT_PREFETCH_AHEAD)));
            rt_prefetch_frames(atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w + 1)));
        }
        if (rt_runqtake(pp, w)) return gp;
    }
}

/* Owner only, on a P without thieves. gp goes to the tail and the oldest comes out; NULL, and nothing is done, when the
 * ring is empty or the oldest may run on its own thread only. */
RT_RUNQ_INLINE struct g *rt_runqrotate(struct p *pp, struct g *gp)
{
    uint64_t w = at64_load_rlx(&pp->runqhead);
    uint32_t t = at32_load_rlx(&pp->runqtail), n = t - (uint32_t)w;
    if (n == 0) return NULL;
    struct g *next = atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w));
    if (next->lockedm) return NULL;
    if (n > RT_PREFETCH_AHEAD) rt_prefetch_g(atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w + RT_PREFETCH_AHEAD)));
    atp_store_rlx(RT_RUNQ_SLOT(pp, t), gp); /* of a full ring this is the slot that next leaves */
    at64_store_rlx(&pp->runqhead, rt_runqahead(w, 1));
    at32_store_rel(&pp->runqtail, t + 1);
    return next;
}

/* Owner only. The newest of the ring instead of the oldest (not runnext); NULL when it is empty. */
struct g *rt_runqgetnewest(struct p *pp);
/* Anybody. Takes half of victim's ring into pp's own (which is empty), and returns one of them; *n: how many moved.
 * take_next: runnext too, when the ring is empty; the caller has waited RT_RUNNEXT_BACKOFF_NS for its owner. */
struct g *rt_runqsteal(struct p *pp, struct p *victim, bool take_next, uint32_t *n);
/* Anybody; true only if ring and runnext were empty at one instant. */
bool rt_runqempty(struct p *pp);
/* Owner, or the world is stopped: everything into `out`. */
void rt_runqdrain(struct p *pp, struct glist *out);

#endif
