/*
 * runq.c: a P's local run queue: a ring of 256 with one producer, and runnext. Floor 4.
 *
 * Head and tail are 32-bit counters that only grow, much wider than the ring: a thief that slept between reading the
 * head and its CAS succeeds only if the head is where it was, and 2^32 pops in between would be needed to fool it
 * (narrower indices have been fooled in practice). The tail is written by the owner alone; the head moves by CAS,
 * from the owner and from thieves, so each entry is taken exactly once. Above the head, in the same word, stands an
 * epoch that the owner counts up when it takes its newest entry back: a thief that looked before must not succeed
 * after, for what it copied may reach up to that entry.
 *
 * Racing sides:
 *   put / steal   owner stores the entry, then the tail with release; a thief reads the tail with acquire, then the entry.
 *   get / steal   both CAS the head; the loser looks again.
 *   put / steal   the owner reads the head with acquire before it reuses a slot: the partner is the release of the
 *                 thief's CAS, so the thief has read the slot before the owner overwrites it.
 *   overflow / steal   half the ring leaves by one CAS on the head, like a steal by the owner.
 *   newest / steal   the owner lowers the tail, then CASes the word with the next epoch: a thief that read the old word
 *                 fails, one that reads the new word (acquire) sees the lower tail; when a thief came first, the owner
 *                 looks again, and puts the tail back if its entry is gone. Meanwhile the tail may stand one below the
 *                 head: thieves take that for two moments and look again.
 *   runnext       the owner fills it (only the owner makes it non-empty, so an empty one is filled by a plain store);
 *                 owner and thieves empty it by CAS.
 * solo: there is no other P, hence no thief; then the CAS is a plain store. It changes only under stop-the-world.
 */
#include "runq.h"

#define SLOT(pp, i) (&(pp)->runq[(i) & (RT_RUNQ_SIZE - 1)])
_Static_assert((RT_RUNQ_SIZE & (RT_RUNQ_SIZE - 1)) == 0, "the ring's index is masked");

#define EPOCH (1ull << 32)
/* The word with its head n further. */
static inline uint64_t ahead(uint64_t w, uint32_t n) { return (w & ~(EPOCH - 1)) | (uint32_t)(w + n); }

/* Moves the head of word w by n if nobody did. Release: the slots read before may be reused after. */
static inline bool take(struct p *pp, uint64_t w, uint32_t n)
{
    if (pp->solo) {
        at64_store_rlx(&pp->runqhead, ahead(w, n));
        return true;
    }
    return at64_cas_rel(&pp->runqhead, w, ahead(w, n));
}

/* The ring is full: half of it, and gp behind them, to `over`. False when a thief made room meanwhile. */
static __attribute__((noinline)) bool overflow(struct p *pp, struct g *gp, uint64_t w, struct glist *over)
{
    enum { HALF = RT_RUNQ_SIZE / 2 };
    struct g *batch[HALF];
    for (uint32_t i = 0; i < HALF; i++) batch[i] = atp_load_rlx(SLOT(pp, (uint32_t)w + i));
    if (!take(pp, w, HALF)) return false;
    for (uint32_t i = 0; i < HALF; i++) glist_push(over, batch[i]);
    glist_push(over, gp);
    at64_bump(&pp->count.overflows, 1);
    return true;
}

bool rt_runqput(struct p *pp, struct g *gp, bool next, struct glist *over)
{
    if (next) {
        struct g *old = atp_load_rlx(&pp->runnext);
        if (old == NULL) {
            atp_store_rel(&pp->runnext, gp); /* partner: the acquire of the thief's CAS */
            return true;
        }
        if (pp->solo) atp_store_rlx(&pp->runnext, gp);
        else old = atp_xchg_ar(&pp->runnext, gp);
        if (old == NULL) return true; /* a thief was faster */
        gp = old;
    }
    for (;;) {
        uint64_t w = at64_load_acq(&pp->runqhead); /* partner: take() of a thief */
        uint32_t t = at32_load_rlx(&pp->runqtail);
        if (__builtin_expect(t - (uint32_t)w < RT_RUNQ_SIZE, 1)) {
            atp_store_rlx(SLOT(pp, t), gp);
            at32_store_rel(&pp->runqtail, t + 1); /* partner: the thief's acquire of the tail */
            return true;
        }
        if (overflow(pp, gp, w, over)) return false;
    }
}

