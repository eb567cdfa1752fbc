/* The report over a synthetic run with known figures and every kind of trouble in it (make_run.py). */
#include "base/file.h"
#include "base/text.h"
#include "report/report.h"
#include "report/series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char run_dir[] = "/tmp/trine-report-XXXXXX";
static char *page;

static int make_run(void **state) {
    (void)state;
    if (mkdtemp(run_dir) == NULL) return -1;

    char *command = xasprintf("python3 " GENERATOR " %s 7", run_dir),
         *path = path_join(run_dir, "report.html");
    FILE *log = tmpfile();
    int rc = system(command);

    if (rc == 0) rc = report_write(run_dir, log);
    page = file_read(path, NULL);
    free(command), free(path);
    fclose(log);
    return rc != 0 || page == NULL;
}

static int remove_run(void **state) {
    char *command = xasprintf("rm -r %s", run_dir);
    int rc = system(command);

    (void)state;
    free(command), free(page);
    return rc;
}

static size_t times(const char *text, const char *what) {
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text++) n++;
    return n;
}

static void has(const char *what) {
    if (strstr(page, what) == NULL) fail_msg("the page lacks: %s", what);
}

static void says_everything(void **state) {
    (void)state;
    has("contradicted"), has("not_applicable"), has("timeout"), has("all invalid"),
        has("steal 3.0 % is above 1 %");
    has("unreadable lines of points.jsonl: 1; the first is line 6: ");
    has("trine run --profile synthetic --seed 61");
    has("skipped: 10,000 threads need more than threads-max permits");
    has("unavailable: ENOENT (no PMU)");
    assert_null(strstr(page, "replaced by a later attempt")); /* the last attempt of a point counts */
    assert_true(strstr(page, "id=\"claims\"") < strstr(page, "id=\"results\""));
    assert_int_equal(times(page, "<figure "), 19);
    has("Claims on pthread</dt><dd><span class=\"bad\">1 contradicted");
    has("wake readies a task on another processor.");
    has("Package 1"), has("CPU 7"), has("L1d 32 KiB"), has("8 GiB of memory");
}

/* The sections stand in the order in which they are to be read. */
static void in_order(void **state) {
    static const char *const order[] = {"id=\"verdicts\"",
                                        "id=\"claims\"",
                                        "id=\"peers\"",
                                        "id=\"fig-peers\"",
                                        "id=\"t-peers\"",
                                        "id=\"machine\"",
                                        "id=\"fig-procs\"",
                                        "id=\"fig-procs-panels\"",
                                        "id=\"fig-load\"",
                                        "id=\"fig-load-hogs\"",
                                        "id=\"fig-percentiles\"",
                                        "id=\"fig-heatmap\"",
                                        "id=\"fig-switch\"",
                                        "id=\"fig-working-set\"",
                                        "id=\"fig-steal-cost\"",
                                        "id=\"fig-blocked\"",
                                        "id=\"fig-noise\"",
                                        "id=\"history\"",
                                        "id=\"results\"",
                                        "id=\"repeat\""};
    const char *at = page;

    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *here = strstr(page, order[i]);

        if (here == NULL || here < at) fail_msg("%s is missing or out of order", order[i]);
        at = here;
    }
}

/* A change of level in history.json is in the table, with its verdict. */
static void tells_history(void **state) {
    (void)state;
    has("6 series, the level of 1 changed");
    has("2026-11-07T04:00:00Z");
    has("<td class=\"bad\">worse</td>");
}

/* Each ratio stands where less is better, beside the others of its row; the table has what the figure cannot draw. */
static void draws_the_peers(void **state) {
    char *path = path_join(run_dir, "figures/peers.dat"), *data = file_read(path, NULL);

    (void)state;
    has("3 of 5 targets;"), has("not measured");
    has("%22yield,%20%22%222%22%22%20goroutines%22,go,lower,0.08,0.07,0.1,0.2,met");
    has("absent,tokio,lower,,,,1,not%20measured");
    assert_non_null(data);
    assert_string_equal(data, "# go\n0.08 -0.15 0.07 0.1 0.2 0\n0.625 1 0.5 0.8 0.78125 1\n\n\n# boo_st\n0.24 0.15 0.2 0.28 0.25 1\n\n\n");
    free(data), free(path);
}

