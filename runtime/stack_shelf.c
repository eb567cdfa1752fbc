/*
 * stack_shelf.c: slots that nobody has and whose memory stays. Floor 3; see stack.h.
 *
 * The lowest go first. So a program whose need falls keeps to the same low slots, which stay in the caches, while the
 * others age until their memory goes back. And so slots go out in the order of their addresses, however they came in:
 * each ordinary stack has a page of its own, and a line of the page table, but thirty in a row share the table's page.
 * In the order of deaths, which each round mixes more, 100,000 sleepers were late by 28 ms in the first and 43 in the tenth.
 */
#include "stack_arena.h"

/* Slots of one word. */
static void put_word(struct stackclass *c, uint32_t slot, uint64_t mask)
{
    struct arenaref *r = arena_of(c, slot);
    uint32_t word = (slot - r->a->first) / 64;
    r->a->bits[word].warm |= mask;
    r->a->some[word / 64] |= 1ull << word % 64;
    r->nwarm += (uint32_t)__builtin_popcountll(mask);
    if (slot >> c->shift < c->lowest) c->lowest = slot >> c->shift;
}

static void count_warm(struct stackclass *c, uint32_t delta) { at32_store_rlx(&c->nwarm, at32_load_rlx(&c->nwarm) + delta); }

/* Who died one after the other was mostly made one after the other: neighbours go by one step. */
void rt_shelfput(int cls, const uint32_t *slots, uint32_t n)
{
    struct stackclass *c = &rt_arenas.class[cls];
    rt_lock(&rt_arenas.lock);
    uint32_t of_word = c->of_word;
    for (uint32_t i = 0; i < n;) {
        uint32_t first = slots[i] & ~(of_word - 1);
        uint64_t mask = 0;
        for (; i < n && slots[i] - first < of_word; i++) mask |= 1ull << (slots[i] - first);
        put_word(c, first, mask);
    }
    count_warm(c, n);
    rt_unlock(&rt_arenas.lock);
}

static uint32_t take_word(struct arena *a, uint32_t word, uintptr_t *lo, uint32_t n)
{
    struct slotbits *b = &a->bits[word];
    uintptr_t base = slot_at(a, word * 64).lo, stride = a->stride;
    uint64_t warm = b->warm;
    uint32_t got = 0;
    for (; warm && got < n; warm &= warm - 1) lo[got++] = base + (uintptr_t)__builtin_ctzll(warm) * stride;
    b->warm = warm;
    b->old &= warm;
    if (!warm) a->some[word / 64] &= ~(1ull << word % 64);
    return got;
}

static uint32_t take_arena(struct arenaref *r, uintptr_t *lo, uint32_t n)
{
    uint32_t got = 0;
    for (uint32_t i = 0; r->nwarm > got && got < n; i++)
        while (r->a->some[i] && got < n)
            got += take_word(r->a, i * 64 + (uint32_t)__builtin_ctzll(r->a->some[i]), lo + got, n - got);
    r->nwarm -= got;
    return got;
}

uint32_t rt_shelftake(int cls, uintptr_t *lo, uint32_t n)
{
    struct stackclass *c = &rt_arenas.class[cls];
    if (!at32_load_rlx(&c->nwarm)) return 0;
    uint32_t got = 0;
    rt_lock(&rt_arenas.lock);
    for (;; c->lowest++) {
        if (c->lowest == c->n) break;
        got += take_arena(&c->arenas[c->lowest], lo + got, n - got);
        if (got == n) break;
    }
    count_warm(c, -got);
    rt_unlock(&rt_arenas.lock);
    return got;
}

/* ---- ageing ---- */
static uint32_t age_word(struct slotbits *b)
{
    uint64_t cold = b->old;
    b->warm &= ~cold;
    b->cold |= cold;
    b->old = b->warm;
    return (uint32_t)__builtin_popcountll(cold);
}

static uint32_t age_arena(struct arenaref *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sizeof r->a->some / sizeof r->a->some[0]; i++) {
        for (uint64_t left = r->a->some[i]; left; left &= left - 1) {
            uint32_t word = i * 64 + (uint32_t)__builtin_ctzll(left);
            n += age_word(&r->a->bits[word]);
            if (!r->a->bits[word].warm) r->a->some[i] &= ~(left & -left);
        }
    }
    r->nwarm -= n;
    return n;
}

bool rt_shelfage(int cls)
{
    struct stackclass *c = &rt_arenas.class[cls];
    rt_lock(&rt_arenas.lock);
    bool ages = !c->ncold && at32_load_rlx(&c->nwarm);
    for (uint32_t k = c->lowest; ages && k < c->n; k++)
        if (c->arenas[k].nwarm) c->ncold += age_arena(&c->arenas[k]);
    if (ages) {
        count_warm(c, -c->ncold);
        c->coldest = c->lowest;
    }
    bool left = ages || c->ncold;
    rt_unlock(&rt_arenas.lock);
    return left;
}

static uint32_t cold_of_arena(struct arena *a, struct stackslot *out, uint32_t n)
{
    uint32_t got = 0;
    for (uint32_t word = 0; word * 64 < a->slots && got < n; word++) {
        struct slotbits *b = &a->bits[word];
        for (; b->cold && got < n; b->cold &= b->cold - 1)
            out[got++] = slot_at(a, word * 64 + (uint32_t)__builtin_ctzll(b->cold));
    }
    return got;
}

uint32_t rt_shelfcold(int cls, struct stackslot *out, uint32_t n)
{
    struct stackclass *c = &rt_arenas.class[cls];
    uint32_t got = 0;
    rt_lock(&rt_arenas.lock);
    for (; c->ncold > got && got < n; c->coldest++) {
        got += cold_of_arena(c->arenas[c->coldest].a, out + got, n - got);
        if (got == n) break; /* this arena may have more */
    }
    c->ncold -= got;
    rt_unlock(&rt_arenas.lock);
    return got;
}
