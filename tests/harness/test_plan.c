/* The plan: what it holds, that it depends on nothing but its inputs, and what is refused before anything
 * runs. */
#include "run/plan.h"
#include "run/validate.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "[experiment a]\nworkload = pingpong\n"

static const struct strlist none;

/* Plans text on the fake driver and a made-up machine of four cores. */
static int plan(struct plan *p, const char *text, uint64_t seed, struct err *e) {
    struct sweep s;
    struct catalog c;
    struct plan_options o = {.seed = seed};
    setenv("TRINE_DRIVERS", FAKE_DRIVERS, 1);
    setenv("HWLOC_SYNTHETIC", "pack:1 core:4 pu:1", 1);
    int rc = sweep_parse(&s, "f.ini", text, e);
    if (rc) return rc;
    assert_int_equal(catalog_find(&c, &none, e), 0);
    struct topo *t = topo_load(e);
    assert_non_null(t);
    rc = plan_make(p, &s, &c, t, &o, e);
    topo_free(t);
    catalog_free(&c);
    sweep_free(&s);
    return rc;
}

static void test_every_combination(void **state) {
    struct plan p;
    struct err e;
    (void)state;
    assert_int_equal(plan(&p,
                          HEAD "backends = fake\nprocs = 1 n/2 2 n\ntasks = 2 100\nparam.sleep_ms = 0 1 2\n"
                               "pin = none compact smt\nreps = 2\n",
                          1, &e),
                     0);
    /* n/2 is 2 here: given twice, planned once; smt cannot run: one skipped point each, without repetitions
     */
    assert_int_equal(json_array_size(p.points), 3 * 2 * 3 * (2 * 2 + 1));
    const json_t *v;
    size_t i, skipped = 0;
    json_t *ids = json_object();
    json_array_foreach(p.points, i, v) {
        assert_null(json_object_get(ids, json_str(v, "id", "")));
        json_object_set_new(ids, json_str(v, "id", ""), json_true());
        if (strcmp(json_str(v, "status", ""), "skipped") != 0) continue;
        assert_string_equal(json_str(v, "reason", ""), "no SMT");
        skipped++;
    }
    assert_int_equal(skipped, 18);
    json_decref(ids);
    plan_free(&p);
}

static char *order(const struct plan *p) {
    struct strbuf b = {0};
    const json_t *v;
    size_t i;
    json_array_foreach(p->points, i, v)
        strbuf_printf(&b, "%s:%lld ", json_str(v, "id", ""), (long long)json_int(v, "seed", 0));
    return b.s;
}

static void test_determinism(void **state) {
    static const char text[] =
        HEAD "backends = fake\nprocs = 1 2 3 4\nparam.sleep_ms = 0 1 2 3 4\nreps = 3\n";
    struct plan a, b, c;
    struct err e;
    (void)state;
    assert_int_equal(plan(&a, text, 7, &e), 0);
    assert_int_equal(plan(&b, text, 7, &e), 0);
    assert_int_equal(plan(&c, text, 8, &e), 0);
    char *oa = order(&a), *ob = order(&b), *oc = order(&c);
    assert_string_equal(oa, ob);
    assert_string_not_equal(oa, oc);
    int64_t last = 0;
    const json_t *v;
    size_t i, in_place = 0;
    json_array_foreach(a.points, i, v) {
        assert_true(json_int(v, "rep", 0) >= last); /* repetition by repetition */
        last = json_int(v, "rep", 0);
        in_place += strcmp(json_str(v, "id", ""), json_str(json_array_get(c.points, i), "id", "")) == 0;
    }
    assert_true(in_place < json_array_size(a.points) / 2);
    free(oa), free(ob), free(oc);
    plan_free(&a), plan_free(&b), plan_free(&c);
}

/* An id names what is measured, whatever else is in the profile. */
static void test_ids_are_stable(void **state) {
    struct plan a, b;
    struct err e;
    (void)state;
    assert_int_equal(plan(&a, HEAD "procs = 1\nreps = 1\n", 1, &e), 0);
    assert_int_equal(plan(&b,
                          "[experiment z]\nworkload = pingpong\nprocs = 2\n" HEAD
                          "procs = 1\nreps = 1\nmeasure_ms = 9\n",
                          99, &e),
                     0);
    const char *id = json_str(json_array_get(a.points, 0), "id", "a");
    const json_t *v;
    size_t i, hits = 0;
    json_array_foreach(b.points, i, v) hits += strcmp(json_str(v, "id", "b"), id) == 0;
    assert_int_equal(hits, 1);
    plan_free(&a), plan_free(&b);
}

static void test_not_applicable(void **state) {
    struct plan p;
    struct err e;
    (void)state;
    assert_int_equal(plan(&p, "[experiment a]\nworkload = never\nprocs = 1\nreps = 5\n", 1, &e), 0);
    assert_int_equal(json_array_size(p.points), 1);
    assert_string_equal(json_str(json_array_get(p.points, 0), "reason", ""), "a fake cannot");
    plan_free(&p);
}

static void test_refused(void **state) {
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[experiment a]\nworkload = pingpnog\n",
         "f.ini:2: [experiment a] no driver has a workload 'pingpnog'; did you mean 'pingpong'"},
        {HEAD "backends = fkae\n", "f.ini:3: [experiment a] unknown backend 'fkae'; did you mean 'fake'"},
        {HEAD "backends = fake\nparam.sleep = 1\n", "has no parameter 'sleep'; did you mean 'sleep_ms'"},
        {HEAD "backends = fake\nparam.sleep_ms = 1 70000\n",
         "f.ini:4: [experiment a] param.sleep_ms = 70000: expected a whole number from 0 to 60000"},
        {HEAD "backends = fake\nparam.sleep_ms = ten\n", "expected a whole number"},
        {HEAD "backends = fake\nparam.mode = best\n", "expected one of: ok crash"},
        {HEAD "backends = fake\nparam.rt.nob = 1\n", "no backend has a parameter 'rt.nob'"},
        {HEAD "backends = fake\nparam.rt.knob = 10\n", "from 0 to 9"},
        {HEAD "backends = go\n", "the plan is empty"},
        {HEAD "backends = fake\nreps = 1000\nparam.sleep_ms = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
              "tasks = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
         "more than 50000 points"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct plan p;
        struct err e = {0};
        assert_int_equal(plan(&p, bad[i].text, 1, &e), TRINE_EXIT_USAGE);
        if (!strstr(e.text, bad[i].says)) fail_msg("case %zu says: %s", i, e.text);
    }
}

/* A backend that trine knows of but that is not built is a notice; so is a workload of its own that nobody
 * has. */
static void test_notices(void **state) {
    struct plan p;
    struct err e;
    (void)state;
    assert_int_equal(plan(&p,
                          HEAD "backends = fake go\nprocs = 1\nreps = 1\nparam.rt.slice_ns = 5\n"
                               "[experiment b]\nworkload = net\n",
                          1, &e),
                     0);
    assert_int_equal(p.notices.n, 2);
    assert_int_equal(json_array_size(p.points), 1);
    plan_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination), cmocka_unit_test(test_determinism),
        cmocka_unit_test(test_ids_are_stable),    cmocka_unit_test(test_not_applicable),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
