/* Sweep files and their numbers: what is accepted, and that every fault is told with its line and what was
 * expected. */
#include "run/expr.h"
#include "run/sweep.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void test_expressions(void **state) {
    static const struct {
        const char *text;
        int64_t n, want;
    } good[] = {{"1", 8, 1},       {"n", 8, 8},        {"2n", 8, 16}, {"n/2", 8, 4},
                {"n/2", 1, 1},     {"3n/2", 3, 4},     {"n+1", 8, 9}, {"n-1", 1, 1},
                {"10k", 1, 10000}, {"1M", 1, 1000000}, {"2*n", 4, 8}, {"n*3", 4, 12}};
    static const char *const bad[] = {"",   "x", "1x",          "n/0", "-1",  "1.5",    "nn",
                                      "n/", "k", "99999999999", "n*",  "1 2", "999999k"};
    int64_t v;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(expr_eval(good[i].text, good[i].n, &v));
        assert_int_equal(v, good[i].want);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(expr_eval(bad[i], 4, &v));
}

static void test_whole_file(void **state) {
    struct sweep s;
    struct err e;
    (void)state;
    int rc =
        sweep_parse(&s, "dir/mine.ini",
                    "; a comment\n[profile]\ntitle = mine\nbudget = 2m\nreruns = 1\n\n"
                    "[experiment a]\nworkload = pingpong\nprocs = 1, n/2 n\ntasks = default 10k\n"
                    "param.bytes = 0 8\n  64\npin = none cores\nreps = 7\nmeasure_ms = 50\nwarmup_ms = 5\n"
                    "timeout_s = 9\ncounters = cycles instructions ; inline\n"
                    "[experiment b]\nworkload = yield\n",
                    &e);
    assert_int_equal(rc, 0);
    assert_string_equal(s.name, "mine");
    assert_int_equal(s.budget_ms, 120000);
    assert_int_equal(s.reruns, 1);
    assert_int_equal(s.n, 2);
    const struct experiment *x = &s.experiments[0];
    assert_int_equal(x->procs.list.n, 3);
    assert_int_equal(x->procs.line, 9);
    assert_int_equal(x->params[0].values.list.n, 3);
    assert_string_equal(x->params[0].values.list.v[2], "64");
    assert_int_equal(x->reps, 7);
    assert_int_equal(x->timeout_ms, 9000);
    assert_int_equal(x->counters.list.n, 2);
    assert_string_equal(s.experiments[1].procs.list.v[0], "n");
    assert_string_equal(s.experiments[1].backends.list.v[0], "all");
    sweep_free(&s);
}

struct fault {
    const char *text, *at, *says;
};

