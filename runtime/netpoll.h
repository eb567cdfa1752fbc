/*
 * netpoll.h: descriptors that goroutines wait for: edge-triggered epoll. Floor 4: it returns lists of goroutines and
 * readies none. The goroutine's side (locks, deadlines, read and write) is wait.h's.
 *
 * A polldesc stands in a table indexed by the descriptor's number and is never freed, so an event may always be
 * delivered to it; `tag` tells an event of an earlier descriptor with the same number from one of this.
 *
 * rg and wg are semaphores of one: NULL, PD_READY (an event came and nobody took it yet), PD_WAIT (somebody is about
 * to park) or the goroutine that is parked. The reader's (writer's) lock in `mu` makes sure that there is one at most.
 */
#ifndef RT_NETPOLL_H
#define RT_NETPOLL_H

#include "proc.h"

#define PD_READY ((void *)1)
#define PD_WAIT ((void *)2)

enum { PD_OPEN = 1, PD_CLOSED = 2 }; /* the lowest bits of polldesc.mu; wait_fdmu.c has the others */
enum { /* bits of polldesc.info, read without the lock */
    PD_CLOSING = 1,
    PD_READ_EXPIRED = 2,
    PD_WRITE_EXPIRED = 4,
    PD_HANGUP = 8, /* the peer hung up, or urgent data came: no further edge may tell of what is there to read */
};

/* A queue of goroutines for a direction's lock, as a semaphore. */
struct pd_sema { struct glist q; uint32_t count; };

struct file_id { uint64_t dev, ino; };

struct polldesc {
    at_u64 mu;          /* who uses the descriptor: wait_fdmu.c */
    at_ptr rg, wg;      /* see above; partners: rt_netpoll_unblock and the parking side in wait_poll.c */
    at_u32 info;        /* bits set under the lock, PD_HANGUP by the poller */
    at_u32 seq;         /* written under the lock: which file this is, for those who wait; never 0 for an open descriptor */
    at_u32 tag;         /* written under the lock: tags events; changes with seq, and with what makes earlier events void */
    at_u32 nclosing;    /* closes between giving mu up and the end of their system call */
    int fd;             /* constant */
    bool tcp;           /* a short read means that nothing is left (wait_io.c) */
    bool sock;
    bool drained;       /* the reader's lock: the last read was short, so a read now would find nothing */
    int write_err;      /* the writer's lock: an error that came after the first byte of a write */
    at_u32 kept;        /* an earlier run registered this file; what it is stands below */
    struct file_id kept_id;
    struct lock lock;   /* all that follows */
    struct pd_sema rsema, wsema;
    struct file_id closing_id; /* of the latest of those: while the number is this file, it is not for others */
    struct fd_closer *closer; /* waits in trine_close for the last user to leave: wait_open.c */
    int64_t read_deadline_ns, write_deadline_ns; /* 0: none; kept when past */
    struct timer timer; /* the sooner of the two; may fire too early, never too late */
};

int rt_netpoll_init(void); /* start of a run: 0 or -errno; may be called again and by anybody */
bool rt_netpoll_inited(void);
bool rt_netpoll_any_waiters(void);
void rt_netpoll_waiter(int delta); /* one more, or one less, goroutine is parked for a descriptor */

/* Appends the goroutines whose descriptors are ready. delay_ns < 0: blocks M until there is an event or a break, 0:
 * only looks, > 0: blocks so long. Returns how many were appended. */
int rt_netpoll(int64_t delay_ns, struct glist *out);
/* Makes a blocking rt_netpoll, or the next one, return. Callable from any thread, also in a signal handler. */
void rt_netpoll_break(void);
uint64_t rt_netpoll_breaks(void); /* sleeps that were cut short, since the process began */
/* End of a run: all waiters are gone, the poller's own descriptors are closed; which files were registered is kept. */
void rt_netpoll_reset(void);
void rt_netpoll_forget_closers(void); /* in the child of a fork: the threads that were closing something are not there */
bool rt_netpoll_kept(struct polldesc *pd); /* pd->fd is a file that an earlier run registered, and not this one */

bool rt_file_id(int fd, struct file_id *id); /* which file a number is now; false: none. errno is kept */
bool rt_file_is(int fd, const struct file_id *id);

/* The polldesc of a number, or NULL when none was ever registered with a number near it. */
struct polldesc *rt_polldesc(int fd);
/* Makes it. NULL: no memory, or the number is above 2^24. */
struct polldesc *rt_polldesc_make(int fd);

/* Registers pd->fd as a new descriptor. pd->lock held; nobody is parked. 0 or -errno. */
int rt_netpoll_open(struct polldesc *pd);
/* Is pd->fd still the file that was registered? Asks the kernel to report its state anew. pd->lock held. */
bool rt_netpoll_rearm(struct polldesc *pd);
/* The same under a new tag, so that events of before are dropped. pd->lock held. 0 or -errno. */
int rt_netpoll_retag(struct polldesc *pd);
void rt_netpoll_close(struct polldesc *pd); /* pd->lock held */
bool rt_netpoll_owns(int fd);               /* the poller's own descriptors */

/* Takes a parked goroutine out of *word, or NULL. ioready: leaves PD_READY; else, if nobody waits, leaves it alone. */
struct g *rt_netpoll_unblock(at_ptr *word, bool ioready);
void rt_polldesc_info(struct polldesc *pd, uint32_t set, uint32_t clear);
#endif
