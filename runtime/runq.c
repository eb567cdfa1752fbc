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

bool rt_runqoverflow(struct p *pp, struct g *gp)
{
    enum { HALF = RT_RUNQ_SIZE / 2 };
    uint64_t w = at64_load_rlx(&pp->runqhead); /* stale: the CAS says so */
    if (at32_load_rlx(&pp->runqtail) - (uint32_t)w < RT_RUNQ_SIZE) return false;
    for (uint32_t i = 0; i < HALF; i++) pp->over[i] = atp_load_rlx(RT_RUNQ_SLOT(pp, (uint32_t)w + i));
    if (pp->solo) at64_store_rlx(&pp->runqhead, rt_runqahead(w, HALF));
    else if (!at64_cas_rel(&pp->runqhead, w, rt_runqahead(w, HALF))) return false;
    pp->over[HALF] = gp;
    at64_bump(&pp->count.overflows, 1);
    return true;
}

bool rt_runqput(struct p *pp, struct g *gp, bool next, struct glist *over)
{
    if (next) gp = rt_runqputnext(pp, gp);
    while (gp && !rt_runqputtail(pp, gp)) {
        if (!rt_runqoverflow(pp, gp)) continue;
        for (uint32_t i = 0; i < RT_RUNQ_OVER; i++) glist_push(over, pp->over[i]);
        return false;
    }
    return true;
}

void rt_runqputbatch(struct p *pp, struct glist *l)
{
    uint32_t h = (uint32_t)at64_load_acq(&pp->runqhead), t = at32_load_rlx(&pp->runqtail);
    while (l->head && t - h < RT_RUNQ_SIZE) {
        atp_store_rlx(RT_RUNQ_SLOT(pp, t), glist_pop(l));
        t++;
    }
    at32_store_rel(&pp->runqtail, t);
}

struct g *rt_runqgetnewest(struct p *pp)
{
    uint32_t t = at32_load_rlx(&pp->runqtail);
    if ((uint32_t)at64_load_rlx(&pp->runqhead) == t) return NULL;
    struct g *gp = atp_load_rlx(RT_RUNQ_SLOT(pp, t - 1));
    at32_store_rlx(&pp->runqtail, t - 1); /* published by the CAS */
    if (pp->solo) return gp;
    for (;;) {
        uint64_t w = at64_load_rlx(&pp->runqhead);
        if ((uint32_t)w == t) break;                                   /* a thief has it */
        if (at64_cas_rel(&pp->runqhead, w, w + RT_RUNQ_EPOCH)) return gp;      /* partner: the acquire of the head in grab */
    }
    at32_store_rlx(&pp->runqtail, t); /* publishes no entry: the ring is empty */
    return NULL;
}

/* Copies half of victim's ring behind pp's own tail, which is not yet moved. How many. */
static uint32_t grab(struct p *pp, struct p *victim, uint32_t t)
{
    for (;;) {
        uint64_t w = at64_load_acq(&victim->runqhead);  /* partner: the CAS of another thief below; rt_runqgetnewest */
        uint32_t vt = at32_load_acq(&victim->runqtail); /* partner: the owner's release in put */
        uint32_t h = (uint32_t)w, n = vt - h;
        n -= n / 2;
        if (n == 0) return 0;
        if (n > RT_RUNQ_SIZE / 2) continue; /* head and tail are of two moments */
        for (uint32_t i = 0; i < n; i++) atp_store_rlx(RT_RUNQ_SLOT(pp, t + i), atp_load_rlx(RT_RUNQ_SLOT(victim, h + i)));
        if (at64_cas_rel(&victim->runqhead, w, rt_runqahead(w, n))) return n;
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
    struct g *gp = atp_load_rlx(RT_RUNQ_SLOT(pp, t + *n - 1));
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
