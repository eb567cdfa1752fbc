/*
 * test_timer.c: who waits for a timer: runtime/find.c itself, with timer.c, m.c and p.c. The poller is an event, and time passes
 * only for who sleeps in it until the time that it asked for.
 *
 * Invariant: while a heap holds a timer, some M waits in the poller no longer than until then, or goes to look for work, where
 * it finds the timer. (Or the monitor waits for it, which is not modelled: so the timers here are near, and nobody may leave
 * them to it.) And when the last timer goes, so does the wait for it: a deadlock is told.
 * Sides: who arms a timer (the heap, its earliest time, a fence, lastpoll and polluntil, then a break or rt_wakep) against
 * the one that goes to sleep in the poller (lastpoll 0, a fence, the earliest of all heaps, polluntil) or parks beside it;
 * who takes one out and parks (rt_checkdead) against the same; who leaves the poller with work against one that goes idle.
 * Bound: one timer that is armed or taken out, one more that is far; an M that was woken has looked, and its thread ends;
 * two searches of each where a deadlock must come of it.
 */
#include "../../runtime/find.c" /* for wait_for_work and the steps around it */

#include "suite.h"

#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum { NEAR_NS = 5000000 }; /* from the start: below RT_SYSMON_MAX_NS, so it is not the monitor's */
static const int64_t FAR_NS = (int64_t)1 << 40; /* nobody here lives to see it */

static struct p ps[2];
static struct m ms[4];
static struct g gs[2]; /* the timer readies the first; the packet, the second */
static struct p *allp[RT_MAX_PROCS];
static at_u32 idlemask[1];
static struct timer timer, later; /* readies gs[0]; never fires */
static struct timer_slot heap[2][4096 / sizeof(struct timer_slot)];
static int heaps;
static at_u32 looks, dead; /* somebody goes to look for work; the deadlock was told */

/* ---- what the sources under test call and this model does not contain ---- */
static char bell, never;          /* events: the poller has something; nothing */
static struct lock packet_lock;
static bool packet;               /* packet_lock: the descriptor that gs[1] waits for is ready */
static at_i32 waiters;            /* goroutines that wait for a descriptor */
static int64_t now_ns[MODEL_MAX_THREADS + 1]; /* each thread's own: they share no clock, and so no order by it */

size_t rt_tlsbytes(void) { return 0; }
/* A thread that the runtime makes looks for work first of all. */
int rt_newosthread(void *(*fn)(void *), void *arg, size_t stack_bytes) {
    (void)fn;
    (void)arg;
    (void)stack_bytes;
    at32_store_rlx(&looks, 1);
    return 0;
}
void rt_futexsleep(at_u32 *addr, uint32_t val, int64_t ns) { (void)ns; model_futex_wait(addr, val); }
void rt_futexwakeup(at_u32 *addr, int n) { model_futex_wake(addr, n); }
int64_t rt_nanotime(void) { return now_ns[model_self() + 1] += RT_RUNNEXT_BACKOFF_NS; }
size_t rt_pagesize(void) { return sizeof heap[0]; }
void *rt_sysalloc(size_t bytes) {
    if (bytes == sizeof(struct m)) return &ms[3];
    return bytes == sizeof heap[0] && heaps < 2 ? heap[heaps++] : NULL; /* none for the chunks of the global queue */
}
void rt_sysfree(void *p, size_t bytes) { (void)p; (void)bytes; }
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
bool rt_stackahead(void) { return false; }
void rt_print(const char *fmt, ...) { model_fail(fmt, "rt_print", 0); }

/* A deadlock is told: the end of the program, so whoever told it goes no further. */
void rt_throw(const char *fmt, ...) {
    if (!strstr(fmt, "deadlock!")) model_fail(fmt, "rt_throw", 0);
    at32_store_rlx(&dead, 1);
    for (;;) model_event_wait(&never, false);
}

/* ---- the poller: model.break has the break itself ---- */
bool rt_netpoll_inited(void) { return true; }
bool rt_netpoll_any_waiters(void) { return ati32_load_acq(&waiters) > 0; }
void rt_netpoll_break(void) { model_event_set(&bell); }

static int take_packet(struct glist *out) {
    rt_lock(&packet_lock);
    bool mine = packet;

    packet = false;
    rt_unlock(&packet_lock);
    if (mine) glist_push(out, &gs[1]);
    return mine;
}

