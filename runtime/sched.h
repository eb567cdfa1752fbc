/*
 * sched.h: the scheduler proper: find a runnable G, execute, park, ready. Floor 6.
 *
 * Every public call is bracketed by rt_enter and rt_leave, but for the part that is one atomic operation and asks rt_leaf
 * instead (mutex.c). Between the two the preemption handler leaves the thread alone, and the code may park, ready and take
 * runtime locks; it must not call malloc, stdio or any other function that takes a lock of libc's, since a thread stopped
 * in foreign code may own that lock. Parking with a runtime lock held is a throw in debug builds (rt_finish). After any
 * call that can park, m and p must be read afresh: rt_getm().
 */
#ifndef RT_SCHED_H
#define RT_SCHED_H

#include "m.h"
#include "proc.h"

__attribute__((cold)) void rt_enter_slow(struct g *gp, const char *what, bool elsewhere);

/* What: the public function's name, for the message when it is misused (outside a run, in a signal handler). */
static inline struct g *rt_enter(const char *what)
{
    struct g *gp = rt_getg();
    if (__builtin_expect(gp == NULL, 0)) rt_throw("%s called outside of a goroutine", what);
    uint32_t was = gp->inrt++;
    at_signal_fence(); /* before anything of the M or P is read: partner is the preemption handler */
    /* preempt: asked to give way, or this run is over; was: called from a signal handler or a fire function */
    bool elsewhere = arch_sp() - gp->stack_lo > gp->stack_bytes; /* a handler's stack */
    if (__builtin_expect(was | at32_load_rlx(&gp->preempt) | elsewhere, 0)) rt_enter_slow(gp, what, elsewhere);
    return gp;
}
static inline void rt_leave(struct g *gp)
{
    at_signal_fence();
    gp->inrt--;
}

/* May this call do its one atomic operation outside of the bracket? In a goroutine, on its own stack, not inside the
 * runtime, not asked to give way: else rt_enter decides. */
static inline bool rt_leaf(const struct g *gp)
{
    return gp && !(gp->inrt | at32_load_rlx(&gp->preempt)) && arch_sp() - gp->stack_lo <= gp->stack_bytes;
}
/* The bracket alone, for who has asked rt_leaf. False: asked to give way meanwhile, perhaps stopped by the handler and, as its
 * run is over, let go without a P: rt_leave, and rt_enter decides. True: not before rt_leave. */
static inline bool rt_hold(struct g *gp)
{
    gp->inrt++;
    at_signal_fence();
    return !at32_load_rlx(&gp->preempt);
}

/* For calls that are legal anywhere but in a signal handler. The program's own code runs on a goroutine's stack, or on a thread
 * that is none of the run's: off that stack, on g0 or on the monitor's thread it is a handler, which may have interrupted
 * whoever holds the lock that the call takes. */
static inline void rt_not_in_handler(const char *what)
{
    struct g *gp = rt_getg();
    if (gp ? gp != &gp->m->g0 && arch_sp() - gp->stack_lo <= gp->stack_bytes : !rt_is_monitor()) return;
    rt_throw("%s called in a signal handler", what);
}

/* Parks the current goroutine. unlockf(gp, arg) runs after its stack is no longer in use, on whatever runs next: true
 * leaves it parked, false makes it runnable again. It must not park, nor touch the G once somebody else may have
 * readied it. Blocks G. Returns when readied. */
void rt_gopark(bool (*unlockf)(struct g *, void *), void *arg, enum waitreason why);
/* The same where the action is to release one runtime lock: publish the wait under the lock, then park. */
void rt_goparkunlock(struct lock *l, enum waitreason why);
/* Makes a parked goroutine runnable: in runnext of this P, so it runs as soon as the current one parks. Never blocks. */
void rt_goready(struct g *gp);
/* Readies a list (in order) to this P's queue or the global one, and wakes Ps for it. */
void rt_readylist(struct glist *l);
/* Gives way: to the tail of this P's queue (or the global queue with TRINE_YIELD_GLOBAL). */
void rt_gosched(struct g *gp);
/* A goroutine came back from a blocking call and found no P: to the global queue; its M parks. */
void rt_gosched_nop(struct g *gp);
/* The run of this goroutine is over: its thread leaves, its stack is abandoned. */
__attribute__((noreturn)) void rt_gozombie(struct g *gp);
/* Handed to m_make.c as the body of every M. */
void rt_schedinit(void);
/* Hands down what a goroutine's end means for the run (trine.c): called on g0 when the main goroutine returned. */
extern void (*rt_main_returned)(void);
/* Ends the current goroutine. */
__attribute__((noreturn)) void rt_goexit0(struct g *gp);
/* Makes a goroutine; 0 or -errno. name may be NULL; stack_bytes 0: the run's own. pc: who asked, for dumps. */
int rt_newproc(trine_fn fn, void *arg, const char *name, size_t stack_bytes, void *pc, struct glist *out);
/* Gives way because it was asked to (flag seen): to the global queue, as in Go. */
void rt_gopreempt(struct g *gp);
#endif
