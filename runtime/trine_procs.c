/*
 * trine_procs.c: the number of Ps that nobody set follows affinity and quota while the program runs. Floor 9.
 *
 * Go 1.25's rule: looked at once a second, and never again once somebody set a number (trine_config, $TRINE_PROCS,
 * trine_gomaxprocs). On the monitor's thread, which holds no P, so it may stop the world itself; while every P is idle it
 * sleeps, and so does this.
 *
 * Racing sides: trine_gomaxprocs on a goroutine, against this; worldsema lets one of them in, and the flag `follow` is
 * cleared and read under it, so a number that was set is never overwritten.
 */
#include "cgroup.h"
#include "os_linux.h"
#include "resize.h"
#include "trine_report.h"

static struct rt_cgroup *place; /* the monitor's thread alone; made at the first look, kept for the process */
static int64_t looked;          /* when last, on rt_nanotime's clock */

void rt_procs_follow(bool follow)
{
    looked = rt_nanotime();
    at32_store_rel(&rt_sched.follow, follow);
}

static int wanted(void)
{
    if (!place) place = rt_cgroup_find(NULL);
    return rt_procs_rule(rt_ncpu_affinity(), rt_cgroup_read(place));
}

void rt_procs_look(int64_t now)
{
    struct sched *s = &rt_sched;
    if (now - looked < RT_PROCS_PERIOD_NS || !at32_load_rlx(&s->follow)) return;
    looked = now;
    int n = wanted();
    if (n == rt_nprocs() || !at32_cas_acq(&s->worldsema, 0, 1)) return; /* taken: at the next look */
    if (at32_load_acq(&s->follow)) {
        rt_stopworld(NULL);
        rt_procresize(n, NULL); /* -ENOMEM: as many as before */
        rt_startworld(NULL);
    }
    at32_store_rel(&s->worldsema, 0);
}
