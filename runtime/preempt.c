/*
 * preempt.c: taking the P from a goroutine that does not give it up. Floor 7.
 *
 * Two tiers. The flag: g.preempt, seen at every runtime call and TRINE_POLL. The signal, for code that calls nothing
 * of the runtime: arbitrary C cannot be moved to another thread (it may hold a thread-local address, malloc's lock,
 * stdio's), so the thread stays with its goroutine and the P leaves: the handler, on the alternate stack, drops the P
 * into a mailbox, wakes sysmon and sleeps on the M's note (Shiina et al., PPoPP '21). sysmon puts the goroutine, locked
 * to its M, into the global queue and hands the P to another M. Whoever schedules that goroutine later gives its P to
 * the M, which returns from the handler as if nothing had been.
 *
 * When is the thread at a place where that is sound? Outside of the runtime: inrt is 0. Every public call raises inrt
 * before it looks at its M or P, so the instructions around that are as good as the caller's own: no range of program
 * counters need be compared. The scheduler's own code runs with inrt up, and g0's is always up.
 *
 * Racing sides: the handler against the code it interrupts (one thread; at_signal_fence), against sysmon (mailbox:
 * release by CAS, acquired by exchange), against whoever gives a P (nextp, published by the note).
 *
 * Nothing here allocates or locks: the thread may own any lock of the program's.
 */
#include "preempt.h"
#include "g.h"
#include "m.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

/* What the program has for a signal of ours: the handler before the first run, and the one that it set over ours since. */
struct programs { struct sigaction first, latest; bool taken, over; };
static struct programs urg, segv;
static __thread int depth __attribute__((tls_model("initial-exec"))); /* of chain, where the program set one over ours */

static void call(const struct sigaction *old, int sig, siginfo_t *si, void *uc)
{
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(sig, si, uc);
    } else if (old->sa_handler != SIG_IGN && old->sa_handler != SIG_DFL) {
        old->sa_handler(sig);
    } else if (sig != SIGURG && (old->sa_handler == SIG_DFL || si->si_code > 0)) {
        /* SIGURG's default is to ignore it; a fault cannot be ignored, the kernel ends the program too */
        signal(sig, SIG_DFL);
        raise(sig);
    }
}

/* The latest may hand on to ours, which stood there when it was set: then it is the first one's turn, and nobody's after. */
static void chain(const struct programs *of, int sig, siginfo_t *si, void *uc)
{
    static const struct sigaction none = {.sa_handler = SIG_DFL};
    int was = depth;
    if (of->over) depth = was + 1;
    call(!of->over || was == 1 ? &of->first : was == 0 ? &of->latest : &none, sig, si, uc);
    depth = was;
}

/* The P leaves, the thread stays. After rt_stand_begin. */
static void park_here(struct m *mp, struct g *gp)
{
    struct p *pp = mp->p;
    at64_bump(&pp->count.preemptions, 1);
    rt_trace(pp->id, TR_PREEMPT, gp->goid, 1);
    at64_add_rlx(&rt_sched.preempt_parked, 1);
    gp->async = 1;
    gp->lockedm = mp;
    mp->lockedg = gp;
    at32_store_rlx(&gp->preempt, 0);
    at32_store_rel(&gp->status, Gpreempted);
    mp->p = NULL;
    atp_store_rel(&pp->m, NULL);
    mp->async_p = pp;
    struct m *head;
    do {
        head = atp_load_rlx(&rt_sched.mailbox);
        mp->async_link = head;
    } while (!atp_cas_ar(&rt_sched.mailbox, head, mp)); /* partner: rt_preempt_collect */
    rt_notewakeup(&rt_sched.sysmonnote);

    rt_notesleep(&mp->park);
    rt_noteclear(&mp->park);
    struct p *np = mp->nextp;
    mp->nextp = NULL;
    gp->async = 0;
    if (gp->lockedcount == 0) {
        gp->lockedm = NULL;
        mp->lockedg = NULL;
    }
    rt_stand_end();
    if (!np) return; /* the run is over; the next runtime call ends this goroutine */
    rt_acquirep(mp, np);
    at32_bump(&np->schedtick, 1);
    at64_bump(&np->count.switches, 1);
    rt_trace(np->id, TR_START, gp->goid, 0);
    at32_store_rel(&gp->status, Grunning);
}

