/* The histogram against golden vectors, and its interval log. */
#include "hist.h"
#include "hist_log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_close(double got, double want, double relative) {
    if (fabs(got - want) > relative * fmax(1, fabs(want))) fail_msg("got %.17g, want %.17g", got, want);
}

static void check_buckets(FILE *f, const struct hist *h) {
    struct hist_iter it = {0};
    size_t n;

    assert_int_equal(fscanf(f, " buckets %zu", &n), 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t lowest, highest, count;

        assert_int_equal(fscanf(f, "%" SCNu64 " %" SCNu64 " %" SCNu64, &lowest, &highest, &count), 3);
        assert_true(hist_next(h, &it));
        assert_true(it.lowest == lowest && it.highest == highest && it.count == count);
        assert_true(hist_lowest_like(h, highest) == lowest && hist_highest_like(h, lowest) == highest);
    }
    assert_false(hist_next(h, &it));
}

static void check_percentiles(FILE *f, const struct hist *h) {
    size_t n;

    assert_int_equal(fscanf(f, " percentiles %zu", &n), 1);
    for (size_t i = 0; i < n; i++) {
        char word[32];
        uint64_t got = 0;
        double p;

        assert_int_equal(fscanf(f, "%lf %31s", &p, word), 2);
        if (strcmp(word, "none") == 0) {
            assert_int_equal(hist_percentile(h, p, &got), -ENODATA);
        } else {
            assert_int_equal(hist_percentile(h, p, &got), 0);
            assert_true(got == strtoull(word, NULL, 10));
        }
    }
}

static void golden(void **state) {
    FILE *f = fopen(GOLDEN_DIR "/hist.txt", "r");
    char name[32];
    int digits, cases = 0;
    size_t n;

    (void)state;
    assert_non_null(f);
    while (fscanf(f, " case %31s digits %d values %zu", name, &digits, &n) == 3) {
        struct hist *h = hist_new(digits);
        uint64_t v, min, max;
        double mean, stddev;

        assert_non_null(h);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(fscanf(f, "%" SCNu64, &v), 1);
            hist_record(h, v);
        }
        assert_int_equal(fscanf(f, " stats %" SCNu64 " %" SCNu64 " %lf %lf", &min, &max, &mean, &stddev), 4);
        assert_true(h->count == n && hist_min(h) == min && hist_max(h) == max);
        assert_close(hist_mean(h), mean, 1e-12);
        assert_close(hist_stddev(h), stddev, 1e-9);
        check_buckets(f, h);
        check_percentiles(f, h);
        hist_free(h);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 8);
}

static void width_is_bounded(void **state) {
    (void)state;
    for (int digits = 1; digits <= 5; digits++) {
        struct hist *h = hist_new(digits);

        for (uint64_t v = 1; v < UINT64_MAX / 3; v = v * 3 + 1) {
            uint64_t width = hist_highest_like(h, v) - hist_lowest_like(h, v);

            assert_true((double)width <= (double)v / pow(10, digits));
            assert_true(hist_lowest_like(h, v) <= v && v <= hist_highest_like(h, v));
        }
        assert_true(hist_index(h, UINT64_MAX) == h->nbuckets - 1);
        hist_free(h);
    }
    errno = 0;
    assert_null(hist_new(0));
    assert_int_equal(errno, EINVAL);
    assert_null(hist_new(6));
}

static void merge_is_recording_both(void **state) {
    struct hist *a = hist_new(3), *b = hist_new(3), *both = hist_new(3), *other = hist_new(2);

    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t v = i * i * 7919 % 1000003;

        hist_record_n(i % 3 ? a : b, v, i % 5);
        hist_record_n(both, v, i % 5);
    }
    assert_int_equal(hist_merge(a, b), 0);
    assert_true(a->count == both->count && a->sum == both->sum && a->min == both->min && a->max == both->max);
    assert_memory_equal(a->buckets, both->buckets, a->nbuckets * sizeof a->buckets[0]);
    assert_int_equal(hist_merge(a, other), -EINVAL);
    hist_reset(a);
    assert_int_equal(hist_merge(a, b), 0);
    assert_memory_equal(a->buckets, b->buckets, a->nbuckets * sizeof a->buckets[0]);
    hist_free(a), hist_free(b), hist_free(both), hist_free(other);
}

