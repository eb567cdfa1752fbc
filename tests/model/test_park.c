/*
 * test_park.c: submitting against giving up: runtime/find.c, m.c, m_make.c and runq.c themselves.
 *
 * Invariant: work that was submitted is run although its submitter's M never comes back to the scheduler: no M sleeps
 * for good while a queue holds a G and a P is idle.
 * Sides: an M that submits (rt_injectlist: the queue, the light fence, npidle, rt_wakep) against one that finds nothing
 * (nmspinning down, the heavy fence, every queue again; then it parks on its note). A third M, made by the runtime
 * when it needs one, takes part.
 * The other submitter is rt_wake_for_ready, with its thinning of wake-ups. Before it gives up, an M may commit stacks
 * ahead: it leaves the search to others when there is work by then.
 * Bound: one or two submissions; one pass over the Ps instead of four.
 */
#include "find.h"
#include "stride.h"
#include "m.h"
#include "netpoll.h"
#include "runq.h"
#include "sched_switch.h"
#include "timer.h"
#include "suite.h"

#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct p ps[3];
static struct m ms[4];
static struct g gs[3];
static struct p *allp[RT_MAX_PROCS];
static at_u32 idlemask[1];
at_u32 rt_timerbits[RT_MAX_PROCS / 32];
static at_u32 nrun; /* Gs that were found */
static uint32_t nsubmitted;

/* ---- what the sources under test call and this model does not contain ---- */
static void *(*thread_fn)(void *); /* the thread that the runtime made */
static void *thread_arg;
static char born; /* the event of its birth */
static int64_t now_ns;
static uint32_t ahead[MODEL_MAX_THREADS]; /* pages of a crowd that each thread may commit */

size_t rt_tlsbytes(void) { return 0; }
int rt_newosthread(void *(*fn)(void *), void *arg, size_t stack_bytes) {
    (void)stack_bytes;
    model_assert(thread_fn == NULL); /* one thread is enough for these scenarios */
    thread_fn = fn;
    thread_arg = arg;
    model_event_set(&born);
    return 0;
}
void rt_futexsleep(at_u32 *addr, uint32_t val, int64_t ns) { (void)ns; model_futex_wait(addr, val); }
void rt_futexwakeup(at_u32 *addr, int n) { model_futex_wake(addr, n); }
int64_t rt_nanotime(void) { return now_ns += RT_RUNNEXT_BACKOFF_NS; }
void *rt_sysalloc(size_t bytes) { return bytes == sizeof(struct m) ? &ms[3] : NULL; }
int rt_setaltstack(void **base, size_t *bytes) { *base = NULL; *bytes = 0; return 0; }
void rt_mwatch(struct m *mp) { (void)mp; }
void rt_mwatch_init(void) {}
void rt_osyield(void) {}
void rt_freealtstack(void *base, size_t bytes) { (void)base; (void)bytes; }
int32_t rt_gettid(void) { return model_self() + 1; }
int *rt_errno_loc(void) { static int e[MODEL_MAX_THREADS]; return &e[model_self()]; }
int rt_bindcpu(int cpu) { return cpu; }
void rt_sigmask_take(void) {}
void rt_timerslack(unsigned long ns) { (void)ns; }
void rt_print(const char *fmt, ...) { model_fail(fmt, "rt_print", 0); }
void rt_throw(const char *fmt, ...) {
    model_fail(fmt, "rt_throw", 0);
    __builtin_unreachable();
}
int64_t rt_timers_check(struct p *pp, int64_t now, struct glist *ready) { (void)pp; (void)now; (void)ready; return 0; }
void rt_timers_rest(struct p *pp) { (void)pp; }
bool rt_netpoll_inited(void) { return false; }
bool rt_netpoll_any_waiters(void) { return false; }
int rt_netpoll(int64_t delay_ns, struct glist *out) { (void)delay_ns; (void)out; return 0; }
void rt_netpoll_break(void) {}
bool rt_stackahead(void) { return ahead[model_self()] && ahead[model_self()]--; }