void rt_runqputbatch(struct p *pp, struct glist *l)
{
    uint32_t h = (uint32_t)at64_load_acq(&pp->runqhead), t = at32_load_rlx(&pp->runqtail);
    while (l->head && t - h < RT_RUNQ_SIZE) {
        atp_store_rlx(SLOT(pp, t), glist_pop(l));
        t++;
    }
    at32_store_rel(&pp->runqtail, t);
}

struct g *rt_runqget(struct p *pp, bool *inherit)
{
    struct g *next = atp_load_rlx(&pp->runnext);
    if (next) {
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
        struct g *gp = atp_load_rlx(SLOT(pp, (uint32_t)w));
        if (n > 1) rt_prefetch_g(atp_load_rlx(SLOT(pp, (uint32_t)w + 1))); /* while this one runs */
        if (take(pp, w, 1)) return gp;
    }
}

struct g *rt_runqgetnewest(struct p *pp)
{
    uint32_t t = at32_load_rlx(&pp->runqtail);
    if ((uint32_t)at64_load_rlx(&pp->runqhead) == t) return NULL;
    struct g *gp = atp_load_rlx(SLOT(pp, t - 1));
    at32_store_rlx(&pp->runqtail, t - 1); /* published by the CAS */
    if (pp->solo) return gp;
    for (;;) {
        uint64_t w = at64_load_rlx(&pp->runqhead);
        if ((uint32_t)w == t) break;                                   /* a thief has it */
        if (at64_cas_rel(&pp->runqhead, w, w + EPOCH)) return gp;      /* partner: the acquire of the head in grab */
    }
    at32_store_rlx(&pp->runqtail, t); /* publishes no entry: the ring is empty */
    return NULL;
}

/* Copies half of victim's ring behind pp's own tail, which is not yet moved. How many. */
static uint32_t grab(struct p *pp, struct p *victim, uint32_t t)
{
    for (;;) {
        uint64_t w = at64_load_acq(&victim->runqhead);  /* partner: take() of another thief; rt_runqgetnewest */
        uint32_t vt = at32_load_acq(&victim->runqtail); /* partner: the owner's release in put */
        uint32_t h = (uint32_t)w, n = vt - h;
        n -= n / 2;
        if (n == 0) return 0;
        if (n > RT_RUNQ_SIZE / 2) continue; /* head and tail are of two moments */
        for (uint32_t i = 0; i < n; i++) atp_store_rlx(SLOT(pp, t + i), atp_load_rlx(SLOT(victim, h + i)));
        if (at64_cas_rel(&victim->runqhead, w, ahead(w, n))) return n;
    }
}

struct g *rt_runqsteal(struct p *pp, struct p *victim, bool take_next, uint32_t *n)
{
    uint32_t t = at32_load_rlx(&pp->runqtail);
    *n = grab(pp, victim, t);
    if (*n == 0) {
        struct g *gp = take_next ? atp_load_rlx(&victim->runnext) : NULL;
        if (!gp || !atp_cas_acq(&victim->runnext, gp, NULL)) return NULL;
        *n = 1;
        return gp;
    }
    struct g *gp = atp_load_rlx(SLOT(pp, t + *n - 1));
    if (*n > 1) at32_store_rel(&pp->runqtail, t + *n - 1); /* now others may steal them from us */
    return gp;
}

bool rt_runqempty(struct p *pp)
{
    /* runnext may be kicked to the ring between two reads: the tail, unchanged, says that it was not */
    for (;;) {
        uint32_t h = (uint32_t)at64_load_acq(&pp->runqhead), t = at32_load_rlx(&pp->runqtail);
        void *next = atp_load_acq(&pp->runnext);
        if (t == at32_load_rlx(&pp->runqtail)) return h == t && next == NULL; /* ordered by the acquire of runnext */
    }
}

void rt_runqdrain(struct p *pp, struct glist *out)
{
    bool inherit;
    for (struct g *gp; (gp = rt_runqget(pp, &inherit)) != NULL;) glist_push(out, gp);
}
