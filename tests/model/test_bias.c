/*
 * test_bias.c: plain operations of the only P that runs, while another leaves the idle list or goes there: runtime/bias.c,
 * glock.h and p.c.
 *
 * Invariant: what goroutines share is never touched by two at once: no addition is lost, no lock is held twice.
 * Sides: the owner of P0, which has the bias or is given it; M1, whose P1 idles, or which takes it out of the idle list and
 * then does the same to the same words; or P0's owner itself takes P1 out and hands it to M1.
 * Bound: two Ps; two operations of the owner, two of M1.
 */
#include "glock.h"
#include "m.h"
#include "runq.h"
#include "timer.h"
#include "suite.h"

#include <string.h>

static struct p ps[2];
static struct m ms[2];
static struct g gs[2];
static struct p *allp[2];
static at_u32 idlemask[1];
static at_u32 word;
static struct lock lock;
static uint32_t under_lock; /* plain: the explorer tells of two at once */
static at_u32 handed;

/* ---- what p.c calls and this model does not contain ---- */
at_u32 rt_timerbits[RT_MAX_PROCS / 32];
void rt_futexwakeup(at_u32 *addr, int n) { model_futex_wake(addr, n); }
void rt_osyield(void) {}
void rt_usleep(uint32_t us) { (void)us; }
int64_t rt_nanotime(void) { return 1; }
int rt_bindcpu(int cpu) { return cpu; }
void *rt_sysalloc(size_t bytes) { (void)bytes; return NULL; }
void rt_timers_rest(struct p *pp) { (void)pp; }
void rt_throw(const char *fmt, ...) {
    model_fail(fmt, "rt_throw", 0);
    __builtin_unreachable();
}

static void start(bool second_runs) {
    memset(&rt_sched, 0, sizeof(rt_sched));
    memset(ps, 0, sizeof(ps));
    memset(ms, 0, sizeof(ms));
    memset(gs, 0, sizeof(gs));
    at32_store_rlx(&idlemask[0], 0);
    at32_store_rlx(&word, 0);
    at32_store_rlx(&lock.held, 0);
    at32_store_rlx(&handed, 0);
    under_lock = 0;
    rt_tls_m = NULL; /* one thread of the system runs all */
    rt_sched.allp = allp;
    rt_sched.idlemask = idlemask;
    rt_sched.fence_turns = true;
    ati32_store_rlx(&rt_sched.nprocs, 2);
    for (uint32_t i = 0; i < 2; i++) {
        allp[i] = &ps[i];
        ps[i].id = i;
        gs[i].m = &ms[i];
        if (i == 0 || second_runs) rt_acquirep(&ms[i], &ps[i]);
        else rt_pidleput(&ps[i]); /* gives the bias to P0 */
    }
    model_name(&word, "word");
    model_name(&lock.held, "lock");
    model_name(&ps[0].bias.given, "P0.given");
    model_name(&ps[0].bias.open, "P0.open");
    model_name(&ps[1].bias.given, "P1.given");
    model_name(&handed, "handed");
}
static void second_idles(void) { start(false); }
static void both_run(void) { start(true); }

/* ---- what the sides do ---- */
static void add(int i) { rt_gadd32(&gs[i], &word, 1); }
/* A mutex's word: who swaps it from 0 owns what it guards. */
static void try_mutex(int i) {
    if (!rt_gcas32(&gs[i], &word, 0, 1)) return;
    under_lock++;
    rt_gadd32(&gs[i], &word, -1u);
}
static void lock_once(int i) {
    rt_glock(&gs[i], &lock);
    under_lock++;
    rt_gunlock(&lock);
}
static void idle(int i) {
    model_lock(&rt_sched.lock);
    rt_pidleput(rt_releasep(&ms[i]));
    model_unlock(&rt_sched.lock);
}
static bool come_out(int i) {
    model_lock(&rt_sched.lock);
    struct p *pp = rt_pidleget();
    model_unlock(&rt_sched.lock);
    if (!pp) return false;
    rt_acquirep(&ms[i], pp);
    return true;
}

