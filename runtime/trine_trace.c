/*
 * trine_trace.c: the event trace as a file that Perfetto and chrome://tracing open. Floor 9.
 *
 * Owns: the file, the thread that writes it, the state of each track. Every RT_TRACE_PERIOD_US that thread empties the
 * rings (trace.c) and turns the events into Chrome's JSON: a track a P, a slice a goroutine's turn on it, an instant
 * for all else. The closing bracket of such a file is optional, so what was written before a crash can be opened.
 * Memory is bounded by the rings. The thread formats about three million events a second; beyond that the rings run
 * full and events are dropped, counted in trine_stats and at the end of the file.
 *
 * Times: cycle counter, turned into nanoseconds by a rate that the first start measures for RT_TRACE_CALIBRATE_US. A step back
 * on one track (counters of two CPUs apart by some cycles) is set to the time of the event before it and counted.
 */
#include "proc.h"
#include "sched.h"
#include "trace.h"
#include "trine_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACE_STACK_BYTES (128u << 10)

enum { OFF, STARTING, ON, STOPPING };
static at_u32 state;
static pid_t owner; /* whose writer it is */

/* The writer's, but for what start() sets before it runs. */
static struct {
    int fd, error; /* error: errno of the first write that failed; nothing is written after it */
    uint64_t t0;
    int64_t last_ns;      /* of all tracks */
    uint64_t steps_back, written0, dropped0;
    bool first;
    size_t len;
    char text[64 << 10];
} out;
static uint64_t scale; /* nanoseconds a tick, times 2^32; the process's */
static struct { bool named, open; int64_t last_ns; } tracks[RT_MAX_PROCS];

/* ---- text ---- */
static void flush(void)
{
    for (size_t at = 0; at < out.len && !out.error;) {
        ssize_t n = write(out.fd, out.text + at, out.len - at);
        if (n > 0) at += (size_t)n;
        else if (n < 0 && errno != EINTR) out.error = errno;
    }
    out.len = 0;
}

static __attribute__((format(printf, 1, 2))) void add(const char *fmt, ...)
{
    va_list ap;
    if (sizeof out.text - out.len < 512) flush();
    va_start(ap, fmt);
    out.len += (size_t)vsnprintf(out.text + out.len, sizeof out.text - out.len, fmt, ap);
    va_end(ap);
}

/* The part that all events have. */
static void begin(char phase, uint32_t track, int64_t ns)
{
    add("%s{\"ph\":\"%c\",\"pid\":1,\"tid\":%u,\"ts\":%lld.%03d", out.first ? "" : ",\n", phase, track + 1,
        (long long)(ns / 1000), (int)(ns % 1000));
    out.first = false;
}

/* ---- events ---- */
static void name_track(uint32_t track)
{
    tracks[track].named = true;
    begin('M', track, 0);
    add(",\"name\":\"thread_name\",\"args\":{\"name\":\"P%u\"}}", track);
}

static void open_slice(uint32_t track, int64_t ns, const struct trace_event *e)
{
    if (tracks[track].open) { /* its goroutine went on elsewhere: the P was resized away or the world stopped */
        begin('E', track, ns);
        add(",\"args\":{\"end\":\"moved\"}}");
    }
    begin('B', track, ns);
    add(",\"name\":\"G%llu\",\"args\":{\"by\":\"%s\"}}", (unsigned long long)e->id,
        e->kind == TR_RESUME ? "return" : e->arg ? "inherit" : "switch");
    tracks[track].open = true;
}

/* Closes the slice; where none is open (it began before the trace did) the same arguments become an instant. */
static void close_slice(uint32_t track, int64_t ns, const struct trace_event *e)
{
    static const char *const how[TR_KINDS] = {
        [TR_PARK] = "park", [TR_YIELD] = "yield", [TR_PREEMPT] = "preempt", [TR_EXIT] = "exit", [TR_RETAKE] = "retake"};
    const char *why = e->kind == TR_PARK ? rt_waitname(e->arg) : e->kind == TR_PREEMPT && e->arg ? "thread stopped" : "";
    begin(tracks[track].open ? 'E' : 'i', track, ns);
    if (!tracks[track].open) add(",\"s\":\"t\",\"name\":\"%s\"", how[e->kind]);
    add(",\"args\":{\"end\":\"%s\",\"goid\":%llu,\"why\":\"%s\"}}", how[e->kind], (unsigned long long)e->id, why);
    tracks[track].open = false;
}

