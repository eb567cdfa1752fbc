/*
 * stack_ahead.c: memory for the next stacks of a crowd, before they are carved. Floor 3; see stack.h.
 *
 * The first touch of a page is most of what a new goroutine costs, and who makes a crowd pays it for each. An M that looks
 * for work and finds none commits some pages on its way to sleep (Go's idle Ps mark for the collector then). It keeps
 * ahead of the one who carves by a few slots, so that the two do not fault in the same page, and by no more than a
 * window: that much memory at most nobody has asked for. It makes the guards too, some more slots ahead.
 *
 * Racing sides: the slot is somebody's by the time its page is committed. Then nothing happens to the page.
 */
#include "stack_arena.h"

/* Is there a slot whose turn it is? Wants the lock. */
static bool next_slot(struct arena *a, uint32_t *slot)
{
    uint32_t i = a->used + RT_AHEAD_GAP;
    if (i < a->ahead) i = a->ahead;
    if (i >= a->slots || i >= a->used + RT_AHEAD_WINDOW) return false;
    uint32_t per = slots_a_page(a);
    a->ahead = (i / per + 1) * per;
    *slot = i;
    return true;
}

/* The next slot whose turn it is, and its arena; NULL: none. */
static struct arena *claim(uint32_t *slot)
{
    struct arena *a = NULL;
    rt_lock(&rt_arenas.lock);
    uint32_t cls = at32_load_rlx(&rt_arenas.crowd);
    if (cls) {
        struct stackclass *c = &rt_arenas.class[cls - 1];
        a = c->arenas[c->n - 1].a;
        if (!next_slot(a, slot)) {
            at32_store_rlx(&rt_arenas.crowd, 0); /* until the next is carved */
            a = NULL;
        }
    }
    rt_unlock(&rt_arenas.lock);
    return a;
}

bool rt_stackahead(void)
{
    if (!at32_load_rlx(&rt_arenas.crowd)) return false;
    uint32_t i = 0;
    struct arena *a = claim(&i);
    if (!a) return false;
    /* a batch further than the page: whoever carves would wait for one that is being made */
    arena_guard(a, i + RT_GUARD_BATCH < a->slots ? i + RT_GUARD_BATCH : a->slots - 1);
    if (rt_syscommit((arena_slot(a, i + 1) - 1) & ~(rt_pagesize() - 1))) at64_add_rlx(&rt_arenas.count.ahead, 1);
    return true;
}
