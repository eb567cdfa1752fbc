/*
 * A driver of the protocol that measures nothing and misbehaves on demand, so that the harness can be tested
 * without a backend: --param mode=… picks how. `sleep_ms` is how long it stays alive, `threads` how many
 * threads it starts.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char DESCRIPTION[] =
    "{\"schema\":\"trine-driver\",\"protocol\":1,\"backend\":\"fake\","
    "\"backend_version\":\"1\",\"workloads\":["
    "{\"name\":\"pingpong\",\"doc\":\"nothing, "
    "slowly\",\"metric\":\"switch_ns\",\"unit\":\"ns\",\"better\":\"lower\","
    "\"tasks\":2,\"params\":["
    "{\"name\":\"mode\",\"type\":\"choice\",\"choices\":[\"ok\",\"crash\","
    "\"hang\",\"rubbish\",\"cut\",\"silent\","
    "\"error\",\"unsteady\",\"drifting\",\"scattered\",\"badcheck\",\"usage\",\"flood\",\"newer\","
    "\"orphan\",\"nosamples\",\"nochecks\",\"otherwork\",\"otherprocs\",\"sideways\",\"badhist\",\"badmetric\",\"negative\"],\"default\":\"ok\",\"doc\":\"how\"},"
    "{\"name\":\"sleep_ms\",\"type\":\"int\",\"min\":0,\"max\":60000,"
    "\"default\":\"0\",\"doc\":\"stays alive\"},"
    "{\"name\":\"threads\",\"type\":\"int\",\"min\":0,\"max\":64,\"default\":"
    "\"0\",\"doc\":\"starts so many\"}],"
    "\"applicable\":true,\"reason\":\"\"},"
    "{\"name\":\"never\",\"doc\":\"cannot run "
    "here\",\"metric\":\"x\",\"unit\":\"ns\",\"better\":\"lower\",\"tasks\":1,"
    "\"params\":[],\"applicable\":false,\"reason\":\"a fake cannot\"}],"
    "\"rt_params\":[{\"name\":\"rt.knob\",\"type\":\"int\",\"min\":0,\"max\":9,"
    "\"default\":\"0\",\"doc\":\"a knob\"}]}\n";

struct arguments {
    const char *mode, *cpus, *seed, *procs;
    int sleep_ms, threads, bind;
};

static void sleep_for(int ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&t, &t) < 0) {
    }
}

static void bind_to(const char *list) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(list), &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void *thread_main(void *arg) {
    const struct arguments *a = arg;
    sleep_for(a->sleep_ms);
    return NULL;
}

static void take_param(struct arguments *a, const char *kv) {
    if (strncmp(kv, "mode=", 5) == 0) a->mode = kv + 5;
    if (strncmp(kv, "sleep_ms=", 9) == 0) a->sleep_ms = atoi(kv + 9);
    if (strncmp(kv, "threads=", 8) == 0) a->threads = atoi(kv + 8);
}

static const char *warmup_of(const char *mode) {
    if (strcmp(mode, "unsteady") == 0) return "false,";
    if (strcmp(mode, "drifting") == 0) return "false,\"drifting\":true,\"drift\":0.12,\"noise\":0.03,";
    if (strcmp(mode, "scattered") == 0) return "false,\"drifting\":false,\"drift\":0.08,\"noise\":0.31,";
    return "true,";
}

/* What the named mode puts in the place of a good member. */
static const char *instead(const struct arguments *a, const char *mode, const char *bad, const char *good) {
    return strcmp(a->mode, mode) == 0 ? bad : good;
}

static void print_record(const struct arguments *a, const char *status, int protocol) {
    char checks[128];
    int bad = strcmp(a->mode, "badcheck") == 0;
    snprintf(checks, sizeof checks, "{\"name\":\"operations\",\"ok\":%s,\"expected\":10,\"got\":%d}", bad ? "false" : "true",
             bad ? 9 : 10);
    printf("{\"schema\":\"trine-record\",\"protocol\":%d,\"backend\":\"fake\",\"backend_version\":\"1\","
           "\"workload\":\"%s\",\"procs\":%s,\"tasks\":2,\"seed\":%s,\"params\":{},\"status\":\"%s\","
           "\"reason\":\"%s\",\"warmup\":{\"batches\":3,\"steady\":%s\"elapsed_ns\":1},",
           protocol, instead(a, "otherwork", "yield", "pingpong"), instead(a, "otherprocs", "99", a->procs), a->seed, status,
           strcmp(status, "error") == 0 ? "it said no" : "", warmup_of(a->mode));
    printf("\"metric\":{\"name\":\"switch_ns\",\"unit\":\"ns\",\"better\":\"%s\"},\"samples\":[%s],\"checks\":[%s],"
           "\"metrics\":{\"x\":%s},\"histograms\":{\"latency\":{\"unit\":\"ns\",\"digits\":3,%s}},"
           "\"phases\":[{\"name\":\"measure\",\"start_ns\":1,\"end_ns\":2}]}\n",
           instead(a, "sideways", "sideways", "lower"),
           instead(a, "nosamples", "", instead(a, "negative", "-100.5,101", "100.5,101")), instead(a, "nochecks", "", checks),
           instead(a, "badmetric", "{\"value\":\"many\"}", "{\"value\":1.5,\"unit\":\"1/s\",\"better\":\"higher\"}"),
           instead(a, "badhist", "\"count\":-10,\"buckets\":[[\"x\",41]]",
                   "\"count\":41,\"min\":80,\"max\":90,\"mean\":85.5,\"buckets\":[[80,1],[81,40]]"));
}

static int misbehave(const struct arguments *a) {
    if (strcmp(a->mode, "crash") == 0) raise(SIGABRT);
    if (strcmp(a->mode, "hang") == 0)
        for (;;) pause();
    if (strcmp(a->mode, "rubbish") == 0) return puts("segmentation fault, not JSON") < 0;
    if (strcmp(a->mode, "cut") == 0) return printf("{\"schema\":\"trine-record\",\"proto") < 0;
    if (strcmp(a->mode, "silent") == 0) return 0;
    if (strcmp(a->mode, "usage") == 0) {
        fputs("fake: cannot do that\n", stderr);
        return 2;
    }
    if (strcmp(a->mode, "flood") == 0)
        for (;;) fputs("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n", stdout);
    if (strcmp(a->mode, "orphan") == 0 && fork() == 0) /* a grandchild that keeps the pipe open */
        for (;;) pause();
    int failed = strcmp(a->mode, "error") == 0;
    print_record(a, failed ? "error" : "ok", strcmp(a->mode, "newer") == 0 ? 2 : 1);
    return failed;
}

int main(int argc, char **argv) {
    struct arguments a = {.mode = "ok", .seed = "1", .procs = "1"};
    pthread_t t[64];
    if (argc == 2 && strcmp(argv[1], "--describe") == 0) return fputs(DESCRIPTION, stdout) < 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--param") == 0) take_param(&a, argv[i + 1]);
        if (strcmp(argv[i], "--cpus") == 0) a.cpus = argv[i + 1];
        if (strcmp(argv[i], "--seed") == 0) a.seed = argv[i + 1];
        if (strcmp(argv[i], "--procs") == 0) a.procs = argv[i + 1];
    }
    if (a.cpus) bind_to(a.cpus);
    for (int i = 0; i < a.threads && i < 64; i++)
        if (pthread_create(&t[i], NULL, thread_main, &a) != 0) return 1;
    sleep_for(a.sleep_ms);
    for (int i = 0; i < a.threads && i < 64; i++) pthread_join(t[i], NULL);
    return misbehave(&a);
}
