/*
 * Calls over shared connections: see mux.h.
 *
 * A ticket is the slot's index and its generation. A slot's generation moves on when it is given back, so an
 * answer that comes after a cancellation finds another generation and is dropped.
 */
#include "mux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "link.h"

enum { INDEX_BITS = 20, INDEX_MASK = (1 << INDEX_BITS) - 1, GENERATIONS = 1 << (32 - INDEX_BITS) };

/* Ends the wait on a slot, if it is still on and `any` or of the ticket's generation; returns whether it was. */
static bool settle_slot(struct mux *m, uint32_t index, uint32_t generation, bool any, int status) {
    struct mux_slot *s = &m->slots[index];
    be_mutex_lock(&m->lock);
    bool waiting = s->waiting && (any || s->generation == generation);
    if (waiting) {
        s->waiting = false;
        s->status = status;
    }
    be_mutex_unlock(&m->lock);
    if (waiting) be_sema_release(&s->answered);
    return waiting;
}

static bool settle(struct mux *m, mux_ticket t, int status) {
    uint32_t index = t & INDEX_MASK;
    return index < m->nslots && settle_slot(m, index, t >> INDEX_BITS, false, status);
}

static void settle_all(struct mux *m, const struct mux_reader *r, int status) {
    for (uint32_t i = 0; i < m->nslots; i++)
        if (&m->readers[i % MUX_CONNECTIONS] == r) settle_slot(m, i, 0, true, status);
}

static void reader_task(void *arg) {
    struct mux_reader *r = arg;
    char buf[2048];
    size_t have = 0;
    ssize_t got;
    while ((got = be_net_read(r->fd, buf + have, sizeof buf - have)) > 0) {
        size_t at = 0;
        have += (size_t)got;
        for (; at + sizeof(struct service_reply) <= have; at += sizeof(struct service_reply)) {
            struct service_reply reply;
            memcpy(&reply, buf + at, sizeof reply);
            settle(r->all, reply.id, (int)reply.status);
        }
        memmove(buf, buf + at, have - at);
        have -= at;
    }
    settle_all(r->all, r, got < 0 ? (int)got : -ECONNRESET);
    be_wg_done(&r->all->left);
}

static bool send_query(struct mux *m, mux_ticket t, uint32_t wait_us) {
    struct mux_reader *r = &m->readers[(t & INDEX_MASK) % MUX_CONNECTIONS];
    struct service_query q = {t, wait_us};
    be_mutex_lock(&r->writing);
    ssize_t put = be_net_write(r->fd, &q, sizeof q);
    be_mutex_unlock(&r->writing);
    return put == (ssize_t)sizeof q;
}

mux_ticket mux_begin(struct mux *m, uint32_t wait_us) {
    be_mutex_lock(&m->lock);
    if (m->nfree == 0) {
        be_mutex_unlock(&m->lock);
        return MUX_NONE;
    }
    uint32_t i = m->free[--m->nfree];
    mux_ticket t = i | m->slots[i].generation << INDEX_BITS;
    m->slots[i].waiting = true;
    be_mutex_unlock(&m->lock);
    if (!send_query(m, t, wait_us)) settle(m, t, -ECONNRESET);
    return t;
}

int mux_wait(struct mux *m, mux_ticket t) {
    if (t == MUX_NONE) return -EAGAIN;
    struct mux_slot *s = &m->slots[t & INDEX_MASK];
    be_sema_acquire(&s->answered);
    be_mutex_lock(&m->lock);
    int status = s->status;
    s->generation = (s->generation + 1) % GENERATIONS;
    m->free[m->nfree++] = t & INDEX_MASK;
    be_mutex_unlock(&m->lock);
    return status;
}

void mux_cancel(struct mux *m, mux_ticket t) {
    if (t != MUX_NONE && settle(m, t, -ECANCELED)) send_query(m, t, SERVICE_CANCEL);
}

int mux_call(struct mux *m, uint32_t wait_us) {
    return mux_wait(m, mux_begin(m, wait_us));
}

uint32_t mux_outstanding(struct mux *m) {
    be_mutex_lock(&m->lock);
    uint32_t n = m->nslots - m->nfree;
    be_mutex_unlock(&m->lock);
    return n;
}

bool mux_open(struct point *pt, struct mux *m, const struct sockaddr_in *addr, uint64_t calls) {
    *m = (struct mux){.nslots = calls < INDEX_MASK ? (uint32_t)calls : INDEX_MASK};
    for (int i = 0; i < MUX_CONNECTIONS; i++) m->readers[i] = (struct mux_reader){.all = m, .fd = -1};
    m->slots = point_alloc(pt, m->nslots, sizeof *m->slots);
    m->free = point_alloc(pt, m->nslots, sizeof *m->free);
    if (!m->slots || !m->free) return false;
    for (m->nfree = 0; m->nfree < m->nslots; m->nfree++) m->free[m->nfree] = m->nslots - 1 - m->nfree;
    for (int i = 0; i < MUX_CONNECTIONS; i++) {
        m->readers[i].fd = link_open(addr, false);
        if (m->readers[i].fd >= 0) continue;
        point_fail(pt, "the service could not be reached: %s", strerror(-m->readers[i].fd));
        return false;
    }
    return crowd_go(pt, &m->left, reader_task, m->readers, sizeof m->readers[0], MUX_CONNECTIONS);
}

/* A shut socket reads as ended: the readers leave, and only then are the descriptors closed. */
void mux_close(struct mux *m) {
    for (int i = 0; i < MUX_CONNECTIONS; i++)
        if (m->readers[i].fd >= 0) shutdown(m->readers[i].fd, SHUT_RDWR);
    be_wg_wait(&m->left);
    for (int i = 0; i < MUX_CONNECTIONS; i++)
        if (m->readers[i].fd >= 0) link_close(m->readers[i].fd, false);
    free(m->slots);
    free(m->free);
}
