/*
 * once.c: a function that runs once. Floor 8.
 *
 * Whoever comes while it runs waits for its end. Unlike in Go, a goroutine that ends inside (trine_exit) leaves the
 * once undone and the others waiting: C has no deferred calls.
 */
#include "sync.h"

void trine_once_do(trine_once *o, trine_fn fn, void *arg)
{
    struct g *gp = rt_enter("trine_once_do");
    RT_CHECK_PTR(o, "trine_once_do");
    if (__builtin_expect(!fn, 0)) rt_throw("trine_once_do: fn is NULL");
    at_u32 *done = AT_U32(&o->done);
    if (__builtin_expect(!at32_load_acq(done), 0)) { /* acquire: partner is the release below */
        rt_mutex_lock(gp, &o->m);
        if (!at32_load_rlx(done)) {
            rt_leave(gp); /* the caller's function is outside of the runtime: it may park and be preempted */
            fn(arg);
            gp = rt_enter("trine_once_do");
            at32_store_rel(done, 1);
        }
        rt_mutex_unlock(gp, &o->m);
    }
    rt_leave(gp);
}
