/*
 * test_runq.c: the run queue, runtime/runq.c itself, with a ring of four.
 *
 * Invariant: every G that is put is obtained exactly once, its fields as its maker left them; a queue that never
 * emptied is never seen empty; a slot is not reused before who took it has read it.
 * Sides: the owner (put, get, overflow, batch) against one or two thieves with rings of their own.
 * Bound: the calls of each thread as listed; every behaviour of these. The indices begin at 2^32 - 2, so that each
 * scenario wraps.
 */
#include "runq.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

enum { GS = 8, BASE = -2 };

static struct p owner, thief[2];
static struct g gs[GS];
static int got[GS];       /* how often each G was obtained */
static int nput;          /* how many are put */
static struct glist over; /* the owner's overflow */

static void empty_p(struct p *pp) {
    memset(pp, 0, sizeof(*pp));
    at64_store_rlx(&pp->runqhead, (uint32_t)BASE);
    at32_store_rlx(&pp->runqtail, (uint32_t)BASE);
}

static void setup(void) {
    empty_p(&owner);
    empty_p(&thief[0]);
    empty_p(&thief[1]);
    memset(gs, 0, sizeof(gs));
    memset(got, 0, sizeof(got));
    glist_init(&over);
    nput = 0;
    model_name(&owner.runqhead, "head");
    model_name(&owner.runqtail, "tail");
    model_name(&owner.runnext, "runnext");
    for (int i = 0; i < 4; i++) model_name(&owner.runq[i], "slot");
    model_name(&thief[0].runqhead, "thief.head");
    model_name(&thief[0].runqtail, "thief.tail");
}

/* Made by whoever puts it: the field is read by who obtains it, a race unless the queue hands it over. */
static struct g *make(int i) {
    gs[i].goid = (uint64_t)i + 1;
    return &gs[i];
}

static void obtained(struct g *gp) {
    int i = (int)(gp - gs);

    model_assert(gp >= gs && gp < gs + GS);
    model_assert(gp->goid == (uint64_t)i + 1);
    gp->goid = 100; /* used up: a write of its own */
    got[i]++;
}

/* got[] is the explorer's own bookkeeping: one cell a G, written only by who has it. */
static struct g *get(struct p *pp) {
    bool inherit;
    struct g *gp = rt_runqget(pp, &inherit);

    if (gp) {
        model_settled(pp->runq, sizeof(pp->runq), gp);
        obtained(gp);
    }
    return gp;
}

static void put(int i, bool next) { rt_runqput(&owner, make(i), next, &over); }

static void steal(struct p *self, bool take_next) {
    uint32_t n = 0;
    struct g *gp = rt_runqsteal(self, &owner, take_next, &n);

    model_assert((gp == NULL) == (n == 0));
    for (uint32_t i = 0; i + 1 < n; i++) {
        model_settled(owner.runq, sizeof(owner.runq), atp_load_rlx(&self->runq[(BASE + i) & (RT_RUNQ_SIZE - 1)]));
    }
    if (!gp) return;
    model_settled(owner.runq, sizeof(owner.runq), gp);
    obtained(gp);
    while (get(self)) continue;
}

static void thief0(void) { steal(&thief[0], false); }
static void thief1(void) { steal(&thief[1], false); }
static void thief0_twice(void) { steal(&thief[0], false); steal(&thief[0], false); }
static void thief0_next(void) { steal(&thief[0], true); }
static void thief1_next(void) { steal(&thief[1], true); }
/* Steals into its ring and leaves the rest there, for a second thief. */
static void thief0_keep(void) {
    uint32_t n = 0;
    struct g *gp = rt_runqsteal(&thief[0], &owner, false, &n);

    if (gp) obtained(gp);
    get(&thief[0]);
}
static void thief1_of_thief0(void) {
    uint32_t n = 0;
    struct g *gp = rt_runqsteal(&thief[1], &thief[0], false, &n);

    if (gp) obtained(gp);
}

static void drained(void) {
    struct g *gp;
    struct p *all[] = {&owner, &thief[0], &thief[1]};

    for (int k = 0; k < 3; k++) {
        for (bool inherit; (gp = rt_runqget(all[k], &inherit)) != NULL;) got[gp - gs]++;
    }
    while ((gp = glist_pop(&over)) != NULL) got[gp - gs]++;
    for (int i = 0; i < GS; i++) model_assert(got[i] == (i < nput));
}

/* ---- put and get against thieves ---- */
static void setup_put3(void) { setup(); nput = 3; }
static void owner_put3(void) {
    put(0, false);
    put(1, false);
    get(&owner);
    put(2, false);
    get(&owner);
}

