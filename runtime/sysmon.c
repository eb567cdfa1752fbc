/*
 * sysmon.c: the monitor, on the thread that called trine_run. Floor 8; holds no P and runs no goroutine, so a blocked
 * goroutine can never keep trine_run from returning.
 *
 * It sleeps 20 us, after 50 rounds with nothing to do (or after a preemption at once) twice as long each time, up to
 * 10 ms or to the end of the first slice that runs; and for good when nothing ran for 20 ms (100 us where that sleep is
 * long) and every P is idle: whoever takes a P from the idle list then wakes it. Each round:
 *   Ps whose M sits in a blocking call for a tick are taken from it, at once if there is work for them, else after 10 ms;
 *   goroutines that ran a slice without a switch, blocking calls and all, are asked to give way;
 *   Ps that dropped into the mailbox are handed on;
 *   the network is polled if nobody did for 10 ms; timers that a busy P let pass are brought to its notice, and where a P is
 *   idle somebody is woken for them, also for those of idle Ps while nobody sleeps in the poller;
 *   an idle P is woken for work that stayed in a queue (the readies that sched.c let pass);
 *   the fence between submitters and idlers is paid by whoever passes it less often; the bias is given to a P that alone runs;
 *   stacks that nobody wanted for a while go back to the kernel.
 */
#include "sysmon.h"
#include "fence.h"
#include "find.h"
#include "g.h"
#include "m.h"
#include "netpoll.h"
#include "preempt.h"
#include "runq.h"
#include "syscall.h"
#include "timer.h"
#include "wait.h"

bool (*rt_sysmon_report)(int64_t now);
int64_t rt_sysmon_idle_since;

/* What the monitor takes is nobody's until an M or a queue has it, and the last M may go idle meanwhile: that is no
 * deadlock. Full barrier: said before anything is taken; partner: rt_checkdead, which then leaves it to us. */
static void begin_carrying(void)
{
    at32_store_rlx(&rt_sched.carries, 1);
    at_fence_sc();
}

static void end_carrying(void)
{
    at32_store_rel(&rt_sched.carries, 0);
    rt_lock(&rt_sched.lock);
    rt_checkdead();
    rt_unlock(&rt_sched.lock);
}

/* pp's M is in a blocking call: take it, if it was there at the last look too. */
static bool retake_syscall(struct p *pp, struct m *mp, struct g *gp, int64_t now)
{
    uint32_t tick = at32_load_rlx(&pp->syscalltick);
    if (pp->sm_syscalltick != tick) {
        pp->sm_syscalltick = tick;
        pp->sm_syscallwhen = now;
        return false;
    }
    if (rt_ablated(TRINE_NO_HANDOFF | TRINE_LOCAL_ONLY)) return false;
    /* no work of its own, and somebody else could take new work: leave it, but not for ever, for sysmon's deep sleep */
    bool others = at32_load_rlx(&rt_sched.nmspinning) + at32_load_rlx(&rt_sched.npidle) > 0;
    if (rt_runqempty(pp) && others && now - pp->sm_syscallwhen < RT_SYSMON_MAX_NS) return false;
    begin_carrying();
    bool took = rt_retakep(pp, mp, gp);
    if (took) {
        at64_add_rlx(&rt_sched.retakes, 1);
        at32_store_rlx(&pp->syscalltick, tick + 1);
        rt_handoffp(pp);
    }
    end_carrying();
    return took;
}

/* When the first of the slices ends that were running at the last look. */
static int64_t slice_end;

/* Has what runs on pp, one goroutine or several that share a slice, run for one? */
static bool slice_spent(struct p *pp, int64_t now)
{
    if (rt_ablated(TRINE_NO_PREEMPT)) return false;
    uint32_t tick = at32_load_rlx(&pp->schedtick);
    if (pp->sm_schedtick != tick) {
        pp->sm_schedtick = tick;
        pp->sm_schedwhen = now;
    }
    int64_t end = rt_deadline(pp->sm_schedwhen, rt_sched.slice_ns);
    if (now >= end) return true;
    if (end < slice_end) slice_end = end;
    return false;
}

/* A slice is spent: asks for pp. A goroutine in a blocking call finds the flag when it comes back: short calls in a row, each
 * another at every look, would else keep their P for ever. sched.lock keeps the M from ending. */
static void ask_for_p(struct p *pp, bool in_call)
{
    if (!in_call) rt_want_spare();
    rt_lock(&rt_sched.lock);
    if (pp->sm_schedtick == at32_load_rlx(&pp->schedtick)) rt_preemptone(pp, true);
    rt_unlock(&rt_sched.lock);
}

