/*
 * m.h: threads (M) and their Ps: acquire, release, hand off, start, stop, make, end. Floor 5.
 */
#ifndef RT_M_H
#define RT_M_H

#include "proc.h"

/* Handed down by sched.c before the first M starts: the body of a thread once it is set up; returns when it must end. */
extern void (*rt_mbody)(struct m *mp);

/* ---- Ps. The pidle functions want sched.lock. ---- */
void rt_acquirep(struct m *mp, struct p *pp);
struct p *rt_releasep(struct m *mp);
void rt_pidleput(struct p *pp);
struct p *rt_pidleget(void);
struct p *rt_pidleget_prefer(struct p *pp); /* pp if it is idle, else any; it may be NULL */
struct p *rt_pidleget_spinning(void); /* none: leaves the needspinning flag for whoever is about to drop a P */

/* ---- the global queue. Want sched.lock. ---- */
void rt_globrunqput(struct g *gp);
void rt_globrunqputmany(struct g *const *gs, uint32_t n);
void rt_globrunqputlist(struct glist *l);
void rt_globrunqinject(struct glist *l); /* the same without the lock, which it takes: a long list is walked outside of it */
/* A batch of min(len/nprocs + 1, len, RT_GLOBAL_BATCH, max) for pp: the first is returned, the others go to its ring as
 * far as it has room. max 0: no limit of its own. Overwrites pp->over. */
struct g *rt_globrunqget(struct p *pp, uint32_t max);
struct g *rt_globrunqextract(bool (*want)(const struct g *)); /* the oldest that is wanted; NULL: none is */

/* ---- Ms ---- */
/* Runs pp on an idle M or a new one. pp NULL: on some idle P, if there is one. spinning: the caller counted it in nmspinning. */
void rt_startm(struct p *pp, bool spinning);
/* Parks the calling M (on g0, without a P) until somebody gives it a P. False: the run is over and it must end. */
bool rt_stopm(struct m *mp);
/* The P's M went into foreign code: gives the P to another M if there is any work, else to the idle list. */
void rt_handoffp(struct p *pp);
/* mp's locked G is not runnable: hands its P off and waits until another M gives one for it. False: must end. */
bool rt_stoplockedm(struct m *mp);
/* gp is runnable and locked to another M: gives mp's P to that M. The caller must stop then. */
void rt_startlockedm(struct m *mp, struct g *gp);
/* Two that exclude each other, any number of each (m_make.c): to make a thread, and to stand in the preemption handler.
 * begin: false when one of the other kind is on; never waits, also in a signal handler. */
bool rt_making_begin(void);
void rt_making_end(void);
bool rt_stand_begin(void);
void rt_stand_end(void);
/* A new thread for pp; throws when there is none to be had. Between rt_making_begin and rt_making_end. */
void rt_newm(struct p *pp, bool spinning);
/* Has another thread make a spare M: whoever may not wait for libc's locks asks so. */
void rt_ask_maker(void);
/* Calls fn(arg) on the thread's own stack, which is deeper than a goroutine's may be. It must not park. */
void rt_systemstack(void (*fn)(void *), void *arg);
/* Asks for an idle M for the next hand-off from the preemption handler, if there is none; may start the maker thread. It may
 * never come, where no more threads are to be had. */
void rt_want_spare(void);
void rt_maker_forget(void); /* in the child of a fork: the thread that makes spares is not there */
/* Wakes one more P when work may be waiting and nobody looks for it. */
void rt_wakep(void);
/* A timer is due at `when`, perhaps before the M in the network poller would return. */
void rt_wakenetpoller(int64_t when);
/* The same by an M that has just parked a goroutine (in rt_gopark's unlockf). Without work it looks for some next, and whoever
 * looks in vain waits in the poller: no other is woken for it. (Go wakes one, at each sleep while nobody polls.) */
void rt_wakenetpoller_parked(struct m *mp, int64_t when);
/* Throws when no goroutine can ever run again. Wants sched.lock. */
void rt_checkdead(void);
/* Stops counting the calling M; the thread's function returns after it. */
void rt_mexit(struct m *mp);
/* From here the calling thread may end by rt_mexit alone: else it ends the program. NULL: it may. init: before the first M. */
void rt_mwatch(struct m *mp);
void rt_mwatch_init(void);
int rt_mfirst(struct p *pp); /* the first M of a run: 0 or -errno */
int32_t rt_mlive(void);      /* Ms that exist, zombies left out. Wants sched.lock */

void rt_bias_look(int64_t now); /* p.c: gives the bias to a P that alone runs, unless it rests. For sysmon */

static inline void rt_wakesysmon(void) /* wants sched.lock, or a reason to be early */
{
    rt_notewakeup(&rt_sched.sysmonnote);
}
static inline bool rt_idlemask(uint32_t id) { return (at32_load_rlx(&rt_sched.idlemask[id / 32]) >> (id % 32)) & 1; }
#endif
