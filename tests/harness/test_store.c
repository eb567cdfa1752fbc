/* points.jsonl: appended, locked, mended after a cut; and what a full disk or a strange line does to it. */
#include "store/store.h"
#include "store/manifest.h"
#include "store/record.h"
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static json_t *point(const char *id, int attempt) {
    return json_pack("{s:s,s:i,s:s,s:i}", "schema", "trine-point", "version", 1, "id", id, "attempt",
                     attempt);
}

static void append(struct store *s, const char *id, int attempt) {
    struct err e;
    json_t *p = point(id, attempt);
    assert_int_equal(store_append(s, p, &e), 0);
    json_decref(p);
}

static void test_append_and_load(void **state) {
    char *dir = scratch_make();
    struct store s;
    struct err e;
    struct store_damage cut;
    (void)state;
    assert_int_equal(store_open(&s, dir, true, &cut, &e), 0);
    append(&s, "a", 0);
    append(&s, "b", 0);
    append(&s, "a", 1);
    struct store second;
    assert_int_equal(store_open(&second, dir, true, &cut, &e), TRINE_EXIT_INFRA);
    assert_non_null(strstr(e.text, "another trine"));
    store_close(&s);
    json_t *all = store_load(dir, NULL, &e), *latest = store_latest(all);
    assert_int_equal(json_array_size(all), 3);
    assert_int_equal(json_array_size(latest), 2);
    assert_int_equal(json_int(json_array_get(latest, 0), "attempt", -1), 1);
    json_decref(all), json_decref(latest);
    scratch_remove(dir);
}

/* Cut at every single byte: what was whole stays, and the next point goes on a line of its own. */
static void test_cut_anywhere(void **state) {
    static const char text[] = "{\"id\":\"a\",\"attempt\":0}\n{\"id\":\"b\",\"x\":\"\\n\"}\n";
    const size_t first = strchr(text, '\n') + 1 - text;
    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        char *dir = scratch_make(), *part = xstrndup(text, n);
        struct store s;
        struct err e;
        struct store_damage cut, was_cut;
        free(scratch_file(dir, "points.jsonl", part));
        size_t whole = (n >= first - 1) + (n >= sizeof text - 2); /* a newline alone may be missing */
        json_t *before = store_load(dir, &was_cut, &e);
        assert_int_equal(json_array_size(before), whole);
        assert_int_equal(store_open(&s, dir, false, &cut, &e), 0);
        assert_int_equal(was_cut.cut_bytes, cut.cut_bytes);
        assert_int_equal(was_cut.lines + cut.lines, 0);
        append(&s, "c", 0);
        store_close(&s);
        json_t *after = store_load(dir, &was_cut, &e);
        assert_int_equal(json_array_size(after), whole + 1);
        assert_false(store_damaged(&was_cut));
        json_decref(before), json_decref(after);
        free(part);
        scratch_remove(dir);
    }
}

