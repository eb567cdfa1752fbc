/*
 * stack.c: arenas of stack slots. Floor 2; see stack.h.
 *
 * Owns: the list of arenas, under `lock`. Who carves holds a P; walking and release happen with the world stopped.
 */
#include "stack.h"
#include "lock.h"
#include "os_linux.h"
#include "param.h"
#include "sanitize.h"

struct arena {
    struct arena *next;
    uintptr_t base;
    size_t bytes, stride;
    uint32_t used, slots; /* carved; capacity */
    uint32_t guarded;     /* slots with a guard, from the first on */
    bool bare;            /* no more guards to be had: a canary instead */
    int cls;
    bool open;            /* still carved from; false: kept only for goroutines that outlive their run */
    uint32_t nvacant;     /* of these, vacated: their bits */
    uint64_t vacant[];
};

static struct lock lock;
static struct arena *arenas;                    /* lock */
static struct arena *current[RT_STACK_CLASSES]; /* lock */
static uint32_t nvacant[RT_STACK_CLASSES];      /* lock: in all arenas of the class */
static at_u64 nmade, nunguarded, ntrimmed;

int rt_stackclass(size_t bytes)
{
    for (int c = 0; c < RT_STACK_CLASSES; c++)
        if (bytes <= rt_stackclass_bytes(c)) return c;
    return -1;
}

size_t rt_stackclass_bytes(int cls) { return (size_t)RT_STACK_MIN_BYTES << cls; }

static size_t guard_bytes(int cls) { return rt_stackclass_bytes(cls) >= RT_STACK_GUARDED_BYTES ? rt_pagesize() : 0; }

static size_t arena_bytes(size_t slots) { return sizeof(struct arena) + (slots + 63) / 64 * 8; }

static struct arena *arena_make(int cls)
{
    size_t stride = rt_stackclass_bytes(cls) + guard_bytes(cls);
    size_t slots = RT_ARENA_BYTES / stride ? RT_ARENA_BYTES / stride : 1;
    size_t bytes = (slots * stride + rt_pagesize() - 1) & ~(rt_pagesize() - 1);
    struct arena *a = rt_sysalloc(arena_bytes(slots));
    if (!a) return NULL;
    a->base = (uintptr_t)rt_sysreserve(bytes, rt_pagesize());
    if (!a->base) {
        rt_sysfree(a, arena_bytes(slots));
        return NULL;
    }
    a->bytes = bytes;
    a->stride = stride;
    a->slots = (uint32_t)slots;
    a->cls = cls;
    a->open = true;
    a->next = arenas;
    arenas = a;
    return a;
}

/* Sees to the guard of slot i, and of those behind it. Wants the lock. */
static bool has_guard(struct arena *a, uint32_t i)
{
    if (guard_bytes(a->cls) == 0) return false;
    if (i >= a->guarded && !a->bare) {
        uint32_t n = a->slots - a->guarded < RT_GUARD_BATCH ? a->slots - a->guarded : RT_GUARD_BATCH;
        uint32_t did = (uint32_t)rt_sysguards(a->base + a->guarded * a->stride, a->stride, (int)n);
        a->guarded += did;
        a->bare = did < n;
    }
    return i < a->guarded;
}

/* A slot that was vacated. Wants the lock, and that there is one. */
static struct arena *carve_vacant(int cls, uint32_t *slot)
{
    struct arena *a = current[cls]; /* the last one that had any is most often this */
    if (!a || a->cls != cls || a->nvacant == 0)
        for (a = arenas; a->cls != cls || a->nvacant == 0 || !a->open;) a = a->next;
    uint32_t word = 0;
    while (!a->vacant[word]) word++;
    uint32_t bit = (uint32_t)__builtin_ctzll(a->vacant[word]);
    a->vacant[word] &= a->vacant[word] - 1;
    a->nvacant--;
    nvacant[cls]--;
    *slot = word * 64 + bit;
    return a;
}

/* A slot that nobody ever had. Wants the lock. */
static struct arena *carve_fresh(int cls, uint32_t *slot)
{
    struct arena *a = current[cls];
    if (!a || a->used == a->slots) a = current[cls] = arena_make(cls);
    if (!a) return NULL;
    *slot = a->used++;
    at64_add_rlx(&nmade, 1);
    return a;
}

