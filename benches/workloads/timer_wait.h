/* A wait of a known length that is a real read of a real descriptor: a timerfd, blocking or through the poller. */
#pragma once

#include <sys/timerfd.h>
#include <unistd.h>

#include "point.h"

/* -1 with the point failed when it cannot be made. */
static inline int timer_wait_open(struct point *pt, bool net) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (fd < 0) point_fail(pt, "a timerfd could not be made");
    else if (net && be_net_open(fd)) point_fail(pt, "the poller refused a timerfd");
    return fd;
}

static inline bool timer_wait(int fd, bool net, int64_t ns) {
    struct itimerspec due = {.it_value = {ns / 1000000000, ns % 1000000000}};
    uint64_t ticks;
    if (timerfd_settime(fd, 0, &due, NULL)) return false;
    return (net ? be_net_read(fd, &ticks, sizeof ticks) : be_read_blocking(fd, &ticks, sizeof ticks)) == sizeof ticks;
}

static inline void timer_wait_close(int fd, bool net) {
    if (fd < 0) return;
    if (net) be_net_close(fd);
    else close(fd);
}
