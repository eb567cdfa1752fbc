/*
 * trace.h: what happened on each P, as events of 16 bytes in a ring a P. Floor 2; knows nothing of G, M or P.
 *
 * Off, an event is one load of a global and a branch not taken. On, it is a read of the cycle counter and three stores;
 * it neither locks nor waits: where the ring is full the event is dropped and counted. Who emits to a track holds that
 * P, so a track has one writer at a time and passes with the P, in order. One reader: the thread in trine_trace.c.
 */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include "atomic.h"

/* An event's id and argument stand beside its kind. "Ends": the goroutine no longer runs on this P. */
enum trace_kind {
    TR_START,   /* goid begins to run; argument: 1 when it inherits the slice */
    TR_RESUME,  /* goid runs again on a P that it found after a blocking call; no switch */
    TR_PARK,    /* ends; wait reason */
    TR_YIELD,   /* ends */
    TR_PREEMPT, /* ends; 1: its thread was stopped in foreign code */
    TR_EXIT,    /* ends */
    TR_RETAKE,  /* ends: the P was taken from its thread in a blocking call */
    TR_SYSCALL, /* a blocking call begins */
    TR_STEAL,   /* number of goroutines; the P that they were taken from */
    TR_HANDOFF, /* this P is given to another thread, or to the idle list */
    TR_NETPOLL, /* number of goroutines that the network readied */
    TR_TIMERS,  /* number of goroutines that timers readied; the P whose timers they were */
    TR_SPIN,    /* its M begins to look for work elsewhere */
    TR_TICK61,  /* the global queue goes first */
    TR_OVERFLOW, /* number of goroutines that the full ring gave to the global queue */
    TR_STOP,    /* the world has stopped; on the track of P 0 */
    TR_KINDS
};
struct trace_event { uint64_t ticks, id; uint32_t arg; enum trace_kind kind; };

extern at_u32 rt_trace_on;
__attribute__((cold, noinline)) void rt_trace_emit(uint32_t track, enum trace_kind kind, uint64_t id, uint32_t arg);

/* id: at most 40 bits, arg: at most 16. The caller holds the P whose number track is. Legal in the preemption handler. */
#ifdef TRINE_MODEL /* the explorer would take the switch for one more shared word */
#define rt_trace(track, kind, id, arg) ((void)(track), (void)(kind), (void)(id), (void)(arg))
#else
/* A macro: what the event says is not even loaded while nobody traces. */
#define rt_trace(track, kind, id, arg)                                                                           \
    do {                                                                                                         \
        if (__builtin_expect(at32_load_rlx(&rt_trace_on), 0)) rt_trace_emit(track, kind, id, arg);                \
    } while (0)
#endif

uint64_t rt_ticks(void); /* the cycle counter: the same on all CPUs, of constant rate */

/* The reader's. */
void rt_trace_discard(void);                                   /* forgets what is in the rings */
bool rt_trace_next(uint32_t track, struct trace_event *out);   /* false: the ring is empty */
void rt_trace_counts(uint64_t *written, uint64_t *dropped);    /* since the process began; by anybody */
#endif
