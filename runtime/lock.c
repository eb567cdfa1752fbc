/* lock.c: the waiting side of the runtime's lock. Floor 2; see lock.h for why it polls. */
#include "lock.h"
#include "os_linux.h"
#include "param.h"

void rt_lock_slow(struct lock *l)
{
    for (unsigned round = 0;; round++) {
        for (int i = 0; i < RT_SPIN_LOCK_PAUSES; i++) {
            if (at32_load_rlx(&l->held) == 0 && at32_cas_acq(&l->held, 0, 1)) return;
            at_pause();
        }
        if (round < 4) rt_osyield();
        else rt_usleep(round < 16 ? 5 : 50); /* the holder's core is busy with somebody else: let the kernel find it */
    }
}
