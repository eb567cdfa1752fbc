/*
 * stack.h: address space for goroutine stacks, in power-of-two classes. Floor 3; knows nothing of Gs.
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

struct stackslot { uintptr_t lo, hi; uint32_t number; bool guarded; }; /* number: within its class */

int rt_stackclass(size_t bytes);                       /* the smallest class that holds it; -1: too large */
size_t rt_stackclass_bytes(int cls);
bool rt_stackcarve(int cls, struct stackslot *out);    /* a slot that nobody has; false: no memory */

/* The memory of a slot that is soon to be carved, while a crowd is being made: by who has nothing to do and holds a P
 * (stack_ahead.c). False: there is no need of it. Blocks M for a page fault. */
bool rt_stackahead(void);

/* The shelf: slots that nobody has and whose memory stays, for who needs one next (stack_shelf.c). */
void rt_shelfput(int cls, const uint32_t *numbers, uint32_t n);
uint32_t rt_shelftake(int cls, uintptr_t *lo, uint32_t n); /* up to n, the lowest, in the order of their addresses */
/* A period has passed: what stayed on the shelf for one before this leaves it, and is cold. Nothing does while some of
 * the last time are still cold. True: there is something cold, or may be after the next period. */
bool rt_shelfage(int cls);
uint32_t rt_shelfcold(int cls, struct stackslot *out, uint32_t n); /* up to n that are cold, for rt_stackvacate */
/* The memory of a slot goes back to the kernel, its guard stays, and it may be carved again: for a class whose slots have
 * pages of their own. Blocks M for a system call. */
void rt_stackvacate(int cls, const struct stackslot *s);

/* Every slot ever carved, in no order; one that was vacated reads as zeros. fn returns false to stop. What others carve meanwhile
 * may be missing. */
void rt_stackwalk(bool (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* The same in parts: n slots from where the cursor stands; at the end cursor.arena is NULL again. From one thread, while
 * others may carve. */
struct arena;
struct stackcursor { struct arena *arena; uint32_t next; };
void rt_stackwalk_some(struct stackcursor *at, uint32_t n, bool (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* The run is over: gives back all arenas, but pages that `keep` asks for stay until a later call. */
void rt_stackrelease(bool (*keep)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* Is addr in the guard page of some slot? Legal in a signal handler. */
bool rt_stackguardhit(uintptr_t lo, uintptr_t addr);
/* Totals of the process: slots carved for the first time; carvings without a guard; slots vacated; pages committed ahead. */
struct stackcounts { uint64_t made, unguarded, trimmed, ahead; };
struct stackcounts rt_stackcounts(void);
#endif
