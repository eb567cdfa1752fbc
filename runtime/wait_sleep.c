/*
 * wait_sleep.c: sleeping on the timer that every G has. Floor 7.
 *
 * A G parks first, and its timer is armed from the unlockf of that park. Armed earlier, a short sleep among many
 * goroutines could be run by another P before its goroutine is parked, and would ready one that still runs.
 */
#include "wait.h"

int64_t rt_deadline(int64_t now_ns, int64_t ns)
{
    int64_t when;
    return __builtin_add_overflow(now_ns, ns, &when) ? INT64_MAX : when;
}

static bool arm_sleep(struct g *gp, void *deadline)
{
    int64_t deadline_ns = *(int64_t *)deadline; /* on gp's stack, which may be in use again once the timer is armed */
    struct m *mp = rt_getm();
    int r = rt_timers_add(mp->p, &gp->timer, deadline_ns);
    if (r < 0) rt_throw("out of memory: timer heap");
    if (r & TIMER_SOONER) rt_wakenetpoller_parked(mp, deadline_ns);
    return true;
}

void rt_sleep_until(struct g *gp, int64_t deadline_ns)
{
    gp->timer.fire = rt_timer_wake;
    gp->timer.arg = gp;
    gp->timer.brief = gp->timer.fixed = true;
    rt_gopark(arm_sleep, &deadline_ns, WR_SLEEP);
}

void trine_sleep(int64_t ns)
{
    struct g *gp = rt_enter("trine_sleep");
    if (ns > 0) rt_sleep_until(gp, rt_deadline(rt_nanotime(), ns));
    rt_leave(gp);
}
