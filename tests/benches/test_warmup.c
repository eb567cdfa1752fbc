/* When a warm-up counts as ended: benches/driver/warmup.h. */
#include "warmup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

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
    (void)state;
    for (size_t i = 0; i < WARMUP_BATCHES_MAX + 500; i++) v[i] = (i < 500 ? 1000 : 100) * noisy(i);
    assert_true(warmup_steady(v, WARMUP_BATCHES_MAX + 500));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_alike_are_steady), cmocka_unit_test(test_a_trend_is_not),
        cmocka_unit_test(test_noise_is_steady_in_wide_windows), cmocka_unit_test(test_long_warmups_look_back_so_far_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