static void owner_adds(void) { add(0); add(0); }
static void owner_locks_once(void) { lock_once(0); }
static void owner_locks(void) { lock_once(0); lock_once(0); }
static void other_adds(void) { model_assert(come_out(1)); add(1); }
static void owner_tries(void) { try_mutex(0); try_mutex(0); }
static void other_tries(void) { model_assert(come_out(1)); try_mutex(1); }
static void other_tries_idles(void) { try_mutex(1); idle(1); }
static void other_locks(void) { model_assert(come_out(1)); lock_once(1); }
static void other_idles(void) { add(1); idle(1); }
static void other_idles_locks(void) { lock_once(1); idle(1); }
static void there_and_back(void) { add(1); idle(1); if (come_out(1)) add(1); }

/* The owner takes P1 out and hands it over, as rt_startm does. */
static void owner_wakes(void) {
    add(0);
    model_lock(&rt_sched.lock);
    rt_tls_m = &ms[0]; /* read at once, with no step in between */
    struct p *pp = rt_pidleget();
    rt_tls_m = NULL;
    ms[1].nextp = pp;
    model_unlock(&rt_sched.lock);
    at32_store_rel(&handed, 1);
    add(0);
}
static void is_woken(void) {
    if (!at32_load_acq(&handed)) return;
    rt_acquirep(&ms[1], ms[1].nextp);
    add(1);
}

/* ---- what must hold ---- */
static void three(void) { model_assert(at32_load_rlx(&word) == 3); }
static void some_locked(void) { model_assert(at32_load_rlx(&word) == 0 && under_lock >= 1); }
static void two_locked(void) { model_assert(under_lock == 2 && at32_load_rlx(&lock.held) == 0); }
static void three_locked(void) { model_assert(under_lock == 3 && at32_load_rlx(&lock.held) == 0); }
static void four(void) { model_assert(at32_load_rlx(&word) == 4); }
static void two_or_three(void) { model_assert(at32_load_rlx(&word) == 2u + (rt_pm(&ps[1]) != NULL)); }
static void bias_is_right(void) {
    model_assert(rt_sched.biased == &ps[0] && at32_load_rlx(&ps[0].bias.given) && !at32_load_rlx(&ps[1].bias.given));
    three();
}
static void bias_is_right_locked(void) {
    model_assert(rt_sched.biased == &ps[0]);
    three_locked();
}

static const struct model scenario[] = {
    {"a second P comes out: add", second_idles, {owner_adds, other_adds}, three, NULL},
    {"a second P comes out: a mutex", second_idles, {owner_tries, other_tries}, some_locked, NULL},
    {"a second P comes out: lock", second_idles, {owner_locks_once, other_locks}, two_locked, NULL},
    {"the second P goes idle: add", both_run, {owner_adds, other_idles}, bias_is_right, NULL},
    {"the second P goes idle: a mutex", both_run, {owner_tries, other_tries_idles}, some_locked, NULL},
    {"the second P goes idle: lock", both_run, {owner_locks, other_idles_locks}, bias_is_right_locked, NULL},
    {"goes idle and comes out again", both_run, {owner_adds, there_and_back}, four, NULL},
    {"the owner wakes it", second_idles, {owner_wakes, is_woken}, two_or_three, NULL},
};

static const struct site_waiver waiver[] = {
    {"rt_gadd32", "at32_add_ar", 1, "release", "atomic.h has one addition: its acquire half is for wait groups and readers"},
    {"rt_gcas32", "at32_cas_ar", 1, "acquire", "atomic.h has one compare-and-swap: its release half is for others"},
};

static const struct site_guest guest[] = {
    {"p.c", "who holds a P and which are idle: sched.lock orders it here; test_park.c"},
    {"proc.h", "no P is new in these scenarios"},
};

static const struct suite suite = {"bias", scenario, sizeof(scenario) / sizeof(scenario[0]), 300000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), guest, sizeof(guest) / sizeof(guest[0])}, false};

int main(void) { return suite_main(&suite); }
