/* The statistics library against golden vectors that SciPy computed (make_golden.py). */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static FILE *golden;
static int line;

struct array {
    size_t n;
    double x[512];
};

static double number(void) {
    char word[64];

    if (fscanf(golden, "%63s", word) != 1) fail_msg("golden line %d ends early", line);
    return strtod(word, NULL);
}

static struct array array(void) {
    struct array a = {.n = (size_t)number()};

    assert_true(a.n <= 512);
    for (size_t i = 0; i < a.n; i++) a.x[i] = number();
    return a;
}

static void same(double got, double want, double relative) {
    if (isnan(want) ? isnan(got) : got == want) return;
    if (!(fabs(got - want) <= relative * fmax(1e-300, fabs(want))))
        fail_msg("golden line %d: got %.17g, want %.17g", line, got, want);
}

static void on_quantile(void) {
    struct array x = array();
    double q = number();

    same(stat_quantile(x.x, x.n, q), number(), 1e-12);
}

static void on_quantile_interval(void) {
    struct array x = array();
    double q = number(), level = number(), low = number(), high = number(), attained = number();
    struct stat_interval got;
    int err = stat_quantile_interval(x.x, x.n, q, level, &got);

    if (isnan(low)) {
        assert_int_equal(err, -ENODATA);
        return;
    }
    assert_int_equal(err, 0);
    same(got.low, low, 0), same(got.high, high, 0), same(got.level, attained, 1e-9);
    assert_true(got.level >= level);
}

static void on_mwu(void) {
    struct array x = array(), y = array();
    struct stat_mwu got, back;

    assert_int_equal(stat_mann_whitney(x.x, x.n, y.x, y.n, &got), 0);
    assert_int_equal(stat_mann_whitney(y.x, y.n, x.x, x.n, &back), 0);
    same(got.u, number(), 0);
    same(got.p, number(), 1e-9);
    same(back.p, got.p, 1e-9);
    assert_int_equal(got.exact, x.n + y.n <= STAT_EXACT_MAX);
}

static void on_shift(int (*f)(const double *, size_t, const double *, size_t, double, struct stat_shift *)) {
    struct array x = array(), y = array();
    double level = number();
    struct stat_shift got;

    assert_int_equal(f(x.x, x.n, y.x, y.n, level, &got), 0);
    same(got.estimate, number(), 1e-9);
    same(got.interval.low, number(), 1e-9);
    same(got.interval.high, number(), 1e-9);
    same(got.interval.level, number(), 1e-9);
}

static void on_bootstrap(void) {
    struct array x = array();
    double q = number(), level = number(), rounds = number(), seed = number(), method = number();
    struct stat_interval got;

    assert_int_equal(stat_bootstrap_quantile(x.x, x.n, q, level, (size_t)rounds, (uint64_t)seed,
                                             method == 0 ? STAT_PERCENTILE : STAT_BCA, &got),
                     0);
    same(got.low, number(), 1e-9);
    same(got.high, number(), 1e-9);
}

static void on_holm(void) {
    struct array p = array(), want = array();
    double got[512];

    assert_int_equal(stat_holm(p.x, p.n, got), 0);
    for (size_t i = 0; i < p.n; i++) same(got[i], want.x[i], 1e-12);
}

static void on_change(void) {
    struct array x = array(), at = array();
    struct stat_change got[8];

    assert_int_equal(stat_change_points(x.x, x.n, 0.001, 0.05, 61, got, 8), (int)at.n);
    for (size_t i = 0; i < at.n; i++) {
        assert_true(fabs((double)got[i].index - at.x[i]) <= 1);
        assert_true(got[i].p <= 0.001 && fabs(got[i].after / got[i].before - 1) >= 0.05);
    }
}

static void golden_vectors(void **state) {
    char name[32];

    (void)state;
    golden = fopen(GOLDEN_DIR "/stats.txt", "r");
    assert_non_null(golden);
    for (line = 1; fscanf(golden, "%31s", name) == 1; line++) {
        struct array x;

        if (strcmp(name, "median") == 0)
            x = array(), same(stat_median(x.x, x.n), number(), 1e-12);
        else if (strcmp(name, "mad") == 0)
            x = array(), same(stat_mad(x.x, x.n), number(), 1e-12);
        else if (strcmp(name, "quantile") == 0)
            on_quantile();
        else if (strcmp(name, "quantile_interval") == 0)
            on_quantile_interval();
        else if (strcmp(name, "mwu") == 0)
            on_mwu();
        else if (strcmp(name, "shift") == 0)
            on_shift(stat_shift);
        else if (strcmp(name, "ratio") == 0)
            on_shift(stat_ratio);
        else if (strcmp(name, "bootstrap") == 0)
            on_bootstrap();
        else if (strcmp(name, "holm") == 0)
            on_holm();
        else if (strcmp(name, "change") == 0)
            on_change();
        else if (strcmp(name, "least_p") == 0) {
            size_t n = (size_t)number(), m = (size_t)number();

            same(stat_least_p(n, m), number(), 1e-12);
        } else if (strcmp(name, "normal") == 0) {
            double z = number();

            same(stat_normal_cdf(z), number(), 1e-12);
        } else if (strcmp(name, "normal_quantile") == 0) {
            double p = number();

            same(stat_normal_quantile(p), number(), 1e-12);
        } else {
            fail_msg("golden line %d: unknown name %s", line, name);
        }
    }
    fclose(golden);
    assert_true(line > 200);
}