static void escapes_what_it_read(void **state) {
    (void)state;
    has("&lt;pthread_create&gt; &amp; &quot;EAGAIN&quot;");
    has("synthetic &lt;machine&gt;");
    assert_null(strstr(page, "<pthread_create>"));
    assert_null(strstr(page, "<machine>"));
}

/* Nothing is fetched: the only addresses are names of XML namespaces, anchors and data. */
static void asks_nobody(void **state) {
    (void)state;
    assert_true(times(page, "http://") == times(page, "=\"http://www.w3.org/"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, "src="));
    assert_true(times(page, "href=\"") == times(page, "href=\"#") + times(page, "href=\"data:"));
}

static void figures_where_gnuplot_is(void **state) {
    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0) {
        has("gnuplot is not installed");
        return;
    }
    assert_int_equal(times(page, "<svg role=\"img\""), 19);
    assert_int_equal(times(page, "download=\""), 19);
    assert_null(strstr(page, "Not drawn"));
    has("trine: latency, load 0.95"); /* the log-nines say which points they are */
    has("95 % interval of the median (order statistics)");
}

static void without_gnuplot(void **state) {
    char *path = xstrdup(getenv("PATH")), *text = NULL;
    size_t size = 0;
    FILE *log = open_memstream(&text, &size);

    (void)state;
    setenv("PATH", "/nonexistent", 1);
    assert_int_equal(report_write(run_dir, log), 0);
    setenv("PATH", path, 1);
    fclose(log);
    assert_non_null(strstr(text, "gnuplot is not installed"));
    free(path), free(text);

    char *file = path_join(run_dir, "report.html"), *bare = file_read(file, NULL);

    assert_int_equal(times(bare, "<svg"), 0);
    assert_non_null(strstr(bare, "Not drawn: gnuplot is not installed"));
    assert_non_null(strstr(bare, "Data (CSV)"));
    free(file), free(bare);
}

static void summaries(void **state) {
    const double seven[] = {7, 1, 3, 2, 6, 5, 4}, three[] = {3, 1, 2};
    struct rep_summary s = rep_summarise(seven, 7);

    (void)state;
    assert_true(s.median == 4 && s.interval && s.low == 1 && s.high == 7);
    s = rep_summarise(three, 3);
    assert_true(s.median == 2 && !s.interval && s.low == 1 && s.high == 3);
    s = rep_summarise(three, 0);
    assert_true(s.n == 0 && isnan(s.median));
}

/* The figure of a series is the median of its valid processes, and only of those. */
static void only_valid_points_count(void **state) {
    struct rep_run run;
    FILE *log = tmpfile();
    size_t found = 0;

    (void)state;
    assert_int_equal(rep_load(run_dir, &run, log), 0);
    for (size_t i = 0; i < run.nseries; i++) {
        const struct rep_series *s = &run.series[i];

        if (s->ninvalid != 1 || s->nok < 2) continue;
        assert_int_equal(rep_series_summary(s, "").n, s->nok - 1);
        found++;
    }
    assert_true(found >= 2);
    assert_int_equal(run.damage.lines, 1);
    assert_int_equal(run.damage.first, 6);
    rep_free(&run);
    fclose(log);
}

