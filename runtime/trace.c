/*
 * trace.c: the rings of the event trace. Floor 2; see trace.h.
 *
 * Owns: one ring a track, made at its first event (straight from the kernel: a thread stopped in foreign code may own
 * malloc's lock), never freed, since a late writer may still be in it. Racing sides: the writer publishes head with
 * release, the reader acquires it; the reader gives slots back by tail with release, the writer acquires that.
 */
#include "trace.h"
#include "os_linux.h"
#include "param.h"

struct track {
    at_u64 head;    /* writer: events ever written */
    at_u64 dropped; /* writer */
    _Alignas(RT_CACHE_LINE) at_u64 tail; /* reader: events ever read */
    _Alignas(RT_CACHE_LINE) struct { at_u64 ticks, word; } event[RT_TRACE_EVENTS];
};

at_u32 rt_trace_on;
static at_ptr tracks[RT_MAX_PROCS];
static at_u64 lost; /* events for whose ring there was no memory */

uint64_t rt_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#endif
}

static struct track *make(uint32_t i)
{
    struct track *t = rt_sysalloc(sizeof *t);
    if (t) atp_store_rel(&tracks[i], t); /* the caller holds the P: nobody else makes this one */
    else at64_add_rlx(&lost, 1);
    return t;
}

void rt_trace_emit(uint32_t track, enum trace_kind kind, uint64_t id, uint32_t arg)
{
    struct track *t = atp_load_acq(&tracks[track]);
    if (!t && !(t = make(track))) return;
    uint64_t head = at64_load_rlx(&t->head);
    if (head - at64_load_acq(&t->tail) == RT_TRACE_EVENTS) { /* partner: rt_trace_next */
        at64_bump(&t->dropped, 1);
        return;
    }
    at64_store_rlx(&t->event[head % RT_TRACE_EVENTS].ticks, rt_ticks());
    at64_store_rlx(&t->event[head % RT_TRACE_EVENTS].word, id << 24 | (uint64_t)(arg & 0xffff) << 8 | (uint64_t)kind);
    at64_store_rel(&t->head, head + 1); /* partner: rt_trace_next */
}

bool rt_trace_next(uint32_t track, struct trace_event *out)
{
    struct track *t = atp_load_acq(&tracks[track]);
    if (!t) return false;
    uint64_t tail = at64_load_rlx(&t->tail);
    if (tail == at64_load_acq(&t->head)) return false;
    uint64_t word = at64_load_rlx(&t->event[tail % RT_TRACE_EVENTS].word);
    *out = (struct trace_event){at64_load_rlx(&t->event[tail % RT_TRACE_EVENTS].ticks), word >> 24,
                                (uint32_t)(word >> 8 & 0xffff), (enum trace_kind)(word & 0xff)};
    at64_store_rel(&t->tail, tail + 1);
    return true;
}

void rt_trace_discard(void)
{
    for (int i = 0; i < RT_MAX_PROCS; i++) {
        struct track *t = atp_load_acq(&tracks[i]);
        if (t) at64_store_rel(&t->tail, at64_load_acq(&t->head));
    }
}

void rt_trace_counts(uint64_t *written, uint64_t *dropped)
{
    *written = 0;
    *dropped = at64_load_rlx(&lost);
    for (int i = 0; i < RT_MAX_PROCS; i++) {
        struct track *t = atp_load_acq(&tracks[i]);
        if (!t) continue;
        *written += at64_load_rlx(&t->head);
        *dropped += at64_load_rlx(&t->dropped);
    }
}
