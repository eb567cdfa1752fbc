/* The clock: order, scale and the account that it gives of itself. Nothing here depends on how fast it runs.
 */
#include "clock.h"
#include "clock_quality.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void never_goes_back(void **state) {
    uint64_t last = mclock_now_ns();

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t now = mclock_now_ns();

        assert_true(now >= last);
        last = now;
    }
}

/* Readings of the two clocks are bracketed by each other, but for the drift since the scale was taken. */
static void agrees_with_posix(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t before = mclock_posix_ns(CLOCK_MONOTONIC);
        uint64_t ours = mclock_now_ns();
        uint64_t after = mclock_posix_ns(CLOCK_MONOTONIC);

        assert_true(ours + 1000000 > before);
        assert_true(ours < after + 1000000);
    }
}

static void sources(void **state) {
    (void)state;
    assert_int_equal(mclock_init_as(MCLOCK_MONOTONIC, 0), 0);
    assert_string_equal(mclock_source_name(), "monotonic");
    assert_true(mclock_tick_ns() == 1.0);
    never_goes_back(NULL);
    agrees_with_posix(NULL);

    int err = mclock_init_as(MCLOCK_COUNTER, 5000000);

    if (err == 0) {
        assert_string_equal(mclock_why_not_counter(), "");
        assert_true(mclock_tick_ns() > 0 && mclock_tick_ns() < 1000);
        agrees_with_posix(NULL);
    } else {
        assert_int_equal(err, -ENOTSUP);
        assert_true(strlen(mclock_why_not_counter()) > 0);
    }
}

static void quality(void **state) {
    struct mclock_quality q;
    cpu_set_t before, after;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(mclock_measure(&q, 20000000), 0);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    assert_true(q.overhead_ns > 0 && q.granularity_ns > 0);
    assert_true(isfinite(q.drift_ppm) && q.drift_bound_ppm > 0);
    assert_int_equal(q.ncpus, CPU_COUNT(&before));
    if (q.ncpus > 1) assert_true(isfinite(q.offset_ns) && q.offset_bound_ns > 0);
    assert_int_equal(mclock_measure(&q, 0), -EINVAL);
}

/* A wrong scale must show as drift: one that runs 1 % fast is reported as about 10,000 ppm. */
static void wrong_scale_is_seen(void **state) {
    struct mclock_quality q;
    struct mclock_scale good;

    (void)state;
    if (mclock_init_as(MCLOCK_COUNTER, 20000000) != 0) skip();
    good = mclock_scale;
    mclock_scale.mult += mclock_scale.mult / 100;
    assert_int_equal(mclock_measure(&q, 50000000), 0);
    mclock_scale = good;
    assert_true(fabs(q.drift_ppm - 10000) < 2000 + q.drift_bound_ppm);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_goes_back), cmocka_unit_test(agrees_with_posix),   cmocka_unit_test(sources),
        cmocka_unit_test(quality),         cmocka_unit_test(wrong_scale_is_seen),
    };

    mclock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