/* What a disk or an editor makes of a line costs that line and no other; opening to write puts it aside. */
static void test_damaged_lines(void **state) {
    static const struct {
        const char *text, *why, *says;
        size_t whole, damaged, first, cut;
    } bad[] = {
        {"{\"id\":\"a\"}\nnonsense\n{\"id\":\"b\"}\n", "near 'nonsense'", "1 damaged line is left out, the first is line 2", 2, 1, 2, 0},
        {"{}\n{\"id\":\"a\"}\n[1]\n{\"id\":\"b\"}", "it has no id", "2 damaged lines are left out", 2, 2, 1, 0},
        {"[1]\n", "not a JSON object", "measures its point again", 0, 1, 1, 0},
        {"{\"id\":\"a\"}\n\x1b[2J\xff\n{\"id\":\"b", "?[2J", "the last line is cut off and left out; trine resume", 1, 1, 2, 8},
        {"{\"id\":\"a\"}\n\n\n{\"id\":\"b\"}\n", "", NULL, 2, 0, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *dir = scratch_make(), *aside = path_join(dir, "points.jsonl.damaged"), *text;
        struct store_damage d, mended, after;
        struct store s;
        struct err e;
        free(scratch_file(dir, "points.jsonl", bad[i].text));
        json_t *points = store_load(dir, &d, &e);
        assert_int_equal(json_array_size(points), bad[i].whole);
        assert_int_equal(d.lines, bad[i].damaged);
        assert_int_equal(d.first, bad[i].first);
        assert_int_equal(d.cut_bytes, bad[i].cut);
        if (i != 3 && !strstr(d.why, bad[i].why)) fail_msg("case %zu says: %s", i, d.why);
        for (const char *c = d.why; *c; c++) assert_in_range(*c, ' ', '~');
        text = store_damage_text(dir, &d);
        if (bad[i].says ? !text || !strstr(text, bad[i].says) : text != NULL) fail_msg("case %zu says: %s", i, text);
        free(text);
        assert_int_equal(store_open(&s, dir, false, &mended, &e), 0);
        assert_int_equal(mended.lines, bad[i].damaged);
        append(&s, "c", 0);
        store_close(&s);
        assert_int_equal(file_exists(aside), bad[i].damaged > 0);
        json_decref(points);
        points = store_load(dir, &after, &e);
        assert_int_equal(json_array_size(points), bad[i].whole + 1);
        assert_false(store_damaged(&after));
        json_decref(points);
        free(aside);
        scratch_remove(dir);
    }
}

/* The file is replaced while the damage is put aside: the store that writes on is the new one, and it is locked. */
static void test_mended_and_locked(void **state) {
    static const char text[] = "{\"id\":\"a\"}\nx\n{\"id\":\"b\"}\n";
    char *dir = scratch_make(), *aside = path_join(dir, "points.jsonl.damaged");
    struct store_damage d;
    struct store s, second;
    struct err e;
    (void)state;
    free(scratch_file(dir, "points.jsonl", text));
    assert_int_equal(store_open(&s, dir, false, &d, &e), 0);
    assert_int_equal(store_open(&second, dir, false, &d, &e), TRINE_EXIT_INFRA);
    assert_non_null(strstr(e.text, "another trine"));
    store_close(&s);
    char *kept = file_read(aside, NULL);
    assert_string_equal(kept, "x\n");
    free(kept), free(aside);
    scratch_remove(dir);
}

/* What a newer trine measured is not damage: it is refused, and left where it is. */
static void test_newer_points(void **state) {
    static const char text[] = "{\"id\":\"a\"}\n{\"id\":\"b\",\"version\":2}\nx\n";
    char *dir = scratch_make(), *path = scratch_file(dir, "points.jsonl", text);
    struct store_damage d;
    struct store s;
    struct err e;
    (void)state;
    assert_null(store_load(dir, &d, &e));
    assert_int_equal(e.code, TRINE_EXIT_USAGE);
    assert_non_null(strstr(e.text, "points.jsonl:2: a point of schema 2"));
    assert_int_equal(store_open(&s, dir, false, &d, &e), 0);
    store_close(&s);
    char *kept = file_read(path, NULL);
    assert_string_equal(kept, "{\"id\":\"a\"}\n{\"id\":\"b\",\"version\":2}\n");
    free(kept), free(path);
    scratch_remove(dir);
}

/* A file that may not grow stands for a full disk: the point is refused, and no half line stays behind. */
static void fill_up(const char *dir) {
    struct store s;
    struct err e;
    struct store_damage cut;
    int refused = 0;
    struct rlimit limit = {1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    if (store_open(&s, dir, true, &cut, &e) || setrlimit(RLIMIT_FSIZE, &limit)) _exit(1);
    for (int i = 0; i < 100 && !refused; i++) {
        json_t *p = point("0123456789abcdef", i);
        refused = store_append(&s, p, &e);
        json_decref(p);
    }
    _exit(refused == TRINE_EXIT_INFRA && strstr(e.text, "what was measured before is kept") ? 0 : 2);
}

static void test_disk_full(void **state) {
    char *dir = scratch_make();
    struct err e;
    struct store_damage cut;
    int status;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) fill_up(dir);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    json_t *points = store_load(dir, &cut, &e);
    assert_true(json_array_size(points) > 5);
    assert_false(store_damaged(&cut));
    json_decref(points);
    scratch_remove(dir);
}

static void test_manifest(void **state) {
    static const struct {
        const char *text, *says;
    } bad[] = {{"{\"schema\":\"trine-manifest\",\"version\":2}", "newer trine (schema 2"},
               {"{\"schema\":\"other\"}", "is not a run of trine"},
               {"{\"schema\":", "is not what trine wrote"}};
    struct err e;
    (void)state;
    assert_null(manifest_read("/nowhere/at/all", &e));
    assert_non_null(strstr(e.text, "there is no folder"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *dir = scratch_make();
        assert_null(manifest_read(dir, &e));
        assert_non_null(strstr(e.text, "it has no manifest.json"));
        free(scratch_file(dir, "manifest.json", bad[i].text));
        assert_null(manifest_read(dir, &e));
        assert_non_null(strstr(e.text, bad[i].says));
        scratch_remove(dir);
    }
}

static void test_records(void **state) {
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "printed nothing"},
        {"hello\n", "is not JSON"},
        {"{\"schema\":\"tri", "is cut off"},
        {"{\"schema\":\"trine-record\",\"protocol\":1}{}\n", "is not JSON"},
        {"[]\n", "not a JSON object"},
        {"{\"schema\":\"x\",\"protocol\":1}\n", "\"schema\" is 'x'"},
        {"{\"schema\":\"trine-record\"}\n", "no protocol number"},
        {"{\"schema\":\"trine-record\",\"protocol\":2}\n", "of protocol 2, this trine speaks 1"},
        {"{\"schema\":\"trine-record\",\"protocol\":1,\"status\":\"fine\"}\n", "\"status\" is none of"},
        {"{\"schema\":\"trine-record\",\"protocol\":1,\"status\":\"ok\"}\n", "\"metric\" has no name"},
    };
    char why[512];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(record_parse(bad[i].text, strlen(bad[i].text), why, sizeof why));
        if (!strstr(why, bad[i].says)) fail_msg("case %zu says: %s", i, why);
    }
    static const char good[] =
        "{\"schema\":\"trine-record\",\"protocol\":1,\"status\":\"not_applicable\",\"x\":1}\n";
    json_t *v = record_parse(good, strlen(good), why, sizeof why);
    assert_int_equal(json_int(v, "x", 0), 1); /* unknown keys are kept */
    json_decref(v);
}