static const struct fault faults[] = {
    {"", "f.ini:0:", "no [experiment NAME]"},
    {"key = 1\n", "f.ini:1:", "before the first section"},
    {"[experiment a]\nworkload = p\nnonsense\n", "f.ini:3:", "expected [section]"},
    {"[experiment a\nworkload = p\n", "f.ini:1:", "expected [section]"},
    {"[experiment a]\nworkload = p\nproc = 1\n", "f.ini:3:", "did you mean 'procs'"},
    {"\n\n[experimnt a]\nworkload = p\n", "f.ini:3:", "expected [profile] or [experiment NAME]"},
    {"[experiment]\nworkload = p\n", "f.ini:1:", "expected [profile] or [experiment NAME]"},
    {"[experiment a b]\nworkload = p\n", "f.ini:1:", "expected a name of letters"},
    {"[experiment a]\nprocs = 1\n", "f.ini:1:", "has no workload"},
    {"[experiment a]\nworkload = p\nprocs = 0x\n", "f.ini:3:", "'0x' is no number"},
    {"[experiment a]\nworkload = p\nprocs = default\n", "f.ini:3:", "'default' is no number"},
    {"[experiment a]\nworkload = p\nprocs = 1\n  0\n", "f.ini:4:", "procs: '0' is out of range; expected 1 to 1024"},
    {"[experiment a]\nworkload = p\nready_mib = 4g\n", "f.ini:3:", "ready_mib = 4g: expected a whole number from 1 to 1048576"},
    {"[experiment a]\nworkload = p\nprocs = 0n\n", "f.ini:3:", "procs: '0n' is out of range"},
    {"[experiment a]\nworkload = p\nprocs = 99999999\n", "f.ini:3:", "procs: '99999999' is out of range; expected 1 to 1024"},
    {"[experiment a]\nworkload = p\nprocs = 1025n\n", "f.ini:3:", "procs: '1025n' is out of range"},
    {"[experiment a]\nworkload = p\ntasks = 10 0\n", "f.ini:3:", "tasks: '0' is out of range; expected 1 to 100000000"},
    {"[experiment a]\nworkload = p\ntasks = 5-6\n", "f.ini:3:", "tasks: '5-6' is out of range"},
    {"[experiment a]\nworkload = p\ncounters = cycles foo\n", "f.ini:3:", "counters: 'foo' is no event"},
    {"[experiment a]\nworkload = p\ncounters = cycels:u\n", "f.ini:3:", "counters: 'cycels:u' is no event"},
    {"[experiment a]\nworkload = p\ncounters = cycels\n", "f.ini:3:", "did you mean 'cycles'"},
    {"[experiment a]\nworkload = p\ncounters = perf::CYCELS\n", "f.ini:3:", "counters: 'perf::CYCELS' is no event"},
    {"[experiment a]\nworkload = p\npin = core\n", "f.ini:3:", "did you mean 'cores'"},
    {"[experiment a]\nworkload = p\nreps = 0\n", "f.ini:3:", "from 1 to 1000"},
    {"[experiment a]\nworkload = p\nreps = -3\n", "f.ini:3:", "from 1 to 1000"},
    {"[experiment a]\nworkload = p\nreps = 99999999999999999999\n", "f.ini:3:", "from 1 to 1000"},
    {"[experiment a]\nworkload = p\nreps = 1\nreps = 2\n", "f.ini:4:", "given twice"},
    {"[experiment a]\nworkload = p\n[experiment b]\nworkload = p\n[experiment a]\nreps = 1\n",
     "f.ini:5:", "line 1 already"},
    {"[experiment a]\nworkload = p\nparam. = 1\n", "f.ini:3:", "needs a name"},
    {"[experiment a]\nworkload = p\nparam.x =\n", "f.ini:3:", "has no value"},
    {"[experiment a]\nworkload = p\nmeasure_ms = 5000\ntimeout_s = 1\n",
     "f.ini:1:", "timeout_s is not above"},
    {"[experiment a]\n; nothing\n[experiment b]\nworkload = p\n", "f.ini:1:", "is empty"},
    {"[experiment a]\nworkload = p\n\n[experiment b]\n", "f.ini:4:", "is empty"},
    {"[profile]\nbudget = soon\n[experiment a]\nworkload = p\n", "f.ini:2:", "expected a time"},
    {"[profile]\ncolour = red\n[experiment a]\nworkload = p\n", "f.ini:2:", "unknown key 'colour'"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct sweep s;
        struct err e = {0};
        assert_int_equal(sweep_parse(&s, "f.ini", faults[i].text, &e), TRINE_EXIT_USAGE);
        if (!strstr(e.text, faults[i].at) || !strstr(e.text, faults[i].says)) {
            print_error("case %zu says: %s\n", i, e.text);
            fail();
        }
    }
}

/* What depends on the number of CPUs, and counters of another machine's PMU, are no mistake here. */
static void test_in_range(void **state) {
    struct sweep s;
    struct err e = {0};
    (void)state;
    int rc = sweep_parse(&s, "f.ini",
                         "[experiment a]\nworkload = p\nprocs = n-1 n/2 n-64 1024 2n\ntasks = n/2 100M default\n"
                         "counters = cycles CS llc-load-misses perf::page-faults cycles:u r01c2 skl::INST_RETIRED:ANY_P\n"
                         "  amd64_fam19h_zen4::RETIRED_INSTRUCTIONS sched:sched_switch another_pmu::EVENT\n",
                         &e);
    if (rc) fail_msg("%s", e.text);
    assert_int_equal(s.experiments[0].counters.list.n, 10);
    sweep_free(&s);
}

static void test_long_line(void **state) {
    char text[600] = "[experiment a]\nworkload = p\nprocs =";
    struct sweep s;
    struct err e = {0};
    (void)state;
    while (strlen(text) < 400) strcat(text, " 1");
    strcat(text, "\n");
    assert_int_equal(sweep_parse(&s, "f.ini", text, &e), TRINE_EXIT_USAGE);
    assert_non_null(strstr(e.text, "f.ini:3: a line of"));
}

/* Those that come with trine parse, and have what the README promises of them. */
static void test_own_profiles(void **state) {
    static const char *const names[] = {"smoke", "quick", "full", "peers"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct sweep s;
        struct err e = {0};
        if (sweep_load(&s, names[i], &e) != 0) fail_msg("%s", e.text);
        assert_string_equal(s.name, names[i]);
        assert_true(s.n >= 9);
        sweep_free(&s);
    }
    struct sweep s;
    struct err e;
    assert_int_equal(sweep_load(&s, "qiuck", &e), TRINE_EXIT_USAGE);
    assert_non_null(strstr(e.text, "did you mean 'quick'"));
    assert_int_equal(sweep_load(&s, "/nowhere/x.ini", &e), TRINE_EXIT_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),  cmocka_unit_test(test_whole_file),
        cmocka_unit_test(test_faults),       cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_in_range),
        cmocka_unit_test(test_own_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