static const char small_points[] =
    "{\"id\":\"1\",\"series\":\"1\",\"experiment\":\"yield\",\"backend\":\"trine\",\"workload\":\"yield\",\"procs\":1,\"tasks\":100,"
    "\"pin\":\"none\",\"params\":{},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[9]}}\n"
    "{\"id\":\"2\",\"series\":\"2\",\"experiment\":\"yield\",\"backend\":\"go\",\"workload\":\"yield\",\"procs\":1,\"tasks\":20,"
    "\"pin\":\"none\",\"params\":{},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[8]}}\n"
    "{\"id\":\"3\",\"series\":\"3\",\"experiment\":\"yield\",\"backend\":\"trine\",\"workload\":\"yield\",\"procs\":1,\"tasks\":20,"
    "\"pin\":\"none\",\"params\":{},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[7]}}\n"
    "{\"id\":\"4\",\"series\":\"4\",\"experiment\":\"bare\",\"backend\":\"trine\",\"workload\":\"switch\",\"procs\":1,\"tasks\":null,"
    "\"pin\":\"none\",\"params\":{},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[1]}}\n"
    "{\"id\":\"5\",\"series\":\"5\",\"experiment\":\"block\",\"backend\":\"trine\",\"workload\":\"block\",\"procs\":1,\"tasks\":4,"
    "\"pin\":\"none\",\"params\":{\"via\":\"net\"},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[1]},"
    "\"outside\":{\"threads\":{\"peak\":3}}}\n"
    "{\"id\":\"6\",\"series\":\"6\",\"experiment\":\"block\",\"backend\":\"trine\",\"workload\":\"block\",\"procs\":1,\"tasks\":4,"
    "\"pin\":\"none\",\"params\":{\"via\":\"block\"},\"rep\":0,\"status\":\"ok\",\"valid\":true,\"record\":{\"samples\":[1]},"
    "\"outside\":{\"threads\":{\"peak\":7}}}\n";

static void put(const char *name, const char *text) {
    char *path = path_join(run_dir, name);
    struct err e;

    assert_int_equal(file_write(path, text, strlen(text), &e), 0);
    free(path);
}

/* `page` becomes the report of a run of six points; its manifest holds these arguments. */
static void of_a_small_run(const char *arguments) {
    char *manifest = xasprintf("{\"schema\":\"trine-manifest\",\"version\":1,\"profile\":\"quick\",\"seed\":61,\"arguments\":%s,"
                               "\"plan\":[{\"id\":\"5\",\"order\":9},{\"id\":\"6\",\"order\":8}]}",
                               arguments);
    char *path = path_join(run_dir, "report.html");
    FILE *log = tmpfile();

    put("points.jsonl", small_points), put("manifest.json", manifest);
    put("env.json", "{\"schema\":\"trine-env\",\"version\":1,\"cgroup\":{\"mode\":\"v2\",\"quota_cpus\":null},\"kernel\":{\"odd\":null}}");
    assert_int_equal(report_write(run_dir, log), 0);
    free(page);
    page = file_read(path, NULL);
    fclose(log);
    free(path), free(manifest);
}

/* The command of a run whose seed came from the clock names it; what a shell would split is quoted. */
static void repeats_with_its_seed(void **state) {
    (void)state;
    of_a_small_run("[\"trine\",\"run\",\"--profile\",\"quick\"]");
    has("<pre>trine run --profile quick --seed 61</pre>");
    of_a_small_run("[\"trine\",\"run\",\"--seed\",\"61\",\"--out\",\"my dir\"]");
    has("<pre>trine run --seed 61 --out 'my dir'</pre>");
    of_a_small_run("[\"trine\",\"run\",\"--seed=61\"]");
    has("<pre>trine run --seed=61</pre>");
}

static void says_what_null_means(void **state) {
    (void)state;
    has("<dt>cgroup quota_cpus</dt><dd>no quota</dd>");
    has("<dt>kernel odd</dt><dd>not known</dd>");
    assert_null(strstr(page, "<dd>null</dd>"));
}

/* The caption of the layers explains those that the figure has. */
static void explains_the_layers_there_are(void **state) {
    (void)state;
    has("The bare switch has no scheduler; yield goes through a run queue.");
    assert_null(strstr(page, "wake readies"));
    assert_null(strstr(page, "ping-pong parks"));
}

/* Of two series with one place the first of the profile stands there, also when the other one ran first; the caption says so. */
static void one_series_has_the_place(void **state) {
    char *path = path_join(run_dir, "figures/blocked.dat"), *data = file_read(path, NULL);

    (void)state;
    assert_non_null(data);
    if (strstr(data, "\n4 7 7 7 1\n") == NULL || strstr(data, "\n4 3 ") != NULL) fail_msg("not the first of the profile: %s", data);
    has("then the first of the profile (of runs without its order: the first that ran); all are in the list of points below.");
    free(data), free(path);
}

