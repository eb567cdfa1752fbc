/*
 * wait.h: a goroutine that waits for time or for a descriptor. Floor 7, in five files, and a sixth beside them for one that
 * waits for the kernel (syscall.c):
 *   wait_sleep.c  trine_sleep
 *   wait_fdmu.c   who uses a descriptor: one reader, one writer, and a close that waits for them
 *   wait_poll.c   parking until a descriptor is ready, its deadline passes or it is closed
 *   wait_open.c   registering, closing
 *   wait_io.c     read, write, accept, connect
 */
#ifndef RT_WAIT_H
#define RT_WAIT_H

#include "netpoll.h"
#include "sched.h"
#include "timer.h"

/* Parks gp, the current goroutine, until then. Blocks G. */
void rt_sleep_until(struct g *gp, int64_t deadline_ns);
int64_t rt_deadline(int64_t now_ns, int64_t ns); /* now + ns, kept below the end of time */

enum pd_dir { PD_READ, PD_WRITE };

/* Locks one direction of fd, which also keeps it from being closed under its user. Waits for another user of that
 * direction: blocks G. 0, -EBADF: not open, or closed meanwhile; -EPERM: open, but not given to the poller. *seq is
 * what rt_fd_wait needs. */
int rt_fd_lock(int fd, enum pd_dir dir, struct polldesc **pd, uint32_t *seq);
void rt_fd_unlock(struct polldesc *pd, enum pd_dir dir);
/* The same without a direction; never blocks. */
int rt_fd_ref(int fd, struct polldesc **pd);
void rt_fd_unref(struct polldesc *pd);
/* Forbids further users, sends away those that wait for a direction, and leaves one reference to be dropped by
 * rt_fd_drop. 0, an error as above, or -EAGAIN: the number is in an earlier close. */
int rt_fd_shut(int fd, struct polldesc **pd);
bool rt_fd_sole(const struct polldesc *pd); /* true: there is no other user, nor can one come */
bool rt_fd_drop(struct polldesc *pd); /* true: that was the last; the caller finishes the close */
void rt_fd_finish(struct polldesc *pd); /* wait_open.c: called by the last user of a closed descriptor */

/* 0, -EBADF: closed, or its number belongs to another file by now; -ETIMEDOUT: past the deadline. */
int rt_fd_check(struct polldesc *pd, enum pd_dir dir, uint32_t seq);
/* Forgets an event that came earlier: before the read (write) that will see what it told of. */
void rt_fd_clear(struct polldesc *pd, enum pd_dir dir);
/* Parks until pd may be ready: 0, or as rt_fd_check. The direction is locked. Blocks G. */
int rt_fd_wait(struct polldesc *pd, enum pd_dir dir, uint32_t seq);
/* Sets both deadlines of a descriptor that the caller has a reference to; see trine_fd_deadline. 0, -EBADF: a close has begun,
 * -ENOMEM. */
int rt_fd_deadlines(struct polldesc *pd, int64_t read_ns, int64_t write_ns);

int rt_fd_open(int fd);      /* 0 or -errno; see trine_open_fd */
int rt_fd_close_raw(int fd); /* close(2): 0 or -errno, errno kept */
#endif