int rt_netpoll(int64_t delay_ns, struct glist *out) {
    bool timed = delay_ns > 0 && delay_ns <= NEAR_NS;

    if (take_packet(out)) return 1;
    if (delay_ns == 0) return 0;
    if (model_event_wait(&bell, timed)) model_event_clear(&bell);
    else now_ns[model_self() + 1] += delay_ns;
    return 0;
}

/* ---- the threads ---- */
/* The end of a search in vain, by an M that holds no P: it sleeps, in the poller or on its note. It comes back with work, which
 * it runs for ever, or to look again. */
static void rest(struct m *mp) {
    bool end = false;
    struct g *gp = wait_for_work(mp, &end);

    model_assert(!end);
    if (!gp) at32_store_rlx(&looks, 1);
    else if (mp->owes_wait) leave_wait();
}

/* The steps from a search in vain on, as in find: all that it looked at it read before. */
static void go_idle(struct m *mp) {
    may_spin(mp);
    if (give_up_p(mp) && !(mp->spinning && stop_spinning(mp))) rest(mp);
    else at32_store_rlx(&looks, 1);
}
static void goes_idle0(void) { go_idle(&ms[0]); }
static void goes_idle1(void) { go_idle(&ms[1]); }

/* M1 found nothing, and its P is idle. */
static void idler(void) { rest(&ms[1]); }

static void arm(struct timer *t, int64_t when) { rt_timers_add(&ps[0], t, when); }

/* M0 runs a goroutine that arms a timer and computes for ever. */
static void armer(void) {
    arm(&timer, NEAR_NS);
    rt_wakenetpoller(NEAR_NS);
}

/* It goes to sleep, and its M runs for ever what stands in the queue. */
static void sleeper(void) {
    arm(&timer, NEAR_NS);
    rt_wakenetpoller_parked(&ms[0], NEAR_NS);
}

/* It goes into a blocking call for ever, and the monitor takes the P. */
static void blocker(void) {
    arm(&timer, NEAR_NS);
    rt_handoffp(rt_releasep(&ms[0]));
}

/* Nothing is left to be found: each M looks until it is told so. It holds no P at first. */
static void looks_in_vain(struct m *mp) {
    rest(mp);
    go_idle(mp);
}
static void vain_idler(void) { looks_in_vain(&ms[1]); }
static void vain_searcher(void) {
    go_idle(&ms[1]);
    go_idle(&ms[1]);
}

/* The last timer is stopped; then its goroutine waits for nothing that will come. */
static void stopper(void) {
    rt_timers_remove(&later);
    if (give_up_p(&ms[0])) looks_in_vain(&ms[0]);
}
static void stopper_searches(void) {
    rt_timers_remove(&later);
    go_idle(&ms[0]);
    go_idle(&ms[0]);
}

/* The last descriptor is closed. */
static void closer(void) {
    ati32_add_ar(&waiters, -1);
    if (give_up_p(&ms[0])) looks_in_vain(&ms[0]);
}

/* Two Ps: M0 runs something on the first; M1 has the second. */
static void both_run(void) {
    memset(&rt_sched, 0, sizeof(rt_sched));
    at32_store_rlx(&rt_fence.submit_full, 0); /* the idler pays */
    at32_store_rlx(&rt_fence.idle_full, 0);
    memset(ps, 0, sizeof(ps));
    memset(ms, 0, sizeof(ms));
    memset(gs, 0, sizeof(gs));
    memset(allp, 0, sizeof(allp));
    memset(now_ns, 0, sizeof(now_ns));
    at32_store_rlx(&idlemask[0], 0);
    at32_store_rlx(&rt_timerbits[0], 0);
    at32_store_rlx(&looks, 0);
    at32_store_rlx(&dead, 0);
    ati32_store_rlx(&waiters, 0);
    heaps = 0;
    packet = false;
    rt_setg(NULL); /* one thread of the system runs all: none is on a stack of a goroutine */
    rt_sched.allp = allp;
    ati32_store_rlx(&rt_sched.nprocs, 2);
    ati32_store_rlx(&rt_sched.nmade, 2);
    rt_sched.idlemask = idlemask;
    rt_sched.maxmcount = 10;
    rt_sched.ablate = TRINE_NO_SPIN | TRINE_NO_BIAS;
    at32_store_rlx(&rt_sched.running, 1);
    ati64_store_rlx(&rt_sched.lastpoll, 1);
    for (int i = 0; i < 2; i++) {
        allp[i] = &ps[i];
        ps[i].id = (uint32_t)i;
        rt_sched.mcount++;
    }
    for (int i = 0; i < 2; i++) rt_acquirep(&ms[i], &ps[i]);
    timer = later = (struct timer){.fire = rt_timer_wake, .arg = &gs[0], .brief = true};
    model_name(&rt_sched.lastpoll, "lastpoll");
    model_name(&rt_sched.polluntil, "polluntil");
    model_name(&rt_sched.npidle, "npidle");
    model_name(&rt_sched.nmspinning, "nmspinning");
    model_name(&rt_sched.lock, "sched.lock");
    model_name(&ps[0].timers.earliest, "P0.earliest");
    model_name(&rt_timerbits[0], "timerbits");
    model_name(&waiters, "waiters");
    model_name(&bell, "bell");
    model_name(&ms[0].park.word, "M0.park");
    model_name(&ms[1].park.word, "M1.park");
}
/* M1 has just put it away. */
static void start(void) {
    both_run();
    rt_pidleput(rt_releasep(&ms[1]));
}
static void a_waiter(void) {
    start();
    ati32_store_rlx(&waiters, 1);
}
static void a_later_one(void) {
    start();
    arm(&later, FAR_NS);
}
static void others_to_run(void) {
    start();
    rt_runqputtail(&ps[0], &gs[1]);
}
static void the_last_timer(void) {
    both_run();
    arm(&later, FAR_NS);
}
static void others_beside(void) {
    both_run();
    rt_runqputtail(&ps[0], &gs[1]);
}
static void a_packet(void) {
    start();
    arm(&timer, NEAR_NS);
    ati32_store_rlx(&waiters, 1);
    packet = true;
}

