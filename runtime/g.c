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
 * Dead Gs travel between the Ps and the shelf by batches, so that neither side touches more of them than one while it
 * holds the lock: a descriptor that another P wrote costs 180 ns here. A batch lies on the stack of its first G, which
 * is dead and needs none, right below the descriptor, where the page is there already.
 */
enum { BATCH = RT_GFREE_MAX / 2 };
struct gbatch { struct gbatch *next; uint32_t n; struct g *g[BATCH]; };
_Static_assert(sizeof(struct g) + sizeof(struct gbatch) + 64 < RT_STACK_MIN_BYTES, "a batch fits into the smallest stack");

/* Dead Gs that no P keeps. What died lately goes first; what stays in `old` for a period, having stayed in `young` for
 * up to one before, was not needed at the load of today. */
struct shelf { struct gbatch *young, *old; uint32_t nold; };
static struct lock free_lock;
static struct shelf shelf[RT_STACK_CLASSES]; /* free_lock */
static at_u32 nshared[RT_STACK_CLASSES];     /* on the shelf; written under free_lock, read without: a hint */
/* The monitor's: taken from a shelf, to be given back; when the shelves last aged, and whether they must again. */
static struct gbatch *cold[RT_STACK_CLASSES];
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
    gp->stack_bytes = (uintptr_t)gp - s.lo;
    gp->stackclass = (uint8_t)cls;
    gp->guarded = s.guarded;
    gp->arena = s.arena;
    gp->sudog0.g = gp;
    at32_store_rlx(&gp->status, Gdead);
#ifdef RT_TSAN
    gp->tsan_fiber = __tsan_create_fiber(0);
#endif
    return gp;
}

static void count_shared(int cls, uint32_t delta)
{
    at32_store_rlx(&nshared[cls], at32_load_rlx(&nshared[cls]) + delta);
}

static struct gbatch *shelf_pop(int cls)
{
    struct shelf *s = &shelf[cls];
    struct gbatch **from = s->young ? &s->young : &s->old, *b = *from;
    if (!b) return NULL;
    if (from == &s->old) s->nold -= b->n;
    *from = b->next;
    count_shared(cls, -b->n);
    return b;
}

/* A batch from the shelf, if it has one, into the cache, which is empty. */
static void refill(struct gcache *c, int cls)
{
    rt_lock(&free_lock);
    struct gbatch *b = shelf_pop(cls);
    rt_unlock(&free_lock);
    if (!b) return;
    uint32_t n = b->n; /* the batch goes with the stack that it lies on */
    memcpy(c->g, b->g, n * sizeof *c->g);
    for (uint32_t i = n; i > 0 && i + RT_PREFETCH_AHEAD > n; i--) rt_prefetch_g(c->g[i - 1]);
    c->n = n;
}

struct g *rt_gfget(struct p *pp, int cls)
{
    struct gcache *c = &pp->gfree[cls];
    if (__builtin_expect(c->n == 0, 0)) {
        if (at32_load_rlx(&nshared[cls])) refill(c, cls);
        if (c->n == 0) return make(cls);
    }
    uint32_t n = --c->n;
    if (n >= RT_PREFETCH_AHEAD) rt_prefetch_g(c->g[n - RT_PREFETCH_AHEAD]);
    return c->g[n];
}

/* The n that were longest in the cache go to the shelf as a batch. */
static void spill(struct gcache *c, int cls, uint32_t n)
{
    struct gbatch *b = (struct gbatch *)((uintptr_t)c->g[0] - sizeof *b);
    b->n = n;
    memcpy(b->g, c->g, n * sizeof *c->g);
    c->n -= n;
    memmove(c->g, c->g + n, c->n * sizeof *c->g);
    rt_lock(&free_lock);
    b->next = shelf[cls].young;
    shelf[cls].young = b;
    count_shared(cls, n);
    rt_unlock(&free_lock);
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
/* A period has passed: what was old becomes cold, what was young old. Wants free_lock. True: something is left to age. */
static bool age(int cls)
{
    struct shelf *s = &shelf[cls];
    uint32_t all = at32_load_rlx(&nshared[cls]), young = all - s->nold;
    if (all <= RT_TRIM_KEEP || cold[cls]) return cold[cls] != NULL;
    cold[cls] = s->old;
    count_shared(cls, -s->nold);
    *s = (struct shelf){NULL, s->young, young};
    return true;
}

static bool age_all(void)
{
    bool left = false;
    rt_lock(&free_lock);
    for (int c = 0; c < RT_STACK_CLASSES; c++)
        if (rt_stackclass_bytes(c) >= rt_pagesize()) left |= age(c); /* below, slots share a page: they stay */
    rt_unlock(&free_lock);
    return left;
}

static void bury(struct gbatch *b)
{
    for (uint32_t i = b->n; i-- > 0;) { /* the first, on whose stack the batch lies, last */
        struct g *gp = b->g[i];
#ifdef RT_TSAN
        __tsan_destroy_fiber(gp->tsan_fiber);
#endif
        rt_stackvacate(gp->arena, gp->stack_lo);
    }
}

bool rt_gftrim(int64_t now)
{
    if (now - trimmed_at >= RT_TRIM_PERIOD_NS) {
        trim_left = trimmed_at != 0 && age_all(); /* a first period begins */
        trimmed_at = now;
    }
    uint32_t n = 0;
    for (int c = 0; c < RT_STACK_CLASSES; c++) {
        for (struct gbatch *b; (b = cold[c]) != NULL && n + b->n <= RT_TRIM_CHUNK;) {
            cold[c] = b->next;
            n += b->n;
            bury(b);
        }
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
#ifdef RT_TSAN
    rt_stackwalk(drop_fiber, NULL);
#endif
    memset(shelf, 0, sizeof shelf);
    memset(nshared, 0, sizeof nshared);
    memset(cold, 0, sizeof cold);
    trimmed_at = 0;
    trim_left = false;
}

void rt_ginit(struct g *gp, trine_fn fn, void *arg)
{
    gp->fn = fn;
    gp->arg = arg;
    gp->inrt = 1; /* it begins inside the runtime, like every G that is switched to */
    gp->errno_saved = 0;
    gp->unjoined = 0; /* of whoever had this descriptor before */
    arch_ctx_make(&gp->ctx, (void *)((uintptr_t)gp & ~(uintptr_t)15));
}

void rt_gstackoverflow(struct g *gp)
{
    rt_throw("stack overflow: goroutine %llu%s%s used more than its %zu bytes", (unsigned long long)gp->goid,
             gp->name ? " " : "", gp->name ? gp->name : "", gp->stack_bytes);
}