/* Not in the random order of the plan: what is compared stands together. */
static void sorts_its_rows(void **state) {
    static const char *const order[] = {"<td>bare</td><td data-b=\"trine\">trine</td>",
                                        "<td>yield</td><td data-b=\"trine\">trine</td><td class=\"n\" data-v=\"1\">1</td>"
                                        "<td class=\"n\" data-v=\"20\">",
                                        "<td>yield</td><td data-b=\"go\">",
                                        "<td class=\"n\" data-v=\"100\">100</td>"};
    const char *at = strstr(page, "id=\"results\"");

    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (at == NULL) fail_msg("row %zu is not in its place", i);
    }
}

/* A name from elsewhere is data: gnuplot would run what stands between backticks. */
static void runs_no_name(void **state) {
    char *path = path_join(run_dir, "figures/blocked.gp"), *pwned = path_join(run_dir, "figures/pwned");
    FILE *log = tmpfile();

    (void)state;
    put("points.jsonl", "{\"schema\":\"trine-point\",\"version\":1,\"id\":\"a\",\"series\":\"a\",\"experiment\":\"e\",\"rep\":0,"
                        "\"backend\":\"x`echo hi >pwned` \\\"y\",\"workload\":\"block\",\"procs\":1,\"tasks\":4,\"params\":{},"
                        "\"status\":\"ok<b>\",\"valid\":true,\"outside\":{\"threads\":{\"peak\":3}},\"record\":{\"samples\":[1]}}\n"
                        "{\"schema\":\"trine-point\",\"version\":1,\"id\":\"b\",\"series\":\"b\",\"experiment\":\"e\",\"rep\":0,"
                        "\"backend\":\"x`echo hi >pwned` \\\"y\",\"workload\":\"block\",\"procs\":1,\"tasks\":5,\"params\":{},"
                        "\"status\":\"ok\",\"valid\":true,\"outside\":{\"threads\":{\"peak\":3}},\"record\":{\"samples\":[1]}}\n");
    assert_int_equal(report_write(run_dir, log), 0);
    fclose(log);
    free(page), page = NULL;
    char *script = file_read(path, NULL), *html = path_join(run_dir, "report.html");
    page = file_read(html, NULL);
    assert_non_null(script);
    assert_non_null(strstr(script, "present = \"x_echo_hi__pwned___y\""));
    assert_null(strchr(script, '`'));
    assert_false(file_exists(pwned));
    has("ok&lt;b&gt;");
    assert_null(strstr(page, "ok<b>"));
    free(script), free(html), free(path), free(pwned);
}

static void no_such_run(void **state) {
    char *text = NULL;
    size_t size = 0;
    FILE *log = open_memstream(&text, &size);

    (void)state;
    assert_int_equal(report_write("/nonexistent", log), -1);
    fclose(log);
    assert_non_null(strstr(text, "cannot read /nonexistent/points.jsonl"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_everything),
        cmocka_unit_test(in_order),
        cmocka_unit_test(tells_history),
        cmocka_unit_test(draws_the_peers),
        cmocka_unit_test(escapes_what_it_read),
        cmocka_unit_test(asks_nobody),
        cmocka_unit_test(figures_where_gnuplot_is),
        cmocka_unit_test(without_gnuplot),
        cmocka_unit_test(summaries),
        cmocka_unit_test(only_valid_points_count),
        cmocka_unit_test(no_such_run),
        cmocka_unit_test(repeats_with_its_seed),
        cmocka_unit_test(says_what_null_means),
        cmocka_unit_test(explains_the_layers_there_are),
        cmocka_unit_test(one_series_has_the_place),
        cmocka_unit_test(sorts_its_rows),
        cmocka_unit_test(runs_no_name),
    };

    return cmocka_run_group_tests(tests, make_run, remove_run);
}
