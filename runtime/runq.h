/*
 * runq.h: a P's local run queue. Floor 4: these functions move Gs, they never ready one.
 */
#ifndef RT_RUNQ_H
#define RT_RUNQ_H

#include "proc.h"

/* Owner only. next: into runnext, and what stood there goes to the tail. When the ring is full, half of it and the G
 * that found no place are appended to `over` (oldest first) for the global queue; returns false then. */
bool rt_runqput(struct p *pp, struct g *gp, bool next, struct glist *over);
/* Owner only. Moves as many of the list's Gs into the ring as fit; the rest stay in the list. */
void rt_runqputbatch(struct p *pp, struct glist *l);
/* Owner only. NULL when empty. *inherit: it came from runnext, so it shares the time slice of the one before. */
struct g *rt_runqget(struct p *pp, bool *inherit);
/* Owner only. The newest of the ring instead of the oldest (not runnext); NULL when it is empty. */
struct g *rt_runqgetnewest(struct p *pp);
/* Anybody. Takes half of victim's ring into pp's own (which is empty), and returns one of them; *n: how many moved.
 * take_next: runnext too, when the ring is empty; the caller has waited RT_RUNNEXT_BACKOFF_NS for its owner. */
struct g *rt_runqsteal(struct p *pp, struct p *victim, bool take_next, uint32_t *n);
/* Anybody; true only if ring and runnext were empty at one instant. */
bool rt_runqempty(struct p *pp);
/* Owner, or the world is stopped: everything into `out`. */
void rt_runqdrain(struct p *pp, struct glist *out);

static inline uint32_t rt_runqlen(const struct p *pp) /* a hint unless the owner asks */
{
    return at32_load_rlx(&pp->runqtail) - (uint32_t)at64_load_rlx(&pp->runqhead);
}
#endif
