/*
 * rwmutex.c: the readers-writer lock. Floor 8.
 *
 * reader_count counts the readers inside; a writer, once it owns w, takes 2^30 off it, so that newcomers find it
 * negative and wait: readers do not starve a writer. reader_wait counts the readers that the writer still waits for.
 */
#include "sema.h"
#include "sync.h"

enum { RW_MAX_READERS = 1 << 30 };

static int32_t rw_add(struct g *gp, int32_t *word, int32_t delta) /* the new value */
{
    return (int32_t)rt_gadd32(gp, AT_U32(word), (uint32_t)delta);
}

void trine_rwmutex_rlock(trine_rwmutex *rw)
{
    struct g *gp = rt_enter("trine_rwmutex_rlock");
    RT_CHECK_PTR(rw, "trine_rwmutex_rlock");
    if (rw_add(gp, &rw->reader_count, 1) < 0) rt_semacquire(&rw->reader_sema, gp, false, WR_RWMUTEX_R);
    rt_leave(gp);
}

void trine_rwmutex_runlock(trine_rwmutex *rw)
{
    struct g *gp = rt_enter("trine_rwmutex_runlock");
    RT_CHECK_PTR(rw, "trine_rwmutex_runlock");
    int32_t r = rw_add(gp, &rw->reader_count, -1);
    if (__builtin_expect(r < 0, 0)) {
        if (r == -1 || r == -RW_MAX_READERS - 1) rt_throw("sync: RUnlock of unlocked RWMutex");
        /* the last of those that the writer waits for lets it in */
        if (rw_add(gp, &rw->reader_wait, -1) == 0) rt_semrelease(&rw->writer_sema, gp, false);
    }
    rt_leave(gp);
}

void trine_rwmutex_lock(trine_rwmutex *rw)
{
    struct g *gp = rt_enter("trine_rwmutex_lock");
    RT_CHECK_PTR(rw, "trine_rwmutex_lock");
    rt_mutex_lock(gp, &rw->w);
    int32_t readers = rw_add(gp, &rw->reader_count, -RW_MAX_READERS) + RW_MAX_READERS;
    /* some may have left already and made reader_wait negative: the sum tells */
    if (readers != 0 && rw_add(gp, &rw->reader_wait, readers) != 0) {
        rt_semacquire(&rw->writer_sema, gp, false, WR_RWMUTEX_W);
    }
    rt_leave(gp);
}

void trine_rwmutex_unlock(trine_rwmutex *rw)
{
    struct g *gp = rt_enter("trine_rwmutex_unlock");
    RT_CHECK_PTR(rw, "trine_rwmutex_unlock");
    int32_t waiting = rw_add(gp, &rw->reader_count, RW_MAX_READERS);
    if (__builtin_expect(waiting >= RW_MAX_READERS, 0)) rt_throw("sync: Unlock of unlocked RWMutex");
    for (int32_t i = 0; i < waiting; i++) rt_semrelease(&rw->reader_sema, gp, false);
    rt_mutex_unlock(gp, &rw->w);
    rt_leave(gp);
}

