/*
 * m.c: threads and the Ps that they hold. Floor 5.
 *
 * Owns: the list of idle Ms, under sched.lock; what an M's park note means (a P for it stands in nextp, or dying is set).
 *
 * Threads are made directly, but never while some thread stands in the preemption handler: that thread may own malloc's
 * or the loader's lock, which making a thread needs. Then a maker thread of its own does it, which may wait for that
 * lock without harm, since it holds no P.
 */
#include "m.h"
#include "netpoll.h"
#include "runq.h"
#include "sanitize.h"
#include "timer.h"

#include <errno.h>
#include <string.h>

void (*rt_mbody)(struct m *mp);

#if defined(RT_ASAN) || defined(RT_TSAN)
#define M_STACK_BYTES (1u << 20) /* the sanitizers' frames are large */
#else
#define M_STACK_BYTES (128u << 10) /* the scheduler's own frames, libc's start and exit of a thread, static TLS */
#endif

/* ---- the end of everything ---- */
void rt_checkdead(void)
{
    struct sched *s = &rt_sched;
    if (!at32_load_rlx(&s->running) || at32_load_rlx(&s->ending)) return;
    if (at32_load_acq(&s->carries)) return; /* what sysmon has in hand may be work; it comes here after that */
    if (at32_load_rlx(&s->gcwaiting)) return; /* all Ms rest because the world stops; rt_startworld wakes one to look again */
    int32_t busy = s->mcount - s->nmidle - s->nmidlelocked;
    bool polls = busy == 1 && ati64_load_sc(&s->lastpoll) == 0; /* the one that does not sleep waits in the poller */
    if (busy > 0 && !polls) return;
    at_fence_sc(); /* partner: poll_blocking */
    if (polls && rt_netpoll_any_waiters()) return;
    int64_t alive = 0;
    for (int i = 0; i < rt_pmade(); i++) {
        if (ati64_load_rlx(&s->allp[i]->timers.earliest)) return; /* an M waits for it, or is about to */
        alive += (int64_t)(at64_load_rlx(&s->allp[i]->count.spawns) - at64_load_rlx(&s->allp[i]->count.exits));
    }
    if (s->runq.n) return;
    if (polls) { /* what it waits for was stopped or closed: let it look again, park, and come here itself */
        rt_netpoll_break();
        return;
    }
    rt_unlock(&s->lock); /* the report takes it */
    if (alive - s->goroutines_base <= 0) rt_throw("no goroutines (main called trine_exit) - deadlock!");
    rt_throw("all goroutines are asleep - deadlock!");
}

/* ---- making threads ---- */
static struct m *mfree;                   /* sched.lock: structures of threads that ended */
static struct note maker_note;            /* wakes the maker */
static at_u32 maker_wanted, maker_exists; /* spares to make */

/* Wants sched.lock. */
static struct m *mget(void)
{
    struct m *mp = rt_sched.midle;
    if (!mp) return NULL;
    rt_sched.midle = mp->schedlink;
    mp->schedlink = NULL;
    rt_sched.nmidle--;
    return mp;
}

static void mput(struct m *mp)
{
    mp->schedlink = rt_sched.midle;
    rt_sched.midle = mp;
    rt_sched.nmidle++;
    rt_checkdead();
}

static void *mstart(void *arg)
{
    struct m *mp = arg;
    int err = rt_setaltstack(&mp->altstack, &mp->altstack_bytes);
    if (err) rt_throw("no alternate signal stack for a thread (errno %d)", -err);
    mp->errno_loc = rt_errno_loc();
    mp->g0.m = mp;
    mp->g0.inrt = 1;
    at32_store_rlx(&mp->g0.status, Grunning);
#ifdef RT_TSAN
    mp->g0.tsan_fiber = __tsan_get_current_fiber();
#endif
#ifdef RT_ASAN
    size_t bytes = 0;
    rt_threadstack(&mp->g0.stack_lo, &bytes); /* ASan is told of every stack that is switched to */
    mp->g0.stack_bytes = (uint32_t)bytes;
#endif
    RT_VALGRIND_THREAD();
    rt_tls_m = mp;
    rt_setg(&mp->g0);
    rt_mwatch(mp);
    at32_store_rel(&mp->tid, (uint32_t)rt_gettid()); /* from here it can be sent a signal */
    rt_sigmask_take();
    if (mp->nextp) {
        struct p *pp = mp->nextp;
        mp->nextp = NULL;
        rt_acquirep(mp, pp);
    } else { /* a spare, from the maker: rt_startm may have left a P in the idle list for it */
        rt_lock(&rt_sched.lock);
        struct p *pp = rt_pidleget();
        rt_unlock(&rt_sched.lock);
        if (pp) rt_acquirep(mp, pp);
    }
    rt_mbody(mp);
    rt_mexit(mp);
    return NULL;
}