static void instant(uint32_t track, int64_t ns, const struct trace_event *e)
{
    begin('i', track, ns);
    if (e->kind == TR_STEAL)
        add(",\"s\":\"t\",\"name\":\"steal\",\"args\":{\"n\":%llu,\"from\":\"P%u\"}}", (unsigned long long)e->id, e->arg);
    else if (e->kind == TR_NETPOLL)
        add(",\"s\":\"t\",\"name\":\"netpoll\",\"args\":{\"n\":%llu}}", (unsigned long long)e->id);
    else if (e->kind == TR_TIMERS)
        add(",\"s\":\"t\",\"name\":\"timers\",\"args\":{\"n\":%llu,\"of\":\"P%u\"}}", (unsigned long long)e->id, e->arg);
    else if (e->kind == TR_OVERFLOW)
        add(",\"s\":\"t\",\"name\":\"overflow\",\"args\":{\"n\":%llu}}", (unsigned long long)e->id);
    else if (e->kind == TR_SYSCALL)
        add(",\"s\":\"t\",\"name\":\"syscall\",\"args\":{\"goid\":%llu}}", (unsigned long long)e->id);
    else
        add(",\"s\":\"t\",\"name\":\"%s\"}", e->kind == TR_SPIN ? "spin" : e->kind == TR_TICK61 ? "tick 61" :
            e->kind == TR_STOP ? "world stopped" : "handoff");
}

static void put_event(uint32_t track, const struct trace_event *e)
{
    if (e->ticks < out.t0) return; /* by a writer that began before the last trace ended */
    int64_t ns = (int64_t)((unsigned __int128)(e->ticks - out.t0) * scale >> 32);
    if (ns < tracks[track].last_ns) {
        ns = tracks[track].last_ns;
        out.steps_back++;
    }
    tracks[track].last_ns = ns;
    if (ns > out.last_ns) out.last_ns = ns;
    if (!tracks[track].named) name_track(track);
    if (e->kind == TR_START || e->kind == TR_RESUME) open_slice(track, ns, e);
    else if (e->kind >= TR_PARK && e->kind <= TR_RETAKE) close_slice(track, ns, e);
    else instant(track, ns, e);
}

static void drain(void)
{
    struct trace_event e;
    for (uint32_t i = 0; i < RT_MAX_PROCS; i++) {
        /* one ring's worth at a time, so that the other Ps' rings are not starved by a busy one */
        for (uint32_t n = 0; n < RT_TRACE_EVENTS && rt_trace_next(i, &e); n++) put_event(i, &e);
    }
    flush();
}

static void finish_file(void)
{
    uint64_t written, dropped;
    for (uint32_t i = 0; i < RT_MAX_PROCS; i++) {
        if (!tracks[i].open) continue;
        begin('E', i, out.last_ns);
        add(",\"args\":{\"end\":\"trace\"}}");
    }
    rt_trace_counts(&written, &dropped);
    begin('M', 0, 0);
    add(",\"name\":\"trine_trace\",\"args\":{\"events\":%llu,\"dropped\":%llu,\"steps_back\":%llu}}\n]\n",
        (unsigned long long)(written - out.written0), (unsigned long long)(dropped - out.dropped0),
        (unsigned long long)out.steps_back);
    flush();
    if (close(out.fd) < 0 && !out.error) out.error = errno;
    if (out.error) rt_print("trine: the trace is not complete: %s\n", strerrordesc_np(out.error));
}

