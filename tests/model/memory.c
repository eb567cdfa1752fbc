/*
 * memory.c: locations, their stores in modification order, and the views of the threads. See memory.h.
 *
 * Release sequences are C++20's: a store and the read-modify-writes chained to it. A store may land anywhere behind
 * the newest store that its thread knows, but never between a read-modify-write and the store which that one read.
 * Sequentially consistent accesses and fences share one view, sc; its order is the order of execution, so it agrees
 * with happens-before (C++17's rule). The clocks are not passed on through sc: a fence pair synchronises only
 * through a store and a load beside it. A light fence is ordered against heavy ones alone, which is all that a
 * compiler barrier and membarrier promise together.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
    uint64_t value;
    struct view view;
    uint16_t knew[MODEL_MAX_THREADS]; /* the clocks that its thread knew: what happened before it */
    uint8_t pos, writer;
    bool rmw;
};

struct location {
    void *address;
    size_t bytes;
    unsigned run; /* the execution that its stores belong to */
    int nstores;
    uint8_t order[MEM_STORES]; /* modification order: store numbers */
    struct store store[MEM_STORES];
};

/* The load that a thread made last of a location. */
struct load {
    uint8_t store;
    uint16_t clock;
    bool made, settled;
};

static struct load last_load[MODEL_MAX_THREADS][MEM_LOCATIONS];
struct mem_thread mem_thread[MODEL_MAX_THREADS];
static struct location location[MEM_LOCATIONS];
static int nlocations;
static unsigned run;
static struct view sc;
static struct view light, heavy; /* what light fences told heavy ones, and the other way */

static void must(bool ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "explorer: %s: raise the limit in memory.h\n", what);
        abort();
    }
}

static uint64_t fetch(const void *a, size_t bytes) {
    uint64_t x = 0;

    memcpy(&x, a, bytes); /* little endian; an odd size does not occur */
    return x;
}

static struct location *fresh(int loc) {
    struct location *l = &location[loc];

    if (l->run != run) {
        l->run = run;
        l->nstores = 1;
        l->order[0] = 0;
        memset(&l->store[0], 0, sizeof(l->store[0]));
        l->store[0].value = fetch(l->address, l->bytes);
    }
    return l;
}

void mem_forget(void) { nlocations = 0; }

void mem_reset(int nthreads) {
    run++;
    memset(&sc, 0, sizeof(sc));
    memset(&light, 0, sizeof(light));
    memset(&heavy, 0, sizeof(heavy));
    memset(last_load, 0, sizeof(last_load));
    memset(mem_thread, 0, sizeof(mem_thread));
    for (int t = 0; t < nthreads; t++) {
        mem_tick(t);
        mem_thread[t].fetched = mem_thread[t].now;
    }
}

int mem_known(const void *a) {
    for (int i = 0; i < nlocations; i++) {
        if (location[i].address == a) return i;
    }
    return -1;
}

int mem_location(const void *a, size_t bytes) {
    int known = mem_known(a);

    if (known >= 0) return known;
    must(nlocations < MEM_LOCATIONS, "too many atomic locations");
    location[nlocations] = (struct location){.address = (void *)(uintptr_t)a, .bytes = bytes};
    return nlocations++;
}

const void *mem_address(int loc) { return location[loc].address; }

void mem_tick(int t) { mem_thread[t].now.clock[t]++; }

static void view_join_stores(struct view *into, const struct view *from) {
    for (int i = 0; i < nlocations; i++) {
        if (from->at[i] == into->at[i] || from->at[i] == 0 || location[i].run != run) continue;
        if (location[i].store[from->at[i]].pos > location[i].store[into->at[i]].pos) into->at[i] = from->at[i];
    }
}

void view_join(struct view *into, const struct view *from) {
    view_join_stores(into, from);
    for (int t = 0; t < MODEL_MAX_THREADS; t++) {
        if (from->clock[t] > into->clock[t]) into->clock[t] = from->clock[t];
    }
}

static void see(struct view *v, struct location *l, int store) {
    int loc = (int)(l - location);

    if (l->store[store].pos > l->store[v->at[loc]].pos) v->at[loc] = (uint8_t)store;
}

/* The position of the oldest store that thread t may read or land behind. */
static int floor_pos(int t, struct location *l, bool is_sc) {
    int loc = (int)(l - location);
    int pos = l->store[mem_thread[t].now.at[loc]].pos;
    int spos = l->store[sc.at[loc]].pos;

    return is_sc && spos > pos ? spos : pos;
}

int mem_readable(int t, int loc, bool is_sc, int *store, int max) {
    struct location *l = fresh(loc);
    int n = 0;

    for (int p = l->nstores - 1; p >= floor_pos(t, l, is_sc); p--) {
        must(n < max, "too many stores to read from");
        store[n++] = l->order[p];
    }
    return n;
}

