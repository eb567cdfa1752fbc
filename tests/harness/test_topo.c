/* Pinning policies on machines that hwloc makes up: which CPUs, in which order, and why not. */
#include "probe/topo.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

struct expectation {
    const char *machine, *policy;
    int n;
    const char *want; /* "0,1" or the reason */
};

/* hwloc numbers the CPUs of a made-up machine depth first: core c of the first machine holds CPUs 2c and 2c+1
 */
#define TWO_SOCKETS "pack:2 numa:1 l3:1 core:4 pu:2"
#define PLAIN       "pack:1 l3:1 core:2 pu:1"
#define TWO_LLC     "pack:1 l3:2 core:2 pu:1"
static const struct expectation cases[] = {
    {TWO_SOCKETS, "none", 4, ""},
    {TWO_SOCKETS, "compact", 4, "0,1,2,3"},
    {TWO_SOCKETS, "scatter", 2, "0,8"},
    {TWO_SOCKETS, "scatter", 4, "0,8,2,10"},
    {TWO_SOCKETS, "cores", 4, "0,2,4,6"},
    {TWO_SOCKETS, "cores", 8, "0,2,4,6,8,10,12,14"},
    {TWO_SOCKETS, "cores", 9, "9 procs on 8 cores"},
    {TWO_SOCKETS, "smt", 2, "0,1"},
    {TWO_SOCKETS, "smt", 1, "one proc shares no core"},
    {TWO_SOCKETS, "llc", 4, "0,2,4,6"},
    {TWO_SOCKETS, "llc", 6, "0,2,4,6,1,3"},
    {TWO_SOCKETS, "llc", 9, "9 procs on 8 CPUs of one last-level cache"},
    {TWO_SOCKETS, "numa", 4, "0,8,1,9"},
    {TWO_SOCKETS, "reverse", 3, "15,14,13"},
    {TWO_SOCKETS, "compact", 17, "17 procs on 16 CPUs"},
    {PLAIN, "compact", 2, "0,1"},
    {PLAIN, "scatter", 2, "0,1"},
    {PLAIN, "cores", 2, "0,1"},
    {PLAIN, "reverse", 2, "1,0"},
    {PLAIN, "smt", 2, "no SMT"},
    {PLAIN, "llc", 2, "one last-level cache for all CPUs"},
    {PLAIN, "numa", 2, "one NUMA node"},
    {TWO_LLC, "scatter", 4, "0,2,1,3"},
    {TWO_LLC, "llc", 2, "0,1"},
};

static void test_policies(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct expectation *c = &cases[i];
        struct err e;
        int cpus[64];
        char why[128] = "";
        setenv("HWLOC_SYNTHETIC", c->machine, 1);
        struct topo *t = topo_load(&e);
        assert_non_null(t);
        struct strbuf got = {0};
        int n = topo_pin(t, c->policy, c->n, cpus, why, sizeof why);
        for (int k = 0; k < n; k++) strbuf_printf(&got, "%s%d", k ? "," : "", cpus[k]);
        if (n < 0) strbuf_puts(&got, why);
        if (strcmp(strbuf_str(&got), c->want) != 0)
            fail_msg("%s, %s of %d: got %s, expected %s", c->machine, c->policy, c->n, strbuf_str(&got),
                     c->want);
        strbuf_free(&got);
        topo_free(t);
    }
    unsetenv("HWLOC_SYNTHETIC");
}

/* Whatever the machine: n different CPUs, or a reason. */
static void test_lists_are_sets(void **state) {
    static const char *const machines[] = {TWO_SOCKETS,          PLAIN, TWO_LLC, "pack:3 core:5 pu:1",
                                           "numa:4 core:3 pu:4", "pu:1"};
    (void)state;
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        struct err e;
        setenv("HWLOC_SYNTHETIC", machines[m], 1);
        struct topo *t = topo_load(&e);
        assert_non_null(t);
        for (size_t p = 1; p < topo_npolicies; p++) {
            for (int n = 1; n <= topo_ncpus(t) + 1; n++) {
                int cpus[64], seen[64] = {0};
                char why[128] = "";
                int got = topo_pin(t, topo_policies[p], n, cpus, why, sizeof why);
                if (got < 0) {
                    assert_true(*why != '\0');
                    continue;
                }
                assert_int_equal(got, n);
                for (int k = 0; k < n; k++) assert_int_equal(seen[cpus[k]]++, 0);
            }
        }
        topo_free(t);
    }
    unsetenv("HWLOC_SYNTHETIC");
}

static void test_json(void **state) {
    struct err e;
    (void)state;
    setenv("HWLOC_SYNTHETIC", TWO_SOCKETS, 1);
    struct topo *t = topo_load(&e);
    json_t *o = topo_json(t);
    assert_int_equal(json_int(o, "cpus", 0), 16);
    assert_int_equal(json_int(o, "cores", 0), 8);
    assert_int_equal(json_int(o, "numa_nodes", 0), 2);
    assert_true(json_flag(o, "smt", false));
    assert_int_equal(json_array_size(json_object_get(o, "cpu_map")), 16);
    json_decref(o);
    topo_free(t);
    unsetenv("HWLOC_SYNTHETIC");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policies), cmocka_unit_test(test_lists_are_sets),
                                       cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
