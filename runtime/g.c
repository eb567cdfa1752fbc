/*
 * g.c: goroutine descriptors, dead and new. Floor 4.
 *
 * A struct g lies at the top of its own stack's highest page, so that a goroutine which needs little commits one page.
 * Its place within the page varies with the page's number ("colour"): at one place, all descriptors and stack tops
 * would share the same tenth of the L1 cache's sets. Dead Gs keep their stacks and are reused last in, first out, by
 * the P on which they died: the first touch of a fresh page costs 1.6 to 2.2 us here.
 */
#include "g.h"
#include "sanitize.h"

#include <string.h>

/*
 * Dead Gs that no P keeps, by batches: a descriptor that another P wrote costs 180 ns here, so neither side touches more
 * than a batch of them. The first RT_TRIM_KEEP of a class stand here, last in, first out: a program of a thousand
 * goroutines finds them in its caches. Beyond that they go to the shelf (stack.h) as the numbers of their slots, which
 * costs 3 ns more, hands them out in the order of their addresses, and gives their memory back.
 */
enum { BATCH = RT_GFREE_MAX / 2 };
struct kept { at_u32 n; struct g *g[RT_TRIM_KEEP]; }; /* n: read without the lock: a hint */
static struct kept kept[RT_STACK_CLASSES];           /* kept_lock */
static struct lock kept_lock;

/* The monitor's: when the shelves last aged, and whether they must again. */
static int64_t trimmed_at;
static bool trim_left;

enum { COLOURS = 16, COLOUR_BYTES = 128 }; /* by these names tools/trine-gdb.py reads them */

struct g *rt_gofslot(uintptr_t lo, uintptr_t hi)
{
    size_t colour = hi - lo >= RT_STACK_GUARDED_BYTES ? ((lo >> 12) % COLOURS) * COLOUR_BYTES : 0;
    return (struct g *)((hi - colour - sizeof(struct g)) & ~(uintptr_t)63);
}

static struct g *make(int cls)
{
    struct stackslot s;
    if (!rt_stackcarve(cls, &s)) return NULL;
    struct g *gp = rt_gofslot(s.lo, s.hi);
    RT_ASAN_UNPOISON((void *)s.lo, s.hi - s.lo);
    RT_VALGRIND_STACK(s.lo, (uintptr_t)gp); /* for good: a slot is carved once */
    memset(gp, 0, sizeof *gp);
    gp->stack_lo = s.lo;
    gp->stack_bytes = (uint32_t)((uintptr_t)gp - s.lo);
    gp->slot = s.number;
    gp->stackclass = (uint8_t)cls;
    gp->guarded = s.guarded;
    gp->sudog0.g = gp;
    at32_store_rlx(&gp->status, Gdead);
#ifdef RT_TSAN
    gp->tsan_fiber = __tsan_create_fiber(0);
#endif
    return gp;
}

static uint32_t take_kept(struct g **out, int cls)
{
    struct kept *k = &kept[cls];
    if (!at32_load_rlx(&k->n)) return 0;
    rt_lock(&kept_lock);
    uint32_t have = at32_load_rlx(&k->n), n = have < BATCH ? have : BATCH;
    memcpy(out, k->g + have - n, n * sizeof *out);
    at32_store_rlx(&k->n, have - n);
    rt_unlock(&kept_lock);
    return n;
}

/* The lowest last: it is taken first. */
static uint32_t take_shelved(struct g **out, int cls)
{
    uintptr_t lo[BATCH];
    size_t bytes = rt_stackclass_bytes(cls);
    uint32_t n = rt_shelftake(cls, lo, BATCH);
    for (uint32_t i = 0; i < n; i++) out[n - 1 - i] = rt_gofslot(lo[i], lo[i] + bytes);
    return n;
}

/* The cache is empty. */
static void refill(struct gcache *c, int cls)
{
    uint32_t n = take_kept(c->g, cls);
    if (!n) n = take_shelved(c->g, cls);
    for (uint32_t i = n; i > 0 && i + RT_PREFETCH_AHEAD > n; i--) rt_prefetch_g(c->g[i - 1]);
    c->n = n;
}

struct g *rt_gfget(struct p *pp, int cls)
{
    struct gcache *c = &pp->gfree[cls];
    if (__builtin_expect(c->n == 0, 0)) {
        refill(c, cls);
        if (c->n == 0) return make(cls);
    }
    uint32_t n = --c->n;
    if (n >= RT_PREFETCH_AHEAD) rt_prefetch_g(c->g[n - RT_PREFETCH_AHEAD]);
    return c->g[n];
}

