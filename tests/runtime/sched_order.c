/*
 * sched_order.c: the search for work from inside: find.c is compiled into this program, so that its own functions can
 * be asked one by one: the order of stealing, and the flag that hands a spinner's duty on.
 */
#include "../../runtime/find.c" /* NOLINT(bugprone-suspicious-include): its statics are what is tested */

#include "globq.h"
#include "syscall.h"

#include "child.h"
#include "goroutines.h"

/* From any start, each stride visits every P once, for every number of Ps up to 64 and for the largest. */
static void StealOrder(void **state)
{
    static bool visited[RT_MAX_PROCS];
    (void)state;
    for (uint32_t n = 1; n <= RT_MAX_PROCS; n = n < 64 ? n + 1 : n * 2) {
        rt_stride_init(n);
        assert_true(rt_nstrides >= 1);
        for (uint32_t s = 0; s < rt_nstrides; s++) {
            assert_in_range(rt_strides[s], 1, n);
            if (s > 0) assert_true(rt_strides[s] > rt_strides[s - 1]);
            memset(visited, 0, sizeof visited);
            for (uint32_t i = 0, at = n / 2; i < n; i++, at = (at + rt_strides[s]) % n) {
                assert_false(visited[at]);
                visited[at] = true;
            }
        }
    }
}

/* The coprimes of n, all of them: as many as Euler says. */
static void StealOrderHasEveryCoprime(void **state)
{
    static const struct { uint32_t n, phi; } known[] = {{1, 1},  {2, 1},  {3, 2},   {4, 2},   {6, 2},
                                                           {8, 4},  {12, 4}, {30, 8},  {97, 96}, {1024, 512}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        rt_stride_init(known[i].n);
        assert_int_equal(rt_nstrides, known[i].phi);
    }
}

/* ---- an M and Ps that no run knows ---- */
static struct m *mp;
static struct p *ps[4];
static at_u32 mask[RT_MAX_PROCS / 32];

static int make_ps(void **state)
{
    (void)state;
    memset((void *)&rt_sched, 0, sizeof rt_sched);
    memset((void *)mask, 0, sizeof mask);
    mp = calloc(1, sizeof *mp);
    mp->cpu = -1;
    mp->rng = 1;
    rt_sched.idlemask = mask;
    rt_sched.allp = calloc(RT_MAX_PROCS, sizeof *rt_sched.allp);
    for (int i = 0; i < 4; i++) {
        ps[i] = aligned_alloc(RT_CACHE_LINE, sizeof *ps[i]);
        memset((void *)ps[i], 0, sizeof *ps[i]);
        ps[i]->id = (uint32_t)i;
        ps[i]->cpu = -1;
        rt_sched.allp[i] = ps[i];
    }
    ati32_store_rlx(&rt_sched.nprocs, 4);
    ati32_store_rlx(&rt_sched.nmade, 4);
    rt_stride_init(4);
    return 0;
}

static int free_ps(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) free(ps[i]);
    free(rt_sched.allp);
    free(mp);
    memset((void *)&rt_sched, 0, sizeof rt_sched);
    return 0;
}

static void put_into(struct p *pp, struct g *gp, bool next)
{
    struct glist over;
    glist_init(&over);
    assert_true(rt_runqput(pp, gp, next, &over));
}

/* A last spinner that found work but no idle P leaves the flag; who is about to drop a P looks again in its place. */
static void NeedSpinning(void **state)
{
    (void)state;
    assert_null(rt_pidleget_spinning()); /* no P is idle */
    assert_int_equal(at32_load_rlx(&rt_sched.needspinning), 1);
    rt_acquirep(mp, ps[0]);
    assert_false(give_up_p(mp)); /* kept its P */
    assert_ptr_equal(mp->p, ps[0]);
    assert_true(mp->spinning);
    assert_int_equal(at32_load_rlx(&rt_sched.nmspinning), 1);
    assert_int_equal(at32_load_rlx(&rt_sched.needspinning), 0);
    assert_true(give_up_p(mp)); /* the duty is done: now it goes */
    assert_null(mp->p);
    assert_int_equal(at32_load_rlx(&rt_sched.npidle), 1);
}

/* An M that stops spinning looks at every queue once more, and takes an idle P for what it finds. */
static void LastSpinnerRechecks(void **state)
{
    struct g g;
    (void)state;
    rt_acquirep(mp, ps[0]);
    begin_spinning(mp);
    assert_true(give_up_p(mp));
    at32_store_rlx(&ps[3]->status, Prunning);
    put_into(ps[3], &g, false); /* submitted by one who saw a spinner, and so woke nobody */
    assert_true(stop_spinning(mp));
    assert_ptr_equal(mp->p, ps[0]);
    assert_true(mp->spinning);
    assert_int_equal(at32_load_rlx(&rt_sched.nmspinning), 1);
}

