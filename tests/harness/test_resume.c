/*
 * A run is killed (SIGKILL) at random moments and resumed, again and again: at the end every planned point is
 * there exactly once, in a file of whole lines. The number of kills is the argument; a run that has finished
 * is replaced by a fresh one until all kills are used.
 */
#include "base/hash.h"
#include "store/manifest.h"
#include "store/store.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int kills_wanted = 20;
static const char SWEEP[] =
    "[profile]\nreruns = 0\n[experiment e]\nworkload = pingpong\nprocs = 1 2\nreps = 10\n"
    "param.sleep_ms = 0 1 2\nwarmup_ms = 0\nmeasure_ms = 1\n";
enum { POINTS = 60, KILL_WITHIN_MS = 120 };

static void check_complete(const char *run) {
    struct err e;
    json_t *manifest = manifest_read(run, &e), *points = store_load(run, NULL, &e), *seen = json_object(), *v;
    size_t i;
    assert_non_null(manifest);
    assert_non_null(points);
    json_array_foreach(points, i, v) {
        assert_string_equal(json_str(v, "status", ""), "ok");
        assert_null(json_object_get(seen, json_str(v, "id", ""))); /* none is repeated */
        json_object_set_new(seen, json_str(v, "id", ""), json_true());
    }
    json_array_foreach(json_object_get(manifest, "plan"), i, v)
        assert_non_null(json_object_get(seen, json_str(v, "id", ""))); /* none is lost */
    assert_int_equal(json_array_size(points), POINTS);
    assert_string_equal(json_str(manifest, "ended", ""), "complete");
    json_decref(manifest), json_decref(points), json_decref(seen);
}

/* Starts a run and kills it; the name of its folder once it can be resumed, else NULL. */
static char *start(const char *dir, int n, int64_t kill_after_ms, bool *finished) {
    char *ini = scratch_file(dir, "s.ini", SWEEP), *out = xasprintf("%s/out-%d", dir, n);
    struct child_result r;
    struct err e;
    trine(&r, kill_after_ms, "run", "--profile", ini, "--out", out, "--backends", "fake", "--quiet", NULL);
    *finished = r.end == CHILD_EXITED;
    child_result_free(&r);
    char *run = only_run(out);
    json_t *manifest = run ? manifest_read(run, &e) : NULL;
    if (!manifest) free(run);
    json_decref(manifest);
    free(ini), free(out);
    return manifest ? run : NULL;
}

static void test_kills(void **state) {
    char *dir = scratch_make();
    struct rng rng = {20261121};
    int kills = 0, runs = 0;
    (void)state;
    while (kills < kills_wanted) {
        bool finished;
        char *run = start(dir, runs++, 1 + (int64_t)rng_below(&rng, KILL_WITHIN_MS), &finished);
        kills += !finished;
        while (run && !finished) {
            struct child_result r;
            int64_t limit = kills < kills_wanted ? 1 + (int64_t)rng_below(&rng, KILL_WITHIN_MS) : 60000;
            trine(&r, limit, "resume", run, "--quiet", NULL);
            finished = r.end == CHILD_EXITED;
            if (finished && r.code != 0 && r.code != TRINE_EXIT_INVALID)
                fail_msg("resume: %d, %s", r.code, strbuf_str(&r.err));
            kills += !finished;
            child_result_free(&r);
        }
        if (run) check_complete(run);
        free(run);
        assert_true(runs < 4 * kills_wanted);
    }
    print_message("%d kills over %d runs\n", kills, runs);
    scratch_remove(dir);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kills)};
    if (argc > 1) kills_wanted = atoi(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
