/*
 * note.h: a one-shot sleep: one thread sleeps, any may wake it, once a clear. Floor 2.
 *
 * 0 clear, 1 woken. The sleeper sleeps while the word is 0; the waker stores 1 with release and wakes the futex, which
 * compares the word again under the kernel's lock: so a wake-up between the sleeper's look and its sleep is not lost.
 * Waking twice is harmless. Legal in a signal handler.
 */
#ifndef RT_NOTE_H
#define RT_NOTE_H

#include "atomic.h"
#include "os_linux.h"

struct note { at_u32 word; };

static inline void rt_noteclear(struct note *n) { at32_store_rel(&n->word, 0); }
static inline void rt_notewakeup(struct note *n)
{
    if (at32_xchg_ar(&n->word, 1) == 0) rt_futexwakeup(&n->word, 1); /* partner: the acquire in notesleep */
}
static inline void rt_notesleep(struct note *n)
{
    while (at32_load_acq(&n->word) == 0) rt_futexsleep(&n->word, 0, -1);
}
/* At most ns; true when it was woken. A wake-up without reason may cut it short. */
static inline bool rt_notetsleep(struct note *n, int64_t ns)
{
    if (at32_load_acq(&n->word) == 0) rt_futexsleep(&n->word, 0, ns);
    return at32_load_acq(&n->word) != 0;
}
#endif
