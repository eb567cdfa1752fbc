/* Parameters of workloads: what is accepted, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "params.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct param defs[] = {
    {"count", PARAM_INT, 1, 10, "3", NULL, "a count"},
    {"share", PARAM_REAL, 0, 1, "0.5", NULL, "a share"},
    {"colour", PARAM_CHOICE, 0, 0, "red", colours, "a colour"},
    {"mixture", PARAM_TEXT, 0, 0, "", colours, "colours joined by +"},
    {0},
};

static void defaults_hold_until_set(void **state) {
    struct param_set set;
    char why[256];
    (void)state;
    params_init(&set, defs);
    assert_int_equal(params_int(&set, "count"), 3);
    assert_true(params_real(&set, "share") == 0.5);
    assert_true(params_set(&set, "count", "10", why, sizeof why));
    assert_int_equal(params_int(&set, "count"), 10);
    assert_true(params_set(&set, "mixture", "red+green", why, sizeof why));
    assert_string_equal(params_text(&set, "mixture"), "red+green");
}

static void bad_values_are_refused_and_change_nothing(void **state) {
    static const char *const bad[][2] = {
        {"count", "0"},        {"count", "11"},      {"count", "1.5"},    {"count", ""},        {"count", " 1"},
        {"count", "1x"},       {"count", "99999999999999999999"},         {"share", "nan"},     {"share", "inf"},
        {"share", "1.01"},     {"share", ""},        {"colour", "blue"},  {"colour", "red+green"}, {"colour", ""},
        {"mixture", "red+"},   {"mixture", "+red"},  {"mixture", "redgreen"}, {"mixture", "blue"},
    };
    struct param_set set;
    char why[256];
    (void)state;
    params_init(&set, defs);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        if (params_set(&set, bad[i][0], bad[i][1], why, sizeof why)) fail_msg("%s=%s passed", bad[i][0], bad[i][1]);
        assert_non_null(strstr(why, bad[i][0]));
        assert_null(strchr(why, '\n'));
    }
    assert_int_equal(params_int(&set, "count"), 3);
    assert_string_equal(params_text(&set, "colour"), "red");
}

static void a_value_too_long_is_refused(void **state) {
    static const struct param any[] = {{"text", PARAM_TEXT, 0, 0, "", NULL, "any text"}, {0}};
    struct param_set set;
    char why[256], text[2 * PARAM_TEXT_MAX];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    params_init(&set, any);
    assert_false(params_set(&set, "text", text, why, sizeof why));
    text[PARAM_TEXT_MAX - 1] = '\0';
    assert_true(params_set(&set, "text", text, why, sizeof why));
    assert_string_equal(params_text(&set, "text"), text);
}

static void the_nearest_name_is_offered(void **state) {
    struct param_set set;
    char why[256];
    (void)state;
    params_init(&set, defs);
    assert_false(params_set(&set, "cuont", "1", why, sizeof why));
    assert_non_null(strstr(why, "did you mean count?"));
    assert_false(params_set(&set, "zzzzzz", "1", why, sizeof why));
    assert_null(strstr(why, "did you mean"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_set),
        cmocka_unit_test(bad_values_are_refused_and_change_nothing),
        cmocka_unit_test(a_value_too_long_is_refused),
        cmocka_unit_test(the_nearest_name_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
