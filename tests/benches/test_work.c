/* The calibrated work and the random arrivals: not folded away, repeatable, and of the right mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "burst.h"
#include "random.h"

/* Each iteration is a multiplication that waits for the one before it: three cycles on any processor, so a tenth of
 * a nanosecond is a bound that noise can only move away from. */
static void work_takes_time_by_its_length(void **state) {
    enum { ITERATIONS = 20000000 };
    (void)state;
    mclock_init();
    int64_t start = point_now();
    uint64_t result = burst_iterations(ITERATIONS, 5);
    int64_t ns = point_now() - start;
    assert_true(ns > ITERATIONS / 10);
    assert_int_not_equal(result, burst_iterations(ITERATIONS - 1, 5));
}

static void calibration_is_finite(void **state) {
    (void)state;
    double per_ns = burst_calibrate();
    assert_true(per_ns > 0 && per_ns < 10);
    assert_int_equal(burst_for(per_ns, 0), 0);
}

static void arrivals_repeat_and_have_their_mean(void **state) {
    enum { N = 200000 };
    struct rng a = {42}, b = {42}, other = {43};
    double sum = 0;
    int same = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        double gap = rng_exponential(&a, 100);
        assert_true(gap >= 0 && gap == rng_exponential(&b, 100));
        same += gap == rng_exponential(&other, 100);
        sum += gap;
    }
    assert_true(same < N / 100);
    /* The seed is fixed, so this is exact arithmetic: within 1 % of the mean (its standard error is 0.22 %). */
    assert_true(sum / N > 99 && sum / N < 101);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_takes_time_by_its_length),
        cmocka_unit_test(calibration_is_finite),
        cmocka_unit_test(arrivals_repeat_and_have_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
