/*
 * m_make.c: making threads, and what a thread does first and last. Floor 5, beside m.c.
 *
 * Owns: the list of free M structures, under sched.lock; the maker thread and its note.
 *
 * Making a thread takes libc's locks: malloc's, the loader's. A thread that stands in the preemption handler may own one,
 * and who gets it out of there is sysmon, the very thread that may be making one. So neither begins while the other is
 * on: one word counts both sides, and whoever raises his half sees the other's in the same instruction; not 0, and he
 * steps back. Both may. The handler's P is asked for again; for a thread there is the maker, a thread of its own, which
 * is in no such count: it may wait for libc, since it holds no P and nobody waits for it.
 */
#include "m.h"
#include "sanitize.h"

#include <errno.h>
#include <string.h>

void (*rt_mbody)(struct m *mp);

#if defined(RT_ASAN) || defined(RT_TSAN)
#define M_STACK_BYTES (1u << 20) /* the sanitizers' frames are large */
#else
#define M_STACK_BYTES (128u << 10) /* the scheduler's own frames, libc's start and exit of a thread */
#endif
static at_u64 tls_bytes; /* libc takes the threads' static TLS out of their stacks; set before the first thread of a run */
static size_t m_stack_bytes(void) { return M_STACK_BYTES + at64_load_rlx(&tls_bytes); }

static struct m *mfree;                   /* sched.lock: structures of threads that ended */
static struct note maker_note;            /* wakes the maker */
static at_u32 maker_wanted, maker_exists; /* spares to make */

static void *mstart(void *arg)
{
    struct m *mp = arg;
    int err = rt_setaltstack(&mp->altstack, &mp->altstack_bytes);
    if (err) rt_throw("no alternate signal stack for a thread (errno %d)", -err);
    mp->errno_loc = rt_errno_loc();
    mp->g0.m = mp;
    mp->g0.inrt = 1;
    at32_store_rlx(&mp->g0.status, Grunning);
#ifdef RT_TSAN
    mp->g0.tsan_fiber = __tsan_get_current_fiber();
#endif
#ifdef RT_ASAN
    size_t bytes = 0;
    rt_threadstack(&mp->g0.stack_lo, &bytes); /* ASan is told of every stack that is switched to */
    mp->g0.stack_bytes = (uint32_t)bytes;
#endif
    RT_VALGRIND_THREAD();
    rt_tls_m = mp;
    rt_setg(&mp->g0);
    rt_mwatch(mp);
    at32_store_rel(&mp->tid, (uint32_t)rt_gettid()); /* from here it can be sent a signal */
    rt_sigmask_take();
    rt_timerslack(RT_TIMER_SLACK_NS);
    if (mp->nextp) {
        struct p *pp = mp->nextp;
        mp->nextp = NULL;
        rt_acquirep(mp, pp);
    } else { /* a spare, from the maker: rt_startm may have left a P in the idle list for it */
        rt_lock(&rt_sched.lock);
        struct p *pp = rt_pidleget();
        rt_unlock(&rt_sched.lock);
        if (pp) rt_acquirep(mp, pp);
    }
    rt_mbody(mp);
    rt_mexit(mp);
    return NULL;
}

/* ---- who makes threads, who stands in the preemption handler ---- */
#define MAKER (1ull << 32)

bool rt_stand_begin(void)
{
    if (at64_add_ar(&rt_sched.makers_standers, 1) < MAKER) return true; /* partner: rt_making_begin */
    rt_stand_end();
    return false;
}
void rt_stand_end(void) { at64_add_ar(&rt_sched.makers_standers, -1ull); }

bool rt_making_begin(void)
{
    if ((uint32_t)at64_add_ar(&rt_sched.makers_standers, MAKER) == 0) return true; /* partner: rt_stand_begin */
    rt_making_end();
    return false;
}
void rt_making_end(void) { at64_add_ar(&rt_sched.makers_standers, -MAKER); }

/* ---- making ---- */
/* A new thread for pp (may be NULL: it looks for an idle P or parks). 0 or -errno; -EUSERS: as many exist as may. */
static int newm_direct(struct p *pp, bool spinning)
{
    rt_lock(&rt_sched.lock);
    struct m *mp = mfree;
    if (rt_sched.mcount + rt_sched.nzombie >= rt_sched.maxmcount) {
        rt_unlock(&rt_sched.lock);
        return -EUSERS;
    }
    if (mp) mfree = mp->freelink;
    rt_sched.mcount++;
    rt_sched.threads_made++;
    uint32_t id = ++rt_sched.last_mid;
    rt_unlock(&rt_sched.lock);
    if (!mp) mp = rt_sysalloc(sizeof *mp);
    else memset(mp, 0, sizeof *mp);
    int err = -ENOMEM;
    if (mp) {
        mp->id = id;
        mp->rng = (rt_sched.seed + id) * 0x9E3779B97F4A7C15ull | 1;
        mp->cpu = -1;
        mp->nextp = pp;
        mp->spinning = mp->woken = spinning;
        rt_lock(&rt_sched.lock);
        mp->alllink = rt_sched.allm;
        rt_sched.allm = mp;
        rt_unlock(&rt_sched.lock);
        err = rt_newosthread(mstart, mp, m_stack_bytes());
        if (!err) return 0;
    }
    rt_lock(&rt_sched.lock);
    rt_sched.mcount--;
    rt_sched.threads_made--;
    if (mp) {
        struct m **link = &rt_sched.allm;
        while (*link != mp) link = &(*link)->alllink;
        *link = mp->alllink;
        mp->freelink = mfree;
        mfree = mp;
    }
    rt_unlock(&rt_sched.lock);
    return err;
}