static void *writer(void *unused)
{
    (void)unused;
    add("[\n");
    begin('M', 0, 0);
    add(",\"name\":\"process_name\",\"args\":{\"name\":\"trine\"}}");
    while (at32_load_acq(&state) != STOPPING) {
        drain();
        rt_usleep(RT_TRACE_PERIOD_US);
    }
    rt_usleep(1000); /* for who read the switch before it was turned off; a later one is lost, as after any end */
    drain();
    finish_file();
    at32_store_rel(&state, OFF); /* partner: trine_trace_stop */
    return NULL;
}

/* ---- start and stop ---- */
/* In the child of a fork there is no writer, and the trace is the parent's. Its descriptor stays: by now the number may be
 * another file's. */
static void forget_the_parents(void)
{
    if (at32_load_acq(&state) == OFF || owner == getpid()) return;
    at32_store_rel(&rt_trace_on, 0);
    at32_store_rel(&state, OFF);
}

static void calibrate(void)
{
    uint64_t t0 = rt_ticks();
    int64_t ns0 = rt_nanotime();
    rt_usleep(RT_TRACE_CALIBRATE_US);
    uint64_t ticks = rt_ticks() - t0;
    scale = (uint64_t)(((unsigned __int128)(rt_nanotime() - ns0) << 32) / (ticks ? ticks : 1));
}

static int start(const char *path)
{
    memset(&out, 0, offsetof(__typeof__(out), text));
    memset(tracks, 0, sizeof tracks);
    out.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out.fd < 0) return -errno;
    out.first = true;
    if (!scale) calibrate();
    rt_trace_discard();
    rt_trace_counts(&out.written0, &out.dropped0);
    out.t0 = rt_ticks();
    int err = rt_newosthread(writer, NULL, TRACE_STACK_BYTES + rt_tlsbytes());
    if (err) close(out.fd);
    return err;
}

int trine_trace_start(const char *path)
{
    rt_not_in_handler("trine_trace_start");
    if (!path) return -EINVAL;
    forget_the_parents();
    if (!at32_cas_ar(&state, OFF, STARTING)) return -EBUSY;
    owner = getpid();
    int err = start(path);
    if (err) {
        at32_store_rel(&state, OFF);
        return err;
    }
    at32_store_rel(&state, ON);
    at32_store_rel(&rt_trace_on, 1);
    struct g *gp = rt_getg();
    if (gp && gp->inrt == 0) { /* the caller's own slice began before the trace; in a blocking call the P may be another's */
        gp = rt_enter("trine_trace_start");
        rt_trace(gp->m->p->id, TR_RESUME, gp->goid, 0);
        rt_leave(gp);
    }
    return 0;
}

int trine_trace_stop(void)
{
    rt_not_in_handler("trine_trace_stop");
    forget_the_parents();
    at32_store_rel(&rt_trace_on, 0);
    if (!at32_cas_ar(&state, ON, STOPPING)) return -EINVAL;
    while (at32_load_acq(&state) != OFF) rt_usleep(200); /* outside of the runtime: the P can leave meanwhile */
    return out.error ? -out.error : 0;
}

/* ---- $TRINE_TRACE: a file a run: the child of a fork appends its process id, a second run its number ---- */
static bool by_env;
static pid_t program; /* the process that loaded us */
__attribute__((constructor)) static void remember_program(void) { program = getpid(); }

void rt_trace_env_start(void)
{
    static int runs; /* of this process */
    static pid_t self;
    char path[4096], process[20] = "", number[16] = "";
    const char *env = getenv("TRINE_TRACE");
    forget_the_parents();
    if (!env || !*env) return;
    if (self != getpid()) runs = 0;
    self = getpid();
    if (self != program) snprintf(process, sizeof process, ".pid%d", (int)self);
    if (++runs > 1) snprintf(number, sizeof number, ".%d", runs);
    int n = snprintf(path, sizeof path, "%s%s%s", env, process, number);
    int err = n < (int)sizeof path ? trine_trace_start(path) : -ENAMETOOLONG;
    by_env = err == 0;
    if (err) rt_print("trine: TRINE_TRACE: %.300s: %s; there will be no trace\n", env, strerrordesc_np(-err));
}

void rt_trace_env_stop(void)
{
    if (by_env) trine_trace_stop();
    by_env = false;
}
