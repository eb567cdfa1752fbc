/*
 * memory.c: locations, their stores in modification order, and the views of the threads. See memory.h.
 *
 * Release sequences are C++20's: a store and the read-modify-writes chained to it. A store may land anywhere behind
 * the newest store that its thread knows, but never between a read-modify-write and the store which that one read.
 * Sequentially consistent accesses and fences share one view, sc; its order is the order of execution, so it agrees
 * with happens-before (C++17's rule). The clocks are not passed on through sc: a fence pair synchronises only
 * through a store and a load beside it.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
    uint64_t value;
    struct view view;
    uint8_t pos;
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

struct mem_thread mem_thread[MODEL_MAX_THREADS];
static struct location location[MEM_LOCATIONS];
static int nlocations;
static unsigned run;
static struct view sc;

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
    memset(mem_thread, 0, sizeof(mem_thread));
    for (int t = 0; t < nthreads; t++) {
        mem_tick(t);
        mem_thread[t].fetched = mem_thread[t].now;
    }
}

int mem_location(const void *a, size_t bytes) {
    for (int i = 0; i < nlocations; i++) {
        if (location[i].address == a) return i;
    }
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

    see(&th->now, l, store);
    if (order & MO_ACQ) view_join(&th->now, &l->store[store].view);
    view_join(&th->fetched, &l->store[store].view);
    view_join(&th->fetched, &th->now);
    if (order == MO_SC) see(&sc, l, store);
}

int mem_write(int t, int loc, int behind, uint64_t x, unsigned order, bool rmw) {
    struct location *l = fresh(loc);
    struct mem_thread *th = &mem_thread[t];
    int id = l->nstores, at = l->store[behind].pos + 1;
    struct store *s = &l->store[id];

    must(id < MEM_STORES, "too many stores to one location");
    memmove(&l->order[at + 1], &l->order[at], (size_t)(id - at));
    l->order[at] = (uint8_t)id;
    l->nstores++;
    for (int p = at; p < l->nstores; p++) l->store[l->order[p]].pos = (uint8_t)p;
    s->value = x;
    s->rmw = rmw;
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

void mem_fence_sc(int t) {
    struct mem_thread *th = &mem_thread[t];

    view_join(&th->now, &th->fetched);
    view_join_stores(&th->now, &sc);
    view_join_stores(&sc, &th->now);
    th->fetched = th->now;
    th->fenced = th->now;
    mem_tick(t);
}
