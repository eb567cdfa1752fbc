/* fence.c: which side of fence.h pays. Floor 2. */
#include "fence.h"

/* Where both pay nobody waits for a membarrier: right for a program that does little, and without membarrier for good. */
struct fence rt_fence = {{1}, {1}};

void rt_fence_turn(bool submitters)
{
    if (submitters) {
        at32_store_rlx(&rt_fence.submit_full, 1);
        at_fence_heavy();
        at32_store_rlx(&rt_fence.idle_full, 1); /* after the fence; partner: rt_fence_idle */
    } else {
        at32_store_rlx(&rt_fence.idle_full, 0);
        at_fence_heavy();
        at32_store_rlx(&rt_fence.submit_full, 0); /* after the fence; partner: rt_fence_submit */
    }
}