static bool keep(struct g *const *gs, int cls, uint32_t n)
{
    struct kept *k = &kept[cls];
    if (at32_load_rlx(&k->n) + n > RT_TRIM_KEEP) return false;
    rt_lock(&kept_lock);
    uint32_t have = at32_load_rlx(&k->n);
    bool room = have + n <= RT_TRIM_KEEP;
    if (room) {
        memcpy(k->g + have, gs, n * sizeof *gs);
        at32_store_rlx(&k->n, have + n);
    }
    rt_unlock(&kept_lock);
    return room;
}

static void shelve(struct g *const *gs, int cls, uint32_t n)
{
    uint32_t slots[BATCH];
    for (uint32_t i = 0; i < n; i++) slots[i] = gs[i]->slot;
    rt_shelfput(cls, slots, n);
}

/* The n that were longest in the cache leave it. */
static void spill(struct gcache *c, int cls, uint32_t n)
{
    if (!keep(c->g, cls, n)) shelve(c->g, cls, n);
    c->n -= n;
    memmove(c->g, c->g + n, c->n * sizeof *c->g);
}

void rt_gfput(struct p *pp, struct g *gp)
{
    int cls = gp->stackclass;
    struct gcache *c = &pp->gfree[cls];
    RT_ASAN_UNPOISON((void *)gp->stack_lo, gp->stack_bytes);
    c->g[c->n++] = gp;
    if (__builtin_expect(c->n == RT_GFREE_MAX, 0)) spill(c, cls, BATCH);
}

void rt_gfpurge(struct p *pp)
{
    for (int cls = 0; cls < RT_STACK_CLASSES; cls++) {
        struct gcache *c = &pp->gfree[cls];
        while (c->n) spill(c, cls, c->n < BATCH ? c->n : BATCH);
    }
}

/* ---- giving memory back ---- */
static bool age_all(void)
{
    bool left = false;
    for (int c = 0; c < RT_STACK_CLASSES; c++)
        if (rt_stackclass_bytes(c) >= rt_pagesize()) left |= rt_shelfage(c); /* below, slots share a page: they stay */
    return left;
}

static void bury(int cls, const struct stackslot *s)
{
#ifdef RT_TSAN
    __tsan_destroy_fiber(rt_gofslot(s->lo, s->hi)->tsan_fiber);
#endif
    rt_stackvacate(cls, s);
}

bool rt_gftrim(int64_t now)
{
    if (now - trimmed_at >= RT_TRIM_PERIOD_NS) {
        trim_left = trimmed_at != 0 && age_all(); /* a first period begins */
        trimmed_at = now;
    }
    struct stackslot cold[RT_TRIM_CHUNK];
    uint32_t n = 0;
    for (int c = 0; c < RT_STACK_CLASSES && n < RT_TRIM_CHUNK; c++) {
        uint32_t got = rt_shelfcold(c, cold, RT_TRIM_CHUNK - n);
        for (uint32_t i = 0; i < got; i++) bury(c, &cold[i]);
        n += got;
    }
    return trim_left || n;
}

#ifdef RT_TSAN
/* TSan has room for some 8,000 fibers: those of a run go with its stacks; a zombie is still on its own. A slot that was
 * given back reads as zeros: its fiber went with it. */
static bool drop_fiber(uintptr_t lo, uintptr_t hi, void *unused)
{
    struct g *gp = rt_gofslot(lo, hi);
    (void)unused;
    if (gp->tsan_fiber && at32_load_acq(&gp->preempt) != PREEMPT_ZOMBIE) __tsan_destroy_fiber(gp->tsan_fiber);
    return true;
}
#endif

void rt_gfforget(void)
{
    for (int c = 0; c < RT_STACK_CLASSES; c++) at32_store_rlx(&kept[c].n, 0);
#ifdef RT_TSAN
    rt_stackwalk(drop_fiber, NULL);
#endif
    trimmed_at = 0;
    trim_left = false;
}

void rt_ginit(struct g *gp, trine_fn fn, void *arg)
{
    gp->fn = fn;
    gp->arg = arg;
    gp->inrt = 1; /* it begins inside the runtime, like every G that is switched to */
    gp->errno_saved = 0;
    gp->unjoined = 0; /* this and is_main: of whoever had this descriptor before */
    gp->is_main = 0;
    arch_ctx_make(&gp->ctx, (void *)((uintptr_t)gp & ~(uintptr_t)15));
}

void rt_gstackoverflow(struct g *gp)
{
    rt_throw("stack overflow: goroutine %llu%s%s used more than its %u bytes", (unsigned long long)gp->goid,
             gp->name ? " " : "", gp->name ? gp->name : "", gp->stack_bytes);
}