static void fill(int n) {
    for (int i = 0; i < n; i++) rt_runqput(&owner, make(i), false, &over);
    nput = n;
}
static void setup_3(void) { setup(); fill(3); }
static void setup_4(void) { setup(); fill(4); nput = 6; }
static void setup_1(void) { setup(); fill(1); nput = 3; }
static void owner_get2(void) { get(&owner); get(&owner); }
static void owner_get_put(void) { get(&owner); put(3, false); }
static void setup_get_put(void) { setup_3(); nput = 4; }

/* ---- a full ring: overflow, and slots that are reused ---- */
static void owner_overflow(void) { put(4, false); put(5, false); }
static void owner_batch(void) {
    struct glist l;

    glist_init(&l);
    glist_push(&l, make(nput - 2));
    glist_push(&l, make(nput - 1));
    rt_runqputbatch(&owner, &l);
    glist_append(&over, &l);
}
static void owner_reuse(void) { if (get(&owner)) put(4, false); put(5, false); }

/* ---- the newest first: a join ---- */
static void get_newest(void) {
    struct g *gp = rt_runqgetnewest(&owner);

    if (!gp) return;
    model_settled(owner.runq, sizeof(owner.runq), gp);
    obtained(gp);
}
static void owner_newest2(void) { get_newest(); get_newest(); }
static void owner_newest_put(void) { get_newest(); put(3, false); get_newest(); }
static void owner_newest_get(void) { get_newest(); get(&owner); put(3, false); }
static void setup_one(void) { setup(); fill(1); }
static void setup_newest_put(void) { setup_3(); nput = 4; }

/* ---- runnext ---- */
static void owner_next(void) {
    put(0, true);
    put(1, true);
    get(&owner);
}
static void setup_next2(void) { setup(); nput = 2; }
static void owner_next_get(void) { put(0, true); get(&owner); put(1, true); }

/* ---- empty: runnext is kicked to the ring, never out of the queue ---- */
static void setup_kick(void) { setup(); rt_runqput(&owner, make(0), true, &over); nput = 2; }
static void owner_kick(void) { put(1, true); }
static void owner_kick_run(void) { put(1, true); get(&owner); }
static void owner_move_ring(void) { put(1, false); get(&owner); }
static void watcher(void) { model_assert(!rt_runqempty(&owner)); }
static void setup_move(void) { setup(); rt_runqput(&owner, make(0), false, &over); nput = 2; }
static void owner_move(void) { put(1, true); get(&owner); }

#define RUN(text, make_it, ...) {.name = text, .setup = make_it, .thread = {__VA_ARGS__}, .check = drained}
static const struct model scenario[] = {
    RUN("put and get against one steal", setup_put3, owner_put3, thief0),
    RUN("put and get against two steals in a row", setup_put3, owner_put3, thief0_twice),
    RUN("get against two thieves", setup_3, owner_get2, thief0, thief1),
    RUN("get and put against two thieves", setup_get_put, owner_get_put, thief0, thief1),
    RUN("overflow against a steal", setup_4, owner_overflow, thief0),
    RUN("reuse of a slot against a steal", setup_4, owner_reuse, thief0),
    RUN("batch against a steal", setup_4, owner_batch, thief0),
    RUN("batch into a ring with room against a steal", setup_1, owner_batch, thief0_twice),
    RUN("a thief of a thief", setup_3, owner_get2, thief0_keep, thief1_of_thief0),
    RUN("newest against a steal of the only one", setup_one, get_newest, thief0),
    RUN("newest, twice, against a steal", setup_3, owner_newest2, thief0),
    RUN("newest and put against two steals in a row", setup_newest_put, owner_newest_put, thief0_twice),
    RUN("newest and oldest against two thieves", setup_newest_put, owner_newest_get, thief0, thief1),
    RUN("newest against two thieves", setup_3, owner_newest2, thief0, thief1),
    RUN("runnext against one thief", setup_next2, owner_next, thief0_next),
    RUN("runnext against two thieves", setup_next2, owner_next_get, thief0_next, thief1_next),
    RUN("never seen empty while runnext is kicked", setup_kick, owner_kick, watcher),
    RUN("never seen empty while runnext is kicked, then run", setup_kick, owner_kick_run, watcher),
    RUN("never seen empty while the ring moves", setup_move, owner_move_ring, watcher),
    RUN("never seen empty while runnext is run", setup_move, owner_move, watcher),
};

static const struct site_waiver waiver[] = {
    {"rt_runqputnext", "atp_xchg_ar", 1, "release", "what it reads is the owner's own: thieves only empty runnext"},
    {"rt_runqoverflow", "at64_cas_rel", 1, "relaxed", "the slots that it frees are reused by the owner, who read them itself"},
};

static const struct suite suite = {"runq", scenario, sizeof(scenario) / sizeof(scenario[0]), 400000,
                                   {waiver, sizeof(waiver) / sizeof(waiver[0]), NULL, 0}, false};

int main(void) { return suite_main(&suite); }
