/* bias.c: the bias taken back by a thread that is not its owner. Floor 2; see bias.h. */
#include "bias.h"
#include "os_linux.h"
#include "param.h"

void rt_bias_revoke(struct bias *b)
{
    at32_store_rlx(&b->given, 0);
    at_fence_heavy(); /* partner: the light one of rt_bias_open */
    for (unsigned round = 0; at32_load_acq(&b->open); round++) {
        if (round < RT_LOCK_PAUSES_LAST) at_pause();
        else rt_osyield(); /* the owner's core is busy with somebody else */
    }
}
