/*
 * globq.c: the queue that all Ps share. Floor 4; globq.h has the contract.
 *
 * Owns struct globq (proc.h): chunks of pointers, oldest first, and behind them `rest`, a list linked through the
 * goroutines, which is used only while there is no memory for a chunk. So putting cannot fail. Invariants:
 *   - whatever stands in `rest` is younger than whatever stands in a chunk, so while `rest` holds something nothing is
 *     put into a chunk;
 *   - n counts both parts.
 *
 * Rejected: a list linked through the goroutines alone, as Go has it. A P that takes a batch of 128 from it walks 128
 * descriptors that another P wrote, 180 ns each here and one after the other, with sched.lock held; from a chunk it
 * takes 16 lines that the processor fetches ahead, and the goroutines are fetched while others run.
 * And one ring that grows: the copy of a million entries would be made with sched.lock held.
 *
 * Chunks are kept for ever: 8 bytes for the most goroutines that ever stood here.
 */
#include "globq.h"

struct gchunk {
    struct gchunk *next;
    uint32_t from, to; /* g[from..to) stand in the queue */
    struct g *g[RT_GLOBQ_CHUNK];
};

static struct gchunk *chunk_get(struct globq *q)
{
    struct gchunk *c = q->spare;
    if (!c) {
        c = rt_sysalloc(RT_GLOBQ_SLAB * sizeof *c);
        if (!c) return NULL;
        for (uint32_t i = 0; i < RT_GLOBQ_SLAB; i++) c[i].next = i + 1 < RT_GLOBQ_SLAB ? &c[i + 1] : NULL;
    }
    q->spare = c->next;
    c->next = NULL;
    c->from = c->to = 0;
    return c;
}

/* The chunk at the tail, with room for one more; NULL: no memory. */
static struct gchunk *tail_with_room(struct globq *q)
{
    struct gchunk *c = q->tail;
    if (c && c->to < RT_GLOBQ_CHUNK) return c;
    c = chunk_get(q);
    if (!c) return NULL;
    if (q->tail) q->tail->next = c;
    else q->head = c;
    q->tail = c;
    return c;
}

/* The head chunk is done with. */
static void drop_head(struct globq *q)
{
    struct gchunk *c = q->head;
    q->head = c->next;
    if (!q->head) q->tail = NULL;
    c->next = q->spare;
    q->spare = c;
}

void rt_globq_put(struct globq *q, struct g *const *gs, uint32_t n)
{
    uint32_t put = 0;
    for (struct gchunk *c; put < n && !q->rest.head && (c = tail_with_room(q)) != NULL;)
        while (put < n && c->to < RT_GLOBQ_CHUNK) c->g[c->to++] = gs[put++];
    while (put < n) glist_push(&q->rest, gs[put++]);
    q->n += n;
}

uint32_t rt_globq_get(struct globq *q, struct g **out, uint32_t n)
{
    uint32_t got = 0;
    while (got < n && q->head) {
        struct gchunk *c = q->head;
        while (got < n && c->from < c->to) out[got++] = c->g[c->from++];
        if (c->from == c->to) drop_head(q);
    }
    while (got < n && q->rest.head) out[got++] = glist_pop(&q->rest);
    q->n -= got;
    return got;
}

/* Takes the first that is wanted out of one chunk, which may be empty then: those before it move up by one. */
static struct g *extract_from(struct gchunk *c, bool (*want)(const struct g *))
{
    uint32_t i = c->from;
    while (i < c->to && !want(c->g[i])) i++;
    if (i == c->to) return NULL;
    struct g *gp = c->g[i];
    for (; i > c->from; i--) c->g[i] = c->g[i - 1];
    c->from++;
    return gp;
}

static struct g *extract_from_list(struct glist *l, bool (*want)(const struct g *))
{
    struct g *found = NULL;
    struct glist kept;
    glist_init(&kept);
    for (struct g *gp; (gp = glist_pop(l)) != NULL;) {
        if (!found && want(gp)) found = gp;
        else glist_push(&kept, gp);
    }
    *l = kept;
    return found;
}

struct g *rt_globq_extract(struct globq *q, bool (*want)(const struct g *))
{
    struct g *gp = NULL;
    for (struct gchunk *c = q->head; c && !gp; c = c->next) gp = extract_from(c, want);
    if (!gp) gp = extract_from_list(&q->rest, want);
    if (gp) q->n--;
    return gp;
}

void rt_globq_reset(struct globq *q)
{
    while (q->head) drop_head(q);
    glist_init(&q->rest);
    q->n = 0;
}