/* Nobody moves: fine once somebody went to look; or, when there was nothing to find, once that was told. */
static bool somebody_looks(void) { return at32_load_rlx(&looks) == 1; }
static void somebody_looked(void) { model_assert(somebody_looks()); }
static bool told(void) { return at32_load_rlx(&dead) == 1; }
static void was_told(void) { model_assert(told()); }

static const struct model scenario[] = {
    {"a timer against who finds no work", start, {armer, idler}, somebody_looked, somebody_looks},
    {"a timer against who goes idle", both_run, {armer, goes_idle1}, somebody_looked, somebody_looks},
    {"a timer against who waits for the network", a_waiter, {armer, idler}, somebody_looked, somebody_looks},
    {"a sooner timer", a_later_one, {armer, idler}, somebody_looked, somebody_looks},
    {"a sleep against who goes idle", others_beside, {sleeper, goes_idle1}, somebody_looked, somebody_looks},
    {"a sleep", others_to_run, {sleeper, idler}, somebody_looked, somebody_looks},
    {"a P that loses its M", start, {blocker, idler}, somebody_looked, somebody_looks},
    {"the poller's M finds work", a_packet, {goes_idle0, idler}, somebody_looked, somebody_looks},
    {"the last timer goes", a_later_one, {stopper, vain_idler}, was_told, told},
    {"the last waiter goes", a_waiter, {closer, vain_idler}, was_told, told},
};

/* Explored, too large to be explored anew for each weakening: model.timer-large. */
static const struct model large[] = {
    {"the last timer goes while both search", the_last_timer, {stopper_searches, vain_searcher}, was_told, told},
};

static const struct site_guest guest[] = {
    {"runq.c", "judged by model.runq"},
    {"runq.h", "judged by model.runq"},
    {"fence.h", "judged by model.fence"},
    {"note.h", "judged by model.note"},
    {"timer.c", "the heap's lock carries it; who looks without has the fences"},
    {"timer.h", "the heap's lock carries it; who looks without has the fences"},
    {"test_timer.c", "stands for netpoll.c"},
    {"m_make.c", "no stander in these scenarios"},
    {"proc.h", "no resize in these scenarios"},
    {"find.c", "a hint: fences, lock and note carry it"},
    {"m.c", "a hint: fences, lock and note carry it"},
    {"p.c", "a hint: fences, lock and note carry it"},
};

static const struct site_waiver waiver[] = {
    {"rt_fence_idle", "at_fence_light", 1, "no fence", "needed while the side that pays changes: model.fence"},
};

static const struct suite suite = {"timer", scenario, sizeof(scenario) / sizeof(scenario[0]), 300000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), guest, sizeof(guest) / sizeof(guest[0])}, false};

static const struct suite large_suite = {"timer", large, sizeof(large) / sizeof(large[0]), 300000, {NULL, 0, NULL, 0}, false};

int main(int argc, char **argv) { return suite_main_large(argc, argv, &suite, &large_suite); }
