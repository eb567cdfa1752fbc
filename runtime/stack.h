/*
 * stack.h: address space for goroutine stacks, in power-of-two classes. Floor 2; knows nothing of Gs.
 *
 * One slot a goroutine, carved from NORESERVE arenas and committed as touched. A class of RT_STACK_GUARDED_BYTES or
 * more has a guard page below each slot and so a stride of an odd number of pages: with 64 KiB exactly, a thousand
 * stacks would fight for a sixteenth of the TLB's sets. Smaller classes are packed without a guard (a canary instead).
 */
#ifndef RT_STACK_H
#define RT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RT_STACK_CANARY 0x7472696e65fac0deull

struct arena;
struct stackslot { uintptr_t lo, hi; struct arena *arena; bool guarded; };

int rt_stackclass(size_t bytes);                       /* the smallest class that holds it; -1: too large */
size_t rt_stackclass_bytes(int cls);
bool rt_stackcarve(int cls, struct stackslot *out);    /* a slot that nobody has; false: no memory */
/* Nobody will touch the slot that begins at lo: its memory goes back to the kernel, its guard stays, and it may be carved
 * again. False: the class packs several slots into a page, so it stays. Blocks M for a system call. */
bool rt_stackvacate(struct arena *a, uintptr_t lo);
/* Every slot ever carved, in no order; one that was vacated reads as zeros. fn returns false to stop. What others carve meanwhile
 * may be missing. */
void rt_stackwalk(bool (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* The same in parts: n slots from where the cursor stands; at the end cursor.arena is NULL again. From one thread, while
 * others may carve. */
struct stackcursor { struct arena *arena; uint32_t next; };
void rt_stackwalk_some(struct stackcursor *at, uint32_t n, bool (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* The run is over: gives back all arenas, but pages that `keep` asks for stay until a later call. */
void rt_stackrelease(bool (*keep)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* Is addr in the guard page of some slot? Legal in a signal handler. */
bool rt_stackguardhit(uintptr_t lo, uintptr_t addr);
void rt_stackcounts(uint64_t *made, uint64_t *unguarded, uint64_t *trimmed);
#endif
