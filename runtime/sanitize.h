/*
 * sanitize.h: what TSan, ASan and Valgrind must be told about stacks. Floor 1; empty in an ordinary build.
 *
 * TSan gets a fiber a goroutine, switched without synchronisation (flag 1: by default a switch would hide races); the
 * release at ready and the acquire at resume are the runtime's own atomics. ASan is told where the next stack lies.
 */
#ifndef RT_SANITIZE_H
#define RT_SANITIZE_H

#include <stddef.h>

#if defined(RT_TSAN)
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define RT_TSAN_ACQUIRE(p) __tsan_acquire(p)
#define RT_TSAN_RELEASE(p) __tsan_release(p)
#else
#define RT_TSAN_ACQUIRE(p) ((void)0)
#define RT_TSAN_RELEASE(p) ((void)0)
#endif

/* For reports, which read what others write: a stale or mixed line is what they promise. */
#if defined(RT_TSAN)
#define RT_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define RT_NO_TSAN
#endif

#if defined(RT_ASAN)
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
void __asan_unpoison_memory_region(void const volatile *addr, size_t size);
#define RT_ASAN_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define RT_ASAN_UNPOISON(p, n) ((void)0)
#endif

/* Without it Valgrind takes a switch to a stack nearby for a call with a huge frame. In the builds with checks alone,
 * where its header is installed: a few instructions without effect outside of Valgrind. */
#if defined(TRINE_DEBUG_CHECKS) && __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define RT_VALGRIND_USABLE(top, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED((char *)(top) - (n), (n)))
/* Valgrind keeps one current stack for all threads (its m_stacks.c): after another thread's turn the first frame of an
 * odd size on this one passes for a change of stacks and is not marked usable. So on stacks it is not believed when it
 * says "not usable"; what it says of values that were never written, and of the heap, stands. */
#define RT_VALGRIND_STACK(lo, hi)                                                                                \
    do {                                                                                                         \
        (void)VALGRIND_STACK_REGISTER((void *)(lo), (void *)(hi));                                               \
        (void)VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE((void *)(lo), (size_t)((hi) - (lo)));               \
    } while (0)
/* A thread's own stack too: from a goroutine's it may lie less than a frame's greatest size away. */
#define RT_VALGRIND_THREAD()                                                                                     \
    do {                                                                                                         \
        uintptr_t lo_ = 0;                                                                                       \
        size_t n_ = 0;                                                                                           \
        rt_threadstack(&lo_, &n_);                                                                               \
        RT_VALGRIND_STACK(lo_, lo_ + n_);                                                                        \
    } while (0)
#else
#define RT_VALGRIND_THREAD() ((void)0)
#define RT_VALGRIND_STACK(lo, hi) ((void)0)
#define RT_VALGRIND_USABLE(top, n) ((void)0)
#endif
#endif
