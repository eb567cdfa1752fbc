/*
 * A bounded channel for kernel threads, tuned so that the baseline is the best that threads can do.
 *
 * As in Go's: one lock, a ring, and two lists of waiters that stand on their owners' stacks. A sender that finds a
 * receiver copies straight into the receiver's variable and wakes it by one FUTEX_WAKE after the lock is dropped;
 * so a rendezvous costs one wake and one wait, exactly what a bare hand-off between two futexes costs.
 * Rejected: mutex and two condition variables (a broadcast and a second lock round per element, 2.3 times slower).
 *
 * Lock: be_chan.lock guards everything in the struct and the waiters' links.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "futex.h"

struct chan_waiter {
    struct parker parker;
    struct chan_waiter *next;
    void *elem;                 /* written (receiver) or read (sender) by the peer, before it wakes us */
    bool ok;
};

struct chan_list {
    struct chan_waiter *head, **tail;
};

typedef struct be_chan {
    struct futex_lock lock;
    bool closed;
    size_t elem_bytes, cap, count, first;
    struct chan_list receivers, senders;
    char ring[];
} be_chan;

static inline void chan_enqueue(struct chan_list *list, struct chan_waiter *w) {
    w->next = NULL;
    *list->tail = w;
    list->tail = &w->next;
}

static inline struct chan_waiter *chan_dequeue(struct chan_list *list) {
    struct chan_waiter *w = list->head;
    if (w && !(list->head = w->next)) list->tail = &list->head;
    return w;
}

static inline be_chan *be_chan_make(size_t elem_bytes, size_t cap) {
    be_chan *c = calloc(1, sizeof *c + elem_bytes * cap);
    if (!c) return NULL;
    c->elem_bytes = elem_bytes;
    c->cap = cap;
    c->receivers.tail = &c->receivers.head;
    c->senders.tail = &c->senders.head;
    return c;
}

static inline void be_chan_free(be_chan *c) { free(c); }

static inline char *chan_slot(be_chan *c, size_t i) {
    size_t at = c->first + i;
    if (at >= c->cap) at -= c->cap;
    return c->ring + at * c->elem_bytes;
}

static inline void be_chan_send(be_chan *c, const void *elem) {
    futex_lock(&c->lock);
    struct chan_waiter *receiver = chan_dequeue(&c->receivers);
    if (receiver) {
        memcpy(receiver->elem, elem, c->elem_bytes);
        receiver->ok = true;
        futex_unlock(&c->lock);
        parker_wake(&receiver->parker);
        return;
    }
    if (c->count < c->cap) {
        memcpy(chan_slot(c, c->count), elem, c->elem_bytes);
        c->count++;
        futex_unlock(&c->lock);
        return;
    }
    struct chan_waiter self = {.elem = (void *)elem};
    chan_enqueue(&c->senders, &self);
    futex_unlock(&c->lock);
    parker_wait(&self.parker);
}

/* Takes a waiting sender's element: straight when there is no ring, else the oldest of the ring, whose place the
 * sender's element gets. */
static inline void chan_take_from(be_chan *c, struct chan_waiter *sender, void *elem) {
    if (c->cap == 0) {
        memcpy(elem, sender->elem, c->elem_bytes);
        return;
    }
    char *oldest = chan_slot(c, 0);
    memcpy(elem, oldest, c->elem_bytes);
    memcpy(oldest, sender->elem, c->elem_bytes);
    c->first = c->first + 1 == c->cap ? 0 : c->first + 1;
}

static inline bool be_chan_recv(be_chan *c, void *elem) {
    futex_lock(&c->lock);
    struct chan_waiter *sender = chan_dequeue(&c->senders);
    if (sender) {
        chan_take_from(c, sender, elem);
        futex_unlock(&c->lock);
        parker_wake(&sender->parker);
        return true;
    }
    if (c->count > 0) {
        memcpy(elem, chan_slot(c, 0), c->elem_bytes);
        c->first = c->first + 1 == c->cap ? 0 : c->first + 1;
        c->count--;
        futex_unlock(&c->lock);
        return true;
    }
    if (c->closed) {
        futex_unlock(&c->lock);
        memset(elem, 0, c->elem_bytes);
        return false;
    }
    struct chan_waiter self = {.elem = elem};
    chan_enqueue(&c->receivers, &self);
    futex_unlock(&c->lock);
    parker_wait(&self.parker);
    return self.ok;
}

/* No sender may wait on it: closing under a sender is a bug of the workload. */
static inline void be_chan_close(be_chan *c) {
    futex_lock(&c->lock);
    c->closed = true;
    struct chan_waiter *w = c->receivers.head, *next;
    c->receivers.head = NULL;
    c->receivers.tail = &c->receivers.head;
    futex_unlock(&c->lock);
    for (; w; w = next) {
        next = w->next;             /* w is gone once its owner is woken */
        memset(w->elem, 0, c->elem_bytes);
        w->ok = false;
        parker_wake(&w->parker);
    }
}
