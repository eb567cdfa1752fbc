/*
 * sched_queue.c: the local run queue from inside, on Ps that no run knows: what is put comes out once, in order, from
 * owner and thieves; half moves at the 257th; the indices wrap; never empty while something is in it.
 */
#include "goroutines.h"
#include "runq.h"

#include <pthread.h>

static struct p *owner, *thief;
static struct g *gs;

enum { NGS = 16 * RT_RUNQ_SIZE };

/* Fresh Ps, whose indices stand at `at`. */
static void reset(uint32_t at)
{
    struct p *both[] = {owner, thief};
    for (int i = 0; i < 2; i++) {
        memset((void *)both[i], 0, sizeof *both[i]);
        at64_store_rlx(&both[i]->runqhead, at);
        at32_store_rlx(&both[i]->runqtail, at);
    }
    thief->id = 1;
}

static int setup(void **state)
{
    (void)state;
    owner = aligned_alloc(RT_CACHE_LINE, sizeof *owner);
    thief = aligned_alloc(RT_CACHE_LINE, sizeof *thief);
    gs = calloc(NGS, sizeof *gs);
    if (!owner || !thief || !gs) return -1;
    reset(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(owner);
    free(thief);
    free(gs);
    return 0;
}

static const uint32_t starts[] = {0, UINT32_MAX - 7, UINT32_MAX - RT_RUNQ_SIZE, UINT32_MAX / 2};
#define N_STARTS (sizeof starts / sizeof *starts)

static struct g *get(struct p *pp)
{
    bool inherit;
    return rt_runqget(pp, &inherit);
}

static void put(struct g *gp)
{
    struct glist over;
    glist_init(&over);
    assert_true(rt_runqput(owner, gp, false, &over));
    assert_null(over.head);
}

/* Any number up to a full ring comes out in the order in which it went in; solo or not. */
static void SchedLocalQueue(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < N_STARTS; s++) {
        for (int solo = 0; solo < 2; solo++) {
            reset(starts[s]);
            owner->solo = solo;
            for (uint32_t n = 0; n <= RT_RUNQ_SIZE; n++) {
                assert_null(get(owner));
                for (uint32_t i = 0; i < n; i++) put(&gs[i]);
                assert_int_equal(rt_runqlen(owner), n);
                for (uint32_t i = 0; i < n; i++) assert_ptr_equal(get(owner), &gs[i]);
                assert_true(rt_runqempty(owner));
            }
        }
    }
}

/* The newest goes first when it is next; the one that stood there goes to the tail; only runnext shares the slice. */
static void RunnextKicksOutTheOld(void **state)
{
    struct glist over;
    bool inherit;
    (void)state;
    for (int solo = 0; solo < 2; solo++) {
        reset(0);
        owner->solo = solo;
        glist_init(&over);
        put(&gs[0]);
        rt_runqput(owner, &gs[1], true, &over);
        rt_runqput(owner, &gs[2], true, &over);
        assert_ptr_equal(rt_runqget(owner, &inherit), &gs[2]);
        assert_true(inherit);
        assert_ptr_equal(rt_runqget(owner, &inherit), &gs[0]);
        assert_false(inherit);
        assert_ptr_equal(rt_runqget(owner, &inherit), &gs[1]);
        assert_false(inherit);
        assert_null(get(owner));
    }
}

/* A yield on a P without thieves: the oldest comes out and who yields stands behind all others; also in a full ring. */
static void RotationKeepsTheOrder(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < N_STARTS; s++) {
        for (uint32_t n = 1; n <= RT_RUNQ_SIZE; n++) {
            reset(starts[s]);
            owner->solo = true;
            for (uint32_t i = 0; i < n; i++) put(&gs[i]);
            assert_ptr_equal(rt_runqrotate(owner, &gs[n]), &gs[0]);
            assert_int_equal(rt_runqlen(owner), n);
            for (uint32_t i = 1; i <= n; i++) assert_ptr_equal(get(owner), &gs[i]);
            assert_null(get(owner));
        }
    }
}

