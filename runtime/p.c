/*
 * p.c: who holds which P, the idle ones, and the queue that all share. Floor 5, beside m.c.
 *
 * Owns: the list of idle Ps, the bias and the global queue, all under sched.lock. An M holds at most one P; a P is held by at
 * most one M, or stands in the idle list, or is stopped. acquire and release are the only places where that changes,
 * besides sysmon and the preemption handler, which take a P from an M that cannot run (syscall.c, preempt.c).
 */
#include "globq.h"
#include "m.h"
#include "runq.h"
#include "timer.h"

struct sched rt_sched;

/* ---- Ps ---- */
void rt_acquirep(struct m *mp, struct p *pp)
{
    rt_assert(mp->p == NULL && rt_pm(pp) == NULL);
    mp->p = pp;
    atp_store_rel(&pp->m, mp);
    at32_store_rel(&pp->status, Prunning);
    if (pp->cpu != mp->cpu) { /* the pin is the P's, so its M takes it over */
        if (rt_bindcpu(pp->cpu) == 0) mp->cpu = pp->cpu; /* refused (the CPU went offline, say): asked again by the next */
    }
}

struct p *rt_releasep(struct m *mp)
{
    struct p *pp = mp->p;
    rt_assert(pp && rt_pm(pp) == mp);
    mp->p = NULL;
    atp_store_rel(&pp->m, NULL);
    at32_store_rel(&pp->status, Pidle);
    return pp;
}

/* ---- the bias (bias.h): the only P that is out of the idle list has it ---- */
static bool one_is_out(int nprocs) { return nprocs > 1 && at32_load_rlx(&rt_sched.npidle) + 1 == (uint32_t)nprocs; }
static bool is_to_be_had(void) { return rt_sched.fence_turns && !rt_ablated(TRINE_NO_BIAS); }

/* Wants sched.lock; a P was just put into the idle list or taken out. */
static void give_bias(void)
{
    struct sched *s = &rt_sched;
    int n = rt_nprocs(), only = 0;
    if (s->biased || ati64_load_rlx(&s->bias_rests) || !is_to_be_had() || !one_is_out(n)) return;
    if (at32_load_rlx(&s->gcwaiting)) return; /* nobody is to run; rt_startworld puts the idle ones back */
    while (only < n && rt_idlemask((uint32_t)only)) only++;
    if (only == n) return; /* the number of Ps changes this moment */
    s->biased = s->allp[only];
    s->bias_given++;
    at32_store_rlx(&s->lone, 1);
    rt_bias_give(&s->biased->bias);
}

/* Wants sched.lock; before a second P comes out, or the one that has the bias goes to the list. */
static void take_bias(bool idles)
{
    struct sched *s = &rt_sched;
    struct p *pp = s->biased;
    if (!pp) return;
    struct m *mp = rt_getm();
    s->biased = NULL;
    at32_store_rlx(&s->lone, 0);
    if (idles || (mp && mp->p == pp)) {
        rt_bias_drop(&pp->bias);
        return;
    }
    rt_bias_revoke(&pp->bias);
    s->bias_revoked++;
    ati64_store_rlx(&s->bias_rests, rt_nanotime());
}

void rt_bias_look(int64_t now)
{
    struct sched *s = &rt_sched;
    int64_t rests = ati64_load_rlx(&s->bias_rests);
    bool over = rests && now - rests >= RT_BIAS_REST_NS;
    bool give = !rests && is_to_be_had() && !at32_load_rlx(&s->lone) && one_is_out(rt_nprocs());
    if (!over && !give) return;
    rt_lock(&s->lock);
    if (over) ati64_store_rlx(&s->bias_rests, 0);
    give_bias();
    rt_unlock(&s->lock);
}

