/*
 * fence.h: the barrier between those who submit work and those who go idle. Floor 2.
 *
 * A submitter writes a queue and then reads "is anybody idle?"; who goes idle says so and then reads all queues. With a
 * full barrier between the two on both sides, one of them sees the other. One side can be spared it: then the other
 * calls membarrier, which makes every running thread of the process pass one (8 to 9 us here beside one that runs, and
 * 5 to 6 for whom it interrupts). Which side is rarer depends on the program: spawns by the million beside a thread that
 * seldom idles, or blocking calls after each of which one does. So the side that pays changes: the monitor counts (sysmon.c).
 *
 * Invariant: while idle_full is set, submit_full is. Both sides begin with a light fence, so whoever turns the mode
 * knows after its heavy one that a submitter (or idler) has either made its write visible or reads the mode anew.
 *   to full:  submit_full = 1; heavy fence; idle_full = 1. An idler that reads 1 meets submitters with a full barrier,
 *             or such whose write it sees.
 *   to light: idle_full = 0; heavy fence; submit_full = 0. A submitter that reads 0 meets idlers that call membarrier,
 *             or such whose word it sees.
 * Explored exhaustively in tests/model/test_fence.c. docs/decisions/0012-asymmetric-fence.md has the figures.
 */
#ifndef RT_FENCE_H
#define RT_FENCE_H

#include "atomic.h"

struct fence {
    at_u32 submit_full; /* submitters pass a full barrier */
    at_u32 idle_full;   /* idlers need no more than that */
};
extern struct fence rt_fence;

/* After work was made visible, before npidle and nmspinning are read. Partner: rt_fence_idle. */
static inline __attribute__((always_inline)) void rt_fence_submit(void)
{
    at_fence_light();
    if (at32_load_acq(&rt_fence.submit_full)) at_fence_sc(); /* acquire: with 0 comes what the idlers wrote before */
}

/* After nmspinning was lowered, before the queues are read. Partner: rt_fence_submit. */
static inline void rt_fence_idle(void)
{
    at_fence_light();
    if (at32_load_rlx(&rt_fence.idle_full)) at_fence_sc();
    else at_fence_heavy();
}

/* submitters: they pay from now on, else the idlers do. One caller at a time; blocks for one membarrier. */
void rt_fence_turn(bool submitters);
#endif