/* Nothing to give way to, or a goroutine that must run on its own thread: nothing moves. */
static void RotationThatCannotBe(void **state)
{
    struct m thread;
    (void)state;
    reset(0);
    owner->solo = true;
    assert_null(rt_runqrotate(owner, &gs[0]));
    assert_true(rt_runqempty(owner));
    gs[1].lockedm = &thread;
    put(&gs[1]);
    assert_null(rt_runqrotate(owner, &gs[0]));
    assert_ptr_equal(get(owner), &gs[1]);
    assert_null(get(owner));
    gs[1].lockedm = NULL;
}

/* From n, thieves get n - n/2, in order, each once; what is left is the owner's. */
static void SchedLocalQueueSteal(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < N_STARTS; s++) {
        for (uint32_t n = 0; n <= RT_RUNQ_SIZE; n++) {
            reset(starts[s]);
            for (uint32_t i = 0; i < n; i++) put(&gs[i]);
            uint32_t took;
            struct g *first = rt_runqsteal(thief, owner, false, &took);
            assert_int_equal(took, n - n / 2);
            assert_int_equal(rt_runqlen(owner), n / 2);
            if (!first) continue;
            assert_ptr_equal(first, &gs[took - 1]); /* the one to run at once; the others stand in the thief's ring */
            for (uint32_t i = 0; i < took - 1; i++) assert_ptr_equal(get(thief), &gs[i]);
            for (uint32_t i = took; i < n; i++) assert_ptr_equal(get(owner), &gs[i]);
            assert_null(get(thief));
            assert_null(get(owner));
        }
    }
}

/* runnext is taken only when the ring is empty and the caller says that it waited. */
static void RunnextIsStolenLast(void **state)
{
    struct glist over;
    uint32_t n;
    (void)state;
    reset(0);
    glist_init(&over);
    rt_runqput(owner, &gs[0], true, &over);
    assert_null(rt_runqsteal(thief, owner, false, &n));
    put(&gs[1]);
    assert_ptr_equal(rt_runqsteal(thief, owner, true, &n), &gs[1]);
    assert_ptr_equal(rt_runqsteal(thief, owner, true, &n), &gs[0]);
    assert_int_equal(n, 1);
    assert_true(rt_runqempty(owner));
}

/* The one that finds the ring full takes half of it, the older, along to the global queue. */
static void Push257MovesHalf(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < N_STARTS; s++) {
        reset(starts[s]);
        struct glist over;
        glist_init(&over);
        for (uint32_t i = 0; i < RT_RUNQ_SIZE; i++) put(&gs[i]);
        assert_false(rt_runqput(owner, &gs[RT_RUNQ_SIZE], false, &over));
        assert_int_equal(over.n, RT_RUNQ_SIZE / 2 + 1);
        for (uint32_t i = 0; i < RT_RUNQ_SIZE / 2; i++) assert_ptr_equal(glist_pop(&over), &gs[i]);
        assert_ptr_equal(glist_pop(&over), &gs[RT_RUNQ_SIZE]);
        assert_null(glist_pop(&over));
        for (uint32_t i = RT_RUNQ_SIZE / 2; i < RT_RUNQ_SIZE; i++) assert_ptr_equal(get(owner), &gs[i]);
        assert_null(get(owner));
        assert_int_equal(at64_load_rlx(&owner->count.overflows), 1);
    }
}

/* A batch fills the ring and leaves the rest in the list. */
static void BatchStopsAtTheEndOfTheRing(void **state)
{
    struct glist l;
    (void)state;
    for (uint32_t s = 0; s < N_STARTS; s++) {
        reset(starts[s]);
        glist_init(&l);
        for (uint32_t i = 0; i < RT_RUNQ_SIZE + 10; i++) glist_push(&l, &gs[i]);
        rt_runqputbatch(owner, &l);
        assert_int_equal(l.n, 10);
        for (uint32_t i = 0; i < RT_RUNQ_SIZE; i++) assert_ptr_equal(get(owner), &gs[i]);
        assert_ptr_equal(l.head, &gs[RT_RUNQ_SIZE]);
    }
}

/* ---- two threads ---- */
static atomic_bool done, thief_runs;
static atomic_uint seen[NGS];
static atomic_int empty_answers, asked;

