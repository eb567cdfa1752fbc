/*
 * atomic.h: the only file that names a memory order. Floor 0.
 *
 * The lock-free parts are written over these operations, so that one source runs as itself, under the chaos build
 * (a seeded yield at each operation) and under the weak-memory explorer of tests/model, which brings its own
 * definitions (TRINE_MODEL). Suffixes: rlx relaxed, acq acquire, rel release, ar acquire and release, sc total order.
 * A compare-and-swap is strong and returns whether it swapped; every fetch-and-op returns the old value.
 */
#ifndef RT_ATOMIC_H
#define RT_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef TRINE_MODEL
#include "model_atomic.h"
#define AT_SKIP() false
#else

#ifdef TRINE_CHAOS
void rt_chaos_point(void); /* os_linux.c: yields the thread one time in 64, by a seeded choice */
bool rt_chaos_skip(void);  /* the same choice, one time in 8: leave out what is usual but not promised */
#define AT_POINT() rt_chaos_point()
#define AT_SKIP() rt_chaos_skip()
#else
#define AT_SKIP() false
#define AT_POINT() ((void)0)
#endif

#define AT_DEFINE(T, name, type)                                                                               \
    typedef struct { type v; } T;                                                                              \
    static inline type name##_load_rlx(const T *a) { return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }        \
    static inline type name##_load_acq(const T *a) { AT_POINT(); return __atomic_load_n(&a->v, __ATOMIC_ACQUIRE); } \
    static inline type name##_load_sc(const T *a) { AT_POINT(); return __atomic_load_n(&a->v, __ATOMIC_SEQ_CST); } \
    static inline void name##_store_rlx(T *a, type x) { __atomic_store_n(&a->v, x, __ATOMIC_RELAXED); }        \
    static inline void name##_store_rel(T *a, type x) { AT_POINT(); __atomic_store_n(&a->v, x, __ATOMIC_RELEASE); } \
    static inline void name##_store_sc(T *a, type x) { AT_POINT(); __atomic_store_n(&a->v, x, __ATOMIC_SEQ_CST); } \
    static inline type name##_xchg_ar(T *a, type x) { AT_POINT(); return __atomic_exchange_n(&a->v, x, __ATOMIC_ACQ_REL); } \
    static inline bool name##_cas_rlx(T *a, type old, type x)                                                  \
    { AT_POINT(); return __atomic_compare_exchange_n(&a->v, &old, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); } \
    static inline bool name##_cas_acq(T *a, type old, type x)                                                  \
    { AT_POINT(); return __atomic_compare_exchange_n(&a->v, &old, x, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED); } \
    static inline bool name##_cas_rel(T *a, type old, type x)                                                  \
    { AT_POINT(); return __atomic_compare_exchange_n(&a->v, &old, x, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED); } \
    static inline bool name##_cas_ar(T *a, type old, type x)                                                   \
    { AT_POINT(); return __atomic_compare_exchange_n(&a->v, &old, x, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE); } \
    static inline bool name##_cas_sc(T *a, type old, type x)                                                   \
    { AT_POINT(); return __atomic_compare_exchange_n(&a->v, &old, x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }

#define AT_DEFINE_INT(T, name, type)                                                                           \
    AT_DEFINE(T, name, type)                                                                                   \
    static inline type name##_add_rlx(T *a, type x) { return __atomic_fetch_add(&a->v, x, __ATOMIC_RELAXED); } \
    static inline type name##_add_ar(T *a, type x) { AT_POINT(); return __atomic_fetch_add(&a->v, x, __ATOMIC_ACQ_REL); } \
    static inline type name##_add_sc(T *a, type x) { AT_POINT(); return __atomic_fetch_add(&a->v, x, __ATOMIC_SEQ_CST); } \
    static inline type name##_or_ar(T *a, type x) { AT_POINT(); return __atomic_fetch_or(&a->v, x, __ATOMIC_ACQ_REL); } \
    static inline type name##_and_ar(T *a, type x) { AT_POINT(); return __atomic_fetch_and(&a->v, x, __ATOMIC_ACQ_REL); }

AT_DEFINE_INT(at_u32, at32, uint32_t)
AT_DEFINE_INT(at_i32, ati32, int32_t)
AT_DEFINE_INT(at_u64, at64, uint64_t)
AT_DEFINE_INT(at_i64, ati64, int64_t)
AT_DEFINE(at_ptr, atp, void *)

/* Full barrier: everything before it is visible to all before anything after it is read. */
static inline void at_fence_sc(void) { AT_POINT(); __atomic_thread_fence(__ATOMIC_SEQ_CST); }
/*
 * A full barrier for two sides of unequal haste: light is a barrier to the compiler alone; heavy makes every running
 * thread of the process pass a full one (membarrier), so the two together order like two full ones. fence.h uses them.
 */
void rt_membarrier(void); /* os_linux.c */
static inline void at_fence_light(void) { AT_POINT(); __atomic_signal_fence(__ATOMIC_SEQ_CST); }
static inline void at_fence_heavy(void) { AT_POINT(); rt_membarrier(); }
/* Orders only the compiler: between a goroutine and a signal handler on its own thread. */
static inline void at_signal_fence(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
#endif /* TRINE_MODEL */

/* A hint that this thread is polling. */
static inline void at_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* A counter with one writer: readers see some recent value; no locked instruction. */
#if defined(__x86_64__) && !defined(TRINE_MODEL) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
/* One instruction for three: the compiler does not join an atomic load and store. */
static inline void at64_bump(at_u64 *a, uint64_t n) { __asm__ volatile("addq %1, %0" : "+m"(a->v) : "er"(n) : "cc"); }
static inline void at32_bump(at_u32 *a, uint32_t n) { __asm__ volatile("addl %1, %0" : "+m"(a->v) : "er"(n) : "cc"); }
static inline void at64_bump_rel(at_u64 *a, uint64_t n) { __asm__ volatile("addq %1, %0" : "+m"(a->v) : "er"(n) : "cc", "memory"); }
#else
static inline void at64_bump(at_u64 *a, uint64_t n) { at64_store_rlx(a, at64_load_rlx(a) + n); }
static inline void at32_bump(at_u32 *a, uint32_t n) { at32_store_rlx(a, at32_load_rlx(a) + n); }
static inline void at64_bump_rel(at_u64 *a, uint64_t n) { at64_store_rel(a, at64_load_rlx(a) + n); }
#endif

/* View a plain word of a public structure as an atomic one (trine.h cannot show these types). */
#define AT_U32(p) ((at_u32 *)(void *)(p))
#define AT_PTR(p) ((at_ptr *)(void *)(p))
#define AT_U64(p) ((at_u64 *)(void *)(p))
#endif
