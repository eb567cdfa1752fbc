/*
 * resize.c: stop the world; the number of Ps. Floor 8.
 *
 * Owns: gcwaiting, stopwait and what Pgcstop means: the P runs nothing, is in no list, and only who stopped the world
 * may touch it. The stopper asks by three ways and keeps asking every 100 us, because a goroutine may switch between
 * being looked at and being flagged: attn on each P (read at each switch), preempt on each running goroutine (read at
 * each runtime call, and a signal for code that makes none), and taking the Ps of blocking calls itself.
 */
#include "resize.h"
#include "g.h"
#include "glock.h"
#include "m.h"
#include "preempt.h"
#include "runq.h"
#include "syscall.h"
#include "stride.h"
#include "timer.h"

#include <errno.h>

/* Wants sched.lock. */
static void stopped(struct p *pp)
{
    at32_store_rel(&pp->status, Pgcstop);
    rt_sched.stopwait--;
}

/* Wants sched.lock. Asks all that still run, and takes what can be taken. */
static void ask_all(struct p *own, bool signal)
{
    struct sched *s = &rt_sched;
    for (struct p *pp; (pp = rt_pidleget()) != NULL;) stopped(pp);
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *pp = s->allp[i];
        if (pp == own || at32_load_acq(&pp->status) != Prunning) continue;
        struct m *mp = rt_pm(pp);
        struct g *gp = mp ? rt_curg(mp) : NULL;
        at32_or_ar(&pp->attn, ATTN_STOP);
        if (gp && at32_load_acq(&gp->status) == Gsyscall && rt_retakep(pp, mp, gp)) {
            at64_add_rlx(&s->retakes, 1);
            stopped(pp);
        } else {
            rt_preemptone(pp, signal);
        }
    }
}

void rt_stopworld(struct p *own)
{
    struct sched *s = &rt_sched;
    rt_lock(&s->lock);
    s->stopwait = rt_nprocs();
    at32_store_rel(&s->gcwaiting, 1);
    rt_noteclear(&s->stopnote);
    if (own) stopped(own);
    for (bool signal = false; s->stopwait > 0; signal = true) { /* most come by themselves at their next runtime call */
        ask_all(own, signal);
        if (s->stopwait == 0) break;
        rt_unlock(&s->lock);
        rt_notetsleep(&s->stopnote, 100000);
        if (!signal) rt_want_spare(); /* a signal may stop threads in foreign code from here on */
        rt_preempt_collect();
        rt_lock(&s->lock);
    }
    rt_unlock(&s->lock);
    at64_add_rlx(&s->world_stops, 1);
    rt_trace(0, TR_STOP, 0, 0); /* nobody else holds P 0 now */
}

/* A P that never was: page-aligned memory of its own, so it shares no line with another. */
static struct p *make_p(int id)
{
    struct p *pp = rt_sysalloc(sizeof *pp);
    if (pp) pp->id = (uint32_t)id;
    return pp;
}

static void drain(struct p *pp)
{
    struct glist l;
    glist_init(&l);
    rt_runqdrain(pp, &l);
    glist_append(&l, &pp->spill);
    rt_lock(&rt_sched.lock);
    rt_globrunqputlist(&l);
    rt_unlock(&rt_sched.lock);
    rt_gfpurge(pp);
}

int rt_procresize(int n, struct m *m0)
{
    struct sched *s = &rt_sched;
    for (int i = 0; i < n; i++) {
        if (i < rt_pmade()) continue;
        if (!(s->allp[i] = make_p(i))) return -ENOMEM;
        ati32_store_rel(&s->nmade, i + 1); /* partner: rt_pmade, in a thread that asks for counters */
    }
    int old = rt_nprocs();
    if (m0 && (int)m0->p->id >= n) { /* the caller's P goes: it takes the first one */
        struct p *gone = rt_releasep(m0);
        at32_store_rel(&gone->status, Pgcstop);
        rt_acquirep(m0, s->allp[0]);
        at32_store_rel(&s->allp[0]->status, Pgcstop);
    }
    for (int i = n; i < old; i++) {
        struct p *pp = s->allp[i];
        drain(pp);
        rt_timers_take(s->allp[0], pp);
        at32_store_rel(&pp->status, Pdead);
    }
    for (int i = 0; i < n; i++) {
        struct p *pp = s->allp[i];
        pp->solo = n == 1;
        rt_bias_drop(&pp->bias);
        pp->rotates = rt_solo(pp) && !rt_ablated(TRINE_YIELD_GLOBAL | TRINE_GLOBAL_ONLY);
        pp->cpu = s->ncpus ? s->cpus[i % s->ncpus] : -1;
        if (i >= old) at32_store_rel(&pp->status, Pgcstop);
    }
    s->biased = NULL; /* as the world has stopped, nobody looks */
    ati32_store_rel(&s->nprocs, n);
    at32_store_rlx(&s->lone, n == 1);
    rt_stride_init((uint32_t)n);
    return 0;
}

void rt_startworld(struct m *m0)
{
    struct sched *s = &rt_sched;
    struct p *run = NULL; /* Ps with work get a thread at once, the others when they are needed */
    rt_lock(&s->lock);
    at32_store_rel(&s->gcwaiting, 0);
    for (int i = rt_nprocs() - 1; i >= 0; i--) {
        struct p *pp = s->allp[i];
        at32_store_rlx(&pp->attn, 0);
        if (m0 && pp == m0->p) {
            at32_store_rel(&pp->status, Prunning);
        } else if (!rt_runqempty(pp) || pp->spill.head) {
            at32_store_rel(&pp->status, Pidle);
            pp->link = run;
            run = pp;
        } else {
            at32_store_rel(&pp->status, Pidle);
            rt_pidleput(pp);
        }
    }
    rt_unlock(&s->lock);
    for (struct p *pp; (pp = run) != NULL;) {
        run = pp->link;
        pp->link = NULL;
        rt_startm(pp, false);
    }
    rt_wakep();
}