static void *steal_always(void *unused)
{
    (void)unused;
    atomic_store(&thief_runs, true);
    for (;;) {
        bool last_time = atomic_load(&done);
        uint32_t n;
        struct g *gp = rt_runqsteal(thief, owner, true, &n);
        if (gp) atomic_fetch_add(&seen[gp - gs], 1);
        while ((gp = get(thief)) != NULL) atomic_fetch_add(&seen[gp - gs], 1);
        if (last_time && !n) return NULL;
    }
}

/* Owner puts, takes and overflows, a thief steals across the wrap of the indices: each G comes out exactly once. */
static void StealRacesOwner(void **state)
{
    (void)state;
    int total = rounds(100);
    for (int round = 0; round < total; round++) {
        reset(UINT32_MAX - 7);
        memset(seen, 0, sizeof seen);
        atomic_store(&done, false);
        atomic_store(&thief_runs, false);
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, steal_always, NULL), 0);
        while (!atomic_load(&thief_runs)) at_pause();
        struct glist over;
        glist_init(&over);
        for (uint32_t i = 0; i < NGS; i++) {
            rt_runqput(owner, &gs[i], i % 3 == 0, &over);
            struct g *gp = i % 2 ? get(owner) : NULL;
            if (gp) atomic_fetch_add(&seen[gp - gs], 1);
        }
        atomic_store(&done, true);
        pthread_join(t, NULL);
        for (struct g *gp; (gp = get(owner)) != NULL;) atomic_fetch_add(&seen[gp - gs], 1);
        for (struct g *gp; (gp = glist_pop(&over)) != NULL;) atomic_fetch_add(&seen[gp - gs], 1);
        for (uint32_t i = 0; i < NGS; i++) assert_int_equal(atomic_load(&seen[i]), 1);
    }
}

static void *ask_empty(void *unused)
{
    (void)unused;
    while (!atomic_load(&done)) {
        if (rt_runqempty(owner)) atomic_fetch_add(&empty_answers, 1);
        atomic_fetch_add(&asked, 1);
    }
    return NULL;
}

/* One G is always there, now in runnext, now in the ring: nobody may ever read "empty". */
static void SchedLocalQueueEmpty(void **state)
{
    (void)state;
    pthread_t t;
    struct glist over;
    glist_init(&over);
    reset(0);
    rt_runqput(owner, &gs[0], true, &over);
    assert_false(rt_runqempty(owner)); /* in runnext alone */
    assert_true(rt_runqput(owner, &gs[1], true, &over));
    assert_ptr_equal(get(owner), &gs[1]);
    assert_false(rt_runqempty(owner)); /* in the ring alone */
    assert_ptr_equal(get(owner), &gs[0]);
    assert_true(rt_runqempty(owner));
    rt_runqput(owner, &gs[0], true, &over);
    atomic_store(&done, false);
    atomic_store(&empty_answers, 0);
    assert_int_equal(pthread_create(&t, NULL, ask_empty, NULL), 0);
    for (int i = 0, n = rounds(400000); i < n || atomic_load(&asked) < n; i++) {
        assert_true(rt_runqput(owner, &gs[1], true, &over)); /* kicks the first into the ring */
        assert_ptr_equal(get(owner), &gs[1]);                /* now runnext is empty, the ring is not */
        assert_true(rt_runqput(owner, &gs[1], true, &over));
        at64_store_rel(&owner->runqhead, at64_load_rlx(&owner->runqhead) + 1); /* now it is the other way round */
    }
    atomic_store(&done, true);
    pthread_join(t, NULL);
    assert_int_equal(atomic_load(&empty_answers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SchedLocalQueue),
        cmocka_unit_test(RunnextKicksOutTheOld),
        cmocka_unit_test(RotationKeepsTheOrder),
        cmocka_unit_test(RotationThatCannotBe),
        cmocka_unit_test(SchedLocalQueueSteal),
        cmocka_unit_test(RunnextIsStolenLast),
        cmocka_unit_test(Push257MovesHalf),
        cmocka_unit_test(BatchStopsAtTheEndOfTheRing),
        cmocka_unit_test(StealRacesOwner),
        cmocka_unit_test(SchedLocalQueueEmpty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
