/* lock.c: the waiting side of the runtime's lock. Floor 2; see lock.h for why it polls. */
#include "lock.h"
#include "os_linux.h"
#include "param.h"

/*
 * Each look takes the lock's cache line away from its holder, which pays for it with its next operation (180 ns here). So
 * looks are rare, and the holder gets a run of operations: eight goroutines that share a channel over two Ps
 * take 51 ns a value with a look at every pause, 37 with the first after one pause, 21 after 32, a sixth less after 256
 * (glock.h).
 */
void rt_lock_slow(struct lock *l, int first, int last)
{
    for (unsigned round = 0;; round++) {
        for (int pauses = first; pauses <= last; pauses *= 2) {
            if (at32_load_rlx(&l->held) == 0 && at32_cas_acq(&l->held, 0, 1)) return;
            for (int i = 0; i < pauses; i++) at_pause();
        }
        if (round < 4) rt_osyield();
        else rt_usleep(round < 16 ? 5 : 50); /* the holder's core is busy with somebody else: let the kernel find it */
    }
}

#ifdef TRINE_DEBUG_CHECKS
static __thread int held;
__attribute__((noinline)) void rt_lock_counted(int by) { held += by; }
__attribute__((noinline)) int rt_locks_held(void) { return held; }
#endif