/* A new thread for pp (may be NULL: it looks for an idle P or parks). 0 or -errno. */
static int newm_direct(struct p *pp, bool spinning)
{
    rt_lock(&rt_sched.lock);
    struct m *mp = mfree;
    if (mp) mfree = mp->freelink;
    if (rt_sched.mcount + rt_sched.nzombie >= rt_sched.maxmcount) {
        rt_unlock(&rt_sched.lock);
        rt_print("runtime: program exceeds %d-thread limit\n", rt_sched.maxmcount);
        rt_throw("thread exhaustion");
    }
    rt_sched.mcount++;
    rt_sched.threads_made++;
    uint32_t id = (uint32_t)rt_sched.threads_made;
    rt_unlock(&rt_sched.lock);
    if (!mp) mp = rt_sysalloc(sizeof *mp);
    else memset(mp, 0, sizeof *mp);
    int err = -ENOMEM;
    if (mp) {
        mp->id = id;
        mp->rng = (rt_sched.seed + id) * 0x9E3779B97F4A7C15ull | 1;
        mp->cpu = -1;
        mp->nextp = pp;
        mp->spinning = mp->woken = spinning;
        rt_lock(&rt_sched.lock);
        mp->alllink = rt_sched.allm;
        rt_sched.allm = mp;
        rt_unlock(&rt_sched.lock);
        err = rt_newosthread(mstart, mp, M_STACK_BYTES);
        if (!err) return 0;
    }
    rt_lock(&rt_sched.lock);
    rt_sched.mcount--;
    rt_sched.threads_made--;
    if (mp) {
        struct m **link = &rt_sched.allm;
        while (*link != mp) link = &(*link)->alllink;
        *link = mp->alllink;
        mp->freelink = mfree;
        mfree = mp;
    }
    rt_unlock(&rt_sched.lock);
    return err;
}

static void newm_or_throw(struct p *pp, bool spinning)
{
    int err = newm_direct(pp, spinning);
    if (err) rt_throw("cannot make a thread (%d exist, errno %d)", rt_sched.mcount, -err);
}

static void *maker(void *unused)
{
    (void)unused;
    for (;;) {
        rt_notesleep(&maker_note);
        rt_noteclear(&maker_note);
        while (at32_load_acq(&maker_wanted)) {
            at32_store_rel(&maker_wanted, 0);
            rt_lock(&rt_sched.lock);
            bool need = at32_load_rlx(&rt_sched.running) && !at32_load_rlx(&rt_sched.ending);
            rt_unlock(&rt_sched.lock);
            if (need) newm_or_throw(NULL, false); /* it looks for work itself, then parks as the spare */
        }
    }
    return NULL;
}

static void ask_maker(void)
{
    at32_store_rel(&maker_wanted, 1);
    rt_notewakeup(&maker_note);
}

void rt_want_spare(void)
{
    if (!at32_load_acq(&maker_exists)) {
        if (at32_load_acq(&rt_sched.nasync)) return;
        at32_store_rel(&maker_exists, 1);
        int err = rt_newosthread(maker, NULL, M_STACK_BYTES);
        if (err) rt_throw("cannot make the maker thread (errno %d)", -err);
    }
    rt_lock(&rt_sched.lock);
    bool have = rt_sched.nmidle > 0;
    rt_unlock(&rt_sched.lock);
    if (!have) ask_maker();
}

void rt_maker_forget(void)
{
    at32_store_rel(&maker_wanted, 0);
    at32_store_rel(&maker_exists, 0);
    rt_noteclear(&maker_note);
}

struct newm_call { struct p *pp; bool spinning; };
static void newm_call(void *arg)
{
    struct newm_call *c = arg;
    newm_or_throw(c->pp, c->spinning);
}

