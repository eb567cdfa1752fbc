/*
 * stack.c: arenas of stack slots. Floor 3; see stack.h.
 *
 * Owns: the list of arenas, under rt_arenas.lock. Who carves holds a P; walking and release happen with the world stopped.
 */
#include "stack_arena.h"
#include "sanitize.h"

#include <string.h>

struct arenas rt_arenas;
static struct arena *arenas; /* rt_arenas.lock */

int rt_stackclass(size_t bytes)
{
    for (int c = 0; c < RT_STACK_CLASSES; c++)
        if (bytes <= rt_stackclass_bytes(c)) return c;
    return -1;
}

size_t rt_stackclass_bytes(int cls) { return (size_t)RT_STACK_MIN_BYTES << cls; }

static size_t arena_bytes(size_t slots) { return sizeof(struct arena) + (slots + 63) / 64 * sizeof(struct slotbits); }

/* Room for one more in the table of the class. */
static bool class_room(struct stackclass *c)
{
    if (c->n < c->room) return true;
    uint32_t room = c->room ? 2 * c->room : (uint32_t)(rt_pagesize() / sizeof *c->arenas);
    struct arenaref *v = rt_sysalloc(room * sizeof *v);
    if (!v) return false;
    if (c->room) {
        memcpy(v, c->arenas, c->n * sizeof *v);
        rt_sysfree(c->arenas, c->room * sizeof *v);
    }
    c->arenas = v;
    c->room = room;
    return true;
}

static struct arena *arena_make(int cls)
{
    struct stackclass *c = &rt_arenas.class[cls];
    size_t size = rt_stackclass_bytes(cls), stride = size + guard_bytes(cls);
    size_t slots = RT_ARENA_BYTES / size ? RT_ARENA_BYTES / size : 1;
    size_t bytes = (slots * stride + rt_pagesize() - 1) & ~(rt_pagesize() - 1);
    if (c->n == UINT32_MAX / slots || !class_room(c)) return NULL;
    struct arena *a = rt_sysalloc(arena_bytes(slots));
    if (!a) return NULL;
    void *room = rt_sysreserve(RT_BELOW_BYTES + bytes, rt_pagesize());
    if (!room) {
        rt_sysfree(a, arena_bytes(slots));
        return NULL;
    }
    /* A frame larger than its guard takes the stack pointer into the slots below; the first ones have none, but what the kernel
     * put there: an alternate stack, as a rule, where a signal would be taken to stand on it already. */
    rt_sysforbid(room, RT_BELOW_BYTES);
    a->base = (uintptr_t)room + RT_BELOW_BYTES;
    a->bytes = bytes;
    a->stride = stride;
    a->slots = (uint32_t)slots;
    a->first = c->n * a->slots;
    a->cls = cls;
    a->open = true;
    a->next = arenas;
    arenas = a;
    c->shift = (uint32_t)__builtin_ctz(a->slots);
    c->of_word = a->slots < 64 ? a->slots : 64;
    c->arenas[c->n++] = (struct arenaref){a, 0};
    return a;
}

/* Those of the next batch. */
static void guard_more(struct arena *a, uint32_t from)
{
    uint32_t n = a->slots - from < RT_GUARD_BATCH ? a->slots - from : RT_GUARD_BATCH;
    uint32_t did = (uint32_t)rt_sysguards(a->base + from * a->stride, a->stride, (int)n);
    a->bare = did < n;
    at32_store_rel(&a->guarded, from + did); /* partner: arena_guarded */
}

void arena_guard(struct arena *a, uint32_t i)
{
    if (guard_bytes(a->cls) == 0 || arena_guarded(a, i)) return;
    rt_lock(&rt_arenas.guards);
    for (uint32_t from; (from = at32_load_rlx(&a->guarded)) <= i && !a->bare;) guard_more(a, from);
    rt_unlock(&rt_arenas.guards);
}

/* A slot that was vacated. Wants the lock, and that there is one. */
static struct arena *carve_vacant(struct stackclass *c, uint32_t *slot)
{
    struct arenaref *r = &c->arenas[c->n - 1]; /* the last one that had any is most often this */
    if (r->a->nvacant == 0)
        for (r = c->arenas; r->a->nvacant == 0;) r++;
    struct slotbits *b = r->a->bits;
    while (!b->vacant) b++;
    uint32_t bit = (uint32_t)__builtin_ctzll(b->vacant);
    b->vacant &= b->vacant - 1;
    r->a->nvacant--;
    c->nvacant--;
    *slot = (uint32_t)(b - r->a->bits) * 64 + bit;
    return r->a;
}

/* A slot that nobody ever had. Wants the lock. */
static struct arena *carve_fresh(int cls, uint32_t *slot)
{
    struct stackclass *c = &rt_arenas.class[cls];
    struct arena *a = c->n ? c->arenas[c->n - 1].a : NULL;
    if (!a || a->used == a->slots) a = arena_make(cls);
    if (!a) return NULL;
    *slot = a->used++;
    if (a->first + a->used >= RT_AHEAD_FROM) at32_store_rlx(&rt_arenas.crowd, (uint32_t)cls + 1);
    at64_add_rlx(&rt_arenas.count.made, 1);
    return a;
}

