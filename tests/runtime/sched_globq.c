/*
 * sched_globq.c: the queue that all Ps share, from inside: what is put comes out once and in order, over the ends of its
 * chunks, with and without memory for them; one that is wanted is taken from among the others.
 */
#include "globq.h"
#include "goroutines.h"
#include "os_linux.h"

enum { NGS = 5 * RT_GLOBQ_CHUNK + 3 };
static struct g *gs, *all[NGS];
static struct globq q;

static int setup(void **state)
{
    (void)state;
    gs = calloc(NGS, sizeof *gs);
    for (int i = 0; gs && i < NGS; i++) all[i] = &gs[i];
    rt_globq_reset(&q);
    return gs ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(gs);
    return 0;
}

/* Gets n one way or another, and finds them to be those from `first` on. */
static void get_in_order(uint32_t first, uint32_t n, uint32_t piece)
{
    struct g *out[NGS];
    for (uint32_t i = 0; i < n;) {
        uint32_t most = piece < n - i ? piece : n - i, got = rt_globq_get(&q, out, most);
        assert_int_equal(got, most);
        for (uint32_t k = 0; k < got; k++, i++) assert_ptr_equal(out[k], &gs[first + i]);
    }
}

/* By ones, by pieces that end within chunks, and all at once. */
static void GlobalQueueKeepsItsOrder(void **state)
{
    static const uint32_t pieces[] = {1, 2, RT_GLOBQ_CHUNK - 1, RT_GLOBQ_CHUNK, RT_GLOBQ_CHUNK + 1, NGS};
    struct g *none;
    (void)state;
    for (size_t in = 0; in < sizeof pieces / sizeof *pieces; in++)
        for (size_t out = 0; out < sizeof pieces / sizeof *pieces; out++) {
            for (uint32_t i = 0; i < NGS; i += pieces[in]) rt_globq_put(&q, all + i, i + pieces[in] < NGS ? pieces[in] : NGS - i);
            assert_int_equal(q.n, NGS);
            get_in_order(0, NGS, pieces[out]);
            assert_int_equal(q.n, 0);
            assert_int_equal(rt_globq_get(&q, &none, 1), 0);
        }
}

/* The tail grows while the head is taken from. */
static void GlobalQueuePutAndGetByTurns(void **state)
{
    uint32_t put = 0, got = 0;
    (void)state;
    for (uint32_t round = 0; got < NGS; round++) {
        uint32_t n = round % 7 + 1;
        if (n > NGS - put) n = NGS - put;
        rt_globq_put(&q, all + put, n);
        put += n;
        n = put < NGS ? (round + 1) % 5 : NGS - got;
        if (n > put - got) n = put - got;
        get_in_order(got, n, 3);
        got += n;
        assert_int_equal(q.n, put - got);
    }
}

/* The n-th time from now that the queue asks for memory it gets none. */
static void refuse_memory(int n)
{
    size_t sites;
    const struct os_site *s = rt_os_sites(&sites);
    char where[64] = "";
    for (size_t i = 0; i < sites; i++)
        if (strstr(s[i].file, "globq.c")) snprintf(where, sizeof where, "globq.c:%d:%d", s[i].line, n);
    assert_int_not_equal(where[0], 0);
    setenv("TRINE_FAULT", where, 1);
    rt_os_fault_init();
}
static void memory_again(void)
{
    unsetenv("TRINE_FAULT");
    rt_os_fault_init();
}

/* No memory from the start; then there is some, but what was put meanwhile goes first. */
static void GlobalQueueWithoutMemory(void **state)
{
    enum { FIRST = RT_GLOBQ_CHUNK + 1, SECOND = 2 * RT_GLOBQ_CHUNK };
    struct gchunk *spare = q.spare;
    (void)state;
    q.spare = NULL;
    refuse_memory(1);
    rt_globq_put(&q, all, FIRST);
    assert_int_equal(rt_os_fault_left(), 0); /* it was refused */
    memory_again();
    assert_int_equal(q.rest.n, FIRST);
    rt_globq_put(&q, all + FIRST, SECOND - FIRST);
    get_in_order(0, SECOND - 1, 4);
    rt_globq_put(&q, all + SECOND, NGS - SECOND);
    get_in_order(SECOND - 1, NGS - SECOND + 1, 4);
    rt_globq_put(&q, all, NGS);
    assert_int_equal(q.rest.n, 0); /* by chunks again */
    get_in_order(0, NGS, NGS);
    if (!q.spare) q.spare = spare;
}

static bool wanted(const struct g *gp) { return gp->async != 0; }

/* One that is wanted, wherever it stands, is taken out, and the others stay in order. */
static void GlobalQueueTakesOutTheWanted(void **state)
{
    (void)state;
    for (uint32_t chunks = 0; chunks < 2; chunks++) /* from the list, then from chunks */
        for (uint32_t at = 0; at < NGS; at++) {
            struct gchunk *spare = q.spare;
            if (!chunks) {
                q.spare = NULL;
                refuse_memory(1);
            }
            rt_globq_put(&q, all, NGS);
            memory_again();
            assert_null(rt_globq_extract(&q, wanted));
            gs[at].async = 1;
            assert_ptr_equal(rt_globq_extract(&q, wanted), &gs[at]);
            gs[at].async = 0;
            assert_int_equal(q.n, NGS - 1);
            get_in_order(0, at, NGS);
            get_in_order(at + 1, NGS - 1 - at, NGS);
            if (!q.spare) q.spare = spare;
        }
    for (uint32_t n = 1; n <= RT_GLOBQ_CHUNK + 1; n++) { /* the last of a chunk, and of the queue; it can be put again */
        rt_globq_put(&q, all, n);
        gs[n - 1].async = 1;
        assert_ptr_equal(rt_globq_extract(&q, wanted), &gs[n - 1]);
        gs[n - 1].async = 0;
        rt_globq_put(&q, &all[n - 1], 1);
        get_in_order(0, n, 1);
    }
}

/* A run may end with goroutines in the queue: the next begins with none, and with the same memory. */
static void GlobalQueueForgets(void **state)
{
    struct g *none;
    (void)state;
    rt_globq_put(&q, all, NGS);
    refuse_memory(1);
    for (int i = 0; i < 100; i++) {
        rt_globq_reset(&q);
        assert_int_equal(q.n, 0);
        assert_int_equal(rt_globq_get(&q, &none, 1), 0);
        rt_globq_put(&q, all, NGS);
    }
    assert_int_equal(rt_os_fault_left(), 1); /* nothing was asked for */
    memory_again();
    get_in_order(0, NGS, NGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(GlobalQueueKeepsItsOrder, setup, teardown),
        cmocka_unit_test_setup_teardown(GlobalQueuePutAndGetByTurns, setup, teardown),
        cmocka_unit_test_setup_teardown(GlobalQueueWithoutMemory, setup, teardown),
        cmocka_unit_test_setup_teardown(GlobalQueueTakesOutTheWanted, setup, teardown),
        cmocka_unit_test_setup_teardown(GlobalQueueForgets, setup, teardown),
    };
    return cmocka_run_group_tests_name("the global queue", tests, NULL, NULL);
}