static void on_urg(int sig, siginfo_t *si, void *uc)
{
    int saved = errno;
    struct g *gp = rt_getg();
    struct m *mp = gp ? rt_getm() : NULL; /* a goroutine that ends has no M for some instructions, and the signal must count */
    if (!mp || !at32_load_acq(&mp->signal_pending)) {
        chain(&urg, sig, si, uc);
        errno = saved;
        return;
    }
    at32_store_rel(&mp->signal_pending, 0); /* partner: rt_preemptone */
    at_signal_fence();
    bool here = gp != &mp->g0 && gp->inrt == 0 && mp->p && at32_load_rlx(&gp->preempt) == PREEMPT_ASKED;
    if (here && rt_stand_begin()) park_here(mp, gp); /* else it stays asked, and who asks comes again */
    errno = saved;
}

static uintptr_t interrupted_sp(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)uc->uc_mcontext.sp;
#endif
}

/* In gp's own guard, or in whatever lies where a frame larger than the guard page has taken the stack pointer. */
static bool overflowed(const struct g *gp, uintptr_t at, uintptr_t sp)
{
    if (at >= gp->stack_lo) return false;
    return (gp->guarded && rt_stackguardhit(gp->stack_lo, at)) || (rt_granover(gp, sp) && at >= sp - rt_pagesize());
}

static void on_segv(int sig, siginfo_t *si, void *uc)
{
    struct g *gp = rt_getg();
    bool ours = gp && gp->m && gp != &gp->m->g0;
    if (ours && overflowed(gp, (uintptr_t)si->si_addr, interrupted_sp(uc))) rt_gstackoverflow(gp);
    chain(&segv, sig, si, uc);
}

static int take(int sig, void (*handler)(int, siginfo_t *, void *), bool alone, struct programs *of)
{
    struct sigaction sa, now;
    if (sigaction(sig, NULL, &now) < 0) return -errno;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler) return 0;
    if (!of->taken) of->first = now;
    of->latest = now;
    of->over = of->taken;
    of->taken = true;
    memset(&sa, 0, sizeof sa);
    if (alone) sigfillset(&sa.sa_mask); /* another handler on top of ours would run without a P */
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sa.sa_sigaction = handler;
    return sigaction(sig, &sa, NULL) < 0 ? -errno : 0;
}

int rt_preempt_init(void)
{
    int err = take(SIGURG, on_urg, true, &urg);
    return err ? err : take(SIGSEGV, on_segv, false, &segv);
}

void rt_preemptone(struct p *pp, bool signal)
{
    struct m *mp = rt_pm(pp);
    struct g *gp = mp ? rt_curg(mp) : NULL;
    if (!gp || gp == &mp->g0) return;
    if (at32_load_rlx(&gp->preempt) != PREEMPT_ZOMBIE) at32_store_rel(&gp->preempt, PREEMPT_ASKED);
#if defined(RT_TSAN) /* it defers signals to its own points: the flag alone */
    (void)signal;
#else
    if (!signal) return;
    uint32_t tid = at32_load_acq(&mp->tid);
    if (!tid || at32_load_acq(&gp->status) != Grunning) return;
    if (at32_xchg_ar(&mp->signal_pending, 1)) return; /* one at most: a storm would starve the code between two */
    at64_add_rlx(&rt_sched.preempt_signals, 1);
    if (rt_tgkill((int32_t)tid, SIGURG) < 0) at32_store_rel(&mp->signal_pending, 0);
#endif
}

int rt_preempt_collect(void)
{
    int n = 0;
    struct m *mp = atp_xchg_ar(&rt_sched.mailbox, NULL);
    while (mp) {
        struct m *next = mp->async_link;
        struct p *pp = mp->async_p;
        struct g *gp = mp->lockedg;
        rt_lock(&rt_sched.lock);
        at32_store_rel(&gp->status, Grunnable);
        rt_globrunqput(gp);
        at32_store_rel(&pp->status, Pidle);
        rt_unlock(&rt_sched.lock);
        rt_handoffp(pp);
        n++;
        mp = next;
    }
    return n;
}

void rt_preempt_release(struct m *mp)
{
    mp->nextp = NULL;
    rt_notewakeup(&mp->park);
}
