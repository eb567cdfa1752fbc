/*
 * syscall.c: blocking calls. Floor 7.
 *
 * Entry is one store: the goroutine's state becomes Gsyscall, and its P may be taken from then on. Exit is one CAS back
 * to Grunning. sysmon, which takes Ps, first freezes the exit by setting the scan bit on that state; while it is set the
 * CAS fails and the exit waits, a few instructions long. So whichever comes first, both sides know who has the P:
 *   exit:   CAS Gsyscall -> Grunning, then reads m->p: ours, or NULL when it was taken before.
 *   taker:  CAS Gsyscall -> Gsyscall|Gscan, clears m->p, stores Gsyscall.
 * The taker read the P's M and the M's goroutine one after the other, so both may be old: the goroutine may be in a call
 * of another M by then, while this one runs with its P. Once it is frozen its m is who made the call, and says so.
 * This is Go's protocol since 1.26, which no longer has a state of the P for it.
 */
#include "syscall.h"
#include "sched.h"

bool rt_retakep(struct p *pp, struct m *mp, struct g *gp)
{
    if (!at32_cas_ar(&gp->status, Gsyscall, Gsyscall | Gscan)) return false; /* partner: rt_syscall_exit */
    bool ours = gp->m == mp && mp->p == pp && rt_pm(pp) == mp;
    if (ours) {
        rt_trace(pp->id, TR_RETAKE, gp->goid, 0);
        mp->oldp = pp;
        mp->p = NULL;
        atp_store_rel(&pp->m, NULL);
        at32_store_rel(&pp->status, Pidle);
    }
    at32_store_rel(&gp->status, Gsyscall);
    return ours;
}

void rt_syscall_enter(struct g *gp)
{
    struct p *pp = gp->m->p;
    at64_bump(&pp->count.syscalls, 1);
    rt_trace(pp->id, TR_SYSCALL, gp->goid, 0);
    at32_bump(&pp->syscalltick, 1);
    /* inrt stays up: the preemption signal leaves this thread alone, and a runtime call in between is a misuse */
    at32_store_rel(&gp->status, Gsyscall); /* partner: rt_retakep */
}

void trine_syscall_enter(void) { rt_syscall_enter(rt_enter("trine_syscall_enter")); }

/* A P for mp: the one it had, else any idle one. */
static bool idle_p_again(struct m *mp)
{
    struct sched *s = &rt_sched;
    if (at32_load_rlx(&s->npidle) == 0 || at32_load_rlx(&s->gcwaiting)) return false;
    rt_lock(&s->lock);
    struct p *pp = at32_load_rlx(&s->gcwaiting) ? NULL : rt_pidleget_prefer(mp->oldp);
    rt_unlock(&s->lock);
    if (!pp) return false;
    rt_acquirep(mp, pp);
    return true;
}

static __attribute__((noinline)) void exit_slow(struct g *gp)
{
    struct m *mp = gp->m;
    rt_lock(&rt_sched.lock); /* the end of a run marks its leftovers under this lock */
    bool zombie = at32_load_rlx(&gp->preempt) == PREEMPT_ZOMBIE;
    rt_unlock(&rt_sched.lock);
    if (zombie) rt_gozombie(gp);
    if (!idle_p_again(mp)) {
        rt_gosched_nop(gp);
        return;
    }
    at32_bump(&mp->p->schedtick, 1); /* it gave its P away meanwhile: a slice begins */
    rt_trace(mp->p->id, TR_RESUME, gp->goid, 0);
}

void rt_syscall_exit(struct g *gp)
{
    struct m *mp = gp->m;
    int saved = *mp->errno_loc; /* the call's own result */
    while (!at32_cas_ar(&gp->status, Gsyscall, Grunning)) at_pause(); /* partner: rt_retakep */
    if (__builtin_expect(mp->p == NULL, 0)) exit_slow(gp);
    *gp->m->errno_loc = saved;
}

void trine_syscall_exit(void)
{
    struct g *gp = rt_getg();
    if (!gp || (at32_load_rlx(&gp->status) & ~(uint32_t)Gscan) != Gsyscall)
        rt_throw("trine_syscall_exit without trine_syscall_enter");
    rt_syscall_exit(gp);
    if (__builtin_expect(at32_load_rlx(&gp->preempt), 0)) rt_gopreempt(gp);
    rt_leave(gp);
}