#define OK_RECORD(members) "{\"schema\":\"trine-record\",\"protocol\":1,\"status\":\"ok\"," members "}"
#define METRIC             "\"metric\":{\"name\":\"a\",\"unit\":\"ns\",\"better\":\"lower\"}"
#define OPERATIONS         ",\"checks\":[{\"name\":\"operations\",\"ok\":true}]"
#define WITH(members)      OK_RECORD(METRIC ",\"samples\":[1]," members OPERATIONS)
#define HISTOGRAM(members) WITH("\"histograms\":{\"h\":{\"unit\":\"ns\",\"digits\":3," members "}}")

/* An ok record is whole in each member that a figure is made of, or refused with the member's name. */
static void test_figures(void **state) {
    static const struct {
        const char *text, *says; /* NULL: it is taken */
    } cases[] = {
        {WITH("\"x\":1"), NULL},
        {OK_RECORD("\"metric\":{\"name\":\"a\"}"), "\"metric\" has no name or unit"},
        {OK_RECORD("\"metric\":{\"name\":\"a\",\"unit\":\"b\"}"), "\"better\" is neither"},
        {OK_RECORD(METRIC), "\"samples\" is missing"},
        {OK_RECORD(METRIC ",\"samples\":[]"), "\"samples\" is missing"},
        {OK_RECORD(METRIC ",\"samples\":[\"1\"]"), "what is not a number"},
        {OK_RECORD(METRIC ",\"samples\":[1,-2]" OPERATIONS), "a time of -2 ns"},
        {OK_RECORD("\"metric\":{\"name\":\"a\",\"unit\":\"bytes\",\"better\":\"lower\"},\"samples\":[-2]" OPERATIONS), NULL},
        {OK_RECORD("\"metric\":{\"name\":\"a\",\"unit\":\"ns\",\"better\":\"lower\",\"signed\":true},\"samples\":[-2]" OPERATIONS),
         NULL},
        {OK_RECORD(METRIC ",\"samples\":[1]"), "lacks the one named operations"},
        {OK_RECORD(METRIC ",\"samples\":[1],\"checks\":[]"), "lacks the one named operations"},
        {OK_RECORD(METRIC ",\"samples\":[1],\"checks\":{}"), "\"checks\" is not a list"},
        {OK_RECORD(METRIC ",\"samples\":[1],\"checks\":[{\"ok\":true}]"), "check 0 has no name"},
        {OK_RECORD(METRIC ",\"samples\":[1],\"checks\":[{\"name\":\"operations\",\"ok\":1}]"), "operations has no \"ok\""},
        {WITH("\"metrics\":[]"), "\"metrics\" is not an object"},
        {WITH("\"metrics\":{\"m\":1}"), "m has no number"},
        {WITH("\"metrics\":{\"m\":{\"value\":1,\"unit\":\"1\",\"better\":\"up\"}}"), "m has no unit, or its \"better\""},
        {WITH("\"metrics\":{\"m\":{\"unavailable\":\"no\"}}"), NULL},
        {WITH("\"counts\":{\"operations\":\"2\"}"), "\"counts\": operations is not a number"},
        {WITH("\"runtime\":[1]"), "\"runtime\" is not an object"},
        {HISTOGRAM("\"count\":0,\"buckets\":[]"), NULL},
        {HISTOGRAM("\"count\":3,\"min\":1,\"max\":2,\"mean\":1.5,\"buckets\":[[1,1],[2,2]]"), NULL},
        {HISTOGRAM("\"count\":4,\"min\":1,\"max\":2,\"mean\":1.5,\"buckets\":[[1,1],[2,2]]"), "do not add up"},
        {HISTOGRAM("\"count\":3,\"buckets\":[[1,1],[2,2]]"), "min, max or mean of h"},
        {HISTOGRAM("\"count\":3,\"buckets\":[[2,1],[1,2]]"), "do not rise"},
        {HISTOGRAM("\"count\":3,\"buckets\":[[1,0]]"), "bucket 0 of h"},
        {HISTOGRAM("\"count\":-3,\"buckets\":[]"), "the count of h"},
        {HISTOGRAM("\"count\":3"), "no list of buckets"},
        {HISTOGRAM("\"count\":0,\"buckets\":[[1,9223372036854775807],[2,9223372036854775807]]"), "more than can be counted"},
        {HISTOGRAM("\"count\":0,\"buckets\":[],\"intervals\":[{}]"), "interval 0 of h"},
        {HISTOGRAM("\"count\":0,\"buckets\":[],\"intervals\":[{\"start_ns\":1,\"end_ns\":2,\"buckets\":[[1,1]]}]"), "intervals of h do not add"},
    };
    char why[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        why[0] = '\0';
        json_t *v = record_parse(cases[i].text, strlen(cases[i].text), why, sizeof why);
        if (cases[i].says ? v || !strstr(why, cases[i].says) : !v) fail_msg("case %zu says: %s", i, why);
        json_decref(v);
    }
}

/* A good record of another point is none of this one. */
static void test_the_wrong_point(void **state) {
    static const char text[] = "{\"schema\":\"trine-record\",\"protocol\":1,\"status\":\"not_applicable\",\"workload\":\"yield\",\"procs\":2}";
    char why[512];
    json_t *v = record_parse(text, strlen(text), why, sizeof why);
    (void)state;
    assert_true(record_answers(v, "yield", 2, why, sizeof why));
    assert_false(record_answers(v, "yield", 1, why, sizeof why));
    assert_non_null(strstr(why, "\"procs\" is 2, not 1"));
    assert_false(record_answers(v, "spawn", 2, why, sizeof why));
    assert_non_null(strstr(why, "\"workload\" is 'yield', not 'spawn'"));
    json_object_del(v, "procs");
    assert_false(record_answers(v, "yield", 2, why, sizeof why));
    json_decref(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_load), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_damaged_lines),   cmocka_unit_test(test_mended_and_locked),
        cmocka_unit_test(test_newer_points),    cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_manifest),        cmocka_unit_test(test_records),
        cmocka_unit_test(test_figures),         cmocka_unit_test(test_the_wrong_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