bool mem_slot_free(int loc, int store) {
    struct location *l = fresh(loc);
    int p = l->store[store].pos + 1;

    return p == l->nstores || !l->store[l->order[p]].rmw;
}

int mem_slots(int t, int loc, bool is_sc, int *store, int max) {
    int n = mem_readable(t, loc, is_sc, store, max), kept = 0;

    for (int i = 0; i < n; i++) {
        if (mem_slot_free(loc, store[i])) store[kept++] = store[i];
    }
    return kept;
}

uint64_t mem_value(int loc, int store) { return fresh(loc)->store[store].value; }

uint8_t mem_newest(int loc) {
    struct location *l = fresh(loc);

    return l->order[l->nstores - 1];
}

uint64_t mem_last(int loc) { return mem_value(loc, mem_newest(loc)); }

void mem_read(int t, int loc, int store, unsigned order) {
    struct location *l = fresh(loc);
    struct mem_thread *th = &mem_thread[t];

    last_load[t][loc] = (struct load){(uint8_t)store, th->now.clock[t], true, false};
    see(&th->now, l, store);
    if (order & MO_ACQ) view_join(&th->now, &l->store[store].view);
    view_join(&th->fetched, &l->store[store].view);
    view_join(&th->fetched, &th->now);
    if (order == MO_SC) see(&sc, l, store);
}

/* Does thread t's store at position pos come behind what u's load read, without happening after that load? */
static bool overtakes(int t, int u, const struct location *l, int pos) {
    const struct load *ld = &last_load[u][l - location];

    return t != u && pos > l->store[ld->store].pos && ld->clock > mem_thread[t].now.clock[u];
}

bool mem_last_load_was(int t, int loc, uint64_t value) {
    return last_load[t][loc].made && mem_value(loc, last_load[t][loc].store) == value;
}

bool mem_settle(int t, int loc) {
    struct load *ld = &last_load[t][loc];
    const struct location *l = &location[loc];

    for (int id = 0; ld->made && id < l->nstores; id++) {
        const struct store *s = &l->store[id];

        if (s->writer != t && id != 0 && s->pos > l->store[ld->store].pos && ld->clock > s->knew[t]) return false;
    }
    ld->settled = ld->made;
    return true;
}

int mem_write(int t, int loc, int behind, uint64_t x, unsigned order, bool rmw) {
    struct location *l = fresh(loc);
    struct mem_thread *th = &mem_thread[t];
    int id = l->nstores, at = l->store[behind].pos + 1;
    struct store *s = &l->store[id];

    must(id < MEM_STORES, "too many stores to one location");
    for (int u = 0; u < MODEL_MAX_THREADS; u++) {
        if (last_load[u][loc].settled && overtakes(t, u, l, at)) return -1;
    }
    memmove(&l->order[at + 1], &l->order[at], (size_t)(id - at));
    l->order[at] = (uint8_t)id;
    l->nstores++;
    for (int p = at; p < l->nstores; p++) l->store[l->order[p]].pos = (uint8_t)p;
    s->value = x;
    s->rmw = rmw;
    s->writer = (uint8_t)t;
    memcpy(s->knew, th->now.clock, sizeof(s->knew));
    see(&th->now, l, id);
    see(&th->fetched, l, id);
    s->view = order & MO_REL ? th->now : th->fenced;
    see(&s->view, l, id);
    if (rmw) view_join(&s->view, &l->store[behind].view);
    if (order == MO_SC) see(&sc, l, id);
    mem_tick(t);
    x = mem_last(loc);
    memcpy(l->address, &x, l->bytes);
    return id;
}

static void fence_done(struct mem_thread *th, int t) {
    th->fetched = th->now;
    th->fenced = th->now;
    mem_tick(t);
}

void mem_fence_sc(int t) {
    struct mem_thread *th = &mem_thread[t];

    view_join(&th->now, &th->fetched);
    view_join_stores(&th->now, &sc);
    view_join_stores(&sc, &th->now);
    fence_done(th, t);
}

void mem_fence_light(int t) {
    struct mem_thread *th = &mem_thread[t];

    view_join_stores(&th->now, &heavy);
    view_join_stores(&th->fetched, &heavy);
    view_join_stores(&light, &th->now);
}

void mem_fence_heavy(int t) {
    struct mem_thread *th = &mem_thread[t];

    view_join(&th->now, &th->fetched);
    view_join_stores(&th->now, &light);
    view_join_stores(&th->now, &sc);
    view_join_stores(&sc, &th->now);
    view_join_stores(&heavy, &th->now);
    fence_done(th, t);
}