void rt_systemstack(void (*fn)(void *), void *arg)
{
    struct g *gp = rt_getg();
    struct m *mp = gp ? gp->m : NULL;
    if (!mp || gp == &mp->g0 || mp->onsystem) { /* already there */
        fn(arg);
        return;
    }
    mp->onsystem = true;
    RT_VALGRIND_USABLE((char *)mp->g0.ctx.sp - 256, M_STACK_BYTES / 4); /* nobody has pushed anything there yet */
    arch_call_on((char *)mp->g0.ctx.sp - 256, fn, arg); /* 256: past g0's red zone */
    mp->onsystem = false;
}

static void newm(struct p *pp, bool spinning)
{
    struct newm_call c = {pp, spinning};
    rt_systemstack(newm_call, &c);
}

int rt_mfirst(struct p *pp)
{
    rt_mwatch_init();
    return newm_direct(pp, false);
}

int32_t rt_mlive(void) { return rt_sched.mcount; }

void rt_mexit(struct m *mp)
{
    rt_setg(NULL);
    rt_tls_m = NULL;
    rt_mwatch(NULL);
    at32_store_rel(&mp->tid, 0);
    rt_freealtstack(mp->altstack, mp->altstack_bytes);
    rt_lock(&rt_sched.lock);
    struct m **link = &rt_sched.allm;
    while (*link != mp) link = &(*link)->alllink;
    *link = mp->alllink;
    bool zombie = mp->zombie;
    if (zombie) rt_sched.nzombie--;
    else rt_sched.mcount--;
    mp->freelink = mfree;
    mfree = mp;
    if (!zombie) rt_checkdead(); /* a zombie says nothing of the run that is on */
    rt_wakesysmon(); /* the end of a run waits for us */
    rt_unlock(&rt_sched.lock);
}

/* ---- start and stop ---- */
static bool is_async(const struct g *gp) { return gp->async != 0; }

/*
 * A goroutine whose thread stands in the preemption handler, out of the queues; NULL: none. pp is nobody's. Its ring goes
 * behind the global queue first: were only the global queue asked, those who come back to it at each slice would pass
 * the P among themselves, and the one in the ring that owns the lock they wait for would never run. Wants sched.lock.
 */
static struct g *take_async(struct p *pp)
{
    struct glist ring;
    glist_init(&ring);
    rt_runqdrain(pp, &ring);
    rt_globrunqputlist(&ring);
    return rt_globrunqextract(is_async);
}

void rt_startm(struct p *pp, bool spinning)
{
    rt_lock(&rt_sched.lock);
    if (!pp) pp = rt_pidleget();
    if (!pp) {
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
        rt_unlock(&rt_sched.lock);
        return;
    }
    struct m *mp = mget();
    if (mp) {
        mp->spinning = spinning;
        mp->nextp = pp;
        rt_unlock(&rt_sched.lock);
        at64_add_rlx(&rt_sched.mwakes, 1);
        rt_notewakeup(&mp->park);
        return;
    }
    if (at32_load_acq(&rt_sched.nasync) == 0) {
        rt_unlock(&rt_sched.lock);
        newm(pp, spinning);
        return;
    }
    /* No idle M, and some thread stopped in foreign code may own the lock that a new one needs. If its goroutine
     * waits in a queue, that thread itself can carry the P; the maker brings a spare for the next time. */
    struct g *gp = take_async(pp);
    if (gp) {
        mp = gp->lockedm;
        mp->nextp = pp;
        rt_unlock(&rt_sched.lock);
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
        rt_notewakeup(&mp->park);
    } else {
        rt_pidleput(pp); /* the new M takes it from there */
        rt_unlock(&rt_sched.lock);
        if (spinning) at32_add_ar(&rt_sched.nmspinning, -1u);
    }
    ask_maker();
}

/* Sleeps until there is a P; on g0. */
static bool park_for_p(struct m *mp)
{
    rt_notesleep(&mp->park);
    rt_noteclear(&mp->park);
    struct p *pp = mp->nextp;
    mp->nextp = NULL;
    if (pp) rt_acquirep(mp, pp);
    mp->woken = mp->spinning;
    return !at32_load_acq(&mp->dying);
}

bool rt_stopm(struct m *mp)
{
    rt_lock(&rt_sched.lock);
    if (at32_load_rlx(&mp->dying) || at32_load_rlx(&rt_sched.ending) || !at32_load_rlx(&rt_sched.running)) {
        rt_unlock(&rt_sched.lock);
        return false;
    }
    mput(mp);
    rt_unlock(&rt_sched.lock);
    return park_for_p(mp);
}