/* ---- the threads ---- */
static void look_for_work(struct m *mp) {
    bool inherit;
    struct g *gp = rt_findg(mp, &inherit);

    model_assert(gp != NULL);
    model_assert(gp->goid != 0);
    gp->goid = 0; /* found once: a second finder would race here or read 0 */
    at32_add_rlx(&nrun, 1);
}

static void start(int procs, int busy) {
    memset(&rt_sched, 0, sizeof(rt_sched));
    at32_store_rlx(&rt_fence.submit_full, 0); /* the idler pays */
    at32_store_rlx(&rt_fence.idle_full, 0);
    memset(ps, 0, sizeof(ps));
    memset(ms, 0, sizeof(ms));
    memset(gs, 0, sizeof(gs));
    memset(allp, 0, sizeof(allp));
    at32_store_rlx(&idlemask[0], 0);
    at32_store_rlx(&nrun, 0);
    thread_fn = NULL;
    now_ns = 0;
    memset(ahead, 0, sizeof(ahead));
    rt_setg(NULL); /* one thread of the system runs all: none is on a stack of a goroutine */
    rt_mbody = look_for_work;
    rt_sched.allp = allp;
    ati32_store_rlx(&rt_sched.nprocs, procs);
    ati32_store_rlx(&rt_sched.nmade, procs);
    rt_sched.idlemask = idlemask;
    rt_sched.maxmcount = 10;
    rt_sched.ablate = TRINE_NO_SPIN;
    at32_store_rlx(&rt_sched.running, 1);
    ati64_store_rlx(&rt_sched.lastpoll, 1);
    for (int i = 0; i < procs; i++) {
        allp[i] = &ps[i];
        ps[i].id = (uint32_t)i;
        ps[i].tick = 1;
        if (i < busy) {
            rt_acquirep(&ms[i], &ps[i]);
            ms[i].rng = 1;
            rt_sched.mcount++;
        } else {
            rt_pidleput(&ps[i]);
        }
    }
    for (int i = 0; i < 3; i++) gs[i].goid = (uint64_t)i + 1;
    rt_stride_init((uint32_t)procs);
    model_name(&rt_sched.npidle, "npidle");
    model_name(&rt_sched.nmspinning, "nmspinning");
    model_name(&rt_sched.needspinning, "needspinning");
    model_name(&rt_sched.lock, "sched.lock");
    model_name(&rt_sched.runqsize, "runqsize");
    model_name(&idlemask[0], "idlemask");
    model_name(&ps[0].runqtail, "P0.tail");
    model_name(&ps[0].runqhead, "P0.head");
    model_name(&ms[1].park.word, "M1.park");
    model_name(&ms[2].park.word, "M2.park");
    model_name(&ms[3].park.word, "M3.park");
}

static void three_ps(void) { start(3, 3); nsubmitted = 2; }
static void two_ps(void) { start(2, 2); nsubmitted = 1; }

/* M1 commits a page before it gives up. */
static void two_ps_crowd(void) {
    two_ps();
    rt_sched.ablate = 0;
    ahead[1] = 1;
}

/* M0 runs a goroutine that submits and then computes for ever. */
static void submit(int i) {
    struct glist l;

    glist_init(&l);
    glist_push(&l, &gs[i]);
    rt_injectlist(&ms[0], &l);
}
static void submit_one(void) { submit(0); }

/* The way of trine_go and of every ready: the ring or runnext, then rt_wake_for_ready. With wake_skip at 0 it wakes for
 * runnext too; above 0 it may leave one there to sysmon, which is not modelled. */