/* Has the oldest of pp's ring waited for a slice? Then the next join must take it (sched.c). */
static void check_oldest(struct p *pp, int64_t now)
{
    uint32_t head = (uint32_t)at64_load_rlx(&pp->runqhead);
    if (pp->sm_head != head || pp->sm_headwhen == 0 || rt_runqlen(pp) == 0) { /* 0: never looked at */
        pp->sm_head = head;
        pp->sm_headwhen = now;
    } else if (now - pp->sm_headwhen >= rt_sched.slice_ns) {
        at32_store_rlx(&pp->fifo_due, 1);
    }
}

/* Work that stays in pp's queue, with no switch since the last look, while a P is idle and nobody looks. True: woke one. */
static bool check_stale_work(struct p *pp)
{
    struct sched *s = &rt_sched;
    uint64_t switches = at64_load_rlx(&pp->count.switches);
    bool stays = pp->sm_switches == switches;
    pp->sm_switches = switches;
    if (!stays || rt_ablated(TRINE_NO_STEAL | TRINE_LOCAL_ONLY) || rt_runqempty(pp)) return false;
    if (at32_load_rlx(&s->npidle) == 0 || at32_load_rlx(&s->nmspinning)) return false;
    at32_store_rlx(&s->wake_skip, 0);
    rt_wakep();
    return true;
}

/* What pp runs, and by which M; NULL: nothing that runs. Ms are never unmapped, Gs not during a run; rt_retakep asks again. */
static struct g *running(struct p *pp, struct m **mp)
{
    *mp = at32_load_acq(&pp->status) == Prunning ? rt_pm(pp) : NULL;
    return *mp ? rt_curg(*mp) : NULL;
}

/* After all that may make a thread: while one is made nobody can be stopped in the preemption handler (m_make.c). */
static void check_slices(int64_t now)
{
    struct m *mp;
    slice_end = INT64_MAX;
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *pp = rt_sched.allp[i];
        struct g *gp = running(pp, &mp);
        if (gp && slice_spent(pp, now)) ask_for_p(pp, at32_load_acq(&gp->status) == Gsyscall);
    }
}

/* When the first timer is due that somebody else could run, while nobody sleeps in the poller for it. */
static int64_t timer_due;

/* Somebody sleeps in the poller until then at the latest: he comes, perhaps a little late, and needs no other beside him. */
static bool somebody_waits_for(int64_t due)
{
    struct sched *s = &rt_sched;
    if (ati64_load_acq(&s->lastpoll) != 0) return false;
    int64_t until = ati64_load_acq(&s->polluntil);
    return until != 0 && until <= due;
}

/* The timers of pp, be it idle, busy or in a blocking call: who let them pass is told, and an idle P comes for them. */
static void check_timers(struct p *pp, int64_t now)
{
    int64_t due = rt_timermask(pp->id) ? rt_timers_earliest(pp) : 0; /* most Ps of a large machine have none: a bit a P tells */
    if (!due) return;
    if (due <= now && at32_load_acq(&pp->status) == Prunning) at32_or_ar(&pp->attn, ATTN_TIMER);
    if (at32_load_rlx(&rt_sched.npidle) == 0 || somebody_waits_for(due)) return;
    if (due <= now) rt_wakep();
    else if (due < timer_due) timer_due = due;
}

static int look_at_ps(int64_t now)
{
    int did = 0;
    timer_due = INT64_MAX;
    for (int i = 0; i < rt_nprocs(); i++) {
        struct p *pp = rt_sched.allp[i];
        struct m *mp;
        struct g *gp = running(pp, &mp);
        check_timers(pp, now);
        if (at32_load_acq(&pp->status) != Prunning) continue;
        if (gp && at32_load_acq(&gp->status) == Gsyscall) {
            did += retake_syscall(pp, mp, gp, now);
            continue;
        }
        check_oldest(pp, now);
        did += check_stale_work(pp);
    }
    check_slices(now);
    return did;
}

static void poll_network(int64_t now)
{
    int64_t last = ati64_load_acq(&rt_sched.lastpoll);
    if (!rt_netpoll_any_waiters() || last == 0 || now - last < RT_NETPOLL_STALE_NS) return;
    if (!ati64_cas_ar(&rt_sched.lastpoll, last, now)) return; /* somebody polls, and a 0 of his must stand: rt_checkdead */
    struct glist l;
    glist_init(&l);
    begin_carrying();
    if (rt_netpoll(0, &l) > 0) {
        for (struct g *gp = l.head; gp; gp = gp->schedlink) at32_store_rel(&gp->status, Grunnable);
        at64_add_rlx(&rt_sched.netpolls_outside, l.n);
        rt_injectlist(NULL, &l);
    }
    end_carrying();
}