/* The same for the global queue. */
static void LastSpinnerRechecksTheGlobalQueue(void **state)
{
    struct g g;
    (void)state;
    rt_acquirep(mp, ps[0]);
    begin_spinning(mp);
    assert_true(give_up_p(mp));
    rt_globrunqput(&g);
    assert_true(stop_spinning(mp));
    assert_non_null(mp->p);
}

/* runnext is left to its owner in all passes but the last, and a P in the idle mask is not looked at. */
static void StealPasses(void **state)
{
    struct g g[2];
    bool again = false;
    (void)state;
    rt_acquirep(mp, ps[0]);
    put_into(ps[2], &g[0], true);
    assert_null(steal_from(ps[0], ps[2], false));
    put_into(ps[3], &g[1], false);
    at32_or_ar(&mask[0], 1u << 3);
    assert_ptr_equal(steal(mp, ps[0], &again), &g[0]); /* the last pass; P 3 is said to be idle */
    at32_and_ar(&mask[0], ~(1u << 3));
    assert_ptr_equal(steal(mp, ps[0], &again), &g[1]);
    assert_false(again);
    assert_int_equal(at64_load_rlx(&ps[0]->count.steals), 2);
}

/* A batch from the global queue: min(len / nprocs + 1, len, 128, what was asked). */
static void GlobalBatch(void **state)
{
    enum { N = 1000 };
    struct g *gs = calloc(N, sizeof *gs);
    (void)state;
    for (int i = 0; i < N; i++) rt_globrunqput(&gs[i]);
    uint32_t most = RT_RUNQ_SIZE / 2 < RT_GLOBAL_BATCH ? RT_RUNQ_SIZE / 2 : RT_GLOBAL_BATCH;
    assert_ptr_equal(rt_globrunqget(ps[0], 0), &gs[0]);
    assert_int_equal(rt_runqlen(ps[0]), most - 1);
    assert_ptr_equal(rt_globrunqget(ps[1], 1), &gs[most]);
    assert_int_equal(rt_runqlen(ps[1]), 0);
    assert_int_equal(at32_load_rlx(&rt_sched.runqsize), N - most - 1);
    struct g *away;
    while (rt_sched.runq.n > 6) rt_globq_get(&rt_sched.runq, &away, 1);
    assert_non_null(rt_globrunqget(ps[2], 0)); /* 6 / 4 + 1 = 2 */
    assert_int_equal(rt_runqlen(ps[2]), 1);
    assert_int_equal(rt_sched.runq.n, 4);
    free(gs);
}

/* Every 61st schedule the global queue goes first. */
static void GlobalQueueEvery61st(void **state)
{
    static struct g local[2], global;
    bool inherit;
    (void)state;
    rt_acquirep(mp, ps[0]);
    put_into(ps[0], &local[0], false);
    put_into(ps[0], &local[1], false);
    rt_globrunqput(&global);
    ps[0]->tick = RT_GLOBAL_TICK - 1;
    assert_ptr_equal(from_local(ps[0], &inherit), &local[0]);
    ps[0]->tick = RT_GLOBAL_TICK;
    assert_ptr_equal(from_local(ps[0], &inherit), &global);
    assert_int_equal(at64_load_rlx(&ps[0]->count.tick61), 1);
}

/* No thread to spare, and goroutines whose threads stand in the preemption handler: one in the ring of the P, two that come
 * back to the global queue at the end of each slice. Each gets its turn, as soon as those before it had theirs. */
static void StoppedThreadsTakeTurns(void **state)
{
    enum { N = 3 };
    static struct g gs[N]; /* the first in the ring */
    static struct m ms[N];
    int turns[N] = {0};
    (void)state;
    at64_store_rlx(&rt_sched.makers_standers, N);
    for (int i = 0; i < N; i++) {
        gs[i].async = true;
        gs[i].lockedm = &ms[i];
    }
    struct glist over;
    glist_init(&over);
    assert_true(rt_runqput(ps[0], &gs[0], false, &over));
    for (int i = 1; i < N; i++) rt_globrunqput(&gs[i]);
    for (int i = 0; i < 2 * N; i++) {
        rt_startm(ps[0], false);
        int who = 0;
        while (who < N && ms[who].nextp != ps[0]) who++;
        assert_in_range(who, 0, N - 1);
        ms[who].nextp = NULL;
        turns[who]++;
        rt_globrunqput(&gs[who]); /* its slice is over */
    }
    for (int i = 0; i < N; i++) assert_int_equal(turns[i], 2);
}

static void look_for_deadlock(void *arg)
{
    (void)arg;
    rt_lock(&rt_sched.lock);
    rt_checkdead();
    rt_unlock(&rt_sched.lock);
}