static void refusals(void **state) {
    const double bad[] = {1, NAN, 3}, zero[] = {0, 1, 2}, good[] = {1, 2, 3};
    struct stat_mwu u;
    struct stat_shift s;
    struct stat_interval i;
    struct stat_change c[1];
    double out[3];

    (void)state;
    assert_true(isnan(stat_median(good, 0)) && isnan(stat_median(bad, 3)) && isnan(stat_mad(good, 0)));
    assert_true(isnan(stat_quantile(good, 3, 1.5)));
    assert_int_equal(stat_mann_whitney(good, 0, good, 3, &u), -ENODATA);
    assert_int_equal(stat_mann_whitney(good, 3, bad, 3, &u), -EINVAL);
    assert_int_equal(stat_ratio(zero, 3, good, 3, 0.95, &s), -EDOM);
    assert_int_equal(stat_shift(good, 3, good, 0, 0.95, &s), -ENODATA);
    assert_int_equal(stat_shift(good, 3, bad, 3, 0.95, &s), -EINVAL);
    assert_int_equal(stat_quantile_interval(good, 3, 0.5, 0.95, &i), -ENODATA);
    assert_int_equal(stat_quantile_interval(good, 3, 0, 0.95, &i), -EINVAL);
    assert_int_equal(stat_bootstrap_quantile(good, 2, 0.5, 0.95, 1000, 1, STAT_BCA, &i), -ENODATA);
    assert_int_equal(stat_bootstrap_quantile(good, 3, 0.5, 0.95, 10, 1, STAT_BCA, &i), -EINVAL);
    assert_int_equal(stat_holm((double[]){0.5, 1.5}, 2, out), -EINVAL);
    assert_int_equal(stat_change_points(bad, 3, 0.001, 0.05, 1, c, 1), -EINVAL);
    assert_int_equal(stat_change_points(good, 0, 0.001, 0.05, 1, c, 1), 0);
}

/* Three against three can bound nothing at 95 %: the interval says so instead of inventing ends. */
static void too_few_for_an_interval(void **state) {
    const double x[] = {1, 2, 3}, y[] = {11, 12, 13};
    struct stat_shift s;

    (void)state;
    assert_int_equal(stat_shift(x, 3, y, 3, 0.95, &s), 0);
    assert_true(s.estimate == 10 && isinf(s.interval.low) && isinf(s.interval.high) && s.interval.level == 1);
}

/* Under the null hypothesis the exact test rejects at most as often as it says, ties or not. */
static void level_is_kept(void **state) {
    uint64_t seed = 7;

    (void)state;
    for (unsigned values = 4; values <= 4096; values *= 32) {
        int rejected = 0;

        for (int round = 0; round < 2000; round++) {
            double x[7], y[7];
            struct stat_mwu u;

            for (int i = 0; i < 7; i++) {
                x[i] = (double)stat_random_below(&seed, values);
                y[i] = (double)stat_random_below(&seed, values);
            }
            assert_int_equal(stat_mann_whitney(x, 7, y, 7, &u), 0);
            rejected += u.p < 0.05;
        }
        assert_true(rejected <= 130); /* 100 expected at most; three deviations above */
        assert_true(rejected >= 20);
    }
}

/* A positive figure: e^(spread x normal), in one of five `jump` times as much. */
static double figure(uint64_t *seed, double spread, double jump) {
    double z = stat_normal_quantile(((double)stat_random_below(seed, 1u << 30) + 0.5) / (1u << 30));

    return exp(spread * z) * (stat_random_below(seed, 5) == 0 ? jump : 1);
}

/* In how many of 2,000 comparisons of ten with ten the interval held the true factor, 1. */
static int covered(double spread_x, double spread_y, double jump) {
    uint64_t seed = 11;
    int held = 0;

    for (int round = 0; round < 2000; round++) {
        double x[10], y[10];
        struct stat_shift s;

        for (int i = 0; i < 10; i++) x[i] = figure(&seed, spread_x, jump), y[i] = figure(&seed, spread_y, jump);
        assert_int_equal(stat_ratio(x, 10, y, 10, 0.95, &s), 0);
        held += s.interval.low <= 1 && s.interval.high >= 1;
    }
    return held;
}

/* The interval of a ratio covers as often as it says, bursts or not, and not needlessly more: for ten and ten 95.7 %, 1,914
 * expected, three deviations 27. Where one side scatters seven times as much as the other it covers 92 %. */
static void ratio_covers(void **state) {
    (void)state;
    assert_in_range(covered(0.03, 0.03, 1), 1914 - 40, 1914 + 40);
    assert_in_range(covered(0.03, 0.03, 1.5), 1914 - 40, 1914 + 40);
    assert_in_range(covered(0.03, 0.2, 1), 1800, 1914);
}

static void warm_up(void **state) {
    const double settles[] = {200, 150, 120, 104, 101, 100, 99, 150};
    const double never[] = {1, 2, 1, 2, 1, 2};

    (void)state;
    assert_int_equal(stat_warmup_end(settles, 8, 3, 0.03), 7);
    assert_int_equal(stat_warmup_end(settles, 8, 3, 0.05), 6);
    assert_true(stat_warmup_end(settles, 6, 3, 0.03) == SIZE_MAX);
    assert_true(stat_warmup_end(never, 6, 3, 0.03) == SIZE_MAX);
    assert_int_equal(stat_warmup_end(settles, 8, 1, 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors),
        cmocka_unit_test(refusals),
        cmocka_unit_test(too_few_for_an_interval),
        cmocka_unit_test(level_is_kept),
        cmocka_unit_test(ratio_covers),
        cmocka_unit_test(warm_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
