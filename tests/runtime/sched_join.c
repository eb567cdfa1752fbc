/*
 * sched_join.c: join order (sched_switch.h): whoever waits for what it made leaves its P to the newest of the ring, for
 * as many waits as it made goroutines; TRINE_FIFO_JOIN: to the oldest, as in Go; and nobody starves.
 */
#include "goroutines.h"

enum { MADE = 5 };

struct joins {
    trine_chan *values;
    char order[4 * MADE];
    size_t n;
    trine_wg all;
};

static struct joins j;
static const char names[] = "abcdefgh";

static void say(char c)
{
    if (j.n + 1 < sizeof j.order) j.order[j.n++] = c;
}

static void sender(void *arg)
{
    const char *name = arg;
    say(*name);
    trine_chan_send(j.values, name);
}

static void receive(int n)
{
    for (int i = 0; i < n; i++) {
        char c;
        CHECK(trine_chan_recv(j.values, &c));
    }
}

static void main_joins_by_channel(void *arg)
{
    (void)arg;
    j = (struct joins){.values = trine_chan_make(sizeof(char), 0)};
    for (int i = 0; i < MADE; i++) CHECK(trine_go(sender, (void *)(uintptr_t)&names[i]) == 0);
    /* the monitor looks: nobody has waited long */
    for (int64_t end = trine_nanotime() + INT64_C(5000000); trine_nanotime() < end;) {}
    receive(MADE);
    trine_chan_free(j.values);
}

/* After a slice the oldest would be taken, and the kernel may keep this thread waiting for one. */
#define NEVER_ENDS INT64_C(3600000000000)

static void expect_order(trine_fn fn, uint32_t ablate, const char *order)
{
    atomic_store(&n_failures, 0);
    trine_config cfg = {.gomaxprocs = 1, .slice_ns = NEVER_ENDS, .ablate = TRINE_NO_PREEMPT | ablate};
    assert_int_equal(trine_run(&cfg, fn, NULL), 0);
    assert_int_equal(atomic_load(&n_failures), 0);
#ifndef TRINE_CHAOS /* which passes over runnext now and then: there, all of them ran */
    assert_string_equal(j.order, order);
#endif
    assert_int_equal(strlen(j.order), strlen(order));
}

/* Each receive of a goroutine that made five leaves the P to the newest of them that is left. */
static void JoinByChannelTakesTheNewest(void **state)
{
    (void)state;
    expect_order(main_joins_by_channel, 0, "edcba");
    expect_order(main_joins_by_channel, TRINE_FIFO_JOIN, "eabcd");
}

static void maker(void *arg)
{
    (void)arg;
    for (int i = 1; i < MADE; i++) CHECK(trine_go(sender, (void *)(uintptr_t)&names[i]) == 0);
}

/* Who made one goroutine waits for one newest; what others made comes oldest first. */
static void main_receives_from_others(void *arg)
{
    (void)arg;
    j = (struct joins){.values = trine_chan_make(sizeof(char), 0)};
    CHECK(trine_go(maker, NULL) == 0);
    receive(MADE - 1);
    trine_chan_free(j.values);
}

static void OneJoinForEachGoroutineMade(void **state)
{
    (void)state;
    expect_order(main_receives_from_others, 0, "ebcd");
}

static bool careless_ended;
static trine_wg received;

static void nothing(void *arg) { (void)arg; }

/* Ends without having waited for what it made; the last to end, so its descriptor is the next to be used. */
static void careless(void *arg)
{
    (void)arg;
    for (int i = 0; i < MADE; i++) CHECK(trine_go(nothing, NULL) == 0);
    for (int i = 0; i < MADE; i++) trine_yield();
    careless_ended = true;
}

static void receiver(void *arg)
{
    main_receives_from_others(arg);
    trine_wg_done(&received);
}

static void main_reuses_a_descriptor(void *arg)
{
    careless_ended = false;
    CHECK(trine_go(careless, NULL) == 0);
    while (!careless_ended) trine_yield();
    received = (trine_wg){0};
    trine_wg_add(&received, 1);
    CHECK(trine_go(receiver, arg) == 0);
    trine_wg_wait(&received);
}

/* What an earlier goroutine left unjoined is not the next one's, which has its descriptor. */
static void JoinsAreNotInherited(void **state)
{
    (void)state;
    expect_order(main_reuses_a_descriptor, 0, "ebcd");
}

static void last_of_all(void *arg)
{
    say(*(const char *)arg);
    trine_wg_done(&j.all);
}

static void waits_for_another(void *arg)
{
    trine_wg *mine = arg;
    trine_wg_wait(mine);
    say('w');
    trine_wg_done(&j.all);
}

