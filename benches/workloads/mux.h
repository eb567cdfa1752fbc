/*
 * A service client that many tasks share: calls of all of them go over a few connections and are told apart
 * by id, as HTTP/2 or a pipelined database driver does. So ten thousand calls at once need a handful of
 * descriptors.
 *
 * mux.lock guards the table of calls; each connection has a lock for its writes and a task that reads its
 * answers.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "point.h"
#include "service.h"

enum { MUX_CONNECTIONS = 4 };

struct mux_slot {
    struct be_sema answered;
    uint32_t generation;
    int status;
    bool waiting;
};

struct mux {
    struct be_mutex lock;
    struct mux_slot *slots;
    uint32_t *free;
    uint32_t nslots, nfree;
    struct mux_reader {
        struct mux *all;
        int fd;
        struct be_mutex writing;
    } readers[MUX_CONNECTIONS];
    struct be_wg left;
};

/* A call under way; valid until mux_wait has returned. */
typedef uint32_t mux_ticket;
#define MUX_NONE UINT32_MAX

/* Room for `calls` (at most a million) at once. False: the point has failed. Close it in either case. */
bool mux_open(struct point *pt, struct mux *m, const struct sockaddr_in *addr, uint64_t calls);
void mux_close(struct mux *m);

/* MUX_NONE: no slot is free, or the connection is gone. */
mux_ticket mux_begin(struct mux *m, uint32_t wait_us);
/* Parks until answered: a service_status, or -errno; -ECANCELED after mux_cancel. Once for each ticket. */
int mux_wait(struct mux *m, mux_ticket t);
/* Any task: ends the wait and tells the service; nothing when the answer came first or the ticket is old. */
void mux_cancel(struct mux *m, mux_ticket t);

/* Begin and wait. */
int mux_call(struct mux *m, uint32_t wait_us);

/* Calls under way. */
uint32_t mux_outstanding(struct mux *m);
