/* trine_stats.c: what the runtime counted. Floor 9; readable at any time, from anywhere. */
#include "netpoll.h"
#include "sched.h"
#include "stack.h"

#include <string.h>

int trine_num_goroutine(void)
{
    struct g *gp = rt_enter("trine_num_goroutine");
    struct trine_stats s;
    trine_stats(&s);
    rt_leave(gp);
    return s.goroutines;
}

static void add_p(struct trine_stats *out, const struct pcount *c)
{
    out->steals += at64_load_rlx(&c->steals);
    out->stolen += at64_load_rlx(&c->stolen);
    out->parks += at64_load_rlx(&c->parks);
    out->wakes += at64_load_rlx(&c->wakes);
    out->spins += at64_load_rlx(&c->spins);
    out->switches += at64_load_rlx(&c->switches);
    out->yields += at64_load_rlx(&c->yields);
    out->spawns += at64_load_rlx(&c->spawns);
    out->overflows += at64_load_rlx(&c->overflows);
    out->runnext_hits += at64_load_rlx(&c->runnext_hits);
    out->tick61 += at64_load_rlx(&c->tick61);
    out->syscalls += at64_load_rlx(&c->syscalls);
    out->preemptions += at64_load_rlx(&c->preemptions);
    out->timers_fired += at64_load_rlx(&c->timers_fired);
    out->netpolls += at64_load_rlx(&c->netpolls);
    out->runnext_steals += at64_load_rlx(&c->runnext_steals);
    out->timer_wakes += at64_load_rlx(&c->timer_wakes);
    out->timer_steals += at64_load_rlx(&c->timer_steals);
    out->mutex_handoffs += at64_load_rlx(&c->mutex_handoffs);
}

/* Goroutines that have not ended, but for those that earlier runs left for good (the base). While goroutines come and go the
 * counters of several Ps are of no one instant: all exits are read before any spawn, so that for each exit that is counted
 * its spawn is too, and the base before both, so that those it counts are among the spawns. So it is never below 0,
 * and right when nothing comes or goes. Wants sched.lock. */
static int64_t alive(const struct sched *s)
{
    int64_t n = -s->goroutines_base;
    for (int i = 0; i < rt_pmade(); i++) n -= (int64_t)at64_load_acq(&s->allp[i]->count.exits);
    for (int i = 0; i < rt_pmade(); i++) n += (int64_t)at64_load_rlx(&s->allp[i]->count.spawns);
    return n;
}

void trine_stats(struct trine_stats *out)
{
    struct sched *s = &rt_sched;
    if (__builtin_expect(!out, 0)) rt_throw("trine_stats: NULL pointer");
    rt_not_in_handler("trine_stats");
    memset(out, 0, sizeof *out);
    /* The lock below must not be held by a thread that the preemption handler stopped. A goroutine that does little else
     * than ask is nearly always in here when the signal comes: this is where it sees the flag. Between
     * trine_syscall_enter and _exit, and on g0, inrt is up already. */
    struct g *gp = rt_getg();
    bool nested = gp && gp->inrt != 0;
    if (gp && !nested) rt_enter("trine_stats");
    for (int i = 0; i < rt_pmade(); i++) add_p(out, &s->allp[i]->count);
    out->handoffs = at64_load_rlx(&s->handoffs);
    out->retakes = at64_load_rlx(&s->retakes);
    out->world_stops = at64_load_rlx(&s->world_stops);
    out->sysmon_rounds = at64_load_rlx(&s->sysmon_rounds);
    out->poller_breaks = rt_netpoll_breaks();
    out->mwakes = at64_load_rlx(&s->mwakes);
    out->preempt_signals = at64_load_rlx(&s->preempt_signals);
    out->preempt_parked = at64_load_rlx(&s->preempt_parked);
    out->netpolls_outside = at64_load_rlx(&s->netpolls_outside);
    out->netpolls += out->netpolls_outside;
    out->wakes += out->netpolls_outside;
    struct stackcounts stacks = rt_stackcounts();
    out->stacks_made = stacks.made;
    out->stacks_unguarded = stacks.unguarded;
    out->stacks_trimmed = stacks.trimmed;
    out->stacks_ahead = stacks.ahead;
    rt_trace_counts(&out->trace_events, &out->trace_dropped);
    rt_lock(&s->lock);
    out->threads_made = s->threads_made;
    out->need_spinning = s->needspins;
    out->global_gets = s->global_gets;
    out->global_puts = s->global_puts;
    out->bias_given = s->bias_given;
    out->bias_revoked = s->bias_revoked;
    out->threads = s->mcount + s->nzombie;
    out->threads_idle = s->nmidle;
    out->threads_preempt_parked = (int)(uint32_t)at64_load_rlx(&s->makers_standers);
    out->goroutines = (int)alive(s);
    out->gomaxprocs = at32_load_rlx(&s->running) ? rt_nprocs() : 0;
    rt_unlock(&s->lock);
    if (gp && !nested) rt_leave(gp);
}