static void ready(bool next) {
    struct glist over;

    glist_init(&over);
    model_assert(rt_runqput(&ps[0], &gs[0], next, &over));
    rt_wake_for_ready(&ps[0]);
}
static void ready_in_ring(void) { ready(false); }
static void ready_in_runnext(void) { ready(true); }
static void two_ps_thinned(void) {
    start(2, 2);
    nsubmitted = 1;
    at32_store_rlx(&rt_sched.wake_skip, 8); /* thinning is for runnext alone: what stands in the ring is told of */
}
static void submit_pair(void) {
    struct glist l;

    glist_init(&l);
    glist_push(&l, &gs[0]);
    glist_push(&l, &gs[1]);
    rt_injectlist(&ms[0], &l);
}

/* M1 has a P and looks for work until it has some. */
static void worker(void) { look_for_work(&ms[1]); }
static void worker2(void) { look_for_work(&ms[2]); }

/* The thread that the runtime may make. */
static void newborn(void) {
    model_event_wait(&born, false);
    thread_fn(thread_arg);
}

/* Nobody moves: fine once all that was submitted was found. M1 or the newborn may then sleep. */
static bool all_found(void) { return at32_load_rlx(&nrun) == nsubmitted; }
static void all_found_once(void) { model_assert(all_found()); }


/* Two Gs lie in the global queue. M0 spins, alone, takes both, since it takes a batch, and runs one for ever; M1, which
 * may not spin beside it, gives its P up without a look of its own. Who takes care of the other G? Whoever stops
 * spinning wakes an idle P, or leaves needspinning for the one that is about to drop its P. */
static void one_spins(void) {
    struct glist l;

    start(2, 2);
    nsubmitted = 2;
    ms[0].spinning = true;
    at32_store_rlx(&rt_sched.nmspinning, 1);
    glist_init(&l);
    glist_push(&l, &gs[0]);
    glist_push(&l, &gs[1]);
    rt_globrunqputlist(&l);
}
static void worker0(void) { look_for_work(&ms[0]); }

static const struct model scenario[] = {
    {"park against submit", two_ps, {submit_one, worker, newborn}, all_found_once, all_found},
    {"park against ready", two_ps_thinned, {ready_in_ring, worker, newborn}, all_found_once, all_found},
    {"park against runnext", two_ps, {ready_in_runnext, worker, newborn}, all_found_once, all_found},
    {"park, a page later, against submit", two_ps_crowd, {submit_one, worker, newborn}, all_found_once, all_found},
    {"hand-over of the search", one_spins, {worker0, worker, newborn}, all_found_once, all_found},
};

/* Large: run by ctest -L stress. */
static const struct model large[] = {
    {"a finder wakes the next", three_ps, {submit_pair, worker, worker2, newborn}, all_found_once, all_found},
};

static const struct site_waiver waiver[] = {
    {"rt_fence_idle", "at_fence_light", 1, "no fence", "needed while the side that pays changes: model.fence"},
    {"rt_checkdead", "at_fence_sc", 1, "no fence", "nothing here waits in the poller: model.timer"},
};

static const struct site_guest guest[] = {
    {"find.c", "a hint: fences, lock and note carry it"},
    {"m.c", "a hint: fences, lock and note carry it"},
    {"m_make.c", "no stander in these scenarios: one word counts both, and its own order is all it needs; no thread ends"},
    {"p.c", "a hint: fences, lock and note carry it"},
    {"runq.c", "judged by model.runq"},
    {"runq.h", "judged by model.runq"},
    {"fence.h", "judged by model.fence"},
    {"note.h", "judged by model.note"},
    {"timer.h", "no timer in these scenarios"},
    {"proc.h", "no resize in these scenarios"},
};

static const struct suite suite = {"park", scenario, sizeof(scenario) / sizeof(scenario[0]), 300000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), guest, sizeof(guest) / sizeof(guest[0])}, false};

static const struct suite large_suite = {"park", large, sizeof(large) / sizeof(large[0]), 300000, {NULL, 0, NULL, 0}, true};

int main(int argc, char **argv) { return suite_main_large(argc, argv, &suite, &large_suite); }