/* runnext is empty when `waits_for_another` parks: the newest of the ring (b) goes on, not the oldest (a). */
static void main_joins_by_group(void *arg)
{
    static trine_wg mine;
    (void)arg;
    j = (struct joins){.n = 0};
    mine = (trine_wg){0};
    trine_wg_add(&mine, 1);
    trine_wg_add(&j.all, 3);
    CHECK(trine_go(last_of_all, (void *)(uintptr_t)&names[0]) == 0);
    CHECK(trine_go(last_of_all, (void *)(uintptr_t)&names[1]) == 0);
    CHECK(trine_go(waits_for_another, &mine) == 0);
    trine_yield(); /* w, which waits; then the ring: a, b, and this one as the newest */
    say('m');
    trine_wg_done(&mine);
    trine_wg_wait(&j.all);
}

static void JoinByGroupTakesTheNewest(void **state)
{
    (void)state;
    expect_order(main_joins_by_group, 0, "mwab");
    expect_order(main_joins_by_group, TRINE_FIFO_JOIN, "abmw");
}

/* ---- nobody starves ---- */
static atomic_bool old_ran;

static void old(void *arg)
{
    (void)arg;
    atomic_store(&old_ran, true);
}

static void main_joins_for_ever(void *arg)
{
    (void)arg;
    j = (struct joins){.values = trine_chan_make(sizeof(char), 0)};
    CHECK(trine_go(old, NULL) == 0);
    /* Two at a time: one from runnext, one as the newest of the ring, before `old` at its head. The bound is 500 slices. */
    int64_t end = trine_nanotime() + INT64_C(5000000000);
    while (!atomic_load(&old_ran) && trine_nanotime() < end) {
        CHECK(trine_go(sender, (void *)(uintptr_t)&names[0]) == 0);
        CHECK(trine_go(sender, (void *)(uintptr_t)&names[1]) == 0);
        receive(2);
    }
    CHECK(atomic_load(&old_ran)); /* before the end, at which everybody runs */
    trine_chan_free(j.values);
}

/* Depth first for ever, and the oldest runs nevertheless: after a slice the monitor has it taken. */
static void TheOldestRunsAfterASlice(void **state)
{
    (void)state;
    atomic_store(&old_ran, false);
    run_in_turn(main_joins_for_ever);
}

/* ---- what it is for ---- */
enum { FANOUT = 10, LEAVES = 10000 };
#ifdef TRINE_CHAOS /* a runnext passed over goes on later, among its elders */
enum { MOST_STACKS = LEAVES };
#else
enum { MOST_STACKS = LEAVES / 20 };
#endif

struct node {
    trine_chan *up;
    int leaves;
};

static void node(void *arg);

static int64_t sum(int leaves)
{
    struct node children[FANOUT];
    trine_chan *c = trine_chan_make(sizeof(int64_t), 0);
    int64_t total = 0, value;
    for (int i = 0; i < FANOUT; i++) {
        children[i] = (struct node){c, leaves / FANOUT};
        CHECK(trine_go(node, &children[i]) == 0);
    }
    for (int i = 0; i < FANOUT; i++)
        if (trine_chan_recv(c, &value)) total += value;
    trine_chan_free(c);
    return total;
}

static void node(void *arg)
{
    const struct node *n = arg;
    trine_chan *up = n->up;
    int64_t value = n->leaves == 1 ? 1 : sum(n->leaves);
    trine_chan_send(up, &value);
}

static void main_sums_a_tree(void *arg)
{
    struct trine_stats *made = arg;
    CHECK(sum(LEAVES) == LEAVES);
    trine_stats(made);
}

/* A tree joined by channels runs depth first: some 10 goroutines a level live at once, not the tree. */
static void TreeRunsDepthFirst(void **state)
{
    struct trine_stats made;
    (void)state;
    atomic_store(&n_failures, 0);
    trine_config cfg = {.gomaxprocs = 1, .slice_ns = NEVER_ENDS, .ablate = TRINE_NO_PREEMPT};
    assert_int_equal(trine_run(&cfg, main_sums_a_tree, &made), 0);
    assert_int_equal(atomic_load(&n_failures), 0);
    assert_in_range(made.stacks_made, 4 * FANOUT, MOST_STACKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(JoinByChannelTakesTheNewest),
        cmocka_unit_test(OneJoinForEachGoroutineMade),
        cmocka_unit_test(JoinsAreNotInherited),
        cmocka_unit_test(JoinByGroupTakesTheNewest),
        cmocka_unit_test(TheOldestRunsAfterASlice),
        cmocka_unit_test(TreeRunsDepthFirst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
