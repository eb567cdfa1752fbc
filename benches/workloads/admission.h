/*
 * What a server does with more requests than it can take: lets all in, turns away beyond a limit (503), or
 * queues them for a pool of workers, with a bound on the queue (503) and on the time in it (504).
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "point.h"

enum admission_policy { ADMIT_ALL, ADMIT_LIMIT, ADMIT_POOL };
extern const char *const admission_names[];          /* of the parameter "admission", in that order */

struct admission {
    enum admission_policy policy;
    int64_t limit, queue, timeout_ns;
    _Atomic int64_t under_way, peak, queued;
    be_chan *jobs;
    struct be_wg workers;
};

/* By the parameters admission, limit, queue and queue_timeout_ms. False: the point has failed. Close in either case. */
bool admission_open(struct point *pt, struct admission *a);
void admission_close(struct admission *a);

/* Runs handle(arg) by its policy and returns the status that it gave, or 503, or 504. Parks until then. */
int admission_run(struct admission *a, int (*handle)(void *arg), void *arg);
