/*
 * test_retake.c: a blocking call against who takes its P: runtime/syscall.c.
 *
 * Invariant: a P is taken only from an M whose goroutine is in a blocking call, and then exactly one of the two has it: the
 * taker, or the M when it comes back. Sides: an M that enters and leaves a call (one store, one CAS), and the monitor, which
 * reads the P's M, that M's goroutine and its state one after the other, freezes the state and takes.
 * Bound: a call once or twice; a goroutine that moves from one M to another, which blocks; one look at each P.
 */
#include "m.h"
#include "sched.h"
#include "syscall.h"
#include "suite.h"

#include <string.h>

static struct p ps[2];
static struct m ms[2];
static struct g g;
static int err[2];
static bool taken[2], lost[2], given; /* by the monitor; found missing by the M; plain: each has one writer */
static at_u32 parked;

/* ---- what syscall.c calls and this model does not contain ---- */
struct sched rt_sched;
void rt_throw(const char *fmt, ...) {
    model_fail(fmt, "rt_throw", 0);
    __builtin_unreachable();
}
void rt_gosched_nop(struct g *gp) { lost[gp->m - ms] = true; }
void rt_gopreempt(struct g *gp) { model_assert(gp == NULL); }
void rt_gozombie(struct g *gp) { model_assert(gp == NULL); __builtin_unreachable(); }
void rt_enter_slow(struct g *gp, const char *what, bool elsewhere) {
    (void)gp, (void)elsewhere;
    model_fail(what, "rt_enter_slow", 0);
}
struct p *rt_pidleget_prefer(struct p *pp) { (void)pp; return NULL; }
void rt_acquirep(struct m *mp, struct p *pp) { (void)mp; model_assert(pp == NULL); }

/* ---- the sides ---- */
static void start(void) {
    memset(&rt_sched, 0, sizeof(rt_sched));
    memset(ps, 0, sizeof(ps));
    memset(ms, 0, sizeof(ms));
    memset(&g, 0, sizeof(g));
    memset(taken, 0, sizeof(taken));
    memset(lost, 0, sizeof(lost));
    given = false;
    at32_store_rlx(&parked, 0);
    for (int i = 0; i < 2; i++) {
        ms[i].p = &ps[i];
        ms[i].errno_loc = &err[i];
        ps[i].id = (uint32_t)i;
        atp_store_rlx(&ps[i].m, &ms[i]);
        at32_store_rlx(&ps[i].status, Prunning);
    }
    g.m = &ms[0];
    atp_store_rlx(&ms[0].curg, &g);
    at32_store_rlx(&g.status, Grunning);
    model_name(&g.status, "status");
    model_name(&ms[0].curg, "M0.curg");
    model_name(&ms[1].curg, "M1.curg");
    model_name(&ps[0].m, "P0.m");
    model_name(&ps[1].m, "P1.m");
    model_name(&parked, "parked");
}

/* All threads of a model share one of the system: who runs says so before it asks, with no step in between. */
static void enter(void) {
    g.stack_lo = (uintptr_t)__builtin_frame_address(0) - 65536; /* of whoever calls */
    g.stack_bytes = 131072;
    g.inrt = 0;
    rt_setg(&g);
    trine_syscall_enter();
}
static void leave(void) {
    rt_setg(&g);
    trine_syscall_exit();
}

static void call_once(void) {
    enter();
    leave();
    model_assert(lost[0] == (ms[0].p == NULL)); /* it knows which */
}
static void call_twice(void) {
    call_once();
    if (!lost[0]) call_once();
}

static void look_at(int i) {
    struct m *mp = rt_pm(&ps[i]);
    struct g *gp = mp ? rt_curg(mp) : NULL;

    if (gp && at32_load_acq(&gp->status) == Gsyscall) taken[i] = rt_retakep(&ps[i], mp, gp);
}
static void monitor(void) { look_at(0); }
static void monitor_both(void) { look_at(0); look_at(1); }

static void one_has_it(void) {
    model_assert(taken[0] == (ms[0].p == NULL));
    model_assert(taken[0] == (at32_load_rlx(&ps[0].status) == Pidle));
}

/* M0 parks the goroutine and goes on with its P; M1 finds it, and it blocks there. */
static void park_and_go_on(void) {
    at32_store_rel(&g.status, Grunnable);
    atp_store_rel(&ms[0].curg, NULL);
    at32_store_rel(&parked, 1);
    model_assert(ms[0].p == &ps[0]);
}
static void find_and_block(void) {
    if (!at32_load_acq(&parked)) return;
    given = true;
    g.m = &ms[1];
    atp_store_rel(&ms[1].curg, &g);
    at32_store_rel(&g.status, Grunning);
    enter();
}
static void only_from_the_call(void) {
    model_assert(!taken[0] && ms[0].p == &ps[0]);
    model_assert(taken[1] == (ms[1].p == NULL));
    model_assert(given || !taken[1]);
}

static const struct model scenario[] = {
    {"a call against its taker", start, {call_once, monitor}, one_has_it, NULL},
    {"two calls against one look", start, {call_twice, monitor}, one_has_it, NULL},
    {"the goroutine moves on and blocks elsewhere", start, {park_and_go_on, find_and_block, monitor_both}, only_from_the_call, NULL},
};

static const struct site_waiver waiver[] = {
    {"rt_retakep", "at32_cas_ar", 1, "acquire", "atomic.h has one compare-and-swap: its release half is for others"},
    {"rt_syscall_exit", "at32_cas_ar", 1, "acquire", "the same"},
    {"rt_retakep", "atp_store_rel", 1, "relaxed", "whoever gets the P has it from the taker, by sched.lock or a note"},
    {"rt_retakep", "at32_store_rel", 1, "relaxed", "the same"},
};

static const struct site_guest guest[] = {
    {"proc.h", "no M and no goroutine is new in these scenarios"},
    {"trace.h", "no trace in these scenarios"},
    {"test_retake.c", "the scheduler's own stores stand in find.c and sched_switch.h"},
};

static const struct suite suite = {"retake", scenario, sizeof(scenario) / sizeof(scenario[0]), 300000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), guest, sizeof(guest) / sizeof(guest[0])}, false};

int main(void) { return suite_main(&suite); }