bool rt_stackcarve(int cls, struct stackslot *out)
{
    struct stackclass *c = &rt_arenas.class[cls];
    uint32_t i = 0;
    rt_lock(&rt_arenas.lock);
    struct arena *a = c->nvacant ? carve_vacant(c, &i) : carve_fresh(cls, &i);
    rt_unlock(&rt_arenas.lock);
    if (!a) return false;
    arena_guard(a, i);
    *out = slot_at(a, i);
    if (!out->guarded) {
        at64_add_rlx(&rt_arenas.count.unguarded, 1);
        *(uint64_t *)out->lo = RT_STACK_CANARY;
    }
    return true;
}

void rt_stackvacate(int cls, const struct stackslot *s)
{
    struct stackclass *c = &rt_arenas.class[cls];
    RT_ASAN_UNPOISON((void *)s->lo, s->hi - s->lo);
    rt_sysunused((void *)s->lo, s->hi - s->lo);
    rt_lock(&rt_arenas.lock);
    struct arena *a = arena_of(c, s->number)->a;
    uint32_t i = s->number - a->first;
    a->bits[i / 64].vacant |= 1ull << i % 64;
    a->nvacant++;
    c->nvacant++;
    rt_unlock(&rt_arenas.lock);
    at64_add_rlx(&rt_arenas.count.trimmed, 1);
}

RT_NO_TSAN void rt_stackwalk(bool (*fn)(uintptr_t, uintptr_t, void *), void *arg)
{
    for (struct arena *a = arenas; a; a = a->next)
        for (uint32_t i = 0; a->open && i < a->used; i++) {
            struct stackslot s = slot_at(a, i);
            if (!fn(s.lo, s.hi, arg)) return;
        }
}

void rt_stackwalk_some(struct stackcursor *at, uint32_t n, bool (*fn)(uintptr_t, uintptr_t, void *), void *arg)
{
    rt_lock(&rt_arenas.lock);
    if (!at->arena) *at = (struct stackcursor){arenas, 0};
    for (; at->arena && n; n--) {
        struct arena *a = at->arena;
        if (at->next >= a->used || !a->open) {
            *at = (struct stackcursor){a->next, 0};
            continue;
        }
        struct stackslot s = slot_at(a, at->next++);
        if (!fn(s.lo, s.hi, arg)) break;
    }
    rt_unlock(&rt_arenas.lock);
}

/* Pages of one slot go, unless kept; a page that two slots share goes only with both. True: something was kept. */
static bool release_slots(struct arena *a, bool (*keep)(uintptr_t, uintptr_t, void *), void *arg)
{
    bool kept = false;
    size_t page = rt_pagesize();
    uint32_t per = slots_a_page(a);
    for (uint32_t i = 0; i < a->used || i < a->ahead; i += per) {
        bool k = false;
        for (uint32_t j = i; j < i + per && j < a->used; j++) {
            struct stackslot s = slot_at(a, j);
            k |= keep(s.lo, s.hi, arg);
        }
        if (!k) rt_sysunused((void *)(a->base + i * a->stride + guard_bytes(a->cls)),
                             a->stride < page ? page : a->stride - guard_bytes(a->cls));
        kept |= k;
    }
    return kept;
}

void rt_stackrelease(bool (*keep)(uintptr_t, uintptr_t, void *), void *arg)
{
    rt_lock(&rt_arenas.lock);
    struct arena **link = &arenas;
    for (struct arena *a; (a = *link) != NULL;) {
        bool any = false;
        for (uint32_t i = 0; i < a->used && !any; i++) {
            struct stackslot s = slot_at(a, i);
            any = keep(s.lo, s.hi, arg);
        }
        if (any) {
            release_slots(a, keep, arg);
            a->open = false;
            link = &a->next;
        } else {
            *link = a->next;
            rt_sysguards_gone(at32_load_rlx(&a->guarded));
            rt_sysfree((void *)(a->base - RT_BELOW_BYTES), RT_BELOW_BYTES + a->bytes);
            rt_sysfree(a, arena_bytes(a->slots));
        }
    }
    for (int i = 0; i < RT_STACK_CLASSES; i++) {
        struct stackclass *c = &rt_arenas.class[i];
        if (c->room) rt_sysfree(c->arenas, c->room * sizeof *c->arenas);
        *c = (struct stackclass){0};
    }
    at32_store_rlx(&rt_arenas.crowd, 0);
    rt_unlock(&rt_arenas.lock);
}

bool rt_stackguardhit(uintptr_t lo, uintptr_t addr) { return addr < lo && addr >= lo - rt_pagesize(); }

struct stackcounts rt_stackcounts(void)
{
    const struct arenas *as = &rt_arenas;
    return (struct stackcounts){at64_load_rlx(&as->count.made), at64_load_rlx(&as->count.unguarded),
                                at64_load_rlx(&as->count.trimmed), at64_load_rlx(&as->count.ahead)};
}
