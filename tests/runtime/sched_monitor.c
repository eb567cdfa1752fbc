/*
 * sched_monitor.c: what the monitor costs while nothing runs, by the kernel's count of its thread's voluntary switches.
 * The monitor is the thread that called trine_run: here the program's first.
 */
#include "goroutines.h"

#include <unistd.h>

static int64_t monitor_switches(void)
{
    char path[64], line[128];
    long n = -1;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)getpid());
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    while (n < 0 && fgets(line, sizeof line, f)) sscanf(line, "voluntary_ctxt_switches: %ld", &n);
    fclose(f);
    return n;
}

/* Switches of the monitor over n sleeps of ms each, by the only goroutine, once the run has settled. */
struct idling {
    int n, ms;
    int64_t switches;
};

static void main_sleeps(void *arg)
{
    struct idling *idling = arg;
    trine_sleep(INT64_C(200000000));
    int64_t before = monitor_switches();
    for (int i = 0; i < idling->n; i++) trine_sleep(idling->ms * INT64_C(1000000));
    idling->switches = monitor_switches() - before;
    CHECK(before >= 0);
}

/* It looks every 10 ms at most until nothing has run for 20; then it sleeps until something runs. */
static void MonitorSleepsForGood(void **state)
{
    (void)state;
    struct idling idling = {.n = 1, .ms = 1000};
    run_at(2, main_sleeps, &idling);
    assert_in_range(idling.switches, 0, 50); /* 2 or 3 seen; 100 and more without */
}

/* Where its sleeps are long it does not wait for 20 ms of quiet again: an event costs it a few looks, not ten. */
static void MonitorSleepsSoonWhereEventsAreRare(void **state)
{
    (void)state;
#ifdef TRINE_CHAOS
    print_message("SKIP: in the chaos build, on a loaded machine, an event takes milliseconds, for which the monitor looks, as it must\n");
    skip();
#endif
    struct idling idling = {.n = 10, .ms = 150};
    run_at(2, main_sleeps, &idling);
    assert_in_range(idling.switches, 10, 75); /* 20 to 27 seen; 100 without */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MonitorSleepsForGood),
        cmocka_unit_test(MonitorSleepsSoonWhereEventsAreRare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
