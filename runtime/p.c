/*
 * p.c: who holds which P, the idle ones, and the queue that all share. Floor 5, beside m.c.
 *
 * Owns: the list of idle Ps and the global queue, both under sched.lock. An M holds at most one P; a P is held by at
 * most one M, or stands in the idle list, or is stopped. acquire and release are the only places where that changes,
 * besides sysmon and the preemption handler, which take a P from an M that cannot run (syscall.c, preempt.c).
 */
#include "m.h"
#include "runq.h"

struct sched rt_sched;

/* ---- Ps ---- */
void rt_acquirep(struct m *mp, struct p *pp)
{
    rt_assert(mp->p == NULL && rt_pm(pp) == NULL);
    mp->p = pp;
    atp_store_rel(&pp->m, mp);
    at32_store_rel(&pp->status, Prunning);
    if (pp->cpu != mp->cpu) { /* the pin is the P's, so its M takes it over */
        mp->cpu = pp->cpu;
        rt_bindcpu(pp->cpu);
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

void rt_pidleput(struct p *pp)
{
    pp->link = rt_sched.pidle;
    rt_sched.pidle = pp;
    at32_or_ar(&rt_sched.idlemask[pp->id / 32], 1u << (pp->id % 32));
    at32_add_ar(&rt_sched.npidle, 1); /* partner: rt_wakep's load, by way of the last spinner's fence */
}

struct p *rt_pidleget(void)
{
    struct p *pp = rt_sched.pidle;
    if (!pp) return NULL;
    rt_sched.pidle = pp->link;
    pp->link = NULL;
    at32_and_ar(&rt_sched.idlemask[pp->id / 32], ~(1u << (pp->id % 32)));
    at32_add_ar(&rt_sched.npidle, -1u);
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
    if (!pp) at32_store_rel(&rt_sched.needspinning, 1);
    return pp;
}

/* ---- the global queue ---- */
void rt_globrunqput(struct g *gp)
{
    glist_push(&rt_sched.runq, gp);
    at32_store_rel(&rt_sched.runqsize, rt_sched.runq.n);
}

void rt_globrunqputlist(struct glist *l)
{
    glist_append(&rt_sched.runq, l);
    at32_store_rel(&rt_sched.runqsize, rt_sched.runq.n);
}

void rt_globrunqputhead(struct g *gp)
{
    gp->schedlink = rt_sched.runq.head;
    rt_sched.runq.head = gp;
    if (!rt_sched.runq.tail) rt_sched.runq.tail = gp;
    rt_sched.runq.n++;
    at32_store_rel(&rt_sched.runqsize, rt_sched.runq.n);
}

struct g *rt_globrunqget(struct p *pp, uint32_t max)
{
    uint32_t len = rt_sched.runq.n, n = len / (uint32_t)rt_nprocs() + 1;
    if (len == 0) return NULL;
    if (n > len) n = len;
    if (n > RT_GLOBAL_BATCH) n = RT_GLOBAL_BATCH;
    if (n > RT_RUNQ_SIZE / 2) n = RT_RUNQ_SIZE / 2;
    if (max && n > max) n = max;
    struct g *first = glist_pop(&rt_sched.runq);
    struct glist batch;
    glist_init(&batch);
    for (uint32_t i = 1; i < n; i++) glist_push(&batch, glist_pop(&rt_sched.runq));
    at64_bump(&pp->count.global_gets, n);
    if (batch.head) rt_runqputbatch(pp, &batch);
    while (batch.head) rt_globrunqputhead(glist_pop(&batch)); /* the ring was not empty */
    at32_store_rel(&rt_sched.runqsize, rt_sched.runq.n);
    return first;
}