bool rt_stackcarve(int cls, struct stackslot *out)
{
    uint32_t i = 0;
    rt_lock(&lock);
    struct arena *a = nvacant[cls] ? carve_vacant(cls, &i) : carve_fresh(cls, &i);
    if (a) out->guarded = has_guard(a, i);
    rt_unlock(&lock);
    if (!a) return false;
    uintptr_t at = a->base + i * a->stride;
    size_t guard = guard_bytes(cls);
    out->lo = at + guard;
    out->hi = at + a->stride;
    out->arena = a;
    if (!out->guarded) {
        at64_add_rlx(&nunguarded, 1);
        *(uint64_t *)out->lo = RT_STACK_CANARY;
    }
    return true;
}

bool rt_stackvacate(struct arena *a, uintptr_t lo)
{
    size_t guard = guard_bytes(a->cls);
    if (a->stride < rt_pagesize()) return false;
    uint32_t i = (uint32_t)((lo - guard - a->base) / a->stride);
    RT_ASAN_UNPOISON((void *)lo, a->stride - guard);
    rt_sysunused((void *)lo, a->stride - guard);
    rt_lock(&lock);
    a->vacant[i / 64] |= 1ull << i % 64;
    a->nvacant++;
    nvacant[a->cls]++;
    rt_unlock(&lock);
    at64_add_rlx(&ntrimmed, 1);
    return true;
}

RT_NO_TSAN void rt_stackwalk(bool (*fn)(uintptr_t, uintptr_t, void *), void *arg)
{
    for (struct arena *a = arenas; a; a = a->next)
        for (uint32_t i = 0; a->open && i < a->used; i++) {
            uintptr_t at = a->base + i * a->stride;
            if (!fn(at + guard_bytes(a->cls), at + a->stride, arg)) return;
        }
}

void rt_stackwalk_some(struct stackcursor *at, uint32_t n, bool (*fn)(uintptr_t, uintptr_t, void *), void *arg)
{
    rt_lock(&lock);
    if (!at->arena) *at = (struct stackcursor){arenas, 0};
    for (; at->arena && n; n--) {
        struct arena *a = at->arena;
        if (at->next >= a->used || !a->open) {
            *at = (struct stackcursor){a->next, 0};
            continue;
        }
        uintptr_t slot = a->base + at->next++ * a->stride;
        if (!fn(slot + guard_bytes(a->cls), slot + a->stride, arg)) break;
    }
    rt_unlock(&lock);
}

/* Pages of one slot go, unless kept; a page that two slots share goes only with both. True: something was kept. */
static bool release_slots(struct arena *a, bool (*keep)(uintptr_t, uintptr_t, void *), void *arg)
{
    bool kept = false;
    size_t page = rt_pagesize();
    size_t per = a->stride < page ? page / a->stride : 1; /* slots that share a page */
    for (uint32_t i = 0; i < a->used; i += per) {
        bool k = false;
        for (uint32_t j = i; j < i + per && j < a->used; j++) {
            uintptr_t at = a->base + j * a->stride;
            k |= keep(at + guard_bytes(a->cls), at + a->stride, arg);
        }
        if (!k) rt_sysunused((void *)(a->base + i * a->stride + guard_bytes(a->cls)),
                             a->stride < page ? page : a->stride - guard_bytes(a->cls));
        kept |= k;
    }
    return kept;
}

void rt_stackrelease(bool (*keep)(uintptr_t, uintptr_t, void *), void *arg)
{
    rt_lock(&lock);
    struct arena **link = &arenas;
    for (struct arena *a; (a = *link) != NULL;) {
        bool any = false;
        for (uint32_t i = 0; i < a->used && !any; i++) {
            uintptr_t at = a->base + i * a->stride;
            any = keep(at + guard_bytes(a->cls), at + a->stride, arg);
        }
        if (any) {
            release_slots(a, keep, arg);
            a->open = false;
            a->nvacant = 0;
            link = &a->next;
        } else {
            *link = a->next;
            rt_sysfree((void *)a->base, a->bytes);
            rt_sysfree(a, arena_bytes(a->slots));
        }
    }
    for (int c = 0; c < RT_STACK_CLASSES; c++) {
        current[c] = NULL;
        nvacant[c] = 0;
    }
    rt_unlock(&lock);
}

bool rt_stackguardhit(uintptr_t lo, uintptr_t addr) { return addr < lo && addr >= lo - rt_pagesize(); }

void rt_stackcounts(uint64_t *made, uint64_t *unguarded, uint64_t *trimmed)
{
    *trimmed = at64_load_rlx(&ntrimmed);
    *made = at64_load_rlx(&nmade);
    *unguarded = at64_load_rlx(&nunguarded);
}