bool rt_stoplockedm(struct m *mp)
{
    if (mp->p) rt_handoffp(rt_releasep(mp));
    rt_lock(&rt_sched.lock);
    rt_sched.nmidlelocked++;
    rt_checkdead();
    rt_unlock(&rt_sched.lock);
    return park_for_p(mp);
}

void rt_startlockedm(struct m *mp, struct g *gp)
{
    struct m *to = gp->lockedm;
    struct p *pp = rt_releasep(mp);
    if (!gp->async) { /* it counts as running from here, else we, parking next, would see a deadlock */
        rt_lock(&rt_sched.lock);
        rt_sched.nmidlelocked--;
        rt_unlock(&rt_sched.lock);
    }
    to->nextp = pp;
    rt_notewakeup(&to->park);
}

/* The world is to stop and pp is not running: it has stopped. */
static bool stopped_instead(struct p *pp)
{
    struct sched *s = &rt_sched;
    if (!at32_load_rlx(&s->gcwaiting)) return false;
    rt_lock(&s->lock);
    bool stop = at32_load_rlx(&s->gcwaiting);
    if (stop) {
        at32_store_rel(&pp->status, Pgcstop);
        if (--s->stopwait == 0) rt_notewakeup(&s->stopnote);
    }
    rt_unlock(&s->lock);
    return stop;
}

/* Wants sched.lock. Would nobody wait for the network and the timers, were the P in hand idle too? As in Go. */
static bool is_last_to_poll(void)
{
    const struct sched *s = &rt_sched;
    if (at32_load_rlx(&s->npidle) + 1 != (uint32_t)rt_nprocs() || ati64_load_acq(&s->lastpoll) == 0) return false;
    if (rt_netpoll_any_waiters()) return true;
    for (int i = 0; i < rt_nprocs(); i++)
        if (rt_timermask((uint32_t)i)) return true;
    return false;
}

void rt_handoffp(struct p *pp)
{
    struct sched *s = &rt_sched;
    at64_add_rlx(&s->handoffs, 1);
    rt_trace(pp->id, TR_HANDOFF, 0, 0);
    /* first: work would have it started again, by a thread that only stops it (or, preempted, not even that) */
    if (stopped_instead(pp)) return;
    if (!rt_runqempty(pp) || pp->spill.head || at32_load_acq(&s->runqsize)) {
        rt_startm(pp, false);
        return;
    }
    /* no work of its own, but if nobody looks for any, this P must: the one who would look may be us */
    if (at32_load_acq(&s->nmspinning) + at32_load_acq(&s->npidle) == 0 && at32_cas_ar(&s->nmspinning, 0, 1)) {
        at32_store_rel(&s->needspinning, 0);
        rt_startm(pp, true);
        return;
    }
    if (stopped_instead(pp)) return;
    rt_lock(&s->lock);
    bool work = s->runq.n > 0 || is_last_to_poll();
    int64_t when = ati64_load_rlx(&pp->timers.earliest);
    if (!work) rt_pidleput(pp);
    rt_unlock(&s->lock);
    if (work) rt_startm(pp, false);
    else if (when) rt_wakenetpoller(when);
}

/* ---- waking ---- */
void rt_wakep(void)
{
    struct sched *s = &rt_sched;
    /* one spinner at a time is woken; it wakes the next when it finds work. A stale 0 is settled by the CAS; a stale
     * 1 means a spinner that stops now and, after its fence, rechecks every queue, ours too. */
    if (at32_load_rlx(&s->nmspinning) != 0 || !at32_cas_ar(&s->nmspinning, 0, 1)) return;
    rt_lock(&s->lock);
    struct p *pp = rt_pidleget_spinning();
    if (!pp) at32_add_ar(&s->nmspinning, -1u); /* under the lock: who starts the world finds no spinner that is none */
    rt_unlock(&s->lock);
    if (pp) rt_startm(pp, true);
}

void rt_wakenetpoller(int64_t when)
{
    struct sched *s = &rt_sched;
    if (ati64_load_acq(&s->lastpoll) == 0) {
        /* somebody sleeps in the poller: break it when it would sleep past `when` (0: for good) */
        int64_t until = ati64_load_acq(&s->polluntil);
        if (until == 0 || until > when) rt_netpoll_break();
    } else if (at32_load_rlx(&s->npidle)) {
        rt_wakep(); /* nobody sleeps there: an idle P must come to do it */
    }
}