/* All threads rest and no queue that can be seen holds work: a deadlock, but not while sysmon has a P in hand. */
static void APInHandIsNoDeadlock(void **state)
{
    (void)state;
    at32_store_rlx(&rt_sched.running, 1);
    rt_sched.mcount = rt_sched.nmidle = 1;
    ati64_store_rlx(&rt_sched.lastpoll, 1);
    at64_store_rlx(&ps[0]->count.spawns, 1);
    in_child(look_for_deadlock, NULL);
    assert_said("fatal error: all goroutines are asleep - deadlock!");
    at32_store_rlx(&rt_sched.carries, 1);
    in_child(look_for_deadlock, NULL);
    assert_ended_well("with a P in sysmon's hand");
}

/* sysmon reads a P's M, then that M's goroutine, which may have moved on meanwhile and block in a call of another M: the
 * first M runs with its P, which nobody may take. */
static void RetakeAsksWhoseCallItIs(void **state)
{
    struct m *other = calloc(1, sizeof *other);
    struct g *gp = calloc(1, sizeof *gp);
    (void)state;
    mp->p = ps[0];
    atp_store_rlx(&ps[0]->m, mp);
    at32_store_rlx(&ps[0]->status, Prunning);
    other->p = ps[1];
    atp_store_rlx(&ps[1]->m, other);
    at32_store_rlx(&ps[1]->status, Prunning);
    gp->m = other;
    at32_store_rlx(&gp->status, Gsyscall);
    assert_false(rt_retakep(ps[0], mp, gp));
    assert_ptr_equal(mp->p, ps[0]);
    assert_int_equal(at32_load_rlx(&ps[0]->status), Prunning);
    assert_int_equal(at32_load_rlx(&gp->status), Gsyscall);
    assert_true(rt_retakep(ps[1], other, gp));
    assert_null(other->p);
    assert_int_equal(at32_load_rlx(&ps[1]->status), Pidle);
    free(other);
    free(gp);
}

/* With four Ps of which `idle` are, and `looking` Ms that look for work: may another? */
static bool may_another(uint32_t idle, uint32_t looking)
{
    mp->spinning = false;
    at32_store_rlx(&rt_sched.npidle, idle);
    at32_store_rlx(&rt_sched.nmspinning, looking);
    return may_spin(mp);
}

static void HalfAsManyLookAsAreBusy(void **state)
{
    (void)state;
    rt_acquirep(mp, ps[0]);
    assert_true(may_another(0, 0) && may_another(0, 1));
    assert_false(may_another(0, 2));
    assert_true(may_another(2, 0));
    assert_false(may_another(2, 1));
    mp->spinning = true; /* who looks goes on */
    assert_true(may_spin(mp));
}

/* What Go has too is Go's; the chaos build alone has smaller queues. */
static void GosOwnNumbers(void **state)
{
    (void)state;
#ifndef TRINE_CHAOS
    assert_int_equal(RT_RUNQ_SIZE, 256);
    assert_int_equal(RT_GFREE_MAX, 64);
#endif
    assert_int_equal(RT_GLOBAL_TICK, 61);
    assert_int_equal(RT_GLOBAL_BATCH, 128);
    assert_int_equal(RT_STEAL_PASSES, 4);
    assert_int_equal(RT_RUNNEXT_BACKOFF_NS, 3000);
    assert_int_equal(RT_MAX_THREADS, 10000);
    assert_int_equal(RT_SLICE_NS, 10000000);
    assert_int_equal(RT_SYSMON_MIN_NS, 20000);
    assert_int_equal(RT_SYSMON_IDLE_ROUNDS, 50);
    assert_int_equal(RT_SYSMON_MAX_NS, 10000000);
    assert_int_equal(RT_NETPOLL_STALE_NS, 10000000);
    assert_int_equal(RT_NETPOLL_EVENTS, 128);
    assert_int_equal(RT_GOID_BATCH, 16);
    assert_int_equal(RT_MUTEX_SPINS, 4);
    assert_int_equal(RT_MUTEX_SPIN_PAUSES, 30);
    assert_int_equal(RT_MUTEX_STARVING_NS, 1000000);
    assert_int_equal(RT_SELECT_MAX, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(StealOrder),
        cmocka_unit_test(StealOrderHasEveryCoprime),
        cmocka_unit_test_setup_teardown(NeedSpinning, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(LastSpinnerRechecks, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(LastSpinnerRechecksTheGlobalQueue, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(StealPasses, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(GlobalBatch, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(GlobalQueueEvery61st, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(StoppedThreadsTakeTurns, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(APInHandIsNoDeadlock, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(RetakeAsksWhoseCallItIs, make_ps, free_ps),
        cmocka_unit_test_setup_teardown(HalfAsManyLookAsAreBusy, make_ps, free_ps),
        cmocka_unit_test(GosOwnNumbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
