/*
 * memory.h: the memory model: what a thread may read, where a store may land, and what each of them makes visible.
 *
 * RC11 as an operational machine. Each location has its stores in modification order. A view says, for each
 * location, which store is the oldest that may still be read; a release store carries its thread's view, and an
 * acquire load joins the view of the store that it read. Called by the explorer alone, between two steps.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include "explore.h"
#include "model_atomic.h"

#define MEM_LOCATIONS 96
#define MEM_STORES 120 /* of one location in one execution */

struct view {
    uint8_t at[MEM_LOCATIONS];       /* a store's number */
    uint16_t clock[MODEL_MAX_THREADS]; /* happens-before, for the plain accesses */
};

struct mem_thread {
    struct view now;     /* what its next load must respect */
    struct view fetched; /* now, and what relaxed loads brought: a fence makes it visible */
    struct view fenced;  /* now at the last fence: what a relaxed store passes on */
};

extern struct mem_thread mem_thread[MODEL_MAX_THREADS];

void mem_reset(int nthreads);                        /* before an execution */
void mem_forget(void);                               /* before an exploration: no location is known */
int mem_location(const void *a, size_t bytes);       /* the number of the location at a; learns new ones */
const void *mem_address(int loc);

/* The choices of an operation: numbers of the stores to read from, or to land behind. */
int mem_readable(int t, int loc, bool sc, int *store, int max);
int mem_slots(int t, int loc, bool sc, int *store, int max);
bool mem_slot_free(int loc, int store); /* no read-modify-write stands right behind it */
uint64_t mem_value(int loc, int store);

/* write and settle return false, and -1, when a store replaces what a settled load read, without being ordered behind it. */
void mem_read(int t, int loc, int store, unsigned order);
int mem_write(int t, int loc, int behind, uint64_t x, unsigned order, bool rmw);
void mem_fence_sc(int t);
void mem_fence_light(int t); /* against a heavy one alone; no order between two light ones */
void mem_fence_heavy(int t);
/* The load of loc that thread t made last is final: a store that replaces what it read must happen after it. A load
 * cannot overtake the machine's own order, so this is how an unordered overwrite shows. False: one was made. */
bool mem_settle(int t, int loc);
int mem_known(const void *a); /* the location at a, or -1 */
bool mem_last_load_was(int t, int loc, uint64_t value);
uint64_t mem_last(int loc); /* the last value in modification order */
uint8_t mem_newest(int loc);

void view_join(struct view *into, const struct view *from);
void mem_tick(int t); /* a later plain access is not covered by what was released so far */
#endif