static void exhausted(void)
{
    rt_print("runtime: program exceeds %d-thread limit\n", rt_sched.maxmcount);
    rt_throw("thread exhaustion");
}

static void newm_or_throw(struct p *pp, bool spinning)
{
    int err = newm_direct(pp, spinning);
    if (err == -EUSERS) exhausted();
    if (err) rt_throw("cannot make a thread (%d exist, errno %d)", rt_sched.mcount, -err);
}

/* It looks for work itself, then parks as the spare. None to be had, at the limit of threads or the system's: those that
 * stand in the handler carry the Ps by turns (rt_startm), and the others wait for one of them to call the runtime. */
static void make_spare(void)
{
    static at_u32 said;
    int err = newm_direct(NULL, false);
    if (!err) return;
    if (!at32_xchg_ar(&said, 1))
        rt_print("runtime: no more threads (%d exist, errno %d): goroutines wait for those that were preempted in foreign code\n",
                 rt_sched.mcount, -err);
    rt_lock(&rt_sched.lock);
    rt_checkdead(); /* who parked meanwhile counted the one that was not to be */
    rt_unlock(&rt_sched.lock);
}

static void *maker(void *unused)
{
    (void)unused;
    for (;;) {
        rt_notesleep(&maker_note);
        rt_noteclear(&maker_note);
        while (at32_load_acq(&maker_wanted)) {
            at32_store_rel(&maker_wanted, 0);
            rt_lock(&rt_sched.lock);
            bool on = at32_load_rlx(&rt_sched.running) && !at32_load_rlx(&rt_sched.ending);
            rt_unlock(&rt_sched.lock);
            if (on) make_spare();
        }
    }
    return NULL;
}

void rt_ask_maker(void)
{
    at32_store_rel(&maker_wanted, 1);
    rt_notewakeup(&maker_note);
}

/* While a thread stands in the preemption handler nobody else makes any. */
static bool have_maker(void)
{
    if (at32_load_acq(&maker_exists)) return true;
    if (!rt_making_begin()) return false;
    /* by CAS: who stops the world comes here beside sysmon */
    int err = at32_cas_ar(&maker_exists, 0, 1) ? rt_newosthread(maker, NULL, m_stack_bytes()) : 0;
    if (err) at32_store_rel(&maker_exists, 0);
    rt_making_end();
    return !err;
}

void rt_want_spare(void)
{
    if (!have_maker()) return;
    rt_lock(&rt_sched.lock);
    bool have = rt_sched.nmidle > 0;
    rt_unlock(&rt_sched.lock);
    if (!have) rt_ask_maker();
}

void rt_maker_forget(void)
{
    at32_store_rel(&maker_wanted, 0);
    at32_store_rel(&maker_exists, 0);
    rt_noteclear(&maker_note);
}

struct newm_call { struct p *pp; bool spinning; };
static void newm_call(void *arg)
{
    struct newm_call *c = arg;
    newm_or_throw(c->pp, c->spinning);
}

void rt_systemstack(void (*fn)(void *), void *arg)
{
    struct g *gp = rt_getg();
    struct m *mp = gp ? gp->m : NULL;
    if (!mp || gp == &mp->g0 || mp->onsystem) { /* already there */
        fn(arg);
        return;
    }
    mp->onsystem = true;
    RT_VALGRIND_USABLE((char *)mp->g0.ctx.sp - 256, M_STACK_BYTES / 4); /* nobody has pushed anything there yet */
    arch_call_on((char *)mp->g0.ctx.sp - 256, fn, arg); /* 256: past g0's red zone */
    mp->onsystem = false;
}

void rt_newm(struct p *pp, bool spinning)
{
    struct newm_call c = {pp, spinning};
    rt_systemstack(newm_call, &c);
}

int rt_mfirst(struct p *pp)
{
    rt_mwatch_init();
    at64_store_rlx(&tls_bytes, rt_tlsbytes());
    int err = newm_direct(pp, false);
    if (err == -EUSERS) exhausted();
    return err;
}

int32_t rt_mlive(void) { return rt_sched.mcount; }

void rt_mexit(struct m *mp)
{
    rt_setg(NULL);
    rt_tls_m = NULL;
    rt_mwatch(NULL);
    at32_store_rel(&mp->tid, 0);
    rt_freealtstack(mp->altstack, mp->altstack_bytes);
    rt_lock(&rt_sched.lock);
    struct m **link = &rt_sched.allm;
    while (*link != mp) link = &(*link)->alllink;
    *link = mp->alllink;
    bool zombie = mp->zombie;
    if (zombie) rt_sched.nzombie--;
    else rt_sched.mcount--;
    mp->freelink = mfree;
    mfree = mp;
    if (!zombie) rt_checkdead(); /* a zombie says nothing of the run that is on */
    rt_wakesysmon(); /* the end of a run waits for us */
    rt_unlock(&rt_sched.lock);
}
