/* When a warm-up counts as ended: benches/driver/warmup.h. */
#include "warmup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

enum { SERIES = 400 }; /* of each kind, from seeds 1 to 400 */

/* A fixed sequence that jumps by up to +-10 %: no three in a row are near each other. */
static double noisy(size_t i) {
    static const double jumps[] = {0.9, 1.1, 1.0, 0.95, 1.08, 0.92, 1.04};
    return jumps[i * 5 % 7];
}

static void test_three_alike_are_steady(void **state) {
    const double v[] = {300, 150, 101, 100, 102};
    (void)state;
    assert_true(warmup_steady(v, 5));
    assert_false(warmup_steady(v, 4));
    assert_false(warmup_steady(v + 2, 2));
}

static void test_a_trend_is_not(void **state) {
    double v[60], at = 1000;
    (void)state;
    for (size_t i = 0; i < 60; i++, at *= 0.97) {
        v[i] = at;
        assert_false(warmup_steady(v, i + 1)); /* each 3 % below the one before */
    }
}

static void test_noise_is_steady_in_wide_windows(void **state) {
    double v[63];
    (void)state;
    for (size_t i = 0; i < 63; i++) v[i] = 100 * noisy(i);
    assert_false(warmup_steady(v, 3));
    assert_true(warmup_steady(v, 63));
}

static void test_long_warmups_look_back_so_far_only(void **state) {
    static double v[WARMUP_BATCHES_MAX + 500];
    struct warmup_windows w;
    (void)state;
    for (size_t i = 0; i < WARMUP_BATCHES_MAX + 500; i++) v[i] = (i < 500 ? 1000 : 100) * noisy(i);
    assert_true(warmup_steady(v, WARMUP_BATCHES_MAX + 500));
    assert_int_equal(warmup_judge(v, WARMUP_BATCHES_MAX + 500, &w), WARMUP_SETTLED);
}

static double uniform(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Twelve uniform numbers less six: near enough to a normal one. */
static double normal(uint64_t *seed) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += uniform(seed);
    return sum;
}

static double bell(size_t i, uint64_t *seed) {
    (void)i;
    return 100 * (1 + 0.1 * normal(seed));
}

/* One or the other, at random, a factor of two apart. */
static double two_modes(size_t i, uint64_t *seed) {
    (void)i;
    return (uniform(seed) < 0.5 ? 65 : 135) + normal(seed);
}

/* From twice its value down, by a tenth in 20 batches. */
static double slow_decay(size_t i, uint64_t *seed) {
    return 100 * (1 + exp(-(double)i / 100)) * (1 + 0.03 * normal(seed));
}

/* One per cent a batch, which three batches in a row cannot show. */
static double creeping(size_t i, uint64_t *seed) {
    (void)seed;
    return 100 * pow(0.99, (double)i);
}

static double noisy_decay(size_t i, uint64_t *seed) {
    return 100 * (1 + exp(-(double)i / 20)) * (1 + 0.1 * normal(seed));
}

struct tally {
    int settled, drifting;
};

static struct tally judged(double (*at)(size_t, uint64_t *), size_t n) {
    double v[WARMUP_BATCHES_MAX];
    struct tally t = {0, 0};
    struct warmup_windows w;
    for (uint64_t s = 1; s <= SERIES; s++) {
        uint64_t seed = s * 0x9e3779b97f4a7c15u;
        for (size_t i = 0; i < n; i++) v[i] = at(i, &seed);
        enum warmup_verdict verdict = warmup_judge(v, n, &w);
        t.settled += verdict == WARMUP_SETTLED;
        t.drifting += verdict == WARMUP_DRIFTING;
    }
    return t;
}

/* 10 % of scatter is more than few batches can look through, and no hindrance to many. */
static void test_scatter_settles_once_windows_grew(void **state) {
    (void)state;
    assert_in_range(judged(bell, 9).settled, 0, SERIES / 4);
    assert_in_range(judged(bell, 60).settled, SERIES * 3 / 4, SERIES);
    assert_in_range(judged(bell, 150).settled, SERIES * 8 / 10, SERIES);
    assert_in_range(judged(bell, 60).drifting, 0, SERIES / 100);
}

static void test_two_modes_are_no_drift_and_never_settled(void **state) {
    (void)state;
    for (size_t n = 15; n <= 240; n *= 2) {
        struct tally t = judged(two_modes, n);
        assert_in_range(t.settled, 0, SERIES / 20); /* three windows can all fall into one mode */
        assert_in_range(t.drifting, 0, SERIES / 100);
    }
}

static void test_a_decay_is_never_settled_early(void **state) {
    (void)state;
    for (size_t n = 30; n <= 90; n += 12) assert_in_range(judged(slow_decay, n).settled, 0, SERIES / 100);
    assert_int_equal(judged(slow_decay, 60).drifting, SERIES);
    assert_in_range(judged(noisy_decay, 30).settled, 0, SERIES / 100);
    assert_in_range(judged(noisy_decay, 60).settled, 0, SERIES / 100);
}

static void test_a_creeping_trend_is_seen_in_what_was_measured(void **state) {
    double v[20];
    uint64_t seed = 0;
    (void)state;
    for (size_t i = 0; i < 20; i++) v[i] = creeping(i, &seed);
    assert_true(warmup_steady(v, 3)); /* which is why the measured batches are judged too */
    assert_int_equal(judged(creeping, 10).drifting, SERIES);
    assert_int_equal(judged(creeping, 20).drifting, SERIES);
}

/* A burst in one batch is no drift, nor does it make the rest look wide. */
static void test_a_burst_is_neither(void **state) {
    double v[15];
    struct warmup_windows w;
    (void)state;
    for (size_t i = 0; i < 15; i++) v[i] = 100 + (double)(i * 7 % 5);
    v[13] = 900;
    assert_int_equal(warmup_judge(v, 15, &w), WARMUP_SETTLED);
    assert_true(w.drift < 0.05 && w.noise < 0.10);
}

static void test_what_cannot_be_judged_is_not(void **state) {
    const double alike[] = {5, 5, 5}, zero[6] = {0}, odd[] = {5, 9, 5}, below[] = {-1, 0, 1, 2, -2, 1};
    struct warmup_windows w;
    (void)state;
    assert_int_equal(warmup_judge(alike, 2, &w), WARMUP_UNDECIDED);
    assert_true(isnan(w.drift) && isnan(w.noise));
    assert_int_equal(warmup_judge(alike, 3, &w), WARMUP_SETTLED);
    assert_int_equal(warmup_judge(odd, 3, &w), WARMUP_UNDECIDED);
    assert_true(isinf(w.noise)); /* one batch a window says nothing of scatter */
    assert_int_equal(warmup_judge(zero, 6, &w), WARMUP_UNDECIDED);
    assert_int_equal(warmup_judge(below, 6, &w), WARMUP_UNDECIDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_alike_are_steady),
        cmocka_unit_test(test_a_trend_is_not),
        cmocka_unit_test(test_noise_is_steady_in_wide_windows),
        cmocka_unit_test(test_long_warmups_look_back_so_far_only),
        cmocka_unit_test(test_scatter_settles_once_windows_grew),
        cmocka_unit_test(test_two_modes_are_no_drift_and_never_settled),
        cmocka_unit_test(test_a_decay_is_never_settled_early),
        cmocka_unit_test(test_a_creeping_trend_is_seen_in_what_was_measured),
        cmocka_unit_test(test_a_burst_is_neither),
        cmocka_unit_test(test_what_cannot_be_judged_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