/* Which side of fence.h is rarer? Twice as dear as the other way, and it turns: no to and fro at equal cost. */
static void choose_fence(int64_t now)
{
    static int64_t looked;
    static uint64_t submits, idles;
    if (!rt_sched.fence_turns || now - looked < RT_FENCE_LOOK_NS) return;
    looked = now;
    uint64_t sum = 0, idle = at64_load_rlx(&rt_sched.idle_fences);
    for (int i = 0; i < rt_nprocs(); i++) {
        const struct pcount *c = &rt_sched.allp[i]->count;
        /* a spawn counts twice: its barrier waits for the stores to a cold goroutine */
        sum += at64_load_rlx(&c->wakes) + at64_load_rlx(&c->yields) + 2 * at64_load_rlx(&c->spawns);
    }
    uint64_t light = (idle - idles) * RT_FENCE_RATIO, full = sum - submits;
    bool alone = rt_nprocs() == 1, fell = sum < submits; /* a lone P passes no fence; Ps that went took their counts along */
    if (!alone && !fell && light + full < RT_FENCE_ENOUGH) return;
    submits = sum;
    idles = idle;
    if (alone || fell) return; /* counts from here */
    bool pays = at32_load_rlx(&rt_fence.submit_full);
    if (pays ? full > 2 * light : light > 2 * full) rt_fence_turn(!pays);
}

/* Did any goroutine run since the last call? */
static bool switched(void)
{
    static uint64_t last;
    uint64_t sum = 0;
    for (int i = 0; i < rt_nprocs(); i++) sum += at64_load_rlx(&rt_sched.allp[i]->count.switches);
    bool moved = sum != last;
    last = sum;
    return moved;
}

/* Every P is idle, and has been for a while: sleeps until one is taken. False when that is not so. */
static bool sleep_deeply(int64_t now)
{
    struct sched *s = &rt_sched;
    rt_lock(&s->lock);
    bool idle = at32_load_rlx(&s->npidle) == (uint32_t)rt_nprocs() && !at32_load_rlx(&s->ending) &&
                !atp_load_acq(&s->mailbox);
    if (idle) at32_store_rlx(&s->sysmonwait, 1);
    rt_unlock(&s->lock);
    if (!idle) return false;
    if (rt_sysmon_idle_since == 0) rt_sysmon_idle_since = now;
    rt_notesleep(&s->sysmonnote);
    if (at32_load_rlx(&s->sysmonwait) == 0) rt_sysmon_idle_since = 0; /* by rt_pidleget, not for a report */
    at32_store_rlx(&s->sysmonwait, 0);
    return true;
}

/* The longest sleep: a slice must be seen to end, a timer for which nobody waits to be due, and readies that were let pass must
 * not wait long (sched_switch.h). */
static int64_t longest_sleep(int64_t now)
{
    const struct sched *s = &rt_sched;
    uint32_t npidle = at32_load_rlx(&s->npidle);
    int64_t longest = s->slice_ns < RT_SYSMON_MAX_NS ? s->slice_ns : RT_SYSMON_MAX_NS;
    if (at32_load_rlx(&s->wake_skip) && npidle && npidle < (uint32_t)rt_nprocs()) longest = RT_SYSMON_SKIP_NS;
    int64_t left = (slice_end < timer_due ? slice_end : timer_due) - now;
    if (left < RT_SYSMON_MIN_NS) left = RT_SYSMON_MIN_NS;
    return left < longest ? left : longest;
}

void rt_sysmon(void)
{
    struct sched *s = &rt_sched;
    int64_t delay = 0, active = rt_nanotime(); /* when a goroutine was last seen to have run */
    int64_t quiet = RT_SYSMON_DEEP_NS;         /* how long none must have, before it sleeps for good */
    int idle = 0;
    while (!at32_load_acq(&s->ending)) {
        if (idle == 0) delay = RT_SYSMON_MIN_NS;
        else if (idle > RT_SYSMON_IDLE_ROUNDS) delay *= 2;
        int64_t longest = longest_sleep(rt_nanotime());
        if (delay > longest) delay = longest;
        rt_notetsleep(&s->sysmonnote, delay);
        rt_noteclear(&s->sysmonnote); /* before the mailbox is read: a later letter wakes us again */
        at64_bump(&s->sysmon_rounds, 1);
        bool preempted = rt_preempt_collect() > 0;
        int64_t now = rt_nanotime();
        if (switched()) active = now;
        bool awake = rt_sysmon_report(now);
        awake |= rt_gftrim(now);
        if (!awake && now - active > quiet && sleep_deeply(now)) {
            active = rt_nanotime();
            quiet = active - now >= RT_SYSMON_RARE_NS ? RT_SYSMON_RARE_QUIET_NS : RT_SYSMON_DEEP_NS;
            delay = RT_SYSMON_MIN_NS;
            idle = RT_SYSMON_IDLE_ROUNDS; /* one event, most often: back to sleep by doubling at once */
            continue;
        }
        poll_network(now);
        choose_fence(now);
        rt_bias_look(now);
        idle = look_at_ps(now) ? 0 : idle + 1;
        if (preempted && idle) { /* a slice began: to be seen soon; then nothing happens until it ends */
            delay = RT_SYSMON_MIN_NS;
            idle = RT_SYSMON_IDLE_ROUNDS;
        }
    }
}