void rt_pidleput(struct p *pp)
{
    rt_timers_rest(pp);
    if (pp == rt_sched.biased) take_bias(true);
    pp->link = rt_sched.pidle;
    rt_sched.pidle = pp;
    at32_or_ar(&rt_sched.idlemask[pp->id / 32], 1u << (pp->id % 32));
    at32_add_ar(&rt_sched.npidle, 1); /* partner: rt_wakep's load, by way of the last spinner's fence */
    give_bias();
}

struct p *rt_pidleget(void)
{
    struct p *pp = rt_sched.pidle;
    if (!pp) return NULL;
    take_bias(false);
    rt_sched.pidle = pp->link;
    pp->link = NULL;
    at32_and_ar(&rt_sched.idlemask[pp->id / 32], ~(1u << (pp->id % 32)));
    at32_add_ar(&rt_sched.npidle, -1u);
    give_bias(); /* the first one out */
    if (at32_load_rlx(&rt_sched.sysmonwait)) { /* somebody runs again: slices must be watched */
        at32_store_rlx(&rt_sched.sysmonwait, 0);
        rt_wakesysmon();
    }
    return pp;
}

struct p *rt_pidleget_prefer(struct p *pp)
{
    struct p **link = &rt_sched.pidle;
    while (*link && *link != pp) link = &(*link)->link;
    if (*link && link != &rt_sched.pidle) { /* to the head of the list */
        *link = pp->link;
        pp->link = rt_sched.pidle;
        rt_sched.pidle = pp;
    }
    return rt_pidleget();
}

struct p *rt_pidleget_spinning(void)
{
    struct p *pp = rt_pidleget();
    if (!pp) {
        at32_store_rel(&rt_sched.needspinning, 1);
        rt_sched.needspins++;
    }
    return pp;
}

/* ---- the global queue ---- */
static void publish_size(void) { at32_store_rel(&rt_sched.runqsize, rt_sched.runq.n); } /* a hint for those without the lock */

void rt_globrunqputmany(struct g *const *gs, uint32_t n)
{
    rt_globq_put(&rt_sched.runq, gs, n);
    rt_sched.global_puts += n;
    publish_size();
}

void rt_globrunqput(struct g *gp) { rt_globrunqputmany(&gp, 1); }

void rt_globrunqputlist(struct glist *l)
{
    for (struct g *gp; (gp = glist_pop(l)) != NULL;) rt_globrunqput(gp);
}

void rt_globrunqinject(struct glist *l)
{
    enum { SOME = 32 }; /* pointers: the caller's stack may be a small one */
    struct g *batch[SOME];
    while (l->head) {
        uint32_t n = 0;
        while (n < SOME && l->head) batch[n++] = glist_pop(l);
        rt_lock(&rt_sched.lock);
        rt_globrunqputmany(batch, n);
        rt_unlock(&rt_sched.lock);
    }
}

static uint32_t min(uint32_t a, uint32_t b) { return a < b ? a : b; }

struct g *rt_globrunqget(struct p *pp, uint32_t max)
{
    struct g **batch = pp->over;
    uint32_t len = rt_sched.runq.n, n = len / (uint32_t)rt_nprocs() + 1;
    if (len == 0) return NULL;
    n = min(min(n, len), min(RT_GLOBAL_BATCH, RT_RUNQ_SIZE / 2));
    n = min(n, RT_RUNQ_SIZE - rt_runqlen(pp) + 1); /* thieves only make room, so all of these find some */
    if (max) n = min(n, max);
    n = rt_globq_get(&rt_sched.runq, batch, n);
    for (uint32_t i = 1; i < n; i++)
        if (!rt_runqputtail(pp, batch[i])) rt_throw("invariant broken: the ring of P %u was filled by another", pp->id);
    rt_sched.global_gets += n;
    publish_size();
    return batch[0];
}

struct g *rt_globrunqextract(bool (*want)(const struct g *))
{
    struct g *gp = rt_globq_extract(&rt_sched.runq, want);
    rt_sched.global_gets += gp != NULL;
    publish_size();
    return gp;
}
