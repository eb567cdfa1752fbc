/* g.h: making and reusing goroutine descriptors. Floor 4: a G and its stack are one slot, and stay together. */
#ifndef RT_G_H
#define RT_G_H

#include "proc.h"
#include "stack.h"

/* A dead G with its stack: from pp's list, those that no P keeps, or fresh. NULL: no memory. Owner of pp only. */
struct g *rt_gfget(struct p *pp, int cls);
void rt_gfput(struct p *pp, struct g *gp); /* gp is dead and its stack unused */
void rt_gfpurge(struct p *pp);             /* pp keeps none any more */
/* From the monitor, at each round: dead Gs that stayed on the shelf for one to two RT_TRIM_PERIOD_NS give their
 * memory back, a few at a time. True: more may have to go, so do not sleep for good. */
bool rt_gftrim(int64_t now);
void rt_gfforget(void);                    /* end of run: the stacks are gone */
/* The G of a slot (stack.h), whether it was used or not. */
struct g *rt_gofslot(uintptr_t lo, uintptr_t hi);
/* Makes gp ready to begin at rt_arch_entry. */
void rt_ginit(struct g *gp, trine_fn fn, void *arg);
/* Does a stack pointer lie past the end of gp's stack, and perhaps past the guard, as a frame larger than a page may take it
 * there without a touch? Further off than a frame may be large, it is another stack's. */
static inline bool rt_granover(const struct g *gp, uintptr_t sp)
{
    return sp < gp->stack_lo && gp->stack_lo - sp <= RT_OVERRUN_BYTES;
}
/* Throws: the stack was too small. */
__attribute__((noreturn, cold)) void rt_gstackoverflow(struct g *gp);
/* The same when the canary of an unguarded stack was overwritten. */
static inline void rt_gcheckstack(struct g *gp)
{
    if (__builtin_expect(!gp->guarded && *(uint64_t *)gp->stack_lo != RT_STACK_CANARY, 0)) rt_gstackoverflow(gp);
}
#endif
