/* calibrate: measures the clock, the caches and the machine's limits, and prints or writes them. */
#include "calibrate/calibrate.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_clock(const json_t *c) {
    const json_t *offset = json_object_get(c, "offset_ns");
    printf("clock %s\n  %-24s %8.1f ns a reading\n  %-24s %8.2f ns\n  %-24s %+8.2f ppm against MONOTONIC_RAW "
           "(+-%.2f)\n",
           json_str(c, "source", "?"), "overhead", json_num(c, "overhead_ns", 0), "granularity",
           json_num(c, "granularity_ns", 0), "drift", json_num(c, "drift_ppm", 0),
           json_num(c, "drift_bound_ppm", 0));
    if (json_is_number(offset))
        printf("  %-24s %+8.1f ns (+-%.1f), monotonic over %lld CPUs: %s\n", "offset between CPUs",
               json_number_value(offset), json_num(c, "offset_bound_ns", 0),
               (long long)json_int(c, "cpus", 0), json_flag(c, "monotonic", false) ? "yes" : "NO");
}

/* "name  value  least  note" of each member that is a figure, "unavailable" with its reason of each that has
 * none. */
static void print_figures(const char *title, const json_t *o, const char *note) {
    const char *key;
    json_t *v;
    printf("%s (median, least; took %.0f ms)\n", title, json_num(o, "took_ms", 0));
    json_object_foreach((json_t *)o, key, v) {
        if (json_is_unavailable(v))
            printf("  %-24s unavailable: %s\n", key, json_str(v, "unavailable", ""));
        else if (json_is_object(v) && json_is_integer(json_object_get(v, note)))
            printf("  %-24s %8.2f ns %8.2f   chase over %lld KiB\n", key, json_num(v, "value", 0),
                   json_num(v, "least", 0), (long long)json_int(v, note, 0) / 1024);
        else if (json_is_object(v))
            printf("  %-24s %8.2f ns %8.2f   %s\n", key, json_num(v, "value", 0), json_num(v, "least", 0),
                   json_str(v, note, ""));
    }
}

static void print_probes(const json_t *o) {
    const char *key;
    json_t *v;
    puts("what a look of each probe costs, and what it does not see");
    json_object_foreach((json_t *)o, key, v) {
        if (json_object_get(v, "unavailable"))
            printf("  %-20s unavailable: %s\n", key, json_str(v, "unavailable", ""));
        else
            printf("  %-20s %8.1f us   %s; blind to %s\n", key, json_num(v, "cost_us", 0),
                   json_str(v, "by", ""), json_str(v, "blind_to", ""));
    }
}

static void print_table(const json_t *all) {
    const json_t *clock = json_object_get(all, "clock"), *loads = json_object_get(all, "loads");
    if (json_is_unavailable(clock))
        printf("clock unavailable: %s\n", json_str(clock, "unavailable", ""));
    else
        print_clock(clock);
    if (json_is_unavailable(loads))
        printf("loads unavailable: %s\n", json_str(loads, "unavailable", ""));
    else
        print_figures("a load", loads, "block_bytes");
    print_figures("the machine's limits", json_object_get(all, "limits"), "method");
    print_probes(json_object_get(all, "probes"));
}

int cmd_calibrate(int argc, char **argv) {
    bool quick = false, as_json = false;
    const char *out = NULL;
    const struct option_spec specs[] = {
        {.name = "quick", .flag = &quick}, {.name = "json", .flag = &as_json}, {.name = "out", .text = &out}};
    struct err e;
    int rc = options_parse(argc, argv, specs, 3, NULL, 0, NULL);
    if (rc) return rc;
    char *micro = calibrate_find_micro();
    struct calibrate_options o = {.quick = quick, .micro = micro};
    json_t *all = calibrate(&o);
    free(micro);
    if (out && output_json(out, all, &e)) rc = cmd_fail("calibrate", &e);
    if (as_json) {
        char *text = json_pretty(all);
        puts(text);
        free(text);
    } else {
        print_table(all);
    }
    const json_t *clock = json_object_get(all, "clock");
    bool broken = json_is_unavailable(clock) || json_is_false(json_object_get(clock, "monotonic"));
    json_decref(all);
    if (rc || !broken) return rc;
    fputs("trine calibrate: the clock is not monotonic over the CPUs: no interval that crosses one can be "
          "trusted\n",
          stderr);
    return TRINE_EXIT_INVALID;
}