static void empty_answers(void **state) {
    struct hist *h = hist_new(3);
    uint64_t out = 7;

    (void)state;
    assert_int_equal(hist_percentile(h, 50, &out), -ENODATA);
    assert_int_equal(hist_percentile(h, -1, &out), -EINVAL);
    assert_int_equal(hist_percentile(h, NAN, &out), -EINVAL);
    assert_true(out == 7 && hist_min(h) == 0 && isnan(hist_mean(h)) && isnan(hist_stddev(h)));
    hist_record_n(h, 9, 0);
    assert_true(h->count == 0 && h->max == 0);
    hist_free(h);
}

/* A record's buckets, minimum, maximum and mean give back the histogram that it was made from. */
static void restored_from_a_record(void **state) {
    struct hist *h = hist_new(3), *back = hist_new(3);
    struct hist_iter it = {0};

    (void)state;
    for (uint64_t i = 1; i < 5000; i++) hist_record(h, i * 977);
    while (hist_next(h, &it)) hist_record_n(back, it.lowest, it.count);
    assert_int_equal(hist_set_exact(back, h->min, h->max, hist_mean(h)), 0);
    assert_true(back->min == h->min && back->max == h->max);
    assert_close(hist_mean(back), hist_mean(h), 1e-6);
    assert_true(hist_percentile_unguarded(back, 99) == hist_percentile_unguarded(h, 99));
    assert_int_equal(hist_set_exact(back, h->min * 1000, h->max, hist_mean(h)), -EINVAL);
    assert_int_equal(hist_set_exact(back, h->min, h->max, (double)h->max * 2), -EINVAL);
    hist_free(h), hist_free(back);
}

static void hgrm_text(void **state) {
    struct hist *h = hist_new(3);
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++) hist_record(h, i * 1000);
    assert_int_equal(hist_write_hgrm(h, f, 5, 1000.0), 0);
    fclose(f);
    assert_non_null(strstr(text, "       Value     Percentile TotalCount 1/(1-Percentile)"));

    /* Every line's count is what lies at or below its value, and the counts never fall. */
    unsigned long long last = 0;
    int lines = 0;

    for (char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        double value, p;
        unsigned long long count;

        if (sscanf(line, "%lf %lf %llu", &value, &p, &count) != 3) continue;
        assert_true(count >= last && (double)count >= p * 1000 - 1e-6);
        assert_true(fabs(value - (double)count) <= value / 1000 + 1e-9);
        last = count;
        lines++;
    }
    assert_true(lines > 30 && last == 1000);
    assert_non_null(strstr(text, "#[Mean    =      500.500"));
    assert_non_null(strstr(text, "Total count    =         1000]"));
    free(text);
    hist_free(h);
}

static void log_of_intervals(void **state) {
    struct hist_log *log = hist_log_new(3, 1000, 100, 5);

    (void)state;
    hist_log_record(log, 1000, 10);
    hist_log_record(log, 1099, 20);
    hist_log_record(log, 1310, 30); /* two windows on: the one between is empty but kept */
    hist_log_record(log, 1050, 40); /* late: goes where the log stands now */
    hist_log_record(log, 1500, 50); /* behind the last window */
    assert_int_equal(hist_log_finish(log), 0);
    assert_int_equal(log->nwindows, 4);
    assert_int_equal(log->windows[0].count, 2);
    assert_int_equal(log->windows[0].nbuckets, 2);
    assert_true(log->windows[0].buckets[1].lowest == 20 && log->windows[0].buckets[1].count == 1);
    assert_int_equal(log->windows[1].count, 0);
    assert_int_equal(log->windows[2].count, 0);
    assert_true(log->windows[3].count == 2 && log->windows[3].min == 30 && log->windows[3].max == 40);
    assert_true(log->late == 1 && log->dropped == 1);
    hist_log_free(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(width_is_bounded),
        cmocka_unit_test(merge_is_recording_both),
        cmocka_unit_test(empty_answers),
        cmocka_unit_test(restored_from_a_record),
        cmocka_unit_test(hgrm_text),
        cmocka_unit_test(log_of_intervals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
