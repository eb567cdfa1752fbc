/*
 * bias.h: who alone runs leaves the locked instruction out. Floor 2.
 *
 * While one P of many runs and the others idle, as in any two goroutines that take turns, nobody contends for what they
 * share, and still each channel operation and each lock pays a locked instruction: 2 to 7.5 ns by host, up to half of its
 * cost. So the only P that is not idle is given the bias: inside a window its owner loads and stores plainly. It is taken
 * back before a second P leaves the idle list (p.c):
 *   - by the owner itself, who wakes most of the others: at no cost, since it is in no window then;
 *   - by a thread that is not its owner (the monitor; one that comes back from a blocking call or the poller; the last
 *     spinner, that found work after all): a heavy fence, then it waits until the window of that instant, a few
 *     instructions, is closed. p.c sees to it that this is rare.
 *
 * Invariant: who took the bias back sees all that was stored in windows, and no window opens after. The owner stores
 * `open`, passes a light fence and reads `given`; the taker stores `given`, passes a heavy one and reads `open`: one
 * sees the other. A window contains no wait and takes no lock. Explored exhaustively in tests/model/test_bias.c.
 * docs/decisions/0020-bias-to-the-only-runner.md has the figures.
 */
#ifndef RT_BIAS_H
#define RT_BIAS_H

#include "atomic.h"

struct bias { /* one a P */
    at_u32 given; /* written under sched.lock */
    at_u32 open;  /* written by the owner of the P */
};

/* Owner only. True: the window is open, and rt_bias_close must follow. */
static inline __attribute__((always_inline)) bool rt_bias_open(struct bias *b)
{
    /* Unlikely, though where it is given it nearly always is: the plain way must not stand where the processor goes on before
     * it knows, for its loads and stores take a line from whoever contends for it (eight for one mutex: 16 to 30 ns). */
    if (__builtin_expect(!at32_load_rlx(&b->given), 1)) return false;
    at32_store_rlx(&b->open, 1);
    at_fence_light(); /* partner: the heavy one of rt_bias_revoke */
    if (__builtin_expect(at32_load_acq(&b->given), 1)) return true; /* acquire: what the others did before they idled */
    at32_store_rel(&b->open, 0);
    return false;
}
static inline void rt_bias_close(struct bias *b) { at32_store_rel(&b->open, 0); } /* partner: rt_bias_revoke */

/* The caller sees that no other P runs. */
static inline void rt_bias_give(struct bias *b) { at32_store_rel(&b->given, 1); }
/* By the owner, outside of a window; or while the P belongs to the caller. */
static inline void rt_bias_drop(struct bias *b) { at32_store_rlx(&b->given, 0); }
/* By anybody else. Blocks for one membarrier, and for a window that is open at that instant. */
void rt_bias_revoke(struct bias *b);
#endif
