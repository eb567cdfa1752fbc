/*
 * trine.c: the public entry points of the scheduler: no algorithm, only the bracket and the call. Floor 9. The life of
 * a run is in trine_run.c, the figures in trine_stats.c.
 */
#include "cgroup.h"
#include "resize.h"
#include "sched.h"
#include "stack.h"

#include <errno.h>

int trine_go(trine_fn fn, void *arg)
{
    void *pc = __builtin_return_address(0);
    struct g *gp = rt_enter("trine_go");
    int err = fn ? rt_newproc(fn, arg, NULL, 0, pc, NULL) : -EINVAL;
    rt_leave(gp);
    return err;
}

int trine_go_with(const trine_go_opts *o, trine_fn fn, void *arg)
{
    void *pc = __builtin_return_address(0);
    static const trine_go_opts defaults;
    if (!o) o = &defaults;
    struct g *gp = rt_enter("trine_go_with");
    bool bad = !fn || (o->stack_bytes && (o->stack_bytes < RT_STACK_MIN_BYTES || o->stack_bytes > RT_STACK_MAX_BYTES));
    int err = bad ? -EINVAL : rt_newproc(fn, arg, o->name, o->stack_bytes, pc, NULL);
    rt_leave(gp);
    return err;
}

void trine_poll(void)
{
    struct g *gp = rt_enter("trine_poll"); /* gives way there if it was asked to */
    rt_leave(gp);
}

void trine_exit(void)
{
    struct g *gp = rt_enter("trine_exit");
    rt_goexit0(gp);
}

int64_t trine_nanotime(void) { return rt_nanotime(); }

int trine_num_cpu(void) { return rt_ncpu_affinity(); }

int trine_default_procs(void) { return rt_default_procs(NULL); }

int64_t trine_goid(void)
{
    struct g *gp = rt_getg();
    return gp && gp != &gp->m->g0 ? (int64_t)gp->goid : 0;
}

struct resize_call { int n, err; struct m *mp; };

static void resize_call(void *arg)
{
    struct resize_call *c = arg;
    rt_stopworld(c->mp->p);
    c->err = rt_procresize(c->n, c->mp);
    rt_startworld(c->mp);
}

int trine_gomaxprocs(int n)
{
    struct g *gp = rt_enter("trine_gomaxprocs");
    if (n > RT_MAX_PROCS) n = RT_MAX_PROCS;
    /* another one resizes; or the run is over, and its end is to have the world: this goroutine is stopped here */
    while (n > 0 && (at32_load_rlx(&rt_sched.ending) || !at32_cas_acq(&rt_sched.worldsema, 0, 1))) rt_gosched(gp);
    int old = rt_nprocs(), err = 0;
    if (n > 0) {
        at32_store_rel(&rt_sched.follow, 0); /* an explicit number holds: partner is rt_procs_look */
        if (n != old) {
            struct resize_call c = {n, 0, gp->m};
            rt_systemstack(resize_call, &c);
            err = c.err;
        }
        at32_store_rel(&rt_sched.worldsema, 0);
    }
    rt_leave(gp);
    return err ? err : old;
}

void trine_lock_os_thread(void)
{
    struct g *gp = rt_enter("trine_lock_os_thread");
    gp->lockedcount++;
    gp->lockedm = gp->m;
    gp->m->lockedg = gp;
    rt_leave(gp);
}

void trine_unlock_os_thread(void)
{
    struct g *gp = rt_enter("trine_unlock_os_thread");
    if (gp->lockedcount && --gp->lockedcount == 0) {
        gp->lockedm = NULL;
        gp->m->lockedg = NULL;
    }
    rt_leave(gp);
}
