/* validity: see validity.h. No state. */
#include "run/validity.h"
#include "base/json.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STEAL_MAX                                                                                            \
    0.01 /* steal comes in bursts: 0.1 % in most seconds of a virtual machine, several % in bad ones */

#define WARMUP "warm-up: " /* the reason that is told from the others */

static void because(json_t *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void because(json_t *list, const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    text_make_utf8(text); /* the cut may fall inside a character, and JSON would take no reason at all */
    json_array_append_new(list, json_string(text));
}

/* A single tick of 10 ms cannot be told from rounding: only what is above 1 % without it counts. */
static void judge_steal(const json_t *outside, json_t *why) {
    double steal = json_num(outside, "steal_fraction", 0), tick = json_num(outside, "steal_resolution", 0);
    if (steal > STEAL_MAX && steal - tick > STEAL_MAX)
        because(why, "steal: %.1f %% of the CPU time that was wanted went to other virtual machines", steal * 100);
}

/* Whoever asks for no warm-up (warmup_ms = 0) measures what happens once, or counts: the one batch that a
 * driver runs all the same cannot agree with two others. */
static void judge_warmup(const json_t *warmup, const json_t *planned, json_t *why) {
    double drift = json_num(warmup, "drift", -1) * 100, noise = json_num(warmup, "noise", -1) * 100;
    if (!json_is_false(json_object_get(warmup, "steady")) || json_int(planned, "warmup_ms", 1) == 0) return;
    if (json_flag(warmup, "drifting", false))
        because(why, WARMUP "the measured batches drifted, by %.0f %% from third to third", drift);
    else if (noise >= 0)
        because(
            why,
            WARMUP "no three windows within 3 %%: they differ by %.0f %%, scatter alone explains %.0f %%",
            drift, noise);
    else
        because(why, WARMUP "no three windows within 3 %%");
}

static void judge_record(const json_t *record, json_t *why) {
    const json_t *check, *phase;
    size_t i;
    json_array_foreach(json_object_get(record, "checks"), i, check) {
        if (json_flag(check, "ok", false)) continue;
        char *expected = json_line(json_object_get(check, "expected")),
             *got = json_line(json_object_get(check, "got"));
        because(why, "check %s: expected %s, got %s", json_str(check, "name", "?"), expected, got);
        free(expected);
        free(got);
    }
    bool backwards = json_is_false(json_object_get(json_object_get(record, "clock"), "monotonic"));
    json_array_foreach(json_object_get(record, "phases"), i, phase) backwards |=
        json_int(phase, "end_ns", 0) < json_int(phase, "start_ns", 0);
    if (backwards) because(why, "clock: time went backwards");
}

void validity_judge(json_t *point, const json_t *planned) {
    const json_t *outside = json_object_get(point, "outside"), *pinning = json_object_get(outside, "pinning");
    const char *status = json_str(point, "status", "");
    json_t *why = json_array();
    if (strcmp(status, "ok") == 0) {
        judge_steal(outside, why);
        int64_t throttled = json_int(outside, "throttled_ns", 0);
        if (throttled > 0 && !json_flag(planned, "throttle_expected", false))
            because(why, "throttled: %.1f ms by a CPU quota", (double)throttled / 1e6);
        if (json_is_false(json_object_get(outside, "in_quota")))
            because(why, "quota: the process could not be put into its cgroup");
        if (json_is_false(json_object_get(pinning, "verified")))
            because(why, "pinning: not every CPU of the list had a thread bound to it");
        judge_warmup(json_object_get(json_object_get(point, "record"), "warmup"), planned, why);
        judge_record(json_object_get(point, "record"), why);
    } else if (strcmp(status, "failed") == 0 || strcmp(status, "timeout") == 0) {
        because(why, "%s: %s", status, json_str(point, "reason", ""));
    }
    json_object_set_new(point, "valid", json_boolean(json_array_size(why) == 0));
    json_object_set_new(point, "invalid_because", why);
}

bool validity_only_warmup(const json_t *point) {
    const json_t *why = json_object_get(point, "invalid_because"), *reason;
    size_t i;
    json_array_foreach(why, i, reason)
        if (!json_is_string(reason) || strncmp(json_string_value(reason), WARMUP, sizeof WARMUP - 1) != 0) return false;
    return json_array_size(why) > 0;
}
