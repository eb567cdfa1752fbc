/*
 * stack_arena.h: the arenas that stack.c and stack_shelf.c share; for them alone. Floor 3.
 *
 * A slot has a number within its class: the arena's in the class times the slots of one, a power of two, plus its own
 * place. Each slot is one of: never carved; somebody's; warm (on the shelf: nobody's, its memory there); cold (off the
 * shelf, on its way to give its memory back); vacant (given back, to be carved again). Four bits a slot, under the lock.
 */
#ifndef RT_STACK_ARENA_H
#define RT_STACK_ARENA_H

#include "lock.h"
#include "os_linux.h"
#include "param.h"
#include "stack.h"

/* Of 64 slots in a row. old, of the warm: since before the period that runs. */
struct slotbits { uint64_t warm, old, cold, vacant; };

enum { ARENA_WORDS_MAX = (int)(RT_ARENA_BYTES / RT_STACK_MIN_BYTES / 64) };

struct arena {
    struct arena *next;   /* the list of all */
    uintptr_t base;
    size_t bytes, stride; /* of a slot with its guard */
    uint32_t used, slots; /* carved; capacity */
    at_u32 guarded;       /* slots with a guard, from the first on; written under `guards` */
    uint32_t ahead;       /* up to here slots need not be committed ahead */
    uint32_t first;       /* the number of its first slot within the class */
    bool bare;            /* no more guards to be had: a canary instead; under `guards` */
    bool open;            /* still carved from; false: kept only for goroutines that outlive their run */
    int cls;
    uint32_t nvacant;
    uint64_t some[(ARENA_WORDS_MAX + 63) / 64]; /* a bit for each of `bits` that has a warm slot */
    struct slotbits bits[];
};

/* The arenas of a class in the order of their making, with how many warm slots each has. */
struct arenaref { struct arena *a; uint32_t nwarm; };
struct stackclass {
    struct arenaref *arenas;
    uint32_t n, room;
    uint32_t shift;   /* slots of an arena, as a power of two */
    uint32_t of_word; /* slots of a word: 64, or all of an arena that has fewer */
    uint32_t lowest;  /* no arena before it has a warm slot */
    uint32_t coldest; /* no arena before it has a cold slot */
    uint32_t nvacant, ncold;
    at_u32 nwarm;     /* read without the lock: a hint */
};

struct arenas {
    struct lock lock;
    struct lock guards; /* for the making of guards, which is system calls: nobody carves or shelves less quickly for it */
    struct stackclass class[RT_STACK_CLASSES];
    at_u32 crowd; /* 1 + the class of which a crowd is being made; read without the lock: a hint */
    struct { at_u64 made, unguarded, trimmed, ahead; } count; /* as in struct stackcounts */
};
extern struct arenas rt_arenas;
/* Sees to the guard of slot i, and of some behind it. Wants a P, which keeps the arena there, and neither lock. */
void arena_guard(struct arena *a, uint32_t i);

/* acquire: partner is the release of guard_more */
static inline bool arena_guarded(const struct arena *a, uint32_t i) { return i < at32_load_acq(&a->guarded); }
static inline uintptr_t arena_slot(const struct arena *a, uint32_t i) { return a->base + i * a->stride; }
static inline size_t guard_bytes(int cls) { return rt_stackclass_bytes(cls) >= RT_STACK_GUARDED_BYTES ? rt_pagesize() : 0; }
/* Slots that share a page: 1 where each has pages of its own. */
static inline uint32_t slots_a_page(const struct arena *a)
{
    return a->stride < rt_pagesize() ? (uint32_t)(rt_pagesize() / a->stride) : 1;
}
static inline struct arenaref *arena_of(struct stackclass *c, uint32_t slot) { return &c->arenas[slot >> c->shift]; }
static inline struct stackslot slot_at(const struct arena *a, uint32_t i)
{
    return (struct stackslot){arena_slot(a, i) + guard_bytes(a->cls), arena_slot(a, i + 1), a->first + i, arena_guarded(a, i)};
}
#endif
